#include "control/daemon.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "control/host_check.h"
#include "control/interfaces.h"
#include "control/offload_view.h"
#include "control/privileges.h"
#include "natlog/sinks.h"

namespace yonroku::control {
namespace {

const config::InstanceSettings* find_settings(const config::Settings& settings, const std::string& name) {
  const auto found = std::find_if(settings.instances.begin(), settings.instances.end(),
                                  [&](const auto& instance) { return instance.name == name; });
  return found == settings.instances.end() ? nullptr : &*found;
}

// What is compared with the next configuration: without the tables, which instances keep.
config::Settings without_mappings(const config::Settings& settings) {
  config::Settings copy;
  copy.control_socket = settings.control_socket;
  copy.control_listen = settings.control_listen;
  copy.log_level = settings.log_level;
  copy.user = settings.user;
  copy.offload_state = settings.offload_state;
  copy.nat_log = settings.nat_log;
  for (const auto& instance : settings.instances) {
    auto& kept = copy.instances.emplace_back(instance);
    // Not `= {}`, which keeps the memory.
    kept.mappings = std::vector<share::EamMapping>();
    kept.rules = std::vector<share::MapRule>();
  }
  return copy;
}

bool wants_offload(const config::InstanceSettings& settings) {
  return settings.offload != config::Offload::Off;
}

RuleWords words_of(const config::InstanceSettings& settings) {
  return {settings.local_addresses, settings.format};
}

}  // namespace

Daemon::~Daemon() {
  nat_logger_ = {};  // it looks at what goes, and so does the next
  recorder_.reset();
  route_watcher_.reset();  // it attaches programs to interfaces that come
  if (offload_ != nullptr) offload_->leave();
}

Result<std::unique_ptr<Daemon>> Daemon::start(const config::Settings& settings) {
  std::unique_ptr<Daemon> daemon(new Daemon);
  daemon->since_ = std::chrono::system_clock::now();
  engine::install_wake_up_signal();
  if (std::ranges::any_of(settings.instances, wants_offload)) {
    uint32_t flows = 0;
    for (const auto& instance : settings.instances) flows += flow_records(instance);
    fastpath::Offload::State state{settings.offload_state, {}};
    for (const auto& instance : settings.instances)
      if (flow_records(instance) != 0) state.with_flows.push_back(instance.name);
    daemon->offload_ = TRY(fastpath::Offload::create(flows, state));
  } else if (settings.offload_state) {
    TRY(fastpath::Offload::forget(*settings.offload_state));
  }
  for (const auto& instance : settings.instances)
    daemon->instances_.push_back(TRY(Instance::open(instance, daemon->steering_, daemon->offload_.get())));
  if (settings.nat_log)
    daemon->log_ = std::make_unique<natlog::Log>(*settings.nat_log,
                                                 TRY(natlog::open_sinks(*settings.nat_log, settings.user)));
  daemon->settings_ = without_mappings(settings);
  daemon->attach_offload();
  if (daemon->offload_ != nullptr) daemon->offload_->have_started(user_after_start(settings.user));
  TRY(drop_privileges(settings.user, daemon->offload_ != nullptr ? Keep::ForOffload : Keep::ForRoutes));
  if (daemon->offload_ != nullptr) TRY(daemon->watch_routes());
  for (auto& instance : daemon->instances_) instance->start_workers(daemon->log_.get());
  daemon->check_health();
  daemon->recorder_ = std::make_unique<Recorder>([daemon = daemon.get()] { return daemon->counters(); });
  return daemon;
}

Result<void> Daemon::check_fixed(const config::Settings& settings) const {
  const auto fixed = config::settings_needing_restart(settings_, settings);
  if (fixed.empty()) return {};
  std::string names;
  for (const auto& name : fixed) names += (names.empty() ? "" : ", ") + name;
  return fail("reload", "these can't change while the program runs: " + names, "restart it");
}

// Where the programs are to be, as of now.
void Daemon::attach_offload() {
  if (offload_ == nullptr) return;
  const auto present = list_interfaces();
  if (!present) return spdlog::error("offload: {}", present.error().to_string());
  offload_->attach(*present);
  const auto is_exact = has_policy_rules();
  offload_->set_exact(!is_exact || *is_exact || routing_depends_on_more_);
}

Result<void> Daemon::watch_routes() {
  RouteWatcher::Listener listener;
  listener.routes_changed = [this] { offload_->forget_routes(); };
  listener.interfaces_changed = [this] {
    const std::scoped_lock lock(mutex_);
    attach_offload();
  };
  listener.routing_depends_on_more = [this](bool depends) {
    const std::scoped_lock lock(mutex_);
    routing_depends_on_more_ = depends;
    attach_offload();
  };
  listener.blocks_are_right = [this] { offload_->trust_blocks(); };
  route_watcher_ = TRY(RouteWatcher::start(std::move(listener), offload_->whole_blocks()));
  neighbour_keeper_ = TRY(NeighbourKeeper::start(
      [this](const fastpath::Neighbour& neighbour) { return offload_->last_use_of(neighbour); }));
  return {};
}

// `sinks` when something has changed.
std::unique_ptr<natlog::Log> Daemon::use_log(const config::Settings& settings,
                                             std::optional<natlog::Sinks> sinks) {
  if (!settings.nat_log) {
    for (auto& instance : instances_) instance->end_log();
    return std::exchange(log_, nullptr);
  }
  if (!sinks) return nullptr;
  if (log_ != nullptr) {
    const bool is_more_wanted = log_->use(*settings.nat_log, *std::move(sinks));
    for (auto& instance : instances_) {
      instance->log_table();
      if (is_more_wanted) instance->log_nat();
    }
    log_nats();
    return nullptr;
  }
  log_ = std::make_unique<natlog::Log>(*settings.nat_log, *std::move(sinks));
  for (auto& instance : instances_) {
    if (const auto begun = instance->begin_log(*log_); !begun)
      spdlog::error("nat-log: {}", begun.error().to_string());
    instance->log_nat();
  }
  log_nats();
  return nullptr;
}

void Daemon::log_nats() {
  if (std::exchange(is_logging_nats_, true)) return;
  // One that was there before has ended, or is about to without the lock.
  nat_logger_ = std::jthread([this](const std::stop_token& stop) {
    constexpr std::chrono::milliseconds kPause{1};  // for others who want the lock
    while (!stop.stop_requested() && log_some_of_nats()) std::this_thread::sleep_for(kPause);
  });
}

bool Daemon::log_some_of_nats() {
  const std::scoped_lock lock(mutex_);
  is_logging_nats_ = false;
  for (auto& instance : instances_) is_logging_nats_ |= instance->log_some_of_nat();
  return is_logging_nats_;
}

// What the settings say from now on.
void Daemon::check_health() {
  std::vector<HealthTarget> targets = health_targets(settings_);
  if (health_ == nullptr && targets.empty()) return;
  if (health_ == nullptr) health_ = std::make_unique<HealthChecks>([this] { use_health(); });
  health_->watch(std::move(targets));
}

// In the thread of the checks.
void Daemon::use_health() {
  const std::scoped_lock lock(mutex_);
  for (auto& instance : instances_) instance->use_down_servers(health_->down(instance->settings().name));
}

Result<void> Daemon::reload(const config::Settings& settings) {
  std::unique_ptr<natlog::Log> ended_log;
  const std::scoped_lock lock(mutex_);
  TRY(check_fixed(settings));
  // What it takes to load programs was given up.
  if (offload_ == nullptr && std::ranges::any_of(settings.instances, wants_offload))
    return fail("reload", "offload: the program was started without any", "restart it");
  std::optional<natlog::Sinks> sinks;
  if (settings.nat_log && settings.nat_log != settings_.nat_log)
    sinks = TRY(natlog::open_sinks(*settings.nat_log, settings.user));
  // New instances first: what can fail comes before what can't be undone.
  std::vector<std::unique_ptr<Instance>> added;
  for (const auto& wanted : settings.instances) {
    const bool is_new = std::none_of(instances_.begin(), instances_.end(), [&](const auto& instance) {
      return instance->settings().name == wanted.name;
    });
    if (is_new) added.push_back(TRY(Instance::open(wanted, steering_, offload_.get())));
  }
  std::vector<Instance*> prepared;
  for (auto& instance : instances_) {
    const auto* wanted = find_settings(settings, instance->settings().name);
    if (wanted == nullptr) continue;
    if (const auto ready = instance->prepare_reload(*wanted); !ready) {
      for (Instance* other : prepared) other->undo_reload();
      return ready;
    }
    prepared.push_back(instance.get());
  }
  for (Instance* instance : prepared)
    instance->commit_reload(*find_settings(settings, instance->settings().name));
  const auto is_removed = [&](const auto& instance) {
    return find_settings(settings, instance->settings().name) == nullptr;
  };
  for (auto& instance : instances_)
    if (is_removed(instance)) instance->log_removal();
  std::erase_if(instances_, is_removed);
  ended_log = use_log(settings, std::move(sinks));
  for (auto& instance : added) {
    instance->start_workers(log_.get());
    instances_.push_back(std::move(instance));
  }
  settings_ = without_mappings(settings);
  attach_offload();
  check_health();
  reloaded_ = std::chrono::system_clock::now();
  return {};
}

Result<ReloadPreview> Daemon::preview(const config::Settings& settings) const {
  const std::scoped_lock lock(mutex_);
  TRY(check_fixed(settings));
  ReloadPreview preview;
  for (const auto& wanted : settings.instances) {
    const auto present =
        std::ranges::find(instances_, wanted.name, [](const auto& each) { return each->settings().name; });
    if (present == instances_.end()) {
      preview.push_back({wanted.name, InstanceChange::Added, 0, nullptr});
      continue;
    }
    TRY((*present)->check_reload(wanted));
    preview.push_back((*present)->preview(&wanted));
  }
  for (const auto& instance : instances_)
    if (find_settings(settings, instance->settings().name) == nullptr)
      preview.push_back(instance->preview(nullptr));
  return preview;
}

Result<NatEndPiece> Daemon::look_at_ends(const InstancePreview& preview, const NatPlace& from) const {
  const std::scoped_lock lock(mutex_);
  return TRY(find(preview.name))->look_at_ends(preview, from);
}

Result<std::string> log_folder(const config::Settings& settings) {
  if (!settings.nat_log)
    return fail("nat-log", "no log is kept, so nobody knows who had which address and port",
                "add a section `nat-log` to the configuration, and reload; what is before is not known");
  if (!settings.nat_log->store)
    return fail("nat-log", "the log is not kept on this host: `store` is false",
                "ask those who receive it, or write `store: true` and reload");
  return settings.nat_log->path;
}

Result<std::string> Daemon::log_folder() const {
  const std::scoped_lock lock(mutex_);
  return control::log_folder(settings_);
}

Status Daemon::status() const {
  const std::scoped_lock lock(mutex_);
  Status status;
  status.version = YONROKU_VERSION;
  status.process_id = ::getpid();
  status.since = since_;
  status.reloaded = reloaded_;
  status.warnings = host_warnings();
  if (log_ != nullptr) status.log = log_->status();
  if (offload_ != nullptr) {
    status.offload_interfaces = offload_->interfaces();
    status.offload_is_exact = offload_->is_exact();
    for (const auto& interface : status.offload_interfaces) {
      if (!interface.has_tc && !interface.has_xdp) continue;
      std::string warning = offload_warning(interface.name);
      if (!warning.empty()) status.warnings.push_back(std::move(warning));
    }
  }
  for (const auto& instance : instances_) {
    const auto& settings = instance->settings();
    InstanceStatus& out = status.instances.emplace_back();
    out.name = settings.name;
    out.mechanism = config::to_string(settings.mechanism);
    out.device = settings.device;
    out.workers = settings.workers;
    out.table = table_kind(settings.mechanism);
    out.mappings = instance->rules() != nullptr ? instance->rules()->size() : instance->table().size();
    out.mappings_memory =
        instance->rules() != nullptr ? instance->rules()->memory_size() : instance->table().memory_size();
    for (const auto& route : instance->routes().ipv4) out.routes.push_back(route.to_string());
    for (const auto& route : instance->routes().ipv6) out.routes.push_back(route.to_string());
    out.since = instance->since();
    out.failure = instance->failure();
    out.offload = instance->offload_status();
    if (config::has_nat(settings.mechanism)) {
      if (auto nat = instance->nat_status())
        out.nat = *std::move(nat);
      else
        status.warnings.push_back(nat.error().to_string());
    }
    add_services(*instance, out, status.warnings);
    for (const auto& problem : instance->problems()) status.warnings.push_back(problem);
  }
  return status;
}

void Daemon::add_services(const Instance& instance, InstanceStatus& out,
                          std::vector<std::string>& warnings) const {
  if (instance.settings().services.empty()) return;
  auto services = instance.service_status();
  if (!services) return warnings.push_back(services.error().to_string());
  out.services = *std::move(services);
  for (ServiceStatus& service : out.services) {
    for (ServerStatus& server : service.servers)
      if (health_ != nullptr) server.health = health_->report(out.name, server.name);
    if (std::ranges::none_of(service.servers, &ServerStatus::is_up))
      warnings.push_back(out.name + ": no server of [" + service.key.vip.to_string() +
                         "]:" + std::to_string(service.key.port) + " is up");
  }
}

std::vector<InstanceCounters> Daemon::counters() const {
  const std::scoped_lock lock(mutex_);
  std::vector<InstanceCounters> counters;
  for (const auto& instance : instances_) {
    InstanceCounters& out = counters.emplace_back();
    out.name = instance->settings().name;
    out.totals = instance->totals();
    out.offloaded_packets = instance->offloaded_packets();
    out.learned_path_mtus = instance->learned_path_mtus();
    out.cpu_times = instance->cpu_times();
    if (!config::has_nat(instance->settings().mechanism)) continue;
    if (auto nat = instance->nat_counts()) out.nat = *nat;
  }
  return counters;
}

Result<Instance*> Daemon::find(const std::string& name) const {
  if (name.empty() && instances_.size() == 1) return instances_.front().get();
  std::string known;
  for (const auto& instance : instances_) {
    if (instance->settings().name == name) return instance.get();
    known += (known.empty() ? "" : ", ") + instance->settings().name;
  }
  if (name.empty()) return fail("instance", "there are several: " + known, "name one");
  return fail("instance", "there is no \"" + name + "\"", "there are: " + known);
}

// An instance that has such a table.
Result<Instance*> Daemon::find(const std::string& name, TableKind kind) const {
  Instance* found = TRY(find(name));
  const auto& settings = found->settings();
  const TableKind has = table_kind(settings.mechanism);
  if (has == kind) return found;
  const std::string what = settings.name + " is of mechanism " +
                           std::string(config::to_string(settings.mechanism)) + ", which has no " +
                           std::string(to_string(kind));
  if (has == TableKind::Fixed)
    return fail("instance", what,
                std::string(config::has_pools(settings.mechanism) ? "its pools are" : "its tunnel is") +
                    " in the configuration");
  return fail("instance", what, "it has " + std::string(to_string(has)));
}

Result<Instance*> Daemon::find(const std::string& name, TableKind kind, const RuleWords& words) const {
  Instance* found = TRY(find(name, kind));
  if (words == words_of(found->settings())) return found;
  return fail(found->settings().name, "the configuration was reloaded meanwhile", "try again");
}

Result<MappingChange> Daemon::add_mappings(const std::string& instance,
                                           std::span<const share::EamMapping> mappings) {
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance, TableKind::Mappings));
  Instance::Change change;
  MappingChange result;
  for (const auto& mapping : mappings) {
    if (found.table().at(mapping.ipv4) == mapping) {
      ++result.unchanged;
    } else {
      change.add.push_back(mapping);
    }
  }
  TRY(found.change_mappings(change));
  result.added = change.add.size();
  return result;
}

