// Where the kernel would send a packet: asked once a second for each block of destinations (map `routes`),
// since asking costs more than everything else that is done to a packet.
#pragma once

#include <linux/if_ether.h>

#include "fastpath/bpf/link.h"
#include "fastpath/bpf/maps.h"
#include "fastpath/route_blocks.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::bpf {

using fastpath::Block;
using fastpath::block_of;
using fastpath::Control;
using fastpath::Device;
using fastpath::kAddressBlock;
using fastpath::kWidestBlock;
using fastpath::Route;

inline constexpr uint64_t kRouteLifetime = 1'000'000'000;  // nanoseconds

// What the routing is asked about.
struct Destination {
  Ipv6Address destination;  // IPv4 as ::ffff:0:0/96
  Ipv6Address source;       // likewise
  uint32_t size;            // of the largest packet on the wire; 0: does not matter
  uint8_t traffic_class;
  uint8_t protocol;
  [[nodiscard]] bool is_ipv4() const { return fastpath::is_ipv4(destination); }
  [[nodiscard]] Block block(uint32_t level) const {
    return block_of(destination, fastpath::block_length(is_ipv4(), level));
  }
};
// What lies beside the stack while the kernel is asked.
struct Question {
  Destination asked;
  bpf_fib_lookup parameters;
};
constexpr Ipv6Address as_ipv6(Ipv4Address address) { return {0, uint64_t{0xffff} << 32 | address.value()}; }

}  // namespace yonroku::bpf

extern "C" {
struct {
  MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::bpf::Question));
} route_questions SECTION(".maps");
}

