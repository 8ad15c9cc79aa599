// What every packet that the offload forwards has in common: it is counted, and it leaves by its route.
#pragma once

#include "fastpath/bpf/packet.h"
#include "fastpath/bpf/route.h"
#include "fastpath/bpf/scratch.h"

namespace yonroku::bpf {

using fastpath::Count;
using fastpath::CountersView;
using fastpath::InstanceView;

// What is at hand for each packet.
struct Work {
  const Control* control;
  const InstanceView* instance;
  CountersView* counters;
  Scratch* scratch;
  uint64_t now;
  uint32_t ingress;
};

// Leaves the packet to the engine.
template <class Link>
YONROKU_HOT_INLINE int up(const Work& work, Miss why) {
  ++work.counters->misses[static_cast<uint32_t>(why) % fastpath::kMissSlots];
  return Link::kUp;
}

enum Direction : uint32_t { kToIpv6 = 0, kToIpv4 = 1 };

YONROKU_HOT_INLINE void count(const Work& work, Direction direction, uint8_t protocol, uint32_t octets) {
  const uint32_t column = protocol == static_cast<uint8_t>(IpProtocol::Tcp)   ? 0
                          : protocol == static_cast<uint8_t>(IpProtocol::Udp) ? 1
                          : protocol == static_cast<uint8_t>(IpProtocol::Icmp) ||
                                  protocol == static_cast<uint8_t>(IpProtocol::Icmpv6)
                              ? 2
                              : 3;
  Count& counted = work.counters->forwarded[direction][column];
  ++counted.packets;
  counted.octets += octets;
}

// Whether the packet can leave by the route at all: asked before anything is written.
template <uint32_t kFront>
YONROKU_HOT_INLINE bool can_leave(const Tc<kFront>&, const Routed& routed) {
  return routed.route != nullptr &&
         (routed.route->kind == Route::kNextHop || routed.route->kind == Route::kNeighbour);
}
YONROKU_HOT_INLINE bool can_leave(const Xdp& link, const Routed& routed) {
  return routed.route != nullptr && routed.route->kind == Route::kNextHop &&
         routed.route->is_xdp_target != 0 && link.is_addressed_to(routed.route->own_mac);
}

// Writes the link layer's header in front of the finished packet, and says where to. The last that is done to
// it.
template <class Link>
YONROKU_HOT_INLINE int leave_by_header(const Link& link, uint16_t type, const Route& route) {
  char* const at = link.begin();
  if (at + sizeof(EthernetHeader) > link.end()) return Link::kDrop;
  auto& ethernet = *reinterpret_cast<EthernetHeader*>(at);
  __builtin_memcpy(ethernet.destination, route.destination_mac, ETH_ALEN);
  __builtin_memcpy(ethernet.source, route.source_mac, ETH_ALEN);
  ethernet.type = be16::from_host(type);
  return static_cast<int>(redirect(route.egress, 0));
}
YONROKU_HOT_INLINE int leave(const Tc<ETH_HLEN>& link, uint16_t type, const Routed& routed) {
  // Once a second the neighbour is used as the kernel would, so that it is confirmed (RFC 4861 §7.3) or asked
  // for.
  if (routed.route->kind == Route::kNextHop && !routed.is_fresh)
    return leave_by_header(link, type, *routed.route);
  char* const at = link.begin();
  if (at + sizeof(EthernetHeader) > link.end()) return link.kDrop;
  reinterpret_cast<EthernetHeader*>(at)->type = be16::from_host(type);
  return static_cast<int>(redirect_neigh(routed.route->egress, nullptr, 0, 0));
}
YONROKU_HOT_INLINE int leave(const Tc<0>& link, uint16_t type, const Routed& routed) {
  // The kernel wants a link layer's header that it can take away again.
  if (skb_change_head(link.packet, sizeof(EthernetHeader), 0) != 0) return link.kDrop;
  char* const at = link.begin();
  if (at + sizeof(EthernetHeader) > link.end()) return link.kDrop;
  auto& ethernet = *reinterpret_cast<EthernetHeader*>(at);
  ethernet = {};
  ethernet.type = be16::from_host(type);
  return static_cast<int>(redirect_neigh(routed.route->egress, nullptr, 0, 0));
}
YONROKU_HOT_INLINE int leave(const Xdp& link, uint16_t type, const Routed& routed) {
  return leave_by_header(link, type, *routed.route);
}

}  // namespace yonroku::bpf
