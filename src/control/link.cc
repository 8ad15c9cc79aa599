#include "control/link.h"

#include <algorithm>
#include <fstream>
#include <set>

namespace yonroku::control {
namespace {

void answer_neighbour_solicitations(const std::string& device) {
  std::ofstream("/proc/sys/net/ipv6/conf/" + device + "/proxy_ndp") << "1\n";
}

}  // namespace

Result<LinkPlan> plan_link(const config::InstanceSettings& settings) {
  LinkPlan plan;
  plan.mtu = std::max<uint32_t>(settings.ipv4_mtu, settings.ipv6_mtu);
  plan.routes = TRY(implied_routes(settings));
  plan.own_route = own_route(settings);
  const bool has_b4_address =
      settings.mechanism == config::Mechanism::DsLiteB4 || config::is_customer_edge(settings.mechanism);
  if (has_b4_address && settings.routes == config::RouteMode::Auto)
    plan.address = Ipv4Prefix::holding(Ipv4Address(192, 0, 0, 2), 32);  // the B4's own (RFC 6333 §5.7)
  // A fixed address alone is this host's; those of a prefix are for the hosts behind it.
  if (settings.mechanism == config::Mechanism::Ipip && is_customer(settings) &&
      settings.routes == config::RouteMode::Auto && settings.customer_prefixes.size() == 1 &&
      settings.customer_prefixes[0].length() == 32)
    plan.address = settings.customer_prefixes[0];
  if (settings.clat_address && settings.routes == config::RouteMode::Auto) {
    plan.address = Ipv4Prefix::holding(settings.clat_ipv4, 32);
    if (settings.neighbour_proxy)
      plan.proxied = ProxyNeighbour{*settings.neighbour_proxy, *settings.clat_address};
  }
  return plan;
}

Link::~Link() {
  // Addresses and routes go with the device.
  if (installed_.proxied)
    (void)netlink_.remove_proxy_neighbour(installed_.proxied->device, installed_.proxied->address);
  if (added_.proxied) (void)netlink_.remove_proxy_neighbour(added_.proxied->device, added_.proxied->address);
}

Result<void> Link::bring_up(const LinkPlan& plan) {
  TRY(netlink_.bring_up(device_, plan.mtu));
  installed_.mtu = plan.mtu;
  return {};
}

// Those that are said to be installed are added too: somebody may have taken the link down and up again.
template <class Prefix>
Result<void> Link::add_missing(const std::vector<Prefix>& wanted, const std::vector<Prefix>& installed,
                               const RouteOptions& options, std::vector<Prefix>& added) {
  const std::set<Prefix> ours(installed.begin(), installed.end());
  for (const Prefix& prefix : wanted) {
    const bool is_ours = ours.contains(prefix);
    const auto result = netlink_.add_route(device_, prefix, options);
    if (!result && !is_ours) return result;
    if (result && !is_ours) added.push_back(prefix);
  }
  return {};
}

template <class Prefix>
void Link::remove_surplus(const std::vector<Prefix>& wanted, const std::vector<Prefix>& installed,
                          const RouteOptions& options) {
  const std::set<Prefix> kept(wanted.begin(), wanted.end());
  for (const Prefix& prefix : installed)
    if (!kept.contains(prefix)) note(netlink_.remove_route(device_, prefix, options));
}

Result<void> Link::prepare(const LinkPlan& plan) {
  const auto added = [&]() -> Result<void> {
    if (plan.address && plan.address != installed_.address) {
      TRY(netlink_.add_address(device_, *plan.address));
      added_.address = plan.address;
    }
    TRY(add_missing(plan.routes.ipv4, installed_.routes.ipv4, plan.routes.ipv4_options, added_.routes.ipv4));
    TRY(add_missing(plan.routes.ipv6, installed_.routes.ipv6, {}, added_.routes.ipv6));
    // Last: the route to the address is nobody else's by now, so neither is the entry.
    if (plan.proxied && plan.proxied != installed_.proxied) {
      answer_neighbour_solicitations(plan.proxied->device);
      TRY(netlink_.add_proxy_neighbour(plan.proxied->device, plan.proxied->address));
      added_.proxied = plan.proxied;
    }
    return {};
  };
  added_.routes.ipv4_options = plan.routes.ipv4_options;
  const auto result = added();
  if (!result) undo();
  return result;
}

void Link::undo() {
  remove_surplus({}, added_.routes.ipv4, added_.routes.ipv4_options);
  remove_surplus({}, added_.routes.ipv6, {});
  if (added_.proxied) note(netlink_.remove_proxy_neighbour(added_.proxied->device, added_.proxied->address));
  if (added_.address) note(netlink_.remove_address(device_, *added_.address));
  added_ = {};
}

void Link::commit(const LinkPlan& plan) {
  problems_.clear();
  if (plan.mtu != installed_.mtu) note(netlink_.bring_up(device_, plan.mtu));
  if (plan.routes.ipv4_options != installed_.routes.ipv4_options)
    for (const auto& prefix : plan.routes.ipv4)
      note(netlink_.replace_route(device_, prefix, plan.routes.ipv4_options));
  remove_surplus(plan.routes.ipv4, installed_.routes.ipv4, installed_.routes.ipv4_options);
  remove_surplus(plan.routes.ipv6, installed_.routes.ipv6, {});
  if (installed_.proxied && installed_.proxied != plan.proxied)
    note(netlink_.remove_proxy_neighbour(installed_.proxied->device, installed_.proxied->address));
  if (installed_.address && installed_.address != plan.address)
    note(netlink_.remove_address(device_, *installed_.address));
  const auto old_own = installed_.own_route;
  installed_ = plan;
  added_ = {};

  if (old_own && old_own != plan.own_route) note(netlink_.remove_route(device_, *old_own));
  // Another instance, or the host, may have the route already: then it is not ours to take away.
  if (plan.own_route && !netlink_.add_route(device_, *plan.own_route) && plan.own_route != old_own)
    installed_.own_route = std::nullopt;
}

template <class Prefix>
Result<bool> Link::cover(const Prefix& prefix, std::vector<Prefix>& routes, const RouteOptions& options) {
  if (std::find(routes.begin(), routes.end(), prefix) != routes.end()) return false;
  if (routes.size() >= kMostImpliedRoutes)
    return fail(device_, "more than " + std::to_string(kMostImpliedRoutes) + " routes",
                "sum them up with `ipv4-routes` or `ipv6-routes` in the configuration");
  TRY(netlink_.add_route(device_, prefix, options));
  routes.push_back(prefix);
  return true;
}

template <class Prefix>
void Link::uncover(const Prefix& prefix, std::vector<Prefix>& routes, const RouteOptions& options) {
  if (std::erase(routes, prefix) > 0) note(netlink_.remove_route(device_, prefix, options));
}

template Result<bool> Link::cover(const Ipv4Prefix&, std::vector<Ipv4Prefix>&, const RouteOptions&);
template Result<bool> Link::cover(const Ipv6Prefix&, std::vector<Ipv6Prefix>&, const RouteOptions&);
template void Link::uncover(const Ipv4Prefix&, std::vector<Ipv4Prefix>&, const RouteOptions&);
template void Link::uncover(const Ipv6Prefix&, std::vector<Ipv6Prefix>&, const RouteOptions&);

void Link::note(const Result<void>& result) {
  if (!result) problems_.push_back(result.error().to_string());
}

}  // namespace yonroku::control
