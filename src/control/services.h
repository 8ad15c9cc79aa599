// From the services of the settings, and what is known of their servers, to the table that workers read.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "config/service_settings.h"
#include "share/balancing/service_table.h"

namespace yonroku::control {

// A server in its service.
struct ServerName {
  share::ServiceKey service;
  Ipv4Address address;
  uint16_t port = 0;
  friend auto operator<=>(const ServerName&, const ServerName&) = default;
};

// From 1. A service keeps its number while the program runs, also when it goes and comes back: the NAT's
// bindings have it. So does a server, from 0: the workers count by it.
class ServiceNumbers {
 public:
  uint32_t of(const share::ServiceKey& key) { return 1 + number_of(services_, key); }
  uint32_t of(const ServerName& server) { return number_of(servers_, server); }

 private:
  template <class Key>
  static uint32_t number_of(std::map<Key, uint32_t>& numbers, const Key& key) {
    return numbers.try_emplace(key, static_cast<uint32_t>(numbers.size())).first->second;
  }
  std::map<share::ServiceKey, uint32_t> services_;
  std::map<ServerName, uint32_t> servers_;
};
[[nodiscard]] std::string to_text(const ServerName& server);  // "192.0.2.10:80 of [2001:db8::80]:80"

using DownServers = std::set<ServerName>;

// What the checks of a server have found.
struct HealthReport {
  bool is_up = true;
  uint64_t checks = 0;
  uint64_t failures = 0;
  std::string last_failure;                       // of the last check; empty: it succeeded
  std::chrono::system_clock::time_point since{};  // that it is up or down
};

struct ServerStatus {
  ServerName name;
  uint32_t weight = 0;
  uint64_t flows = 0;                  // begun with it since the start
  std::optional<HealthReport> health;  // nullopt: it is not checked, and counts as up
  [[nodiscard]] bool is_up() const { return !health || health->is_up; }
};
struct ServiceStatus {
  share::ServiceKey key;
  uint32_t number = 0;  // as sessions have it
  std::vector<ServerStatus> servers;
};

[[nodiscard]] std::shared_ptr<const share::ServiceTable> build_services(
    std::span<const config::ServiceSettings> services, ServiceNumbers& numbers, const DownServers& down = {});

}  // namespace yonroku::control
