// What an instance's NAT holds, put together from its workers.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "control/instance.h"

namespace yonroku::control {
namespace {

// Where a look from there goes on that came to `end`.
std::optional<NatPlace> place_after(const NatPlace& from, uint64_t end, std::size_t workers) {
  if (end != share::Nat::kEnd) return NatPlace{from.worker, end};
  if (from.worker + 1 < workers) return NatPlace{from.worker + 1, 0};
  return std::nullopt;
}

void add(share::PoolAddressView& sum, const share::PoolAddressView& other) {
  sum.ports += other.ports;
  for (std::size_t i = 0; i < sum.used.size(); ++i) sum.used[i] += other.used[i];
}

void add(share::TakenPorts& sum, const share::TakenPorts& other) {
  for (std::size_t i = 0; i < sum.bits.size(); ++i)
    std::ranges::transform(sum.bits[i], other.bits[i], sum.bits[i].begin(), std::bit_or());
}

}  // namespace

Result<void> Instance::ask_nat(std::size_t worker, const NatQuestion& question,
                               std::chrono::milliseconds limit) const {
  return ask(
      worker,
      [&](engine::Pipeline& pipeline, Instant now) {
        if (share::Nat* const nat = pipeline.nat(); nat != nullptr) question(*nat, now);
      },
      limit);
}

Result<void> Instance::ask(std::size_t worker, const Question& question,
                           std::chrono::milliseconds limit) const {
  if (workers_[worker]->ask(question, limit)) return {};
  return fail(settings_.name, fmt::format("worker {} did not answer within {} ms", worker, limit.count()),
              "it is very busy: try again");
}

NatQuery Instance::widened(NatQuery query) const {
  if (auto& subscriber = query.filter.subscriber; subscriber && subscriber->length() == 128)
    subscriber = Ipv6Prefix::holding(subscriber->address(), settings_.nat.subscriber_prefix_length);
  return query;
}

Result<std::shared_ptr<const NatEventRings>> Instance::follow_nat() {
  constexpr std::chrono::milliseconds kLimit{1000};
  if (nat_events_ == nullptr)
    nat_events_ = std::make_shared<NatEventRings>(
        workers_.size(), log_ != nullptr ? log_->ring_capacity() : engine::NatEventRing::kCapacity);
  for (std::size_t i = 0; i < workers_.size(); ++i)
    TRY(ask_nat(
        i, [&](share::Nat& nat, Instant) { nat.set_event_sink(&nat_events_->of_worker[i]); }, kLimit));
  ++nat_followers_;
  return nat_events_;
}

void Instance::leave_nat() {
  constexpr std::chrono::milliseconds kLimit{1000};
  if (--nat_followers_ > 0) return;
  bool is_quiet = true;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    if (!ask_nat(i, [](share::Nat& nat, Instant) { nat.set_event_sink(nullptr); }, kLimit)) is_quiet = false;
  // A worker that did not answer goes on writing, and the rings stay for it.
  if (is_quiet) nat_events_.reset();
}

Result<NatPiece> Instance::look_at_nat(const NatQuery& query, const NatPlace& from, std::size_t most) const {
  constexpr std::chrono::milliseconds kLimit{1000};
  const NatQuery asked = widened(query);
  NatPiece piece;
  // Every worker has its share of every address.
  if (query.table == NatTable::Ports) {
    uint64_t end = share::Nat::kEnd;
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
      NatPiece share;
      if (query.has_taken_ports) share.taken.reserve(1);
      TRY(ask_nat(
          worker,
          [&](share::Nat& nat, Instant now) { end = look_at(nat, asked, from.entry, most, now, share); },
          kLimit));
      if (worker == 0) {
        piece = std::move(share);
        continue;
      }
      for (std::size_t i = 0; i < std::min(piece.ports.size(), share.ports.size()); ++i)
        add(piece.ports[i], share.ports[i]);
      for (std::size_t i = 0; i < std::min(piece.taken.size(), share.taken.size()); ++i)
        add(piece.taken[i], share.taken[i]);
    }
    if (end != share::Nat::kEnd) piece.next = NatPlace{0, end};
    return piece;
  }
  if (from.worker >= workers_.size()) return piece;
  // Room is made here and not in the worker.
  const std::size_t room = std::min(most, kNatPlacesAtOnce);
  switch (query.table) {
    case NatTable::Bindings: piece.bindings.reserve(room); break;
    case NatTable::Sessions: piece.sessions.reserve(room); break;
    case NatTable::Subscribers: piece.subscribers.reserve(room); break;
    case NatTable::Ports: break;
  }
  uint64_t end = share::Nat::kEnd;
  TRY(ask_nat(
      from.worker,
      [&](share::Nat& nat, Instant now) { end = look_at(nat, asked, from.entry, most, now, piece); },
      kLimit));
  piece.next = place_after(from, end, workers_.size());
  return piece;
}

Result<NatEndPiece> Instance::look_at_ends(const InstancePreview& preview, const NatPlace& from) const {
  constexpr std::chrono::milliseconds kLimit{1000};
  if (preview.generation != snapshot_->generation)
    return fail(settings_.name, "the configuration was reloaded meanwhile", "try again");
  NatEndPiece piece;
  if (preview.nat_changes == nullptr || from.worker >= workers_.size()) return piece;
  piece.ends.reserve(kNatPlacesAtOnce);
  uint64_t end = share::Nat::kEnd;
  TRY(ask_nat(
      from.worker,
      [&](share::Nat& nat, Instant now) {
        end = nat.visit_ends((*preview.nat_changes)[from.worker], from.entry, kNatPlacesAtOnce, now,
                             [&](const share::NatEndView& view) { piece.ends.push_back(view); });
      },
      kLimit));
  piece.next = place_after(from, end, workers_.size());
  return piece;
}

Result<NatStatus> Instance::nat_status() const {
  constexpr std::chrono::milliseconds kLimit{100};
  NatStatus status;
  status.max_sessions = settings_.nat.max_sessions;
  if (settings_.alg.is_on()) status.alg.emplace();
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    std::vector<share::PoolAddressView> addresses;
    addresses.reserve(NatStatus::kMostAddresses);
    TRY(ask(
        worker,
        [&](engine::Pipeline& pipeline, Instant) {
          if (status.alg && pipeline.alg() != nullptr) status.alg->add(pipeline.alg()->counts());
          if (pipeline.nat() == nullptr) return;
          const share::Nat& nat = *pipeline.nat();
          status.counts.add(nat.counts());
          status.addresses = nat.address_count();
          (void)nat.visit_addresses(0, NatStatus::kMostAddresses,
                                    [&](const share::PoolAddressView& view) { addresses.push_back(view); });
        },
        kLimit));
    if (worker == 0) {
      status.by_address = std::move(addresses);
      continue;
    }
    for (std::size_t i = 0; i < std::min(status.by_address.size(), addresses.size()); ++i)
      add(status.by_address[i], addresses[i]);
  }
  return status;
}

Result<share::NatCounts> Instance::nat_counts() const {
  constexpr std::chrono::milliseconds kLimit{100};
  share::NatCounts sum;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker)
    TRY(ask_nat(worker, [&](share::Nat& nat, Instant) { sum.add(nat.counts()); }, kLimit));
  return sum;
}

}  // namespace yonroku::control