Result<MappingChange> Daemon::remove_mappings(const std::string& instance, std::span<const Ipv4Prefix> ipv4) {
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance, TableKind::Mappings));
  Instance::Change change;
  change.remove.assign(ipv4.begin(), ipv4.end());
  std::sort(change.remove.begin(), change.remove.end());
  change.remove.erase(std::unique(change.remove.begin(), change.remove.end()), change.remove.end());
  TRY(found.change_mappings(change));
  MappingChange result;
  result.removed = change.remove.size();
  return result;
}

Result<MappingChange> Daemon::replace_mappings(const std::string& instance,
                                               std::span<const share::EamMapping> mappings) {
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance, TableKind::Mappings));
  const Instance::Change change = found.change_to(mappings);
  TRY(found.change_mappings(change));
  return MappingChange{change.add.size(), change.remove.size(), change.replace.size(),
                       mappings.size() - change.add.size() - change.replace.size()};
}

Result<std::vector<share::EamMapping>> Daemon::mappings(const std::string& instance) const {
  const std::scoped_lock lock(mutex_);
  const Instance& found = *TRY(find(instance, TableKind::Mappings));
  std::vector<share::EamMapping> mappings;
  mappings.reserve(found.table().size());
  found.table().for_each([&](const share::EamMapping& mapping) { mappings.push_back(mapping); });
  std::sort(mappings.begin(), mappings.end());
  return mappings;
}

