// What the operator decides about the services of a load balancer (slb64).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "share/balancing/service_table.h"

namespace yonroku::config {

struct ServerSettings {
  share::Ipv4Endpoint endpoint;
  uint32_t weight = 1;  // 0 to 1000
  friend bool operator==(const ServerSettings&, const ServerSettings&) = default;
};

struct HealthSettings {
  enum class Check : uint8_t { Tcp, Http } check = Check::Tcp;
  uint16_t interval = 5;  // seconds
  uint16_t timeout = 2;   // seconds
  uint8_t rise = 2;       // checks in a row
  uint8_t fall = 3;
  std::string path = "/";
  std::optional<uint16_t> expect;  // nullopt: 200 to 299
  friend bool operator==(const HealthSettings&, const HealthSettings&) = default;
};

struct ServiceSettings {
  share::ServiceKey key;
  share::Affinity affinity = share::Affinity::Flow;
  share::ProxyProtocol proxy_protocol = share::ProxyProtocol::Off;
  std::vector<ServerSettings> servers;   // 1 to 255, each endpoint once
  std::optional<HealthSettings> health;  // nullopt: all servers are up
  friend bool operator==(const ServiceSettings&, const ServiceSettings&) = default;
};

}  // namespace yonroku::config
