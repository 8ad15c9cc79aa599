// Checks whether the servers of services are up: TCP connects and HTTP requests, many at a time, in a thread
// of its own, so that nobody waits for a server. libcurl does the work and is seen by health_checks.cc alone.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/services.h"

namespace yonroku::control {

struct HealthTarget {
  std::string instance;
  ServerName server;
  config::HealthSettings settings;
  share::ProxyProtocol proxy_protocol = share::ProxyProtocol::Off;
  friend bool operator==(const HealthTarget&, const HealthTarget&) = default;
};
[[nodiscard]] std::vector<HealthTarget> health_targets(const config::Settings& settings);

class HealthChecks {
 public:
  // `changed` is called from the thread, without any lock, when servers may have gone up or down.
  explicit HealthChecks(std::function<void()> changed);
  ~HealthChecks();
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;

  // These from now on. What is known of those that were checked before stays.
  void watch(std::vector<HealthTarget> targets);

  [[nodiscard]] DownServers down(const std::string& instance) const;
  // nullopt: it is not checked.
  [[nodiscard]] std::optional<HealthReport> report(const std::string& instance,
                                                   const ServerName& server) const;

 private:
  class Runner;
  std::unique_ptr<Runner> runner_;
};

}  // namespace yonroku::control