Result<RuleWords> Daemon::rule_words(const std::string& instance, TableKind kind) const {
  const std::scoped_lock lock(mutex_);
  return words_of(TRY(find(instance, kind))->settings());
}

Result<MappingChange> Daemon::add_rules(const std::string& instance, TableKind kind, const RuleWords& words,
                                        std::span<const share::MapRule> rules) {
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance, kind, words));
  std::vector<share::MapRule> added;
  MappingChange result;
  for (const auto& rule : rules) {
    if (found.rules()->at(share::MapRuleKey::of(rule)) == rule) {
      ++result.unchanged;
    } else {
      added.push_back(rule);
    }
  }
  TRY(found.add_rules(added));
  result.added = added.size();
  return result;
}

Result<MappingChange> Daemon::remove_rules(const std::string& instance, TableKind kind,
                                           std::span<const RuleName> names) {
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance, kind));
  const auto keys = TRY(find_rules(found.settings(), *found.rules(), names));
  found.remove_rules(keys);
  MappingChange result;
  result.removed = keys.size();
  return result;
}

Result<MappingChange> Daemon::replace_rules(const std::string& instance, TableKind kind,
                                            const RuleWords& words, std::vector<share::MapRule> rules) {
  // Sorting millions takes a while, during which others may ask and change.
  config::InstanceSettings settings;
  {
    const std::scoped_lock lock(mutex_);
    settings = TRY(find(instance, kind, words))->settings();
  }
  TRY(check_rule_table(settings, rules));
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance, kind, words));
  MappingChange result;
  for (const auto& rule : rules) {
    const auto present = found.rules()->at(share::MapRuleKey::of(rule));
    ++(!present ? result.added : *present == rule ? result.unchanged : result.replaced);
  }
  result.removed = found.rules()->size() - result.unchanged - result.replaced;
  if (result.added + result.replaced + result.removed > 0) TRY(found.replace_rules(std::move(rules)));
  return result;
}

