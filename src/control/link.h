// What an instance has in the kernel beside its TUN device: MTU, addresses, routes, proxy neighbours.
//
// A change comes in two steps, so that several instances change all or none: prepare() adds what is missing
// and can fail, leaving everything as it was; then either commit() takes away what is too much, or undo()
// what was added.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "control/netlink.h"
#include "control/routes.h"

namespace yonroku::control {

struct ProxyNeighbour {
  std::string device;
  Ipv6Address address;
  friend bool operator==(const ProxyNeighbour&, const ProxyNeighbour&) = default;
};

// What the settings ask for.
struct LinkPlan {
  uint32_t mtu = 1500;
  std::optional<Ipv4Prefix> address;  // for this host's own programs
  std::optional<ProxyNeighbour> proxied;
  ImpliedRoutes routes;
  std::optional<Ipv4Prefix> own_route;
};

[[nodiscard]] Result<LinkPlan> plan_link(const config::InstanceSettings& settings);

class Link {
 public:
  Link(std::string device, Netlink netlink) : device_(std::move(device)), netlink_(std::move(netlink)) {}
  // Takes away what does not go with the device.
  ~Link();
  Link(Link&&) = delete;
  Link& operator=(Link&&) = delete;

  // Brings the device up. Before the first prepare().
  Result<void> bring_up(const LinkPlan& plan);

  Result<void> prepare(const LinkPlan& plan);
  void undo();
  // What could not be done is told by problems().
  void commit(const LinkPlan& plan);

  // One mapped prefix more or less: it has a route of its own, however many others cover it. cover() says
  // whether the route is new.
  Result<bool> cover(const Ipv4Prefix& prefix) {
    return cover(prefix, installed_.routes.ipv4, installed_.routes.ipv4_options);
  }
  Result<bool> cover(const Ipv6Prefix& prefix) { return cover(prefix, installed_.routes.ipv6, {}); }
  void uncover(const Ipv4Prefix& prefix) {
    uncover(prefix, installed_.routes.ipv4, installed_.routes.ipv4_options);
  }
  void uncover(const Ipv6Prefix& prefix) { uncover(prefix, installed_.routes.ipv6, {}); }

  [[nodiscard]] const ImpliedRoutes& routes() const { return installed_.routes; }
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

 private:
  template <class Prefix>
  Result<void> add_missing(const std::vector<Prefix>& wanted, const std::vector<Prefix>& installed,
                           const RouteOptions& options, std::vector<Prefix>& added);
  template <class Prefix>
  void remove_surplus(const std::vector<Prefix>& wanted, const std::vector<Prefix>& installed,
                      const RouteOptions& options);
  template <class Prefix>
  Result<bool> cover(const Prefix& prefix, std::vector<Prefix>& routes, const RouteOptions& options);
  template <class Prefix>
  void uncover(const Prefix& prefix, std::vector<Prefix>& routes, const RouteOptions& options);
  void note(const Result<void>& result);

  std::string device_;
  Netlink netlink_;
  LinkPlan installed_;
  LinkPlan added_;  // by prepare(), since the last commit() or undo()
  std::vector<std::string> problems_;
};

}  // namespace yonroku::control
