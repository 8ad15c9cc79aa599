#include "control/instance.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <tuple>
#include <unordered_set>

#include "control/offload_view.h"
#include "io/huge_pages.h"

namespace yonroku::control {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32 | device()) | 1;
}

std::string to_text(const share::EamMapping& mapping) {
  return mapping.ipv4.to_string() + " <-> " + mapping.ipv6.to_string();
}

void add(share::PoolAddressView& sum, const share::PoolAddressView& other) {
  sum.ports += other.ports;
  for (std::size_t i = 0; i < sum.used.size(); ++i) sum.used[i] += other.used[i];
}

void add(share::TakenPorts& sum, const share::TakenPorts& other) {
  for (std::size_t i = 0; i < sum.bits.size(); ++i)
    std::ranges::transform(sum.bits[i], other.bits[i], sum.bits[i].begin(), std::bit_or());
}

// The CLAT's own address is a mapping that the settings imply.
std::optional<share::EamMapping> clat_mapping(const config::InstanceSettings& settings) {
  if (!settings.clat_address) return std::nullopt;
  return share::EamMapping{Ipv4Prefix::holding(settings.clat_ipv4, 32),
                           Ipv6Prefix::holding(*settings.clat_address, 128)};
}

}  // namespace

Instance::Instance(const config::InstanceSettings& settings, Netlink netlink)
    : settings_(settings),
      link_(settings.device, std::move(netlink)),
      since_(std::chrono::system_clock::now()) {}

// The device and its routes go away with its last queue, after the workers.
Instance::~Instance() {
  for (auto& worker : workers_) worker->stop();
  if (offload_ != nullptr && offload_->is_leaving()) leave_flows();
  if (offload_ != nullptr) offload_->remove(offload_number_);
  if (nat_events_ != nullptr) nat_events_->have_ended.store(true, std::memory_order_release);
  if (log_ != nullptr) log_->end(settings_.name);
}

Result<std::unique_ptr<Instance>> Instance::open(const config::InstanceSettings& settings,
                                                 const io::Steering& steering, fastpath::Offload* offload) {
  std::pmr::memory_resource* const memory =
      offload != nullptr ? &offload->table_memory() : io::huge_page_memory();
  Tables tables = TRY(build_tables(settings, random_seed(), memory));
  const LinkPlan plan = TRY(plan_link(settings));
  std::unique_ptr<Instance> instance(new Instance(settings, TRY(Netlink::open())));
  instance->tables_ = std::move(tables);
  instance->tables_.services = build_services(settings.services, instance->service_numbers_);
  instance->snapshot_ = build_snapshot(settings, instance->tables_);
  instance->forget_tables();
  instance->count_rules();

  auto device = TRY(io::open_tun(settings.device, settings.workers,
                                 config::translates(settings.mechanism) ? nullptr : &steering));
  instance->make_workers(std::move(device.queues));
  TRY(instance->link_.bring_up(plan));
  TRY(instance->link_.prepare(plan));
  instance->link_.commit(plan);
  if (offload != nullptr) {
    instance->offload_number_ = TRY(offload->add(settings.name, settings.device, offload_wish(settings)));
    instance->offload_ = offload;
    instance->tell_offload();
    instance->offload_flows();
  }
  return instance;
}

void Instance::make_workers(std::vector<io::TunQueue> queues) {
  const auto count = static_cast<uint16_t>(queues.size());
  for (uint16_t i = 0; i < count; ++i)
    workers_.push_back(
        std::make_unique<engine::Worker>(std::move(queues[i]), snapshot_.get(), random_seed(), i, count));
  std::vector<engine::Worker*> peers;
  for (const auto& worker : workers_) peers.push_back(worker.get());
  for (auto& worker : workers_) worker->set_peers(peers);
}

void Instance::start_workers(natlog::Log* log) {
  for (auto& worker : workers_) worker->prepare();
  if (log != nullptr) (void)begin_log(*log);  // at once: no thread is at work
  recover_flows();
  for (auto& worker : workers_) worker->start();
}

// Sessions that the offload has gone on with since an earlier program.
void Instance::recover_flows() {
  for (std::size_t worker = 0; worker < flows_.size(); ++worker) {
    const auto recover = [&](share::Nat& nat, Instant now) {
      const auto recovered = flows_[worker]->recover(nat, now, [&](const share::OffloadedSession& session) {
        return may_offload(snapshot_->mechanism, session);
      });
      recovered_.kept += recovered.kept;
      recovered_.removed += recovered.removed;
    };
    (void)ask_nat(worker, recover, std::chrono::milliseconds{0});  // at once: no thread is at work
  }
  if (recovered_.kept + recovered_.removed != 0)
    spdlog::info("{}: {} sessions went on in the offload and are recovered, {} end", settings_.name,
                 recovered_.kept, recovered_.removed);
}

