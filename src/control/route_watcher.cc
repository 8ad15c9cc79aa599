#include "control/route_watcher.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "control/netlink_dump.h"

namespace yonroku::control {
namespace {

std::unexpected<Error> failed(const char* what) {
  return fail("netlink", std::string(what) + ": " + std::strerror(errno));
}

constexpr uint32_t group(rtnetlink_groups number) { return uint32_t{1} << (number - 1); }
constexpr uint32_t kGroups = group(RTNLGRP_LINK) | group(RTNLGRP_NEIGH) | group(RTNLGRP_IPV4_IFADDR) |
                             group(RTNLGRP_IPV4_ROUTE) | group(RTNLGRP_IPV4_RULE) |
                             group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV6_ROUTE) |
                             group(RTNLGRP_IPV6_RULE) | group(RTNLGRP_NEXTHOP);

// A full table of the Internet's routes takes a second or two to read: time that may be spent on that, at
// most.
constexpr int kDumpShare = 100;      // a hundredth
constexpr int kFirstDumpShare = 10;  // as long as no block is known to be whole
constexpr std::chrono::seconds kBetweenDumps{10};
constexpr std::chrono::seconds kHeartbeat{1};
constexpr int kReceiveBuffer = 8 * 1024 * 1024;  // octets: changes that come while others are looked at

bool concerns_interfaces(const nlmsghdr& message) {
  return message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK ||
         message.nlmsg_type == RTM_NEWRULE || message.nlmsg_type == RTM_DELRULE;
}

bool concerns_neighbours(const nlmsghdr& message) {
  return message.nlmsg_type == RTM_NEWNEIGH || message.nlmsg_type == RTM_DELNEIGH;
}

bool is_usual(const fib_rule_hdr& rule) {
  return rule.src_len == 0 && rule.dst_len == 0 && rule.tos == 0 &&
         (rule.table == RT_TABLE_LOCAL || rule.table == RT_TABLE_MAIN || rule.table == RT_TABLE_DEFAULT);
}

}  // namespace

Result<std::unique_ptr<RouteWatcher>> RouteWatcher::start(Listener listener,
                                                          std::span<uint64_t> whole_blocks) {
  std::unique_ptr<RouteWatcher> watcher(new RouteWatcher(std::move(listener), whole_blocks));
  watcher->socket_ =
      io::FileDescriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!watcher->socket_.is_open()) return failed("socket");
  // More than the system's limit needs CAP_NET_ADMIN; what is there will do without.
  (void)::setsockopt(watcher->socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
                     sizeof kReceiveBuffer);
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

bool RouteWatcher::is_stopped() const {
  pollfd stop{stop_.get(), POLLIN, 0};
  return ::poll(&stop, 1, 0) != 0;
}

void RouteWatcher::run() {
  std::array<pollfd, 2> waiting{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (true) {
    const int timeout = static_cast<int>(std::chrono::milliseconds(kHeartbeat).count());
    if (::poll(waiting.data(), waiting.size(), timeout) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    read_changes();
    if (!neighbours_.is_complete()) dump_neighbours();
    if (blocks_.is_outdated() && Clock::now() >= next_dump_) dump_routes();
  }
}

// All that has come.
void RouteWatcher::read_changes() {
  std::array<char, 64 * 1024> buffer;
  bool routes = false, interfaces = false;
  while (true) {
    ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno != ENOBUFS) break;
    if (size < 0) {  // so much happened that some of it was lost
      routes = true;
      neighbours_.forget();
      blocks_.forget();
      if (has_dumped_) next_dump_ = {};
      has_dumped_ = false;
      interfaces = true;
      continue;
    }
    int left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      blocks_.see_change(*message);
      routes = routes || (concerns_neighbours(*message) ? neighbours_.see(*message) : true);
      interfaces = interfaces || concerns_interfaces(*message);
    }
  }
  if (routes) listener_.routes_changed();
  if (interfaces) listener_.interfaces_changed();
  if (blocks_.depends_on_more() != told_of_more_) {
    told_of_more_ = blocks_.depends_on_more();
    listener_.routing_depends_on_more(told_of_more_);
  }
  listener_.blocks_are_right();
}

// What comes meanwhile is seen afterwards, in its order: what is known ends up right.
void RouteWatcher::dump_neighbours() {
  const auto see = [this](const nlmsghdr& message) {
    (void)neighbours_.see(message);
    return true;
  };
  if (!dump_netlink(RTM_GETNEIGH, AF_UNSPEC, see)) {
    neighbours_.forget();
    return;
  }
  neighbours_.complete();
  listener_.routes_changed();
}

void RouteWatcher::dump_routes() {
  const Clock::time_point begin = Clock::now();
  blocks_.begin_dump();
  bool is_complete = true;
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}})
    is_complete = is_complete && dump_netlink(
                                     RTM_GETROUTE, family,
                                     [this](const nlmsghdr& message) {
                                       blocks_.see_dumped(message);
                                       return true;
                                     },
                                     [this] {
                                       read_changes();
                                       return !is_stopped();
                                     });
  const bool is_good = blocks_.end_dump(is_complete);
  has_dumped_ = has_dumped_ || is_good;
  const Clock::time_point end = Clock::now();
  next_dump_ = end + (has_dumped_ ? std::max<Clock::duration>(kBetweenDumps, (end - begin) * kDumpShare)
                                  : std::max<Clock::duration>(kHeartbeat, (end - begin) * kFirstDumpShare));
  // What is told changes at once.
  read_changes();
}

Result<bool> has_policy_rules() {
  bool has_others = false;
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}})
    TRY(dump_netlink(RTM_GETRULE, family, [&](const nlmsghdr& message) {
      has_others =
          has_others || !is_usual(*static_cast<const fib_rule_hdr*>(mnl_nlmsg_get_payload(&message)));
      return true;
    }));
  return has_others;
}

}  // namespace yonroku::control
