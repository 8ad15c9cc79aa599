// The encapsulator (RFC 2473) for plain packets: carry/encapsulate's decisions, in the same order, about what
// need not be cut. The engine counts no hops; the kernel, which routes packets to the TUN device and from
// there, does: of the IPv4 packet one on the way into a tunnel and one on the way out (RFC 2473 §3.1), of the
// IPv6 packet one as soon as it is made.
#pragma once

#include "carry/crossing.h"
#include "carry/encapsulate/encapsulate.h"
#include "carry/encapsulate/path_mtu_entry.h"
#include "carry/encapsulate/tunnel_headers.h"
#include "fastpath/bpf/send.h"
#include "fastpath/bpf/table.h"
#include "fastpath/bpf/transport.h"

namespace yonroku::bpf {

using carry::EncapsulateSettings;
using carry::EncapsulationLimitHeader;

// What is known of the way to the other end; 0 when that can't be read.
YONROKU_HOT_INLINE uint32_t path_mtu(TableNumber path_mtus, const Ipv6Address& exit, uint64_t now) {
  using carry::PathMtuEntry;
  void* const slots = map_lookup_elem(&tables, &path_mtus);
  if (slots == nullptr) return 0;
  const uint64_t hash = PathMtuEntry::hash_of(exit);
  const auto place = static_cast<uint32_t>(PathMtuEntry::place_of(hash));
  const uint32_t at = place / 4 + 1;
  const auto* const slot = static_cast<const Slot*>(map_lookup_elem(slots, &at));
  if (slot == nullptr) return 0;
  const volatile uint64_t& entry = slot->words[place % 4];
  return PathMtuEntry::mtu_of(entry, hash, now);
}

// The kernel cuts super-packets of TCP and UDP inside a tunnel, as it does for tunnels of its own. Out of one
// it takes only those of TCP: skb_change_proto refuses others.
template <class Link>
YONROKU_HOT_INLINE bool can_be_cut_in_tunnel(const Link& link, const Seen& seen) {
  return link.segment_size() == 0 || seen.protocol == static_cast<uint8_t>(IpProtocol::Tcp) ||
         seen.protocol == static_cast<uint8_t>(IpProtocol::Udp);
}
template <class Link>
YONROKU_HOT_INLINE bool can_be_cut_out_of_tunnel(const Link& link, const Seen& seen) {
  return link.segment_size() == 0 || seen.protocol == static_cast<uint8_t>(IpProtocol::Tcp);
}

// The IPv4 packet leaves with the addresses and the port of `crossing`, when that has a port; `path_mtus` is
// nullptr where they are not learned.
template <class Link>
YONROKU_HOT_INLINE int into_tunnel(Link& link, const Work& work, const EncapsulateSettings& settings,
                                   const TableNumber* path_mtus, const Ipv4Header& was, const Seen& seen,
                                   const carry::Crossing6& ends, const Crossing4& crossing) {
  const uint32_t hops = work.control->kernel_hops;
  if (seen.hops <= hops || settings.hop_limit <= hops) return up<Link>(work, Miss::TimeToLive);
  if (!can_be_cut_in_tunnel(link, seen)) return up<Link>(work, Miss::Segments);
  const auto overhead = static_cast<uint32_t>(carry::overhead_of(settings));
  const uint32_t inner_size = sizeof(Ipv4Header) + seen.payload;
  const uint32_t payload = overhead - sizeof(Ipv6Header) + inner_size;
  const uint32_t result = overhead + sizeof(Ipv4Header) + largest_payload(link, seen);
  if (payload > UINT16_MAX || result > settings.ipv6_mtu) return up<Link>(work, Miss::TooBig);
  if (path_mtus != nullptr && result > carry::PathMtuEntry::kLeast &&
      result > path_mtu(*path_mtus, ends.destination, work.now))
    return up<Link>(work, Miss::TooBig);
  // Of what the other end sees, on the way out of a NAT; on the way in, of what arrived.
  const bool is_out = crossing.port.which == PortChange::Which::Source;
  const uint32_t label =
      settings.flow_label == carry::FlowLabel::Hash
          ? carry::flow_label({.source = is_out ? crossing.source : was.source(),
                               .destination = was.destination(),
                               .source_port = is_out ? crossing.port.port : seen.source_port,
                               .destination_port = seen.destination_port,
                               .ports = Ipv4Flow::Ports::Present,
                               .protocol = static_cast<IpProtocol>(seen.protocol)})
          : 0;
  Ipv6Header front;
  carry::write_tunnel_header(front, settings, seen.tos, payload, label, ends);
  front.hop_limit = static_cast<uint8_t>(settings.hop_limit - hops);
  front.next_header = settings.encapsulation_limit ? IpProtocol::DestinationOptions : IpProtocol::Ipv4;
  const Routed routed = route_of(
      link.context(),
      {ends.destination, ends.source, result, front.traffic_class(), static_cast<uint8_t>(front.next_header)},
      work.ingress, *work.control, work.now);
  if (!can_leave(link, routed)) return up<Link>(work, Miss::NoNextHop);

  if (!link.trim(Link::kFront + inner_size) || !link.enter_tunnel(overhead))
    return up<Link>(work, Miss::NoRoom);
  char* const at = link.begin();
  char* inner = at + Link::kFront + sizeof(Ipv6Header);
  if (inner + sizeof(EncapsulationLimitHeader) + sizeof(Ipv4Header) > link.end()) return Link::kDrop;
  __builtin_memcpy(at + Link::kFront, &front, sizeof front);
  link.add_to_sum(sum_in_memory<sizeof(Ipv6Header)>(&front));
  if (settings.encapsulation_limit) {
    carry::write_encapsulation_limit(*reinterpret_cast<EncapsulationLimitHeader*>(inner),
                                     *settings.encapsulation_limit);
    link.add_to_sum(sum_in_memory<sizeof(EncapsulationLimitHeader)>(inner));
    inner += sizeof(EncapsulationLimitHeader);
  }
  carry::count_hops(*reinterpret_cast<Ipv4Header*>(inner), hops);
  if (crossing.port.which != PortChange::Which::None && !rewrite(link, overhead, seen, crossing))
    return Link::kDrop;
  count(work, kToIpv6, seen.protocol, inner_size);
  return leave(link, ETH_P_IPV6, routed);
}

// An IPv4 packet in an IPv6 packet.
struct Carried {
  const Ipv4Header* inner = nullptr;  // nullptr: there is none, or not so that a program can see it
  uint32_t front = 0;                 // octets of the IPv6 packet before it
};

YONROKU_HOT_INLINE bool may_be_tunnel(const Ipv6Header& header) {
  return header.next_header == IpProtocol::Ipv4 || header.next_header == IpProtocol::DestinationOptions;
}

// Behind the IPv6 header, or behind the one Destination Options header that tunnels send (RFC 2473 §4.1.1).
YONROKU_HOT_INLINE Carried find_inner(const Ipv6Header& outer, const char* end) {
  const auto* at = reinterpret_cast<const char*>(&outer + 1);
  if (at + sizeof(EncapsulationLimitHeader) + sizeof(Ipv4Header) > end) return {};
  if (outer.next_header == IpProtocol::Ipv4)
    return {reinterpret_cast<const Ipv4Header*>(at), sizeof(Ipv6Header)};
  const auto& limit = *reinterpret_cast<const EncapsulationLimitHeader*>(at);
  if (outer.next_header != IpProtocol::DestinationOptions || limit.next_header != IpProtocol::Ipv4 ||
      limit.length != 0 || limit.option_type != EncapsulationLimitHeader::kLimitType ||
      limit.option_length != EncapsulationLimitHeader::kLimitLength ||
      limit.pad_type != EncapsulationLimitHeader::kPadType ||
      limit.pad_length != EncapsulationLimitHeader::kPadLength)
    return {};
  return {reinterpret_cast<const Ipv4Header*>(&limit + 1),
          sizeof(Ipv6Header) + sizeof(EncapsulationLimitHeader)};
}

// What is in the packet, of which the IPv6 header is there; looked at as it will be without the tunnel.
template <class Link>
YONROKU_HOT_INLINE Seen look_into(const Link& link, const Ipv6Header& outer, Carried& carried) {
  Seen seen;
  const uint32_t payload = outer.payload_length.host();
  if (outer.version() != 6 || payload > link.size() - Link::kFront - sizeof(Ipv6Header)) {
    miss(seen, Miss::Malformed);
    return seen;
  }
  carried = find_inner(outer, link.end());
  if (carried.inner == nullptr) {
    miss(seen, Miss::ExtensionHeader);
    return seen;
  }
  if (payload + sizeof(Ipv6Header) < carried.front + sizeof(Ipv4Header)) {
    miss(seen, Miss::Malformed);
    return seen;
  }
  return look_at(*carried.inner, link.end(), payload + sizeof(Ipv6Header) - carried.front);
}

// The IPv4 packet leaves with the addresses of `crossing`, and its port if that has one.
template <class Link>
YONROKU_HOT_INLINE int out_of_tunnel(Link& link, const Work& work, const EncapsulateSettings& settings,
                                     const Ipv6Header& outer, const Carried& carried, const Seen& seen,
                                     const Crossing4& crossing) {
  const uint32_t hops = work.control->kernel_hops;
  if (seen.hops <= hops || outer.hop_limit <= hops) return up<Link>(work, Miss::TimeToLive);
  if (!can_be_cut_out_of_tunnel(link, seen)) return up<Link>(work, Miss::Segments);
  const uint8_t outer_class = outer.traffic_class();
  const auto ecn = carry::ecn_out_of_tunnel(seen.tos & carry::kEcnMask, outer_class & carry::kEcnMask);
  if (!ecn) return up<Link>(work, Miss::Congestion);
  const uint8_t tos = carry::tos_out_of_tunnel(settings, seen.tos, outer_class, *ecn);
  const uint32_t size = sizeof(Ipv4Header) + seen.payload;
  const uint32_t old_size = sizeof(Ipv6Header) + outer.payload_length.host();
  const uint32_t front = carried.front;
  const Routed routed =
      route_of(link.context(),
               {as_ipv6(crossing.destination), as_ipv6(crossing.source),
                static_cast<uint32_t>(sizeof(Ipv4Header)) + largest_payload(link, seen), tos, seen.protocol},
               work.ingress, *work.control, work.now);
  if (!can_leave(link, routed)) return up<Link>(work, Miss::NoNextHop);
  if (link.segment_size() != 0 && routed.route->hands_on == 0) return up<Link>(work, Miss::Segments);

  // In two steps: the kernel makes the packet IPv4's only as it shortens an IPv6 header to an IPv4 one.
  if (!link.trim(Link::kFront + front + size) ||
      !link.cut_front(front - (sizeof(Ipv6Header) - sizeof(Ipv4Header))))
    return up<Link>(work, Miss::NoRoom);
  if (!link.become_ipv4()) return Link::kDrop;
  char* const at = link.begin();
  if (at + Link::kFront + sizeof(Ipv4Header) > link.end()) return Link::kDrop;
  auto& header = *reinterpret_cast<Ipv4Header*>(at + Link::kFront);
  carry::write_tos(header, tos);
  carry::count_hops(header, hops);
  if (crossing.port.which != PortChange::Which::None && !rewrite(link, 0, seen, crossing)) return Link::kDrop;
  count(work, kToIpv4, seen.protocol, old_size);
  return leave(link, ETH_P_IP, routed);
}

}  // namespace yonroku::bpf