namespace yonroku::bpf {

YONROKU_HOT_INLINE uint32_t place_of(const Block& block, uint32_t ingress) {
  const uint64_t hash =
      (block.high * 0x9e3779b97f4a7c15 ^ block.low ^ uint64_t{ingress} << 32 ^ uint64_t{block.length} << 48) *
      0xd6e8feb86659fd93;
  return static_cast<uint32_t>(hash >> (64 - fastpath::kRouteBits));
}

// Whether it is what was said about the block, and may still be used.
YONROKU_HOT_INLINE bool is_about(const Route& route, const Block& block, uint32_t ingress,
                                 uint32_t generation, uint64_t now) {
  return route.high == block.high && route.low == block.low && route.length == block.length &&
         route.ingress == ingress && route.generation == generation && route.until > now;
}

// The level of the widest block around the destination to which the kernel's answer may apply.
YONROKU_HOT_INLINE uint32_t widest_whole(const Destination& asked, const Control& told, uint64_t now) {
  // Of the addresses in ::/40 each has a meaning of its own.
  if (told.blocks_until <= now || (asked.destination.high() == 0 && !asked.is_ipv4())) return kAddressBlock;
  for (uint32_t level = kWidestBlock; level < kAddressBlock; ++level) {
    const uint32_t bit = bit_of(asked.block(level));
    const auto* const word = find<uint64_t>(whole_blocks, bit / 64);
    if (word != nullptr && (*word >> bit % 64 & 1) != 0) return level;
  }
  return kAddressBlock;
}

YONROKU_HOT_INLINE void write_parameters(const Destination& asked, uint32_t ingress,
                                         bpf_fib_lookup& parameters) {
  parameters = {};
  parameters.ifindex = ingress;
  parameters.l4_protocol = asked.protocol;
  parameters.tot_len = static_cast<uint16_t>(asked.size);
  if (asked.is_ipv4()) {
    parameters.family = 2;  // AF_INET
    parameters.tos = asked.traffic_class;
    parameters.ipv4_src = __builtin_bswap32(static_cast<uint32_t>(asked.source.low()));
    parameters.ipv4_dst = __builtin_bswap32(static_cast<uint32_t>(asked.destination.low()));
    return;
  }
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

// Whether the kernel has put a gateway in the destination's place.
YONROKU_HOT_INLINE bool has_gateway(const bpf_fib_lookup& answered, const Destination& asked) {
  if (answered.family == 2)
    return !asked.is_ipv4() ||
           __builtin_bswap32(answered.ipv4_dst) != static_cast<uint32_t>(asked.destination.low());
  const auto half = [](const __u32* in) {
    return uint64_t{__builtin_bswap32(in[0])} << 32 | __builtin_bswap32(in[1]);
  };
  return asked.is_ipv4() || half(answered.ipv6_dst) != asked.destination.high() ||
         half(answered.ipv6_dst + 2) != asked.destination.low();
}

// What it is about.
YONROKU_HOT_INLINE void begin(Route& route, const Block& block, uint32_t ingress, uint32_t generation) {
  route.high = block.high;
  route.low = block.low;
  route.length = static_cast<uint8_t>(block.length);
  route.ingress = ingress;
  route.generation = generation;
}

// The widest block's entry leads to the one that was looked for last.
YONROKU_HOT_INLINE void note_split(const Destination& asked, uint32_t ingress, uint32_t generation,
                                   uint64_t now, const Block& narrower, uint32_t place) {
  const Block widest = asked.block(kWidestBlock);
  const uint32_t at = place_of(widest, ingress);
  Route* const route = find<Route>(routes, at);
  if (at == place || route == nullptr) return;
  begin(*route, widest, ingress, generation);
  route->kind = Route::kSplit;
  route->narrower = static_cast<uint8_t>(narrower.length);
  route->until = now + kRouteLifetime;
}

// Whom XDP programs send to the kernel does not see.
YONROKU_HOT_INLINE void note_neighbour(const bpf_fib_lookup& answered, uint64_t now) {
  fastpath::Neighbour neighbour{};
  neighbour.interface = answered.ifindex;
  __builtin_memcpy(neighbour.mac, answered.dmac, ETH_ALEN);
  (void)map_update_elem(&neighbours, &neighbour, &now, BPF_ANY);
}

inline constexpr int kNothingKnown = -1;
inline constexpr int kAskedJustNow = 1 << 30;

// Finds the place in `routes` of the destination that the question has, and asks the kernel what to put there
// if it is not known yet. Returns the place, with kAskedJustNow if so, or kNothingKnown.
YONROKU_HOT_INLINE int learn_route(void* context, uint32_t ingress, uint64_t now) {
  const auto* const told = find<Control>(control, uint32_t{0});
  auto* const question = find<Question>(route_questions, uint32_t{0});
  if (told == nullptr || question == nullptr) return kNothingKnown;
  const Destination& asked = question->asked;
  // Read before the kernel is asked: what changes meanwhile makes the answer void.
  const uint32_t generation = *const_cast<const volatile uint32_t*>(&told->generation);
  barrier();
  const bool is_exact = told->is_exact != 0;
  uint32_t level = is_exact ? kAddressBlock : widest_whole(asked, *told, now);
  for (const uint32_t each : {level, kAddressBlock}) {
    const Block block = asked.block(each);
    const uint32_t place = place_of(block, ingress);
    const auto* const route = find<Route>(routes, place);
    if (route == nullptr || !is_about(*route, block, ingress, generation, now) ||
        route->kind == Route::kSplit || asked.size > route->fits)
      continue;
    if (each != kWidestBlock) note_split(asked, ingress, generation, now, block, place);
    return static_cast<int>(place);
  }
  // Of such a source the kernel says no, whatever the destination: not what others should be told.
  if (!share::may_be_forwarded(asked.source)) return kNothingKnown;
  bpf_fib_lookup& parameters = question->parameters;
  write_parameters(asked, ingress, parameters);
  const long answer = fib_lookup(context, &parameters, sizeof parameters, 0);
  const Device* const here = find<Device>(devices, ingress);
  if (here == nullptr) return kNothingKnown;  // just attached, or just gone
  const bool has_device = answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_NO_NEIGH ||
                          answer == BPF_FIB_LKUP_RET_FRAG_NEEDED;
  const Device* const device = has_device ? find<Device>(devices, parameters.ifindex) : nullptr;
  const uint32_t use = device == nullptr ? 0 : device->use;
  const bool is_instance = (use & Device::kInstance) != 0;
  if (answer == BPF_FIB_LKUP_RET_FRAG_NEEDED && !is_instance) return kNothingKnown;
  if (has_device && (use & (Device::kInstance | Device::kWithoutNeighbours)) == 0 &&
      !has_gateway(parameters, asked))
    level = kAddressBlock;  // a neighbour of its own

  const Block block = asked.block(level);
  const uint32_t place = place_of(block, ingress);
  Route* const route = find<Route>(routes, place);
  if (route == nullptr) return kNothingKnown;
  begin(*route, block, ingress, generation);
  route->kind = Route::kElsewhere;
  route->fits = UINT16_MAX;
  __builtin_memcpy(route->own_mac, here->mac, ETH_ALEN);
  if (is_instance) {
    route->kind = Route::kInstance;
    route->instance = static_cast<uint8_t>(device->instance);
  } else if (has_device) {
    // A neighbour that is not known yet, or an interface without neighbours: at tc the kernel deals with
    // either.
    route->kind = answer == BPF_FIB_LKUP_RET_SUCCESS ? Route::kNextHop : Route::kNeighbour;
    route->egress = parameters.ifindex;
    route->hands_on = (use & Device::kHandsOn) != 0;
    route->is_xdp_target = (use & Device::kXdpTarget) != 0;
    route->fits = asked.size == 0 ? 0 : parameters.mtu_result;
    __builtin_memcpy(route->destination_mac, parameters.dmac, ETH_ALEN);
    __builtin_memcpy(route->source_mac, parameters.smac, ETH_ALEN);
    if (route->is_xdp_target != 0 && route->kind == Route::kNextHop) note_neighbour(parameters, now);
  }
  route->until = is_exact ? 0 : now + kRouteLifetime;
  if (!is_exact && level != kWidestBlock) note_split(asked, ingress, generation, now, block, place);
  return static_cast<int>(place) | kAskedJustNow;
}

}  // namespace yonroku::bpf

YONROKU_INLINE_ALL_END
extern "C" {

YONROKU_OUT_OF_LINE int learn_route_at_tc(__sk_buff* packet, uint32_t ingress, uint64_t now) {
  return yonroku::bpf::learn_route(packet, ingress, now);
}
YONROKU_OUT_OF_LINE int learn_route_at_xdp(xdp_md* packet, uint32_t ingress, uint64_t now) {
  return yonroku::bpf::learn_route(packet, ingress, now);
}

}  // extern "C"
YONROKU_INLINE_ALL_BEGIN

namespace yonroku::bpf {

YONROKU_HOT_INLINE int learn(__sk_buff* packet, uint32_t ingress, uint64_t now) {
  return learn_route_at_tc(packet, ingress, now);
}
YONROKU_HOT_INLINE int learn(xdp_md* packet, uint32_t ingress, uint64_t now) {
  return learn_route_at_xdp(packet, ingress, now);
}

struct Routed {
  Route* route;   // nullptr: nothing is known
  bool is_fresh;  // the kernel was asked just now
};

template <class Context>
YONROKU_HOT_INLINE Routed route_of(Context* context, const Destination& asked, uint32_t ingress,
                                   const Control& told, uint64_t now) {
  Block block = asked.block(kWidestBlock);
  Route* route = find<Route>(routes, place_of(block, ingress));
  if (route == nullptr) return {nullptr, false};
  if (is_about(*route, block, ingress, told.generation, now)) [[likely]] {
    if (route->kind != Route::kSplit) {
      if (asked.size <= route->fits) [[likely]]
        return {route, false};
    } else {
      block = block_of(asked.destination, route->narrower);
      route = find<Route>(routes, place_of(block, ingress));
      if (route == nullptr) return {nullptr, false};
      if (is_about(*route, block, ingress, told.generation, now) && route->kind != Route::kSplit &&
          asked.size <= route->fits) [[likely]]
        return {route, false};
    }
  }
  auto* const question = find<Question>(route_questions, uint32_t{0});
  if (question == nullptr) return {nullptr, true};
  question->asked = asked;
  const int learned = learn(context, ingress, now);
  if (learned < 0) return {nullptr, true};
  return {find<Route>(routes, static_cast<uint32_t>(learned) % fastpath::kRoutes),
          (learned & kAskedJustNow) != 0};
}

}  // namespace yonroku::bpf
