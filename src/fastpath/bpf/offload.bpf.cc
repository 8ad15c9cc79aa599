// The programs. One for each place where packets are seen:
//
//   is the packet plain? -> whose is it? (a flow of a NAT, or the kernel's routing: is the way out an
//   instance's TUN device?) -> the mechanism -> new headers -> out by the route of the new destination
//
// SIIT and flows that are translated are done there. With softwires, MAP-T and flows that are tunnelled goes
// on a part of its own (bpf/parts.h), from the mechanism on.
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
#include "fastpath/bpf/nat.h"
#include "fastpath/bpf/parts.h"
#include "fastpath/bpf/siit.h"
#include "fastpath/bpf/softwire.h"

namespace yonroku::bpf {

// The IP header; nullptr when it is not there.
template <class Header, class Link>
YONROKU_HOT_INLINE const Header* begin(const Link& link, Work& work) {
  work.control = find<Control>(control, uint32_t{0});
  work.scratch = find<Scratch>(scratch, uint32_t{0});
  if (work.control == nullptr || work.scratch == nullptr) return nullptr;
  work.now = ktime_get_coarse_ns();
  work.ingress = link.ingress();
  const char* const at = link.begin() + Link::kFront;
  return at + sizeof(Header) > link.end() ? nullptr : reinterpret_cast<const Header*>(at);
}
template <class Link, class Header>
YONROKU_HOT_INLINE Seen look_at(const Link& link, const Header& header) {
  return look_at(header, link.end(), link.size() - Link::kFront);
}

YONROKU_HOT_INLINE bool is_of(uint32_t instance, fastpath::Place place, Work& work) {
  work.instance = find<InstanceView>(instances, instance);
  work.counters = find<CountersView>(counters, fastpath::counters_number(instance, place));
  return work.instance != nullptr && work.counters != nullptr &&
         (work.instance->places >> static_cast<uint32_t>(place) & 1) != 0;
}

YONROKU_HOT_INLINE Destination destination_of(const Ipv4Header& header) {
  return {as_ipv6(header.destination()), as_ipv6(header.source()), 0, header.tos,
          static_cast<uint8_t>(header.protocol)};
}
YONROKU_HOT_INLINE Destination destination_of(const Ipv6Header& header) {
  return {header.destination(), header.source(), 0, header.traffic_class(),
          static_cast<uint8_t>(header.next_header)};
}

// Whether routing leads the packet to an instance.
template <class Link, class Header>
YONROKU_HOT_INLINE bool is_claimed(const Link& link, const Header& header, Work& work) {
  work.scratch->instance = kNobody;
  const Routed routed =
      route_of(link.context(), destination_of(header), work.ingress, *work.control, work.now);
  if (routed.route == nullptr || routed.route->kind != Route::kInstance ||
      !link.is_addressed_to(routed.route->own_mac) || !is_of(routed.route->instance, Link::kPlace, work))
    return false;
  work.scratch->instance = routed.route->instance;
  return true;
}

// Whether the packet belongs to a flow. Where routing depends on more than destinations, only the engine
// knows.
template <class Link>
YONROKU_HOT_INLINE bool has_flow(const FlowKey& key, Work& work) {
  if (work.control->flow_buckets == 0 || work.control->is_exact != 0 || work.control->flows_until <= work.now)
    return false;
  FlowSearch& search = work.scratch->search;
  search.key = key;
  return find_flow(&search, work.now) != 0 && is_of(search.found.instance, Link::kPlace, work);
}

template <class Link>
YONROKU_HOT_INLINE int go_on_with_flow(const Link& link, const Work& work) {
  work.scratch->instance = work.scratch->search.found.instance;
  return go_on(link, Part::Nat);
}

// Whether the packet belongs to a flow, and what became of it.
template <class Link, class Header>
YONROKU_HOT_INLINE bool follow_flow(Link& link, Work& work, const Header& header, const Seen& seen,
                                    int& verdict) {
  if (!has_flow<Link>(key_of(header, seen), work)) return false;
  const FlowContent& flow = work.scratch->search.found;
  if (ends(seen))
    verdict = up<Link>(work, Miss::TcpFlags);
  else if (fastpath::is_translated(flow.kind))
    verdict = translate_flow(link, work, header, seen, flow);
  else
    verdict = go_on_with_flow(link, work);
  return true;
}

template <class Link>
YONROKU_HOT_INLINE int from_ipv4(Link& link) {
  Work work;
  const auto* const header = begin<Ipv4Header>(link, work);
  if (header == nullptr) return Link::kUp;
  const Seen seen = look_at(link, *header);
  int verdict;
  if (seen.is_plain && follow_flow(link, work, *header, seen, verdict)) return verdict;
  if (!is_claimed(link, *header, work)) return Link::kUp;
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  switch (work.instance->kind) {
    case fastpath::Kind::Siit: return siit_from_ipv4(link, work, *header, seen);
    case fastpath::Kind::Softwire: return go_on(link, Part::Softwire);
    case fastpath::Kind::MapT: return go_on(link, Part::MapT);
    case fastpath::Kind::Nat: return up<Link>(work, Miss::NoFlow);
    case fastpath::Kind::None: break;
  }
  return Link::kUp;
}

template <class Link>
YONROKU_HOT_INLINE int from_ipv6(Link& link) {
  Work work;
  const auto* const header = begin<Ipv6Header>(link, work);
  if (header == nullptr) return Link::kUp;
  const Seen seen = look_at(link, *header);
  int verdict;
  if (seen.is_plain && follow_flow(link, work, *header, seen, verdict)) return verdict;
  if (!is_claimed(link, *header, work)) {
    // Without the daemon there is no route to it, but flows go on.
    const bool may_have_flow = may_be_tunnel(*header) && work.control->flow_buckets != 0;
    return may_have_flow ? go_on(link, Part::Nat) : Link::kUp;
  }
  const fastpath::Kind kind = work.instance->kind;
  if (kind == fastpath::Kind::Softwire) return go_on(link, Part::Softwire);
  if (kind == fastpath::Kind::Nat && may_be_tunnel(*header)) return go_on(link, Part::Nat);
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  switch (kind) {
    case fastpath::Kind::Siit: return siit_from_ipv6(link, work, *header, seen);
    case fastpath::Kind::MapT: return go_on(link, Part::MapT);
    case fastpath::Kind::Nat: return up<Link>(work, Miss::NoFlow);
    case fastpath::Kind::Softwire:
    case fastpath::Kind::None: break;
  }
  return Link::kUp;
}

// --- what follows goes on with packets that were claimed, or had a flow, just before ---

// The IP header of a packet that is the instance's; nullptr when there is neither.
template <class Header, class Link>
YONROKU_HOT_INLINE const Header* resume(const Link& link, Work& work) {
  const auto* const header = begin<Header>(link, work);
  return header != nullptr && is_of(work.scratch->instance, Link::kPlace, work) ? header : nullptr;
}

template <class Link>
YONROKU_HOT_INLINE int softwire_part(Link link) {
  Work work;
  if (link.protocol() == ETH_P_IP) {
    const auto* const header = resume<Ipv4Header>(link, work);
    if (header == nullptr) return Link::kUp;
    const Seen seen = look_at(link, *header);
    return seen.is_plain ? softwire_from_ipv4(link, work, *header, seen) : up<Link>(work, seen.miss);
  }
  const auto* const header = resume<Ipv6Header>(link, work);
  return header == nullptr ? Link::kUp : softwire_from_ipv6(link, work, *header);
}

template <class Link>
YONROKU_HOT_INLINE int map_t_part(Link link) {
  Work work;
  if (link.protocol() == ETH_P_IP) {
    const auto* const header = resume<Ipv4Header>(link, work);
    if (header == nullptr) return Link::kUp;
    const Seen seen = look_at(link, *header);
    return seen.is_plain ? map_t_from_ipv4(link, work, *header, seen) : up<Link>(work, seen.miss);
  }
  const auto* const header = resume<Ipv6Header>(link, work);
  if (header == nullptr) return Link::kUp;
  const Seen seen = look_at(link, *header);
  return seen.is_plain ? map_t_from_ipv6(link, work, *header, seen) : up<Link>(work, seen.miss);
}

// IPv4 packets with a flow, and IPv6 packets that may carry one of a flow.
template <class Link>
YONROKU_HOT_INLINE int nat_part(Link link) {
  Work work;
  if (link.protocol() == ETH_P_IP) {
    const auto* const header = resume<Ipv4Header>(link, work);
    if (header == nullptr) return Link::kUp;
    const Seen seen = look_at(link, *header);
    return seen.is_plain ? encapsulate_flow(link, work, *header, seen, work.scratch->search.found)
                         : Link::kUp;
  }
  const auto* const outer = begin<Ipv6Header>(link, work);
  if (outer == nullptr) return Link::kUp;
  Carried carried;
  const Seen seen = look_into(link, *outer, carried);
  if (seen.is_plain && has_flow<Link>(key_of(*outer, *carried.inner, seen), work))
    return ends(seen) ? up<Link>(work, Miss::TcpFlags)
                      : decapsulate_flow(link, work, *outer, carried, seen, work.scratch->search.found);
  if (!is_of(work.scratch->instance, Link::kPlace, work)) return Link::kUp;
  return up<Link>(work, seen.is_plain ? Miss::NoFlow : seen.miss);
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

using TcLink = yonroku::bpf::Tc<ETH_HLEN>;
SECTION("tc") int yonroku_tc(__sk_buff* packet) { return yonroku::bpf::forward(TcLink(packet)); }
SECTION("tc") int yonroku_tc_softwire(__sk_buff* packet) {
  return yonroku::bpf::softwire_part(TcLink(packet));
}
SECTION("tc") int yonroku_tc_map_t(__sk_buff* packet) { return yonroku::bpf::map_t_part(TcLink(packet)); }
SECTION("tc") int yonroku_tc_nat(__sk_buff* packet) { return yonroku::bpf::nat_part(TcLink(packet)); }

using TcWithoutLink = yonroku::bpf::Tc<0>;
SECTION("tc") int yonroku_tc_without_link(__sk_buff* packet) {
  return yonroku::bpf::forward(TcWithoutLink(packet));
}
SECTION("tc") int yonroku_tc_without_link_softwire(__sk_buff* packet) {
  return yonroku::bpf::softwire_part(TcWithoutLink(packet));
}
SECTION("tc") int yonroku_tc_without_link_map_t(__sk_buff* packet) {
  return yonroku::bpf::map_t_part(TcWithoutLink(packet));
}
SECTION("tc") int yonroku_tc_without_link_nat(__sk_buff* packet) {
  return yonroku::bpf::nat_part(TcWithoutLink(packet));
}

using yonroku::bpf::Xdp;
SECTION("xdp") int yonroku_xdp(xdp_md* packet) { return yonroku::bpf::forward(Xdp(packet)); }
SECTION("xdp") int yonroku_xdp_softwire(xdp_md* packet) { return yonroku::bpf::softwire_part(Xdp(packet)); }
SECTION("xdp") int yonroku_xdp_map_t(xdp_md* packet) { return yonroku::bpf::map_t_part(Xdp(packet)); }
SECTION("xdp") int yonroku_xdp_nat(xdp_md* packet) { return yonroku::bpf::nat_part(Xdp(packet)); }

// Helpers that only GPL programs may call need it (fib_lookup).
char kLicense[] SECTION("license") = "GPL";

}  // extern "C"
