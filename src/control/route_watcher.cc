#include "control/route_watcher.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

namespace yonroku::control {
namespace {

std::unexpected<Error> failed(const char* what) {
  return fail("netlink", std::string(what) + ": " + std::strerror(errno));
}

constexpr uint32_t group(rtnetlink_groups number) { return uint32_t{1} << (number - 1); }
constexpr uint32_t kGroups = group(RTNLGRP_LINK) | group(RTNLGRP_NEIGH) | group(RTNLGRP_IPV4_IFADDR) |
                             group(RTNLGRP_IPV4_ROUTE) | group(RTNLGRP_IPV4_RULE) |
                             group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV6_ROUTE) |
                             group(RTNLGRP_IPV6_RULE);

// Whether an interface or a rule is among what came.
bool concerns_interfaces(const char* data, int size) {
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(data); mnl_nlmsg_ok(message, size);
       message = mnl_nlmsg_next(message, &size))
    if (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK ||
        message->nlmsg_type == RTM_NEWRULE || message->nlmsg_type == RTM_DELRULE)
      return true;
  return false;
}

int look_at_rule(const nlmsghdr* message, void* has_others) {
  const auto* const rule = static_cast<const fib_rule_hdr*>(mnl_nlmsg_get_payload(message));
  const bool is_usual =
      rule->src_len == 0 && rule->dst_len == 0 && rule->tos == 0 &&
      (rule->table == RT_TABLE_LOCAL || rule->table == RT_TABLE_MAIN || rule->table == RT_TABLE_DEFAULT);
  if (!is_usual) *static_cast<bool*>(has_others) = true;
  return MNL_CB_OK;
}

}  // namespace

Result<std::unique_ptr<RouteWatcher>> RouteWatcher::start(Listener listener) {
  std::unique_ptr<RouteWatcher> watcher(new RouteWatcher(std::move(listener)));
  watcher->socket_ =
      io::FileDescriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!watcher->socket_.is_open()) return failed("socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kGroups;
  if (::bind(watcher->socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed("bind");
  watcher->stop_ = io::FileDescriptor(::eventfd(0, EFD_CLOEXEC));
  if (!watcher->stop_.is_open()) return failed("eventfd");
  watcher->thread_ = std::thread([self = watcher.get()] { self->run(); });
  return watcher;
}

RouteWatcher::~RouteWatcher() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void RouteWatcher::run() {
  std::vector<char> buffer(64 * 1024);
  std::array<pollfd, 2> waiting{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents == 0) continue;
    bool interfaces = false;
    while (true) {
      const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno != ENOBUFS) break;
      // ENOBUFS: so much happened that some of it was lost.
      interfaces = interfaces || size < 0 || concerns_interfaces(buffer.data(), static_cast<int>(size));
    }
    listener_.routes_changed();
    if (interfaces) listener_.interfaces_changed();
  }
}

Result<bool> has_policy_rules() {
  bool has_others = false;
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
    const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(mnl_socket_open(NETLINK_ROUTE),
                                                                   mnl_socket_close);
    if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return failed("bind");
    std::vector<char> buffer(32 * 1024);
    nlmsghdr* const request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETRULE;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = 1;
    static_cast<fib_rule_hdr*>(mnl_nlmsg_put_extra_header(request, sizeof(fib_rule_hdr)))->family = family;
    if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return failed("asking for rules");
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
      const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
      if (size < 0) return failed("reading rules");
      more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1, mnl_socket_get_portid(socket.get()),
                        look_at_rule, &has_others);
      if (more < 0) return failed("reading rules");
    }
  }
  return has_others;
}

}  // namespace yonroku::control
