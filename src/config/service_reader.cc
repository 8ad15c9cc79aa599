#include "config/service_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/values.h"

namespace yonroku::config {
namespace {

using share::NatProtocol;

constexpr std::size_t kMostServices = 1000;

class ServiceReader {
 public:
  ServiceReader(SectionReader& keys, std::span<const share::NatPool> pools, Findings& findings)
      : keys_(keys), pools_(pools), findings_(findings) {}

  std::vector<ServiceSettings> read() {
    for (const Node* node : keys_.sections("services")) {
      const std::size_t errors = findings_.error_count();
      ServiceSettings service = read_service(*node);
      if (findings_.error_count() == errors) check_is_single(*node, service.key);
      services_.push_back(std::move(service));
    }
    if (const Node& list = keys_.place_of("services");
        keys_.has("services") && list.kind == Node::Kind::Sequence && list.children.empty())
      findings_.error(list, "services is empty",
                      "add \"- vip:\" with an IPv6 address that is routed to this host");
    if (services_.size() > kMostServices)
      findings_.error(keys_.place_of("services"),
                      fmt::format("{} services, more than {}", services_.size(), kMostServices),
                      "spread them over several instances");
    return std::move(services_);
  }

 private:
  ServiceSettings read_service(const Node& node) {
    enum class Protocol : uint8_t { Tcp, Udp };
    SectionReader keys(node, Scope::Service, std::nullopt, findings_);
    ServiceSettings service;
    service.key.vip = keys.ipv6_address("vip").value_or(Ipv6Address{});
    service.key.port = static_cast<uint16_t>(keys.integer("port"));
    service.key.protocol =
        keys.choice<Protocol>("protocol") == Protocol::Tcp ? NatProtocol::Tcp : NatProtocol::Udp;
    service.affinity = keys.choice<share::Affinity>("affinity");
    service.proxy_protocol = keys.choice<share::ProxyProtocol>("proxy-protocol");
    if (service.proxy_protocol == share::ProxyProtocol::V2 && service.key.protocol == NatProtocol::Udp)
      findings_.error(keys.place_of("proxy-protocol"), "proxy-protocol is for TCP, and the protocol is udp",
                      "remove it; UDP has no beginning that a header could stand at");
    if (is_illegal_source(service.key.vip) && keys.has("vip") && service.key.vip != Ipv6Address{})
      findings_.error(keys.place_of("vip"),
                      fmt::format("vip: {} is not the address of a host", service.key.vip.to_string()),
                      "write a global IPv6 address that is routed to this host");
    read_servers(keys, service);
    if (const Node* health = keys.section("health")) service.health = read_health(*health);
    return service;
  }

  void read_servers(SectionReader& keys, ServiceSettings& service) {
    std::map<std::pair<uint32_t, uint16_t>, const Node*> seen;
    bool takes_flows = false;
    const std::vector<const Node*> nodes = keys.sections("servers");
    for (const Node* node : nodes) {
      const std::size_t errors = findings_.error_count();
      SectionReader server_keys(*node, Scope::Server, std::nullopt, findings_);
      ServerSettings server;
      server.endpoint.address = server_keys.ipv4_address("address").value_or(Ipv4Address{});
      server.endpoint.port = service.key.port;
      if (server_keys.has("port")) server.endpoint.port = static_cast<uint16_t>(server_keys.integer("port"));
      server.weight = static_cast<uint32_t>(server_keys.integer("weight"));
      takes_flows |= server.weight > 0;
      if (findings_.error_count() != errors) continue;
      check_address(server_keys, server.endpoint.address);
      const auto [first, is_new] =
          seen.try_emplace({server.endpoint.address.value(), server.endpoint.port}, node);
      if (!is_new)
        findings_.error(*node,
                        fmt::format("the server in line {} has {}:{} too", first->second->position.line,
                                    server.endpoint.address.to_string(), server.endpoint.port),
                        "name each server of a service once; its share is its weight");
      service.servers.push_back(server);
    }
    const Node& place = keys.place_of("servers");
    if (keys.has("servers") && place.kind == Node::Kind::Sequence && place.children.empty())
      findings_.error(place, "a service without servers", "add \"- address:\" with a server's IPv4 address");
    else if (!nodes.empty() && !takes_flows)
      findings_.warn(place, "all servers have weight 0: the service takes no new connections",
                     "give one of them a weight, or remove the service");
    if (nodes.size() > share::MaglevTable::kMostServers)
      findings_.error(place,
                      fmt::format("{} servers, more than {}", nodes.size(), share::MaglevTable::kMostServers),
                      "make several services of it, with vips of their own");
  }

  void check_address(const SectionReader& keys, Ipv4Address address) {
    if (is_illegal_source(address))
      findings_.error(keys.place_of("address"),
                      fmt::format("address: {} is not the address of a host", address.to_string()),
                      "write the server's IPv4 address");
    for (const share::NatPool& pool : pools_)
      for (const Ipv4Prefix& prefix : pool.addresses)
        if (prefix.contains(address))
          findings_.error(keys.place_of("address"),
                          fmt::format("address: {} lies inside of {} of the pools", address.to_string(),
                                      prefix.to_string()),
                          "the pools' addresses stand for the clients; a server needs one of its own");
  }

  HealthSettings read_health(const Node& node) {
    SectionReader keys(node, Scope::Health, std::nullopt, findings_);
    HealthSettings health;
    health.check = keys.choice<HealthSettings::Check>("check");
    health.interval = static_cast<uint16_t>(keys.integer("interval"));
    health.timeout = static_cast<uint16_t>(keys.integer("timeout"));
    health.rise = static_cast<uint8_t>(keys.integer("rise"));
    health.fall = static_cast<uint8_t>(keys.integer("fall"));
    health.path = keys.text("path").value_or("/");
    const ChoiceOrInteger expect = keys.choice_or_integer("expect");
    if (!expect.choice) health.expect = static_cast<uint16_t>(expect.integer);
    if (health.check == HealthSettings::Check::Tcp)
      for (const std::string_view key : {"path", "expect"})
        if (keys.has(key))
          findings_.error(keys.place_of(key), fmt::format("{} has no meaning with \"check: tcp\"", key),
                          "remove it, or write \"check: http\"");
    return health;
  }

  void check_is_single(const Node& node, const share::ServiceKey& key) {
    const auto [first, is_new] = seen_.try_emplace(key, &node);
    if (!is_new)
      findings_.error(
          node,
          fmt::format("the service in line {} has {} port {} of {} too", first->second->position.line,
                      to_string(key.protocol), key.port, key.vip.to_string()),
          "put all servers into one service");
  }

  SectionReader& keys_;
  std::span<const share::NatPool> pools_;
  Findings& findings_;
  std::vector<ServiceSettings> services_;
  std::map<share::ServiceKey, const Node*> seen_;
};

}  // namespace

std::vector<ServiceSettings> read_services(SectionReader& keys, std::span<const share::NatPool> pools,
                                           Findings& findings) {
  return ServiceReader(keys, pools, findings).read();
}

}  // namespace yonroku::config
