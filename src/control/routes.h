// The routes that an instance's settings imply, and those that it has installed.
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

// One route for each mapped IPv4 prefix, and the prefixes of the IPv6 side; with `routes: manual` none.
[[nodiscard]] Result<ImpliedRoutes> implied_routes(const config::InstanceSettings& settings);

// The translator's own IPv4 address, where packets sent from it need a route back to pass a strict reverse path filter.
// Several instances may share the address, so it is no error when the route is there already.
[[nodiscard]] std::optional<Ipv4Prefix> own_route(const config::InstanceSettings& settings);

// Keeps the kernel's routes to one device as wanted.
class RouteSet {
 public:
  explicit RouteSet(std::string device) : device_(std::move(device)) {}

  // Adds what is missing, then removes what is too much.
  Result<void> change_to(Netlink& netlink, const ImpliedRoutes& wanted);
  // One mapping more or less: with a route of its own, however many others cover it.
  Result<void> cover(Netlink& netlink, const Ipv4Prefix& prefix);
  Result<void> uncover(Netlink& netlink, const Ipv4Prefix& prefix);

  void change_own_route(Netlink& netlink, const std::optional<Ipv4Prefix>& wanted);

  [[nodiscard]] const ImpliedRoutes& installed() const { return installed_; }

 private:
  std::string device_;
  ImpliedRoutes installed_;
  std::optional<Ipv4Prefix> own_;
};

}  // namespace yonroku::control
