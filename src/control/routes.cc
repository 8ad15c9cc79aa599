#include "control/routes.h"

#include <algorithm>

namespace yonroku::control {
namespace {

// Local programs must not be answered with segments that would not fit the IPv6 side.
constexpr uint32_t kIpv6AndTcpHeaders = 60;
// Any other default route wins over the one into the CLAT.
constexpr uint32_t kClatMetric = 2048;

void imply_clat(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  if (settings.default_route) routes.ipv4.push_back(Ipv4Prefix());
  routes.ipv4_options.metric = kClatMetric;
  routes.ipv4_options.advertised_mss = settings.ipv6_mtu - kIpv6AndTcpHeaders;
  if (settings.clat_address) routes.ipv6.push_back(Ipv6Prefix::holding(*settings.clat_address, 128));
  if (settings.clat_prefix) routes.ipv6.push_back(settings.clat_prefix->prefix());
  for (const auto& mapping : settings.mappings) routes.ipv6.push_back(mapping.ipv6);
}

void imply_siit(const config::InstanceSettings& settings, ImpliedRoutes& routes) {
  if (settings.pref64) routes.ipv6.push_back(settings.pref64->prefix());
  routes.ipv4.reserve(settings.mappings.size());
  for (const auto& mapping : settings.mappings) routes.ipv4.push_back(mapping.ipv4);
}

template <class Prefix>
bool contains(const std::vector<Prefix>& prefixes, const Prefix& prefix) {
  return std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
}

template <class Prefix>
Result<void> change(Netlink& netlink, const std::string& device, std::vector<Prefix>& installed,
                    const RouteOptions& installed_options, std::vector<Prefix> wanted,
                    const RouteOptions& wanted_options) {
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::sort(installed.begin(), installed.end());
  std::vector<Prefix> missing;
  std::vector<Prefix> surplus;
  std::vector<Prefix> kept;
  std::set_difference(wanted.begin(), wanted.end(), installed.begin(), installed.end(), std::back_inserter(missing));
  std::set_difference(installed.begin(), installed.end(), wanted.begin(), wanted.end(), std::back_inserter(surplus));
  if (wanted_options != installed_options)
    std::set_intersection(wanted.begin(), wanted.end(), installed.begin(), installed.end(), std::back_inserter(kept));
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const auto added = netlink.add_route(device, missing[i], wanted_options);
    if (added) continue;
    for (std::size_t j = 0; j < i; ++j) (void)netlink.remove_route(device, missing[j], wanted_options);
    return added;
  }
  for (const auto& prefix : kept) TRY(netlink.replace_route(device, prefix, wanted_options));
  for (const auto& prefix : surplus) TRY(netlink.remove_route(device, prefix, installed_options));
  installed = std::move(wanted);
  return {};
}

}  // namespace

std::optional<Ipv4Prefix> own_route(const config::InstanceSettings& settings) {
  if (settings.routes == config::RouteMode::Manual || settings.mechanism == config::Mechanism::Clat)
    return std::nullopt;
  return Ipv4Prefix::holding(settings.translator_ipv4, 32);
}

Result<ImpliedRoutes> implied_routes(const config::InstanceSettings& settings) {
  ImpliedRoutes routes;
  if (settings.routes == config::RouteMode::Manual) return routes;
  if (settings.mechanism == config::Mechanism::Clat) {
    imply_clat(settings, routes);
  } else if (!settings.ipv4_routes) {
    imply_siit(settings, routes);
  } else if (settings.pref64) {
    routes.ipv6.push_back(settings.pref64->prefix());
  }
  if (settings.ipv4_routes) routes.ipv4 = *settings.ipv4_routes;
  if (settings.ipv6_routes) routes.ipv6 = *settings.ipv6_routes;
  if (routes.ipv4.size() > kMostImpliedRoutes || routes.ipv6.size() > kMostImpliedRoutes)
    return fail(settings.name,
                "the mappings would need " + std::to_string(std::max(routes.ipv4.size(), routes.ipv6.size())) + " routes",
                "sum them up: `ipv4-routes: [198.51.100.0/24, …]`, or set `routes: manual`");
  return routes;
}

Result<void> RouteSet::change_to(Netlink& netlink, const ImpliedRoutes& wanted) {
  TRY(change(netlink, device_, installed_.ipv4, installed_.ipv4_options, wanted.ipv4, wanted.ipv4_options));
  installed_.ipv4_options = wanted.ipv4_options;
  return change(netlink, device_, installed_.ipv6, {}, wanted.ipv6, {});
}

Result<void> RouteSet::cover(Netlink& netlink, const Ipv4Prefix& prefix) {
  if (contains(installed_.ipv4, prefix)) return {};
  if (installed_.ipv4.size() >= kMostImpliedRoutes)
    return fail(device_, "more than " + std::to_string(kMostImpliedRoutes) + " routes",
                "sum them up with `ipv4-routes` in the configuration");
  TRY(netlink.add_route(device_, prefix, installed_.ipv4_options));
  installed_.ipv4.push_back(prefix);
  return {};
}

Result<void> RouteSet::uncover(Netlink& netlink, const Ipv4Prefix& prefix) {
  if (!contains(installed_.ipv4, prefix)) return {};
  TRY(netlink.remove_route(device_, prefix, installed_.ipv4_options));
  std::erase(installed_.ipv4, prefix);
  return {};
}

void RouteSet::change_own_route(Netlink& netlink, const std::optional<Ipv4Prefix>& wanted) {
  if (wanted == own_) return;
  if (own_) (void)netlink.remove_route(device_, *own_);
  own_ = std::nullopt;
  if (wanted && netlink.add_route(device_, *wanted)) own_ = wanted;
}

}  // namespace yonroku::control
