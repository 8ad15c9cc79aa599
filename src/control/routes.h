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

// Mapped IPv4 prefixes (neighbours merged into one where they fill it) and the prefixes of the IPv6 side; with
// `routes: manual` none.
[[nodiscard]] Result<ImpliedRoutes> implied_routes(const config::InstanceSettings& settings);

// The fewest prefixes that cover exactly what these cover.
[[nodiscard]] std::vector<Ipv4Prefix> merged(std::vector<Ipv4Prefix> prefixes);

// Keeps the kernel's routes to one device as wanted.
class RouteSet {
 public:
  explicit RouteSet(std::string device) : device_(std::move(device)) {}

  // Adds what is missing, then removes what is too much.
  Result<void> change_to(Netlink& netlink, const ImpliedRoutes& wanted);
  // One more mapping: a route unless one covers it already. One less: its route, if it has one of its own.
  Result<void> cover(Netlink& netlink, const Ipv4Prefix& prefix);
  Result<void> uncover(Netlink& netlink, const Ipv4Prefix& prefix);

  [[nodiscard]] const ImpliedRoutes& installed() const { return installed_; }

 private:
  std::string device_;
  ImpliedRoutes installed_;
};

}  // namespace yonroku::control
