// Flows: sessions of a NAT whose packets the programs forward, as the engine and the programs share them in
// memory (maps `flows` and `flow_index`, both mapped by the daemon). The engine's workers write flows, each
// to a range of its own; the programs read them and write down when they saw a packet.
//
// A flow is found by what a packet shows of it, in either direction: a hash leads to a bucket of the index, a
// cache line of eight entries, and there is no way on from there. A bucket that is full has no room for the
// flow, which stays with the engine.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::fastpath {

// In host byte order.
struct Flow {
  // Odd while the flow is being written; changes with every change. A program that finds another number
  // behind its reading than before it has read half of a change, and leaves the packet to the engine.
  uint64_t sequence;
  // NAT64: the host inside. DS-Lite: the B4. A customer edge: the other end of the tunnel (MAP-E, lw4o6), or
  // who the remote host is in IPv6 (MAP-T).
  uint64_t ipv6_high, ipv6_low;
  uint32_t inside;       // IPv4 address, where the inside has one
  uint32_t outside;      // IPv4 address
  uint32_t remote;       // IPv4 address
  uint16_t inside_port;  // or ICMP identifier, as of the others
  uint16_t outside_port;
  uint16_t remote_port;
  uint8_t protocol;  // IpProtocol as on the IPv4 side: TCP, UDP or ICMP
  uint8_t instance;  // in `instances`
  uint8_t is_used;
  uint8_t unused[18];
  // When a packet was seen last in each direction, in nanoseconds of CLOCK_MONOTONIC_COARSE; 0: never. The
  // programs'.
  uint64_t seen_out;
  uint64_t seen_in;
  uint64_t unused_too[6];
};
static_assert(sizeof(Flow) == 128);

enum class FlowDirection : uint8_t { Out = 0, In = 1 };

// What a packet shows. Out: NAT64 and DS-Lite have the IPv6 source; NAT64's destination is `remote` in the
// instance's prefix. Where the inside is IPv4 alone, IPv6 addresses are zero. In: IPv4 addresses and ports
// only.
struct FlowKey {
  Ipv6Address ipv6;      // of the inside: NAT64, DS-Lite
  uint32_t source;       // IPv4: inside (DS-Lite, customer edges) or 0 (NAT64); remote on the way in
  uint32_t destination;  // IPv4: remote; outside on the way in
  uint16_t source_port;  // an ICMP echo has its identifier in both
  uint16_t destination_port;
  uint8_t protocol;  // as on the IPv4 side
  FlowDirection direction;
};

// `seed` keys the hash, so that nobody can choose flows that collide.
constexpr uint64_t hash_of(const FlowKey& key, uint64_t seed) {
  const auto mix = [](uint64_t v) {
    v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93;
    return (v ^ (v >> 29)) * 0x9e3779b97f4a7c15;
  };
  const uint64_t addresses = uint64_t{key.source} << 32 | key.destination;
  const uint64_t ports = uint64_t{key.source_port} << 32 | uint64_t{key.destination_port} << 16 |
                         uint64_t{key.protocol} << 8 | static_cast<uint8_t>(key.direction);
  uint64_t hash = mix((addresses ^ seed) + ports * 0x9e3779b97f4a7c15);
  if (key.ipv6.high() != 0 || key.ipv6.low() != 0) hash = mix(mix(key.ipv6.high() ^ hash) + key.ipv6.low());
  return hash;
}

// A cache line. An entry is 0 (free), or the flow's number + 1 in the low half and 32 bits of its hash in the
// high half.
struct FlowBucket {
  static constexpr std::size_t kEntries = 8;
  uint64_t entries[kEntries];
};
static_assert(sizeof(FlowBucket) == 64);

// The number of buckets is a power of two.
constexpr uint32_t bucket_of(uint64_t hash, uint32_t buckets) {
  return static_cast<uint32_t>(hash) & (buckets - 1);
}
constexpr uint64_t entry_of(uint64_t hash, uint32_t flow) {
  return (hash & 0xffff'ffff'0000'0000) | (uint64_t{flow} + 1);
}

}  // namespace yonroku::fastpath
