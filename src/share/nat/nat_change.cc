// Other settings while bindings exist: what may stay stays, with its port, its block and its sessions, and
// nobody gets what another has. Looks at each binding, so it takes as long as there are many; of timeouts in
// portions.
#include <algorithm>
#include <utility>
#include <vector>

#include "share/nat/nat_lookup.h"

namespace yonroku::share {

std::string_view to_string(NatEnd end) {
  constexpr std::string_view kTexts[kNatEndCount] = {"none",
                                                     "nat-removed",
                                                     "static-binding-removed",
                                                     "port-of-static-binding",
                                                     "mapping-changed",
                                                     "port-not-given-out"};
  return kTexts[static_cast<std::size_t>(end)];
}

NatChange::NatChange(const NatSettings& before, const NatSettings& after, uint16_t worker, uint16_t workers)
    : changes_places_(true),
      same_pools_(after.pools == before.pools && after.subscribers == before.subscribers),
      same_mapping_(after.mapping == before.mapping) {
  if (same_pools_ && same_mapping_ && after.static_bindings == before.static_bindings) {
    changes_places_ = false;
    return;
  }
  static_bindings_ = after.static_bindings;
  for (std::size_t i = 0; i < static_bindings_.size(); ++i) {
    const StaticBinding& b = static_bindings_[i];
    by_place_.emplace_back(key_of_place({b.outside, b.outside_port}, b.protocol), i);
  }
  std::ranges::sort(by_place_);
  pool_.emplace(after, worker, workers);
}

const StaticBinding* NatChange::static_binding_at(uint64_t place) const {
  const auto at = std::ranges::lower_bound(by_place_, place, {}, &std::pair<uint64_t, std::size_t>::first);
  return at != by_place_.end() && at->first == place ? &static_bindings_[at->second] : nullptr;
}

void Nat::change(const NatSettings& settings, Instant now) noexcept {
  now_ = now;
  candidate_ = kNone;
  if (settings == settings_) {  // the mechanism may have changed
    withdraw_offers();
    if (marks_) review_from_ = 0;
    return;
  }
  end_all_flows();
  const bool same_timeouts = settings.timeouts == settings_.timeouts;
  NatChange change(settings_, settings, pool_.worker(), pool_.workers());
  if (change.changes_places()) {
    change_places(settings, change);
  } else {
    settings_ = settings;
    set_timeouts();
  }
  if (!same_timeouts) shorten_from_ = 0;
}

NatEnd Nat::why_ends(const Binding& binding, const NatChange& change) const noexcept {
  if (change.is_removal_) return NatEnd::NatRemoved;
  if (!change.changes_places_) return NatEnd::None;
  const StaticBinding* const here =
      change.static_binding_at(key_of_place({binding.outside, binding.outside_port}, binding.protocol()));
  if (binding.is_static()) {
    // Ports that follow from a number may be another worker's now, and so is all of the host's.
    const bool stays = here != nullptr &&
                       (change.same_pools_ || settings_.allocation != PortAllocation::Deterministic) &&
                       here->inside == binding.inside_ipv6 && here->inside_ipv4 == binding.inside_ipv4 &&
                       here->inside_port == binding.inside_port;
    return stays ? NatEnd::None : NatEnd::StaticBindingRemoved;
  }
  if (here != nullptr) return NatEnd::PortOfStaticBinding;
  if (!change.same_mapping_) return NatEnd::MappingChanged;
  return change.same_pools_ || keeps_place(binding, *change.pool_) ? NatEnd::None : NatEnd::PortNotGivenOut;
}

// Whether a binding that the NAT made itself has a place in another pool, too.
bool Nat::keeps_place(const Binding& binding, const PortPool& pool) const noexcept {
  if (settings_.allocation == PortAllocation::Deterministic) return false;
  const auto there = pool.place_of(binding.outside, binding.outside_port);
  if (!there) return false;
  const PortPool::Span share = pool.share_of(there->address);
  if (there->slot < share.begin || there->slot >= share.end) return false;
  if (settings_.allocation == PortAllocation::Dynamic) return true;
  const auto here = pool_.place_of(binding.outside, binding.outside_port);
  return here && pool_.slots_of(here->address) == pool.slots_of(there->address);
}

void Nat::change_places(const NatSettings& settings, NatChange& change) noexcept {
  PortPool& pool = *change.pool_;
  for (uint32_t id = 0; id < bindings_.used(); ++id)
    if (is_in_use(id) && why_ends(bindings_[id], change) != NatEnd::None) end_all_of(id);
  for (uint32_t id = 0; id < bindings_.used(); ++id) {
    const Binding& b = bindings_[id];
    if (!is_in_use(id) || b.is_shared()) continue;
    if (const auto place = pool.place_of(b.outside, b.outside_port)) (void)pool.take(*place, b.protocol());
  }
  move_subscribers(pool, change.same_pools_);
  PortPool before = std::exchange(pool_, std::move(pool));
  settings_ = settings;
  set_timeouts();
  add_static_bindings(tick_of(now_));
  pool_.take_over_rests(std::move(before));
}

// Addresses have other numbers in another pool. Whoever still has a block has it there as well.
void Nat::move_subscribers(const PortPool& pool, bool same_pools) noexcept {
  std::vector<std::vector<bool>> blocks_taken(pool.address_count());
  const auto take = [&](uint32_t address, uint32_t number) {
    auto& taken = blocks_taken[address];
    if (taken.empty()) taken.resize(pool.share_of(address).end / settings_.block_size);
    taken[number] = true;
    ++used_blocks_;
  };
  used_blocks_ = 0;
  const bool has_blocks = settings_.allocation == PortAllocation::Blocks;
  for (uint32_t id = 0; id < subscribers_.used(); ++id) {
    Subscriber& s = subscribers_[id];
    if (s.bindings == 0 || s.address == kNone) continue;
    s.address = pool.number_of(pool_.address(s.address)).value_or(kNone);
    if (settings_.allocation == PortAllocation::Deterministic && !same_pools) {
      s.address = kNone;
      s.blocks[0] = {};
    }
    for (const Block& block : s.blocks)
      if (has_blocks && block.number != kNone) take(s.address, block.number);
  }
  ChunkedQueue<RestingBlock> rest_on;
  for (; !resting_blocks_.empty(); resting_blocks_.pop()) {
    const RestingBlock& block = resting_blocks_.front();
    const auto address = pool.number_of(pool_.address(block.address));
    if (!address || pool.slots_of(*address) != pool_.slots_of(block.address)) continue;
    rest_on.push({block.until, *address, block.number});
    take(*address, block.number);
  }
  resting_blocks_ = std::move(rest_on);
  blocks_taken_ = std::move(blocks_taken);
}

// What has longer to go than the timeouts of now allow ends as if its last packet had come now. Looks at
// `most` places. Whoever moves to a place that was looked at already is shortened on the way (end_session()).
void Nat::shorten_sessions(Tick now, std::size_t most) noexcept {
  const auto shorten = [&](uint32_t session, NatProtocol protocol) {
    Session& s = at(session);
    const Tick latest = now + lifetime_of(s, protocol);
    if (!is_past(s.expires, latest)) s.expires = latest;
    // Even if a packet has shortened it meanwhile: it is still where the old timeout put it.
    wheel_of(s).cancel(session, links());
    begin_timer(session);
  };
  uint64_t& place = shorten_from_;
  for (; place < bindings_.used(); ++place) {
    if (most-- == 0) return;
    const auto id = static_cast<uint32_t>(place);
    if (is_in_use(id) && bindings_[id].has_session()) shorten(id, bindings_[id].protocol());
  }
  for (place = std::max(place, kFurtherSessions); place - kFurtherSessions < further_.used(); ++place) {
    if (most-- == 0) return;
    const auto id = static_cast<uint32_t>(place - kFurtherSessions);
    if (further_[id].binding != kNone) shorten(id | kFurther, bindings_[further_[id].binding].protocol());
  }
  place = kEnd;
}

// Static bindings have room whoever has to go. Goes on at `from`; false when there are too many of them.
bool Nat::make_room(uint32_t& from) noexcept {
  const auto is_full = [&] { return bindings_.is_full() || subscribers_.is_full(); };
  for (; is_full() && from < bindings_.used(); ++from)
    if (is_in_use(from) && !bindings_[from].is_static()) end_all_of(from);
  return !is_full();
}

// The binding with all its sessions, static or not.
void Nat::end_all_of(uint32_t binding) noexcept {
  const Binding& b = bindings_[binding];
  while (b.further != kNone) end_session(b.further | kFurther, SessionEnd::Removed);
  if (b.has_session()) end_session(binding, SessionEnd::Removed);
  if (is_in_use(binding)) end_binding(binding, Rest::No);
}

}  // namespace yonroku::share