// Sessions go on in the offload after this program, those too that were the engine's so far.
void Instance::leave_flows() {
  share::NatCounts counts;
  for (std::size_t worker = 0; worker < flows_.size(); ++worker) {
    const auto leave = [&](share::Nat& nat, Instant /*now*/) {
      nat.offload_all([&](share::OffloadedSession& session) {
        const auto ends = ends_of(snapshot_->mechanism, session);
        if (ends) std::tie(session.near, session.far) = std::tie(ends->source, ends->destination);
        return ends.has_value();
      });
      counts.add(nat.counts());
    };
    (void)ask_nat(worker, leave, std::chrono::milliseconds{0});  // at once: no thread is at work any more
  }
  uint64_t sessions = 0;
  for (const auto protocol : {share::NatProtocol::Udp, share::NatProtocol::Tcp, share::NatProtocol::Icmp})
    sessions += counts.sessions_of(protocol);
  if (sessions != 0)
    spdlog::info("{}: {} sessions go on in the offload, {} end", settings_.name, counts.offloaded_sessions,
                 sessions - counts.offloaded_sessions);
}

// The tables have them: a million mappings are not kept twice.
void Instance::forget_tables() {
  // Not `= {}`, which keeps the memory.
  settings_.mappings = std::vector<share::EamMapping>();
  settings_.rules = std::vector<share::MapRule>();
}

std::pmr::memory_resource* Instance::table_memory() const {
  return offload_ != nullptr ? &offload_->table_memory() : io::huge_page_memory();
}

// After every change of the tables or the settings, and before anything that was replaced is freed.
void Instance::tell_offload() {
  if (offload_ != nullptr)
    offload_->serve(offload_number_, offload_view(offload_number_, snapshot_->mechanism, tables_));
}

// Before the workers are started.
void Instance::offload_flows() {
  const auto kind = flow_kind(settings_.mechanism);
  if (!kind) return;
  const auto records = static_cast<uint32_t>(flow_records(settings_) / workers_.size());
  for (auto& worker : workers_) {
    auto flows = offload_->flows_for(offload_number_, *kind, records);
    if (flows == nullptr) return;
    worker->set_session_offload(flows.get());
    flows_.push_back(std::move(flows));
  }
}

void Instance::count_rules() {
  if (tables_.rules) rule_use_ = RuleUse(settings_, *tables_.rules);
}

void Instance::await_quiescence() const {
  for (const auto& worker : workers_) worker->await_quiescence();
}

void Instance::use(std::unique_ptr<engine::Snapshot> snapshot) {
  snapshot->generation = snapshot_->generation + 1;
  for (auto& worker : workers_) worker->use(snapshot.get());
  std::swap(snapshot_, snapshot);
  tell_offload();
  await_quiescence();  // then the old one is freed
}

Result<void> Instance::prepare_reload(const config::InstanceSettings& settings) {
  plan_ = TRY(plan_link(settings));
  TRY(check(change_to(settings.mappings, settings), settings));
  // Rules are replaced whole, together with everything else that a snapshot holds.
  next_rules_ = nullptr;
  if (config::has_rules(settings.mechanism))
    next_rules_ = TRY(build_rule_table(settings, random_seed(), table_memory()));
  return link_.prepare(plan_);
}

Result<void> Instance::check_reload(const config::InstanceSettings& settings) const {
  TRY(plan_link(settings));
  return check(change_to(settings.mappings, settings), settings);
}

InstancePreview Instance::preview(const config::InstanceSettings* settings) const {
  InstancePreview preview{settings_.name,
                          settings != nullptr ? InstanceChange::Kept : InstanceChange::Removed,
                          snapshot_->generation,
                          {}};
  if (!config::has_nat(settings_.mechanism)) return preview;
  std::vector<share::NatChange> changes;
  const auto count = static_cast<uint16_t>(workers_.size());
  for (uint16_t worker = 0; worker < count; ++worker)
    changes.push_back(settings != nullptr ? share::NatChange(settings_.nat, settings->nat, worker, count)
                                          : share::NatChange::removal());
  if (std::ranges::any_of(changes, &share::NatChange::changes_places))
    preview.nat_changes = std::make_shared<const std::vector<share::NatChange>>(std::move(changes));
  return preview;
}

