// The programs, one for each place where packets are seen. All do the same:
//
//   whose is the packet? (the kernel's routing: is the way out an instance's TUN device?) -> is it plain? ->
//   the mechanism -> new headers -> out by the route of the new destination
//
// Whatever is not understood wholly passes untouched, and the kernel takes it to the engine.
#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fastpath/bpf/kernel.h"

YONROKU_INLINE_ALL_BEGIN
#include "fastpath/bpf/siit.h"

namespace yonroku::bpf {

// Who the packet is for, and what is needed to deal with it. False: it is none of ours.
template <class Link>
YONROKU_HOT_INLINE bool begin(const Link& link, const Destination& asked, Work& work) {
  work.control = find<Control>(control, uint32_t{0});
  if (work.control == nullptr) return false;
  work.now = ktime_get_coarse_ns();
  work.ingress = link.ingress();
  const Routed routed = route_of(link.context(), asked, work.ingress, *work.control, work.now);
  if (routed.route == nullptr || routed.route->kind != Route::kInstance) return false;
  if (!link.is_addressed_to(routed.route->destination_mac)) return false;
  const uint32_t number = routed.route->instance;
  work.instance = find<InstanceView>(instances, number);
  work.counters = find<CountersView>(counters, fastpath::counters_number(number, Link::kPlace));
  if (work.instance == nullptr || work.counters == nullptr) return false;
  return (work.instance->places >> static_cast<uint32_t>(Link::kPlace) & 1) != 0;
}

template <class Link>
YONROKU_HOT_INLINE int from_ipv4(Link& link) {
  char* const at = link.begin() + Link::kFront;
  if (at + sizeof(Ipv4Header) > link.end()) return Link::kUp;
  const auto& header = *reinterpret_cast<const Ipv4Header*>(at);
  Work work;
  if (!begin(link,
             {as_ipv6(header.destination()), as_ipv6(header.source()), 0, header.tos,
              static_cast<uint8_t>(header.protocol)},
             work))
    return Link::kUp;
  const Seen seen = look_at(header, link.end(), link.size() - Link::kFront);
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  switch (work.instance->kind) {
    case fastpath::Kind::Siit: return siit_from_ipv4(link, work, header, seen);
    case fastpath::Kind::None: break;
  }
  return Link::kUp;
}

template <class Link>
YONROKU_HOT_INLINE int from_ipv6(Link& link) {
  char* const at = link.begin() + Link::kFront;
  if (at + sizeof(Ipv6Header) > link.end()) return Link::kUp;
  const auto& header = *reinterpret_cast<const Ipv6Header*>(at);
  Work work;
  if (!begin(link,
             {header.destination(), header.source(), 0, header.traffic_class(),
              static_cast<uint8_t>(header.next_header)},
             work))
    return Link::kUp;
  const Seen seen = look_at(header, link.end(), link.size() - Link::kFront);
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  switch (work.instance->kind) {
    case fastpath::Kind::Siit: return siit_from_ipv6(link, work, header, seen);
    case fastpath::Kind::None: break;
  }
  return Link::kUp;
}

template <class Link>
YONROKU_HOT_INLINE int forward(Link link) {
  const uint16_t protocol = link.protocol();
  if (protocol != ETH_P_IP && protocol != ETH_P_IPV6) return Link::kUp;
  if (!link.is_for_us()) return Link::kUp;
  link.have_headers();
  return protocol == ETH_P_IP ? from_ipv4(link) : from_ipv6(link);
}

}  // namespace yonroku::bpf

YONROKU_INLINE_ALL_END

extern "C" {

SECTION("tc") int yonroku_tc(__sk_buff* packet) {
  return yonroku::bpf::forward(yonroku::bpf::Tc<ETH_HLEN>(packet));
}

SECTION("tc") int yonroku_tc_without_link(__sk_buff* packet) {
  return yonroku::bpf::forward(yonroku::bpf::Tc<0>(packet));
}

SECTION("xdp") int yonroku_xdp(xdp_md* packet) { return yonroku::bpf::forward(yonroku::bpf::Xdp(packet)); }

// Helpers that only GPL programs may call need it (fib_lookup).
char kLicense[] SECTION("license") = "GPL";

}  // extern "C"
