#include "control/netlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace yonroku::control {
namespace {

constexpr std::size_t kMessageSize = 1024;

// linux/if_link.h: IFLA_INET6_ADDR_GEN_MODE's "none".
constexpr uint8_t kNoGeneratedAddresses = 1;

struct Message {
  alignas(NLMSG_ALIGNTO) std::array<char, kMessageSize> buffer{};
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());

  Message(uint16_t type, uint16_t flags) {
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }
};

uint8_t family_of(const Ipv4Prefix&) { return AF_INET; }
uint8_t family_of(const Ipv6Prefix&) { return AF_INET6; }

void put_address(nlmsghdr* message, uint16_t type, Ipv4Address address) {
  const uint32_t value = htonl(address.value());
  mnl_attr_put(message, type, sizeof value, &value);
}

void put_address(nlmsghdr* message, uint16_t type, const Ipv6Address& address) {
  const auto octets = address.octets();
  mnl_attr_put(message, type, octets.size(), octets.data());
}

std::string describe(int error) { return std::strerror(error); }

}  // namespace

Netlink::Netlink(mnl_socket* socket) : socket_(socket), port_(mnl_socket_get_portid(socket)) {}
Netlink::Netlink(Netlink&& other) noexcept
    : socket_(std::exchange(other.socket_, nullptr)), sequence_(other.sequence_), port_(other.port_) {}
Netlink& Netlink::operator=(Netlink&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(sequence_, other.sequence_);
  std::swap(port_, other.port_);
  return *this;
}
Netlink::~Netlink() {
  if (socket_ != nullptr) mnl_socket_close(socket_);
}

Result<Netlink> Netlink::open() {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket == nullptr) return fail("netlink", "cannot be opened: " + describe(errno));
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
    const int error = errno;
    mnl_socket_close(socket);
    return fail("netlink", "cannot be bound: " + describe(error));
  }
  return Netlink(socket);
}

Result<int> Netlink::talk(nlmsghdr* message) {
  message->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_, message, message->nlmsg_len) < 0)
    return fail("netlink", "cannot send: " + describe(errno));
  std::array<char, 8192> answer;
  while (true) {
    const ssize_t got = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("netlink", "cannot receive: " + describe(errno));
    const int more =
        mnl_cb_run(answer.data(), static_cast<std::size_t>(got), sequence_, port_, nullptr, nullptr);
    if (more < 0) return errno;
    if (more == MNL_CB_STOP) return 0;
  }
}

Result<unsigned> Netlink::interface_index(const std::string& device) {
  const unsigned index = ::if_nametoindex(device.c_str());
  if (index == 0) return fail(device, "no such network device");
  return index;
}

Result<void> Netlink::bring_up(const std::string& device, uint32_t mtu) {
  // A worker that is off its core for some milliseconds must find all that came meanwhile; the kernel's
  // default is 500.
  constexpr uint32_t kQueueLength = 2048;
  const unsigned index = TRY(interface_index(device));
  // In two messages: in one, the kernel would bring the device up first and give it an address then.
  for (const bool up : {false, true}) {
    Message message(RTM_NEWLINK, 0);
    auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message.header, sizeof(ifinfomsg)));
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = static_cast<int>(index);
    if (up) {
      link->ifi_change = IFF_UP;
      link->ifi_flags = IFF_UP;
    } else {
      mnl_attr_put_u32(message.header, IFLA_MTU, mtu);
      mnl_attr_put_u32(message.header, IFLA_TXQLEN, kQueueLength);
      nlattr* families = mnl_attr_nest_start(message.header, IFLA_AF_SPEC);
      nlattr* ipv6 = mnl_attr_nest_start(message.header, AF_INET6);
      mnl_attr_put_u8(message.header, IFLA_INET6_ADDR_GEN_MODE, kNoGeneratedAddresses);
      mnl_attr_nest_end(message.header, ipv6);
      mnl_attr_nest_end(message.header, families);
    }
    const int error = TRY(talk(message.header));
    if (error != 0) return fail(device, "cannot be brought up: " + describe(error));
  }
  return {};
}

Result<int> Netlink::change_address(uint16_t type, uint16_t flags, const std::string& device,
                                    const Ipv4Prefix& address) {
  const unsigned index = TRY(interface_index(device));
  Message message(type, flags);
  auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message.header, sizeof(ifaddrmsg)));
  header->ifa_family = AF_INET;
  header->ifa_prefixlen = static_cast<uint8_t>(address.length());
  header->ifa_index = index;
  put_address(message.header, IFA_LOCAL, address.address());
  put_address(message.header, IFA_ADDRESS, address.address());
  return talk(message.header);
}

Result<void> Netlink::add_address(const std::string& device, const Ipv4Prefix& address) {
  const int error = TRY(change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, device, address));
  if (error != 0)
    return fail(device, "address " + address.to_string() + " cannot be added: " + describe(error));
  return {};
}

