// The routes that an instance's settings imply.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "control/netlink.h"

namespace yonroku::control {

struct ImpliedRoutes {
  std::vector<Ipv4Prefix> ipv4;
  std::vector<Ipv6Prefix> ipv6;
  RouteOptions ipv4_options;
};

// More mappings than that must be summed up by `ipv4-routes`.
inline constexpr std::size_t kMostImpliedRoutes = 10'000;

// One route for each mapped IPv4 prefix or prefix of a pool, and the prefixes of the IPv6 side; with `routes:
// manual` none.
[[nodiscard]] Result<ImpliedRoutes> implied_routes(const config::InstanceSettings& settings);

using config::is_customer;

// The translator's own IPv4 address, where packets sent from it need a route back to pass a strict reverse
// path filter. Several instances may share the address, so it is no error when the route is there already.
[[nodiscard]] std::optional<Ipv4Prefix> own_route(const config::InstanceSettings& settings);

}  // namespace yonroku::control
