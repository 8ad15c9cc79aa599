#include "control/instance.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/offload_view.h"
#include "control/random_seed.h"
#include "io/huge_pages.h"

namespace yonroku::control {

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
      const auto recovered = flows_[worker]->recover(nat, now, [&](share::OffloadedSession& session) {
        identify(snapshot_->mechanism, session);
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
    const auto leave = [&](engine::Pipeline& pipeline, Instant /*now*/) {
      std::visit([&](const auto& mechanism) { pipeline.offload_all(mechanism); }, snapshot_->mechanism);
      if (const share::Nat* const nat = pipeline.nat()) counts.add(nat->counts());
    };
    (void)ask(worker, leave, std::chrono::milliseconds{0});  // at once: no thread is at work any more
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

Result<InstanceSpoofers> Instance::spoofers() const {
  constexpr std::chrono::milliseconds kLimit{1000};
  InstanceSpoofers out{settings_.name, {}};
  for (std::size_t worker = 0; worker < workers_.size(); ++worker)
    TRY(ask(
        worker,
        [&](engine::Pipeline& pipeline, Instant now) { add(out.spoofers, pipeline.spoofers().all(), now); },
        kLimit));
  sort_by_packets(out.spoofers);
  return out;
}

Result<std::vector<ServiceStatus>> Instance::service_status() const {
  constexpr std::chrono::milliseconds kLimit{1000};
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

std::optional<std::string> Instance::failure() const {
  for (const auto& worker : workers_)
    if (const int error = worker->failure(); error != 0)
      return "device " + settings_.device + " is gone: " + std::strerror(error);
  return std::nullopt;
}

}  // namespace yonroku::control
