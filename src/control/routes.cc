#include "control/routes.h"

#include <algorithm>
#include <set>

namespace yonroku::control {
namespace {

// Local programs must not be answered with segments that would not fit the IPv6 side.
constexpr uint32_t kIpv6AndTcpHeaders = 60;
constexpr uint32_t kTunnelAndTcpHeaders = 80;
// Any other default route wins over the one through the IPv6 network.
constexpr uint32_t kCustomerMetric = 2048;

void imply_clat(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  if (settings.default_route) routes.ipv4.push_back(Ipv4Prefix());
  routes.ipv4_options.metric = kCustomerMetric;
  routes.ipv4_options.advertised_mss = settings.ipv6_mtu - kIpv6AndTcpHeaders;
  if (settings.clat_address) routes.ipv6.push_back(Ipv6Prefix::holding(*settings.clat_address, 128));
  if (settings.clat_prefix) routes.ipv6.push_back(settings.clat_prefix->prefix());
  for (const auto& mapping : settings.mappings) routes.ipv6.push_back(mapping.ipv6);
}

// A table of softwires has many for one address.
void imply_rules(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  std::set<Ipv4Prefix> prefixes;
  for (const share::MapRule& rule : settings.rules)
    if (prefixes.insert(rule.ipv4()).second) {
      routes.ipv4.push_back(rule.ipv4());
      if (routes.ipv4.size() > kMostImpliedRoutes) return;
    }
}

void imply_siit(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  if (settings.pref64) routes.ipv6.push_back(settings.pref64->prefix());
  routes.ipv4.reserve(settings.mappings.size());
  for (const auto& mapping : settings.mappings) routes.ipv4.push_back(mapping.ipv4);
  imply_rules(settings, routes);
}

void imply_pools(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  for (const share::NatPool& pool : settings.nat.pools)
    routes.ipv4.insert(routes.ipv4.end(), pool.addresses.begin(), pool.addresses.end());
}

// Where a customer has an IPv4 prefix, each of its addresses has one of its own in IPv6.
void imply_map_t_ce(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  if (settings.default_route) routes.ipv4.push_back(Ipv4Prefix());
  routes.ipv4_options.metric = kCustomerMetric;
  routes.ipv4_options.advertised_mss = settings.ipv6_mtu - kIpv6AndTcpHeaders;
  const uint64_t count = uint64_t{1} << (32 - settings.basic_rule.customer_prefix_length());
  for (uint64_t i = 0; i < count && i <= kMostImpliedRoutes; ++i) {
    const Ipv4Address own(settings.own.address.value() + static_cast<uint32_t>(i));
    const Ipv6Address mapped = settings.basic_rule.host_address_of({own, settings.own.psid});
    routes.ipv6.push_back(Ipv6Prefix::holding(mapped, 128));
  }
}

void imply_slb64(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  std::set<Ipv6Address> vips;
  for (const config::ServiceSettings& service : settings.services)
    if (vips.insert(service.key.vip).second) routes.ipv6.push_back(Ipv6Prefix::holding(service.key.vip, 128));
  imply_pools(settings, routes);
}

void imply_tunnel(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  for (const Ipv6Address& local : settings.local_addresses)
    routes.ipv6.push_back(Ipv6Prefix::holding(local, 128));
  if (is_customer(settings)) {
    if (settings.default_route) routes.ipv4.push_back(Ipv4Prefix());
    routes.ipv4_options.metric = kCustomerMetric;
    routes.ipv4_options.advertised_mss = settings.ipv6_mtu - kTunnelAndTcpHeaders;
    return;
  }
  if (settings.ipv4_routes) return;
  imply_rules(settings, routes);
  imply_pools(settings, routes);
}

}  // namespace

std::optional<Ipv4Prefix> own_route(const config::InstanceSettings& settings) {
  if (settings.routes == config::RouteMode::Manual || is_customer(settings)) return std::nullopt;
  return Ipv4Prefix::holding(settings.translator_ipv4, 32);
}

Result<ImpliedRoutes> implied_routes(const config::InstanceSettings& settings) {
  ImpliedRoutes routes;
  if (settings.routes == config::RouteMode::Manual) return routes;
  if (!config::translates(settings.mechanism)) {
    imply_tunnel(settings, routes);
  } else if (settings.mechanism == config::Mechanism::Clat) {
    imply_clat(settings, routes);
  } else if (settings.mechanism == config::Mechanism::MapTCe) {
    imply_map_t_ce(settings, routes);
  } else if (settings.mechanism == config::Mechanism::Nat64) {
    if (settings.pref64) routes.ipv6.push_back(settings.pref64->prefix());
    imply_pools(settings, routes);
  } else if (settings.mechanism == config::Mechanism::Slb64) {
    imply_slb64(settings, routes);
  } else if (!settings.ipv4_routes) {
    imply_siit(settings, routes);
  } else if (settings.pref64) {
    routes.ipv6.push_back(settings.pref64->prefix());
  }
  if (settings.ipv4_routes) routes.ipv4 = *settings.ipv4_routes;
  if (settings.ipv6_routes) routes.ipv6 = *settings.ipv6_routes;
  if (routes.ipv4.size() > kMostImpliedRoutes || routes.ipv6.size() > kMostImpliedRoutes)
    return fail(settings.name,
                "the settings would need " +
                    std::to_string(std::max(routes.ipv4.size(), routes.ipv6.size())) + " routes",
                "sum them up: `ipv4-routes: [198.51.100.0/24, …]`, or set `routes: manual`");
  return routes;
}

}  // namespace yonroku::control
