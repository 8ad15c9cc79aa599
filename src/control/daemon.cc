#include "control/daemon.h"

#include <unistd.h>

#include <algorithm>

#include "control/host_check.h"
#include "control/privileges.h"

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
  copy.log_level = settings.log_level;
  copy.user = settings.user;
  for (const auto& instance : settings.instances) {
    auto& kept = copy.instances.emplace_back(instance);
    kept.mappings = {};
    kept.rules = {};
  }
  return copy;
}

}  // namespace

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(const config::Settings& settings) {
  std::unique_ptr<Daemon> daemon(new Daemon);
  daemon->since_ = std::chrono::system_clock::now();
  engine::install_wake_up_signal();
  for (const auto& instance : settings.instances) daemon->instances_.push_back(TRY(Instance::open(instance)));
  daemon->settings_ = without_mappings(settings);
  TRY(drop_privileges(settings.user));
  for (auto& instance : daemon->instances_) instance->start_workers();
  return daemon;
}

Result<void> Daemon::reload(const config::Settings& settings) {
  const std::scoped_lock lock(mutex_);
  if (const auto fixed = config::settings_needing_restart(settings_, settings); !fixed.empty()) {
    std::string names;
    for (const auto& name : fixed) names += (names.empty() ? "" : ", ") + name;
    return fail("reload", "these can't change while the program runs: " + names, "restart it");
  }
  // New instances first: what can fail comes before what can't be undone.
  std::vector<std::unique_ptr<Instance>> added;
  for (const auto& wanted : settings.instances) {
    const bool is_new = std::none_of(instances_.begin(), instances_.end(), [&](const auto& instance) {
      return instance->settings().name == wanted.name;
    });
    if (is_new) added.push_back(TRY(Instance::open(wanted)));
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
  std::erase_if(instances_, [&](const auto& instance) {
    return find_settings(settings, instance->settings().name) == nullptr;
  });
  for (auto& instance : added) {
    instance->start_workers();
    instances_.push_back(std::move(instance));
  }
  settings_ = without_mappings(settings);
  reloaded_ = std::chrono::system_clock::now();
  return {};
}

Status Daemon::status() const {
  const std::scoped_lock lock(mutex_);
  Status status;
  status.version = YONROKU_VERSION;
  status.process_id = ::getpid();
  status.since = since_;
  status.reloaded = reloaded_;
  status.warnings = host_warnings();
  for (const auto& instance : instances_) {
    const auto& settings = instance->settings();
    InstanceStatus& out = status.instances.emplace_back();
    out.name = settings.name;
    out.mechanism = config::to_string(settings.mechanism);
    out.device = settings.device;
    out.workers = settings.workers;
    out.mappings = instance->rules() != nullptr ? instance->rules()->size() : instance->table().size();
    out.mappings_memory =
        instance->rules() != nullptr ? instance->rules()->memory_size() : instance->table().memory_size();
    for (const auto& route : instance->routes().ipv4) out.routes.push_back(route.to_string());
    for (const auto& route : instance->routes().ipv6) out.routes.push_back(route.to_string());
    out.since = instance->since();
    out.failure = instance->failure();
    for (const auto& problem : instance->problems()) status.warnings.push_back(problem);
  }
  return status;
}

std::vector<InstanceCounters> Daemon::counters() const {
  const std::scoped_lock lock(mutex_);
  std::vector<InstanceCounters> counters;
  for (const auto& instance : instances_) counters.push_back({instance->settings().name, instance->totals()});
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

Result<MappingChange> Daemon::add_mappings(const std::string& instance,
                                           std::span<const share::EamMapping> mappings) {
  const std::scoped_lock lock(mutex_);
  Instance& found = *TRY(find(instance));
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
  Instance& found = *TRY(find(instance));
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
  Instance& found = *TRY(find(instance));
  const Instance::Change change = found.change_to(mappings);
  TRY(found.change_mappings(change));
  return MappingChange{change.add.size(), change.remove.size(), change.replace.size(),
                       mappings.size() - change.add.size() - change.replace.size()};
}

Result<std::vector<share::EamMapping>> Daemon::mappings(const std::string& instance) const {
  const std::scoped_lock lock(mutex_);
  const Instance& found = *TRY(find(instance));
  std::vector<share::EamMapping> mappings;
  mappings.reserve(found.table().size());
  found.table().for_each([&](const share::EamMapping& mapping) { mappings.push_back(mapping); });
  std::sort(mappings.begin(), mappings.end());
  return mappings;
}

std::optional<std::string> Daemon::failure() const {
  const std::scoped_lock lock(mutex_);
  for (const auto& instance : instances_)
    if (auto failure = instance->failure()) return "instance " + instance->settings().name + ": " + *failure;
  return std::nullopt;
}

}  // namespace yonroku::control
