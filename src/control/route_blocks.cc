#include "control/route_blocks.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <optional>

#include "fastpath/route_blocks.h"

namespace yonroku::control {
namespace {

constexpr uint32_t kIpv4Length = 96;  // of ::ffff:0:0/96

// A route's prefix, IPv4 as ::ffff:0:0/96.
struct Destination {
  Ipv6Address address;
  uint32_t length;
};

const rtmsg* route_of(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) return nullptr;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(rtmsg)) return nullptr;
  const auto* const route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  return route->rtm_family == AF_INET || route->rtm_family == AF_INET6 ? route : nullptr;
}

// Routes go with what they lead to, some of them without a word: the addresses that they come from, an
// interface, a next hop (ip-nexthop(8)).
bool may_end_routes(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_DELNEXTHOP:
    case RTM_DELADDR:
    case RTM_DELLINK: return true;
    case RTM_NEWLINK:
      return mnl_nlmsg_get_payload_len(&message) >= sizeof(ifinfomsg) &&
             (static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message))->ifi_flags & IFF_UP) == 0;
    default: return false;
  }
}

int copy_destination(const nlattr* attribute, void* to) {
  const auto& octets = *static_cast<std::span<uint8_t>*>(to);
  if (mnl_attr_get_type(attribute) == RTA_DST && mnl_attr_get_payload_len(attribute) == octets.size())
    std::memcpy(octets.data(), mnl_attr_get_payload(attribute), octets.size());
  return MNL_CB_OK;
}

std::optional<Destination> destination_of(const nlmsghdr& message) {
  const rtmsg* const route = route_of(message);
  if (route == nullptr) return std::nullopt;
  const bool is_ipv4 = route->rtm_family == AF_INET;
  std::array<uint8_t, 16> octets{};
  if (is_ipv4) octets[10] = octets[11] = 0xff;
  std::span<uint8_t> own = std::span(octets).last(is_ipv4 ? 4 : 16);
  (void)mnl_attr_parse(&message, sizeof(rtmsg), copy_destination, &own);
  return Destination{Ipv6Address::from_octets(octets), route->rtm_dst_len + (is_ipv4 ? kIpv4Length : 0)};
}

uint64_t& word_of(std::span<uint64_t> words, uint32_t bit) { return words[bit / 64]; }
uint64_t mask_of(uint32_t bit) { return uint64_t{1} << bit % 64; }

}  // namespace

RouteBlocks::RouteBlocks(std::span<uint64_t> whole) : whole_(whole) { forget(); }

void RouteBlocks::forget() {
  for (uint64_t& word : whole_) std::atomic_ref<uint64_t>(word).store(0, std::memory_order_release);
  is_outdated_ = true;
  is_dump_good_ = false;
}

// Says of every block that the route leads to a part of.
template <class Visitor>
void RouteBlocks::for_each_split(const nlmsghdr& route, Visitor&& visit) {
  const auto destination = destination_of(route);
  if (!destination) return;
  for (uint32_t level = fastpath::kWidestBlock; level < fastpath::kAddressBlock; ++level) {
    const uint32_t length = fastpath::block_length(fastpath::is_ipv4(destination->address), level);
    if (length >= destination->length) break;
    visit(fastpath::bit_of(fastpath::block_of(destination->address, length)));
  }
}

void RouteBlocks::see_change(const nlmsghdr& message) {
  const bool is_route = route_of(message) != nullptr;
  if (may_end_routes(message) || (is_route && message.nlmsg_type == RTM_DELROUTE)) {
    is_outdated_ = true;
    is_dump_good_ = false;  // where it was, the kernel's place in the dump may have moved past others
    return;
  }
  if (!is_route) return;
  note_more(message);
  for_each_split(message, [&](uint32_t bit) {
    std::atomic_ref<uint64_t>(word_of(whole_, bit)).fetch_and(~mask_of(bit), std::memory_order_release);
    if (!split_.empty()) word_of(split_, bit) |= mask_of(bit);
  });
}

void RouteBlocks::see_dumped(const nlmsghdr& message) {
  if (route_of(message) == nullptr) return;
  note_more(message);
  for_each_split(message, [&](uint32_t bit) { word_of(split_, bit) |= mask_of(bit); });
}

void RouteBlocks::note_more(const nlmsghdr& message) {
  const rtmsg* const route = route_of(message);
  if (route->rtm_src_len == 0 && route->rtm_tos == 0) return;
  depends_on_more_ = dumped_depend_on_more_ = true;
}

void RouteBlocks::begin_dump() {
  split_.assign(whole_.size(), 0);
  is_outdated_ = false;
  is_dump_good_ = true;
  dumped_depend_on_more_ = false;
}

bool RouteBlocks::end_dump(bool is_complete) {
  const bool is_good = is_complete && is_dump_good_;
  if (is_good) {
    for (std::size_t i = 0; i < whole_.size(); ++i)
      std::atomic_ref<uint64_t>(whole_[i]).store(~split_[i], std::memory_order_release);
    depends_on_more_ = dumped_depend_on_more_;
  }
  is_outdated_ = is_outdated_ || !is_good;
  split_ = {};
  return is_good;
}

}  // namespace yonroku::control
