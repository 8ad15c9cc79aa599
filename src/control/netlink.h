// The few things asked of the kernel's routing over netlink (rtnetlink(7)): a device up, its addresses,
// routes and proxy neighbours. libmnl stays in here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "packet/prefix.h"

struct mnl_socket;
struct nlmsghdr;

namespace yonroku::control {

struct RouteOptions {
  std::optional<uint32_t> metric;
  std::optional<uint32_t> advertised_mss;  // what local TCP advertises over this route
  friend bool operator==(const RouteOptions&, const RouteOptions&) = default;
};

class Netlink {
 public:
  static Result<Netlink> open();
  Netlink(Netlink&&) noexcept;
  Netlink& operator=(Netlink&&) noexcept;
  ~Netlink();

  Result<unsigned> interface_index(const std::string& device);
  // Sets MTU and queue length, keeps IPv6 from making addresses of its own, and brings the device up.
  Result<void> bring_up(const std::string& device, uint32_t mtu);
  Result<void> add_address(const std::string& device, const Ipv4Prefix& address);
  Result<void> remove_address(const std::string& device, const Ipv4Prefix& address);
  // A route to the same prefix with the same metric is an error.
  Result<void> add_route(const std::string& device, const Ipv4Prefix& prefix,
                         const RouteOptions& options = {});
  Result<void> add_route(const std::string& device, const Ipv6Prefix& prefix,
                         const RouteOptions& options = {});
  // Gives a route that is there, with the same metric, other options.
  Result<void> replace_route(const std::string& device, const Ipv4Prefix& prefix,
                             const RouteOptions& options);
  Result<void> replace_route(const std::string& device, const Ipv6Prefix& prefix,
                             const RouteOptions& options);
  // A route that is gone already is fine.
  Result<void> remove_route(const std::string& device, const Ipv4Prefix& prefix,
                            const RouteOptions& options = {});
  Result<void> remove_route(const std::string& device, const Ipv6Prefix& prefix,
                            const RouteOptions& options = {});
  Result<void> add_proxy_neighbour(const std::string& device, const Ipv6Address& address);
  Result<void> remove_proxy_neighbour(const std::string& device, const Ipv6Address& address);

 private:
  explicit Netlink(mnl_socket* socket);
  // Sends the message and waits for the kernel's answer: 0 or an errno.
  Result<int> talk(nlmsghdr* message);
  template <class Prefix>
  Result<int> change_route(uint16_t type, uint16_t flags, const std::string& device, const Prefix& prefix,
                           const RouteOptions& options);
  Result<int> change_address(uint16_t type, uint16_t flags, const std::string& device,
                             const Ipv4Prefix& address);
  Result<int> change_proxy(uint16_t type, uint16_t flags, const std::string& device,
                           const Ipv6Address& address);

  mnl_socket* socket_;
  uint32_t sequence_ = 0;
  uint32_t port_ = 0;
};

}  // namespace yonroku::control