void Instance::commit_reload(const config::InstanceSettings& settings) {
  apply(change_to(settings.mappings, settings));
  settings_ = settings;
  forget_tables();
  if (offload_ != nullptr) offload_->set_wish(offload_number_, offload_wish(settings));
  if (next_rules_) {
    if (log_ != nullptr) log(difference(*next_rules_));
    tables_.rules = std::move(next_rules_);
  }
  count_rules();
  tables_.services = build_services(settings.services, service_numbers_, down_servers_);
  use(build_snapshot(settings, tables_));
  if (log_ != nullptr) log_->change_settings(settings_);
  link_.commit(plan_);
}

void Instance::use_down_servers(const DownServers& down) {
  if (down == down_servers_) return;
  down_servers_ = down;
  tables_.services = build_services(settings_.services, service_numbers_, down);
  use(build_snapshot(settings_, tables_));
}

Result<std::vector<ServiceStatus>> Instance::service_status() const {
  constexpr std::chrono::milliseconds kLimit{100};
  std::vector<uint64_t> flows(tables_.services->server_numbers());
  for (std::size_t worker = 0; worker < workers_.size(); ++worker)
    if (!workers_[worker]->ask(
            [&](engine::Pipeline& pipeline, Instant) {
              const auto counted = pipeline.server_flows();
              for (std::size_t i = 0; i < std::min(flows.size(), counted.size()); ++i) flows[i] += counted[i];
            },
            kLimit))
      return fail(settings_.name,
                  fmt::format("worker {} did not answer within {} ms", worker, kLimit.count()),
                  "it is very busy: try again");
  std::vector<ServiceStatus> services;
  for (const config::ServiceSettings& settings : settings_.services) {
    const share::Service& built = *tables_.services->find(settings.key);
    ServiceStatus& service = services.emplace_back(ServiceStatus{settings.key, built.number(), {}});
    for (const config::ServerSettings& server : settings.servers)
      service.servers.push_back({{settings.key, server.endpoint.address, server.endpoint.port},
                                 server.weight,
                                 flows[built.find(server.endpoint)->number],
                                 std::nullopt});
  }
  return services;
}

Instance::Change Instance::change_to(std::span<const share::EamMapping> mappings,
                                     const config::InstanceSettings& settings) const {
  struct Hash {
    std::size_t operator()(const Ipv4Prefix& p) const {
      return std::hash<uint64_t>()(uint64_t{p.length()} << 32 | p.address().value());
    }
  };
  Change change;
  std::unordered_set<Ipv4Prefix, Hash> kept;
  kept.reserve(mappings.size() + 1);
  const auto keep = [&](const share::EamMapping& mapping) {
    kept.insert(mapping.ipv4);
    const auto present = tables_.eam->at(mapping.ipv4);
    if (!present) {
      change.add.push_back(mapping);
    } else if (*present != mapping) {
      change.replace.push_back(mapping);
    }
  };
  if (const auto own = clat_mapping(settings)) keep(*own);
  for (const auto& mapping : mappings) keep(mapping);
  tables_.eam->for_each([&](const share::EamMapping& mapping) {
    if (!kept.contains(mapping.ipv4)) change.remove.push_back(mapping.ipv4);
  });
  return change;
}

