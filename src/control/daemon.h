// The running program: instances that come and go with the configuration, and what the control API asks of
// them. Every method may be called from any thread; one lock orders them. Workers never wait for it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "control/instance.h"
#include "observe/totals.h"

namespace yonroku::control {

struct InstanceStatus {
  std::string name;
  std::string mechanism;
  std::string device;
  unsigned workers = 0;
  std::size_t mappings = 0;
  std::size_t mappings_memory = 0;  // octets
  std::vector<std::string> routes;  // installed by us, as "198.51.100.0/24"
  std::chrono::system_clock::time_point since;
  std::optional<std::string> failure;  // why it no longer works
};

struct Status {
  std::string version;
  int process_id = 0;
  std::chrono::system_clock::time_point since;
  std::optional<std::chrono::system_clock::time_point> reloaded;
  std::vector<InstanceStatus> instances;
  std::vector<std::string> warnings;  // about the host: forwarding off, and the like
};

struct InstanceCounters {
  std::string name;
  observe::Totals totals;
};

struct MappingChange {
  std::size_t added = 0;
  std::size_t removed = 0;
  std::size_t replaced = 0;
  std::size_t unchanged = 0;
};

class Daemon {
 public:
  // Starts every instance, or none. In between, before any thread starts, gives up every privilege but
  // CAP_NET_ADMIN (control/privileges.h): what the caller needs others for comes before.
  static Result<std::unique_ptr<Daemon>> start(const config::Settings& settings);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Takes over what can be changed while packets flow; an error, and nothing changed, when something can't.
  Result<void> reload(const config::Settings& settings);

  [[nodiscard]] Status status() const;
  [[nodiscard]] std::vector<InstanceCounters> counters() const;

  // `instance` empty: the only one. Each call is all or nothing, and lasts until the next reload or restart.
  Result<MappingChange> add_mappings(const std::string& instance,
                                     std::span<const share::EamMapping> mappings);
  Result<MappingChange> remove_mappings(const std::string& instance, std::span<const Ipv4Prefix> ipv4);
  Result<MappingChange> replace_mappings(const std::string& instance,
                                         std::span<const share::EamMapping> mappings);
  [[nodiscard]] Result<std::vector<share::EamMapping>> mappings(const std::string& instance) const;

  // The first failure of any instance, for the main loop to end on.
  [[nodiscard]] std::optional<std::string> failure() const;

 private:
  Daemon() = default;
  Result<Instance*> find(const std::string& name) const;

  mutable std::mutex mutex_;
  config::Settings settings_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::chrono::system_clock::time_point since_;
  std::optional<std::chrono::system_clock::time_point> reloaded_;
};

}  // namespace yonroku::control
