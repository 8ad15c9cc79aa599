// The programs, one for each place where packets are seen. All do the same:
//
//   is the packet plain? -> whose is it? (a flow of a NAT, or the kernel's routing: is the way out an
//   instance's TUN device?) -> the mechanism -> new headers -> out by the route of the new destination
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
#include "fastpath/bpf/map_t.h"
#include "fastpath/bpf/nat64.h"
#include "fastpath/bpf/siit.h"
#include "fastpath/bpf/softwire.h"

namespace yonroku::bpf {

template <class Link>
YONROKU_HOT_INLINE bool begin(const Link& link, Work& work) {
  work.control = find<Control>(control, uint32_t{0});
  if (work.control == nullptr) return false;
  work.now = ktime_get_coarse_ns();
  work.ingress = link.ingress();
  return true;
}

YONROKU_HOT_INLINE bool is_of(uint32_t instance, fastpath::Place place, Work& work) {
  work.instance = find<InstanceView>(instances, instance);
  work.counters = find<CountersView>(counters, fastpath::counters_number(instance, place));
  return work.instance != nullptr && work.counters != nullptr &&
         (work.instance->places >> static_cast<uint32_t>(place) & 1) != 0;
}

// Whether routing leads the packet to an instance.
template <class Link>
YONROKU_HOT_INLINE bool is_claimed(const Link& link, const Destination& asked, Work& work) {
  const Routed routed = route_of(link.context(), asked, work.ingress, *work.control, work.now);
  return routed.route != nullptr && routed.route->kind == Route::kInstance &&
         link.is_addressed_to(routed.route->own_mac) && is_of(routed.route->instance, Link::kPlace, work);
}

// Whether the packet belongs to a flow of NAT64; others are the engine's. Where routing depends on more than
// destinations, only it knows.
template <class Link>
YONROKU_HOT_INLINE bool has_flow(FlowSearch& search, Work& work) {
  return work.control->flow_buckets != 0 && work.control->is_exact == 0 &&
         find_flow(&search, work.now) != 0 && search.found.kind == FlowKind::Nat64 &&
         is_of(search.found.instance, Link::kPlace, work);
}

// Whether the packet belongs to a flow, and what became of it.
template <class Link>
YONROKU_HOT_INLINE bool flow_from_ipv4(Link& link, Work& work, const Ipv4Header& header, const Seen& seen,
                                       int& verdict) {
  FlowSearch search{.key = key_of(header, seen)};
  if (!has_flow<Link>(search, work)) return false;
  verdict =
      ends(seen) ? up<Link>(work, Miss::TcpFlags) : nat64_from_ipv4(link, work, header, seen, search.found);
  return true;
}
template <class Link>
YONROKU_HOT_INLINE bool flow_from_ipv6(Link& link, Work& work, const Ipv6Header& header, const Seen& seen,
                                       int& verdict) {
  FlowSearch search{.key = key_of(header, seen)};
  if (!has_flow<Link>(search, work)) return false;
  verdict =
      ends(seen) ? up<Link>(work, Miss::TcpFlags) : nat64_from_ipv6(link, work, header, seen, search.found);
  return true;
}

template <class Link>
YONROKU_HOT_INLINE int from_ipv4(Link& link) {
  char* const at = link.begin() + Link::kFront;
  if (at + sizeof(Ipv4Header) > link.end()) return Link::kUp;
  const auto& header = *reinterpret_cast<const Ipv4Header*>(at);
  Work work;
  if (!begin(link, work)) return Link::kUp;
  const Seen seen = look_at(header, link.end(), link.size() - Link::kFront);
  int verdict;
  if (seen.is_plain && flow_from_ipv4(link, work, header, seen, verdict)) return verdict;
  if (!is_claimed(link,
                  {as_ipv6(header.destination()), as_ipv6(header.source()), 0, header.tos,
                   static_cast<uint8_t>(header.protocol)},
                  work))
    return Link::kUp;
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  switch (work.instance->kind) {
    case fastpath::Kind::Siit: return siit_from_ipv4(link, work, header, seen);
    case fastpath::Kind::Softwire: return softwire_from_ipv4(link, work, header, seen);
    case fastpath::Kind::MapT: return map_t_from_ipv4(link, work, header, seen);
    case fastpath::Kind::Nat: return up<Link>(work, Miss::NoFlow);
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
  if (!begin(link, work)) return Link::kUp;
  const Seen seen = look_at(header, link.end(), link.size() - Link::kFront);
  int verdict;
  if (seen.is_plain && flow_from_ipv6(link, work, header, seen, verdict)) return verdict;
  if (!is_claimed(link,
                  {header.destination(), header.source(), 0, header.traffic_class(),
                   static_cast<uint8_t>(header.next_header)},
                  work))
    return Link::kUp;
  if (work.instance->kind == fastpath::Kind::Softwire) return softwire_from_ipv6(link, work, header);
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  switch (work.instance->kind) {
    case fastpath::Kind::Siit: return siit_from_ipv6(link, work, header, seen);
    case fastpath::Kind::MapT: return map_t_from_ipv6(link, work, header, seen);
    case fastpath::Kind::Nat: return up<Link>(work, Miss::NoFlow);
    case fastpath::Kind::Softwire:
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