Result<RuleList> Daemon::rules(const std::string& instance, TableKind kind) const {
  RuleList list;
  {
    const std::scoped_lock lock(mutex_);
    const Instance& found = *TRY(find(instance, kind));
    list.words = words_of(found.settings());
    list.rules.reserve(found.rules()->size());
    found.rules()->for_each([&](const share::MapRule& rule) { list.rules.push_back(rule); });
  }
  std::ranges::sort(list.rules, {}, share::MapRuleKey::of);
  return list;
}

Result<Instance*> Daemon::find_nat(const std::string& name, NatTable table) const {
  Instance* const found = TRY(find(name));
  const auto& settings = found->settings();
  if (config::has_nat(settings.mechanism)) return found;
  return fail("instance",
              settings.name + " is of mechanism " + std::string(config::to_string(settings.mechanism)) +
                  ", which has no " + std::string(to_string(table)),
              "only an instance with a NAT has them");
}

Result<std::vector<InstanceSpoofers>> Daemon::spoofers(const std::string& instance) const {
  const std::scoped_lock lock(mutex_);
  std::vector<InstanceSpoofers> all;
  if (instance.empty()) {
    for (const auto& each : instances_) all.push_back(TRY(each->spoofers()));
    return all;
  }
  const Instance* const found = TRY(find(instance));
  all.push_back(TRY(found->spoofers()));
  return all;
}

Result<NatPiece> Daemon::look_at_nat(const std::string& instance, const NatQuery& query, const NatPlace& from,
                                     std::size_t most) const {
  const std::scoped_lock lock(mutex_);
  return TRY(find_nat(instance, query.table))->look_at_nat(query, from, most);
}

Result<std::shared_ptr<NatFollower>> Daemon::follow_nat(const std::string& instance, const NatQuery& query) {
  const std::scoped_lock lock(mutex_);
  Instance* const found = TRY(find_nat(instance, query.table));
  const auto rings = TRY(found->follow_nat());
  // The instance may be gone by then, and another one have its place.
  const auto leave = [this, rings] {
    const std::scoped_lock leaving(mutex_);
    for (const auto& each : instances_)
      if (each->has_followers_of(*rings)) each->leave_nat();
  };
  return std::make_shared<NatFollower>(rings, found->widened(query), leave);
}

std::optional<std::string> Daemon::failure() const {
  const std::scoped_lock lock(mutex_);
  for (const auto& instance : instances_)
    if (auto failure = instance->failure()) return "instance " + instance->settings().name + ": " + *failure;
  return std::nullopt;
}

}  // namespace yonroku::control