Result<void> Netlink::remove_address(const std::string& device, const Ipv4Prefix& address) {
  const int error = TRY(change_address(RTM_DELADDR, 0, device, address));
  if (error != 0 && error != EADDRNOTAVAIL)
    return fail(device, "address " + address.to_string() + " cannot be removed: " + describe(error));
  return {};
}

template <class Prefix>
Result<int> Netlink::change_route(uint16_t type, uint16_t flags, const std::string& device,
                                  const Prefix& prefix, const RouteOptions& options) {
  const unsigned index = TRY(interface_index(device));
  Message message(type, flags);
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message.header, sizeof(rtmsg)));
  header->rtm_family = family_of(prefix);
  header->rtm_dst_len = static_cast<uint8_t>(prefix.length());
  header->rtm_table = RT_TABLE_MAIN;
  header->rtm_protocol = RTPROT_STATIC;
  header->rtm_type = RTN_UNICAST;
  header->rtm_scope = std::is_same_v<Prefix, Ipv4Prefix> ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  put_address(message.header, RTA_DST, prefix.address());
  mnl_attr_put_u32(message.header, RTA_OIF, index);
  if (options.metric) mnl_attr_put_u32(message.header, RTA_PRIORITY, *options.metric);
  if (options.advertised_mss) {
    nlattr* metrics = mnl_attr_nest_start(message.header, RTA_METRICS);
    mnl_attr_put_u32(message.header, RTAX_ADVMSS, *options.advertised_mss);
    mnl_attr_nest_end(message.header, metrics);
  }
  return talk(message.header);
}

namespace {

template <class Prefix>
Result<void> route_result(const std::string& device, const Prefix& prefix, int error, const char* verb) {
  if (error == 0) return {};
  return fail(device, "route " + prefix.to_string() + " cannot be " + verb + ": " + describe(error),
              error == EEXIST
                  ? "another route has the same prefix and metric; remove it, or set `routes: manual`"
                  : "");
}

}  // namespace

Result<void> Netlink::add_route(const std::string& device, const Ipv4Prefix& prefix,
                                const RouteOptions& options) {
  const int error = TRY(change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, device, prefix, options));
  return route_result(device, prefix, error, "added");
}

Result<void> Netlink::add_route(const std::string& device, const Ipv6Prefix& prefix,
                                const RouteOptions& options) {
  const int error = TRY(change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, device, prefix, options));
  return route_result(device, prefix, error, "added");
}

Result<void> Netlink::replace_route(const std::string& device, const Ipv4Prefix& prefix,
                                    const RouteOptions& options) {
  const int error = TRY(change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, device, prefix, options));
  return route_result(device, prefix, error, "replaced");
}

Result<void> Netlink::replace_route(const std::string& device, const Ipv6Prefix& prefix,
                                    const RouteOptions& options) {
  const int error = TRY(change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, device, prefix, options));
  return route_result(device, prefix, error, "replaced");
}

Result<void> Netlink::remove_route(const std::string& device, const Ipv4Prefix& prefix,
                                   const RouteOptions& options) {
  const int error = TRY(change_route(RTM_DELROUTE, 0, device, prefix, options));
  return route_result(device, prefix, error == ESRCH ? 0 : error, "removed");
}

Result<void> Netlink::remove_route(const std::string& device, const Ipv6Prefix& prefix,
                                   const RouteOptions& options) {
  const int error = TRY(change_route(RTM_DELROUTE, 0, device, prefix, options));
  return route_result(device, prefix, error == ESRCH ? 0 : error, "removed");
}

Result<int> Netlink::change_proxy(uint16_t type, uint16_t flags, const std::string& device,
                                  const Ipv6Address& address) {
  const unsigned index = TRY(interface_index(device));
  Message message(type, flags);
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message.header, sizeof(ndmsg)));
  header->ndm_family = AF_INET6;
  header->ndm_ifindex = static_cast<int>(index);
  header->ndm_flags = NTF_PROXY;
  header->ndm_state = NUD_PERMANENT;
  put_address(message.header, NDA_DST, address);
  return talk(message.header);
}

Result<void> Netlink::add_proxy_neighbour(const std::string& device, const Ipv6Address& address) {
  const int error = TRY(change_proxy(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, device, address));
  if (error != 0)
    return fail(device, "proxy neighbour " + address.to_string() + " cannot be added: " + describe(error));
  return {};
}

Result<void> Netlink::remove_proxy_neighbour(const std::string& device, const Ipv6Address& address) {
  const int error = TRY(change_proxy(RTM_DELNEIGH, 0, device, address));
  if (error != 0 && error != ENOENT)
    return fail(device, "proxy neighbour " + address.to_string() + " cannot be removed: " + describe(error));
  return {};
}

}  // namespace yonroku::control