// Would every step be accepted? IPv6 prefixes that the change frees may be taken by it.
Result<void> Instance::check(const Change& change, const config::InstanceSettings& settings) const {
  std::set<Ipv6Prefix> freed;
  std::set<Ipv6Prefix> taken;
  std::set<Ipv4Prefix> new_ipv4;
  const auto own = clat_mapping(settings);
  for (const Ipv4Prefix& ipv4 : change.remove) {
    const auto mapping = tables_.eam->at(ipv4);
    if (!mapping)
      return fail(settings_.name, "no mapping for " + ipv4.to_string(), "`yonroku mappings list` shows them");
    if (own && own->ipv4 == ipv4)
      return fail(settings_.name, ipv4.to_string() + " is the CLAT's own mapping",
                  "change `clat-address` instead");
    freed.insert(mapping->ipv6);
  }
  for (const auto& mapping : change.replace) {
    if (own && own->ipv4 == mapping.ipv4 && mapping != *own)
      return fail(settings_.name, to_text(mapping) + ": the CLAT's own mapping is " + to_text(*own),
                  "change `clat-address` instead");
    freed.insert(tables_.eam->at(mapping.ipv4)->ipv6);
  }
  const auto may_take = [&](const share::EamMapping& mapping) -> Result<void> {
    if (const auto refusal = share::EamTable::check(mapping); refusal != share::EamTable::Refusal::None)
      return fail(settings_.name, to_text(mapping) + ": " + std::string(share::describe(refusal)));
    const auto holder = tables_.eam->at(mapping.ipv6);
    if ((holder && !freed.contains(mapping.ipv6)) || !taken.insert(mapping.ipv6).second)
      return fail(settings_.name, to_text(mapping) + ": another mapping has the same IPv6 prefix" +
                                      (holder ? " (" + to_text(*holder) + ")" : ""));
    return {};
  };
  for (const auto& mapping : change.replace) TRY(may_take(mapping));
  for (const auto& mapping : change.add) {
    TRY(may_take(mapping));
    if (tables_.eam->at(mapping.ipv4) || !new_ipv4.insert(mapping.ipv4).second)
      return fail(settings_.name, to_text(mapping) + ": another mapping has the same IPv4 prefix",
                  "remove that one first, or use `mappings replace`");
  }
  return {};
}

// The routes that a change adds, before it; those that it makes superfluous, after it (remove_routes).
Result<void> Instance::add_routes(const Change& change) {
  if (settings_.routes == config::RouteMode::Manual) return {};
  const bool is_clat = settings_.mechanism == config::Mechanism::Clat;
  if (is_clat ? settings_.ipv6_routes.has_value() : settings_.ipv4_routes.has_value()) return {};
  std::vector<share::EamMapping> mappings = change.add;
  if (is_clat) mappings.insert(mappings.end(), change.replace.begin(), change.replace.end());
  std::vector<share::EamMapping> covered;
  for (const auto& mapping : mappings) {
    const auto is_new = is_clat ? link_.cover(mapping.ipv6) : link_.cover(mapping.ipv4);
    if (!is_new) {
      for (const auto& other : covered) remove_route_of(other);
      return std::unexpected(is_new.error());
    }
    if (*is_new) covered.push_back(mapping);
  }
  return {};
}

// A CLAT's mapped addresses are reached over IPv6, a SIIT's over IPv4.
void Instance::remove_route_of(const share::EamMapping& mapping) {
  if (settings_.routes == config::RouteMode::Manual) return;
  if (settings_.mechanism == config::Mechanism::Clat) {
    if (!settings_.ipv6_routes) link_.uncover(mapping.ipv6);
  } else if (!settings_.ipv4_routes) {
    link_.uncover(mapping.ipv4);
  }
}

void Instance::apply(const Change& change) {
  if (log_ != nullptr) log(difference(change));
  // Making room copies the table: not for every small change.
  if (change.add.size() > tables_.eam->size() / 8)
    tables_.eam->reserve(tables_.eam->size() + change.add.size());
  // A replacement whose IPv6 prefix is still held by another one that changes too waits until that is gone.
  for (const Ipv4Prefix& ipv4 : change.remove) (void)tables_.eam->remove(ipv4);
  std::vector<share::EamMapping> waiting;
  for (const auto& mapping : change.replace)
    if (tables_.eam->replace(mapping) != share::EamTable::Refusal::None) waiting.push_back(mapping);
  for (const auto& mapping : waiting) (void)tables_.eam->remove(mapping.ipv4);
  for (const auto& mapping : waiting) (void)tables_.eam->add(mapping);
  for (const auto& mapping : change.add) (void)tables_.eam->add(mapping);
  tell_offload();
  if (const auto retired = tables_.eam->take_retired(); !retired.empty()) await_quiescence();
}

Result<void> Instance::change_mappings(const Change& change) {
  TRY(check(change, settings_));
  TRY(add_routes(change));
  std::vector<share::EamMapping> gone;
  for (const Ipv4Prefix& ipv4 : change.remove) gone.push_back(*tables_.eam->at(ipv4));
  if (settings_.mechanism == config::Mechanism::Clat)
    for (const auto& mapping : change.replace) gone.push_back(*tables_.eam->at(mapping.ipv4));
  apply(change);
  const bool is_clat = settings_.mechanism == config::Mechanism::Clat;
  for (const auto& mapping : gone)
    if (is_clat ? !tables_.eam->at(mapping.ipv6) : !tables_.eam->at(mapping.ipv4)) remove_route_of(mapping);
  return {};
}

