// Services of a load balancer: an IPv6 address and port that stand for a pool of IPv4 servers. Says which
// service a packet is for, and which server a new flow goes to. Immutable: a change makes another table.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "packet/ipv6_address.h"
#include "share/balancing/maglev_table.h"
#include "share/nat/nat_event.h"

namespace yonroku::share {

enum class Affinity : uint8_t {
  Flow,     // flows of one client are spread
  Address,  // all flows of one client address go to one server
};
enum class ProxyProtocol : uint8_t { Off, V2 };

struct Server {
  Ipv4Endpoint endpoint;
  uint32_t weight = 1;  // 0: finishes what it has, and gets nothing new
  bool is_up = true;
  uint32_t number = 0;  // of this server in its service, as long as the program runs
};

// What is unique about a service.
struct ServiceKey {
  Ipv6Address vip;
  uint16_t port = 0;
  NatProtocol protocol = NatProtocol::Tcp;
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};

class Service {
 public:
  // `number` is the service's as long as the program runs. At most MaglevTable::kMostServers servers, each
  // endpoint once.
  Service(const ServiceKey& key, uint32_t number, Affinity affinity, ProxyProtocol proxy_protocol,
          std::span<const Server> servers);

  [[nodiscard]] std::span<const Server> servers() const { return servers_; }
  [[nodiscard]] const ServiceKey& key() const { return key_; }
  [[nodiscard]] uint32_t number() const { return number_; }
  [[nodiscard]] ProxyProtocol proxy_protocol() const { return proxy_protocol_; }

  // Where a new flow of this client goes. Null: no server is up and has a weight.
  [[nodiscard]] const Server* choose(const Ipv6Address& client, uint16_t port) const noexcept;
  // Null: none of the service's servers.
  [[nodiscard]] const Server* find(const Ipv4Endpoint& endpoint) const noexcept;

 private:
  ServiceKey key_;
  uint32_t number_;
  Affinity affinity_;
  ProxyProtocol proxy_protocol_;
  std::vector<Server> servers_;  // by endpoint
  MaglevTable table_;            // of those that are up
};

class ServiceTable {
 public:
  ServiceTable() = default;
  // No two have a key or a number in common.
  explicit ServiceTable(std::vector<Service> services);

  // Null: there is none.
  [[nodiscard]] const Service* find(const ServiceKey& key) const noexcept;
  [[nodiscard]] const Service* with_number(uint32_t number) const noexcept;
  [[nodiscard]] bool has_vip(const Ipv6Address& address) const noexcept;
  [[nodiscard]] bool uses_proxy_protocol() const;
  // Above all numbers of servers.
  [[nodiscard]] uint32_t server_numbers() const { return server_numbers_; }

 private:
  std::vector<Service> services_;    // by key
  std::vector<uint32_t> by_number_;  // the service's index, or kNone
  uint32_t server_numbers_ = 0;
  static constexpr uint32_t kNone = UINT32_MAX;
};

}  // namespace yonroku::share
