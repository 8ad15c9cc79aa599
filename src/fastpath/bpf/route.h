// Where the kernel would send a packet: asked once a second for each destination (map `routes`), since asking
// costs more than everything else that is done to a packet.
#pragma once

#include <linux/if_ether.h>

#include "fastpath/bpf/link.h"
#include "fastpath/bpf/maps.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::bpf {

using fastpath::Control;
using fastpath::Device;
using fastpath::Route;

inline constexpr uint64_t kRouteLifetime = 1'000'000'000;  // nanoseconds

// What the routing is asked about.
struct Destination {
  Ipv6Address destination;  // IPv4 as ::ffff:0:0/96
  Ipv6Address source;       // likewise
  uint32_t size;            // of the largest packet on the wire; 0: does not matter
  uint8_t traffic_class;
  uint8_t protocol;
  [[nodiscard]] bool is_ipv4() const { return destination.high() == 0 && destination.low() >> 32 == 0xffff; }
};
constexpr Ipv6Address as_ipv6(Ipv4Address address) { return {0, uint64_t{0xffff} << 32 | address.value()}; }

YONROKU_HOT_INLINE uint32_t place_of(const Ipv6Address& address, uint32_t ingress) {
  const uint64_t hash =
      (address.high() * 0x9e3779b97f4a7c15 ^ address.low() ^ uint64_t{ingress} << 32) * 0xd6e8feb86659fd93;
  return static_cast<uint32_t>(hash >> 52) % fastpath::kRoutes;
}

YONROKU_INLINE_ALL_END
// Asks the kernel, and keeps what it says. Returns 0 when there is nothing to be known.
YONROKU_OUT_OF_LINE static int ask_kernel(void* context, const void* what, uint32_t ingress, void* kept) {
  const auto& asked = *static_cast<const Destination*>(what);
  auto& route = *static_cast<Route*>(kept);
  // Of such a source the kernel says no, whatever the destination: not what others should be told.
  if (!share::may_be_forwarded(asked.source)) return 0;
  bpf_fib_lookup parameters{};
  parameters.ifindex = ingress;
  parameters.l4_protocol = asked.protocol;
  parameters.tot_len = static_cast<uint16_t>(asked.size);
  if (asked.is_ipv4()) {
    parameters.family = 2;  // AF_INET
    parameters.tos = asked.traffic_class;
    parameters.ipv4_src = __builtin_bswap32(static_cast<uint32_t>(asked.source.low()));
    parameters.ipv4_dst = __builtin_bswap32(static_cast<uint32_t>(asked.destination.low()));
  } else {
    parameters.family = 10;  // AF_INET6
    const auto write = [](__u32* out, const Ipv6Address& a) {
      out[0] = __builtin_bswap32(static_cast<uint32_t>(a.high() >> 32));
      out[1] = __builtin_bswap32(static_cast<uint32_t>(a.high()));
      out[2] = __builtin_bswap32(static_cast<uint32_t>(a.low() >> 32));
      out[3] = __builtin_bswap32(static_cast<uint32_t>(a.low()));
    };
    write(parameters.ipv6_src, asked.source);
    write(parameters.ipv6_dst, asked.destination);
  }
  const long answer = fib_lookup(context, &parameters, sizeof parameters, 0);
  const bool has_device = answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_NO_NEIGH ||
                          answer == BPF_FIB_LKUP_RET_FRAG_NEEDED;
  route.high = asked.destination.high();
  route.low = asked.destination.low();
  route.ingress = ingress;
  route.kind = Route::kElsewhere;
  if (!has_device) return 1;
  const Device* const here = find<Device>(devices, ingress);
  if (here == nullptr) return 0;  // just attached, or just gone
  __builtin_memcpy(route.own_mac, here->mac, ETH_ALEN);
  route.egress = parameters.ifindex;
  const Device* const device = find<Device>(devices, parameters.ifindex);
  if (device != nullptr && (device->use & Device::kInstance) != 0) {
    route.kind = Route::kInstance;
    route.instance = static_cast<uint8_t>(device->instance);
    return 1;
  }
  if (answer == BPF_FIB_LKUP_RET_FRAG_NEEDED) return 0;
  // A neighbour that is not known yet, or an interface without neighbours: at tc the kernel deals with
  // either.
  route.kind = answer == BPF_FIB_LKUP_RET_SUCCESS ? Route::kNextHop : Route::kNeighbour;
  route.hands_on = device != nullptr && (device->use & Device::kHandsOn) != 0;
  route.is_xdp_target = device != nullptr && (device->use & Device::kXdpTarget) != 0;
  route.fits = static_cast<uint16_t>(asked.size);
  __builtin_memcpy(route.destination_mac, parameters.dmac, ETH_ALEN);
  __builtin_memcpy(route.source_mac, parameters.smac, ETH_ALEN);
  return 1;
}

YONROKU_INLINE_ALL_BEGIN

struct Routed {
  Route* route;   // nullptr: nothing is known
  bool is_fresh;  // the kernel was asked just now
};

YONROKU_HOT_INLINE Routed route_of(void* context, const Destination& asked, uint32_t ingress,
                                   const Control& control, uint64_t now) {
  Route* const route = find<Route>(routes, place_of(asked.destination, ingress));
  if (route == nullptr) return {nullptr, false};
  if (route->high == asked.destination.high() && route->low == asked.destination.low() &&
      route->ingress == ingress && route->until > now && route->generation == control.generation &&
      asked.size <= route->fits) [[likely]]
    return {route, false};
  route->until = 0;
  if (ask_kernel(context, &asked, ingress, route) == 0) return {nullptr, true};
  route->generation = control.generation;
  if (control.is_exact == 0) route->until = now + kRouteLifetime;
  return {route, true};
}

}  // namespace yonroku::bpf