Result<void> Instance::add_rules(std::span<const share::MapRule> rules) {
  TRY(check_new_rules(settings_, *tables_.rules, rule_use_, rules, random_seed()));
  // A route comes before the first of its rules.
  std::vector<Ipv4Prefix> covered;
  std::set<Ipv4Prefix> seen;  // a search among all routes only once for each
  if (rule_use_.has_routes())
    for (const auto& rule : rules) {
      if (rule_use_.users_of(rule.ipv4()) > 0 || !seen.insert(rule.ipv4()).second) continue;
      const auto is_new = link_.cover(rule.ipv4());
      if (!is_new) {
        for (const Ipv4Prefix& prefix : covered) link_.uncover(prefix);
        return std::unexpected(is_new.error());
      }
      if (*is_new) covered.push_back(rule.ipv4());
    }
  share::MapRuleTable& table = *tables_.rules;
  if (rules.size() > table.size() / 8) table.reserve(table.size() + rules.size());
  for (const auto& rule : rules) {
    (void)table.add(rule);
    rule_use_.add(rule);
  }
  if (log_ != nullptr) log({.added_rules = {rules.begin(), rules.end()}});
  free_retired_rules();
  return {};
}

void Instance::remove_rules(std::span<const share::MapRuleKey> keys) {
  natlog::TableChange logged;
  for (const auto& key : keys) {
    const auto rule = tables_.rules->at(key);
    if (!rule) continue;
    (void)tables_.rules->remove(key);
    rule_use_.remove(*rule);
    if (rule_use_.has_routes() && rule_use_.users_of(rule->ipv4()) == 0) link_.uncover(rule->ipv4());
    if (log_ != nullptr) logged.removed_rules.push_back(*rule);
  }
  if (log_ != nullptr) log(std::move(logged));
  free_retired_rules();
}

Result<void> Instance::replace_rules(std::vector<share::MapRule> rules) {
  config::InstanceSettings next = settings_;
  next.rules = std::move(rules);
  TRY(prepare_reload(next));
  next.rules = {};  // the table has them
  commit_reload(next);
  return {};
}

// Workers may still look at what a change has replaced.
void Instance::free_retired_rules() {
  tell_offload();
  if (const auto retired = tables_.rules->take_retired(); !retired.empty()) await_quiescence();
}

observe::Totals Instance::totals() const {
  observe::Totals totals;
  for (const auto& worker : workers_) totals.add(worker->counters());
  if (offload_ != nullptr) add(totals, offload_->counters(offload_number_));
  return totals;
}

std::vector<std::optional<std::chrono::nanoseconds>> Instance::cpu_times() const {
  std::vector<std::optional<std::chrono::nanoseconds>> times;
  times.reserve(workers_.size());
  for (const auto& worker : workers_) times.push_back(worker->cpu_time());
  return times;
}

uint64_t Instance::offloaded_packets() const {
  if (offload_ == nullptr) return 0;
  uint64_t packets = 0;
  for (const auto& protocols : offload_->counters(offload_number_).forwarded)
    for (const auto& count : protocols) packets += count.packets;
  return packets;
}

std::optional<fastpath::InstanceStatus> Instance::offload_status() const {
  if (offload_ == nullptr || settings_.offload == config::Offload::Off) return std::nullopt;
  fastpath::InstanceStatus status = offload_->status(offload_number_);
  if (!flows_.empty()) {
    status.flows = {.capacity = 0, .at_start = recovered_};
    for (const auto& flows : flows_) status.flows->capacity += flows->table().capacity();
  }
  return status;
}

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
  if (end != share::Nat::kEnd)
    piece.next = NatPlace{from.worker, end};
  else if (from.worker + 1 < workers_.size())
    piece.next = NatPlace{from.worker + 1, 0};
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
  if (end != share::Nat::kEnd)
    piece.next = NatPlace{from.worker, end};
  else if (from.worker + 1 < workers_.size())
    piece.next = NatPlace{from.worker + 1, 0};
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
    if (worker == 0) status.by_address = std::move(addresses);
    for (std::size_t i = 0; worker > 0 && i < std::min(status.by_address.size(), addresses.size()); ++i)
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

std::optional<std::string> Instance::failure() const {
  for (const auto& worker : workers_)
    if (const int error = worker->failure(); error != 0)
      return "device " + settings_.device + " is gone: " + std::strerror(error);
  return std::nullopt;
}

}  // namespace yonroku::control
