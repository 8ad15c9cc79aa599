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

// What packets of a flow look like.
//
//                    | towards the inside            | towards the outside
//   Nat64, Slb64     | IPv6                          | IPv4
//   DsLiteAftr       | IPv4 in IPv6                  | IPv4
//   SoftwireNapt     | IPv4                          | IPv4 in IPv6     (map-e-ce, lwb4)
//   MapTCe           | IPv4                          | IPv6
enum class FlowKind : uint8_t { Nat64, DsLiteAftr, SoftwireNapt, MapTCe, Slb64 };

enum class FlowDirection : uint8_t { Out = 0, In = 1 };

// What a flow is. Integers in host byte order; a port is the identifier of an ICMP echo, all three the same
// way round as a port of TCP: `remote_port` of ICMP is 0.
struct FlowContent {
  // Source and destination of its IPv6 packets on the way out; the other way round on the way in. NAT64: the
  // host inside, and the remote host in the prefix. Load
  // balancer: the client and the virtual address. DS-Lite: B4 and AFTR. Customer edges: this end and the
  // other end of the tunnel, or (MAP-T) who outside and remote are in IPv6.
  uint64_t near_high, near_low;
  uint64_t far_high, far_low;
  uint32_t inside;  // IPv4 address; 0 where the inside has none (NAT64, load balancer)
  uint32_t outside;
  uint32_t remote;
  uint16_t inside_port;
  uint16_t outside_port;
  uint16_t remote_port;
  uint8_t protocol;  // IpProtocol as on the IPv4 side: TCP, UDP or ICMP
  uint8_t instance;  // in `instances`
  FlowKind kind;
  uint8_t is_one_way;  // only packets on the way out find it
  uint16_t far_port;   // of a load balancer, which the client calls the virtual address by; else 0
  friend bool operator==(const FlowContent&, const FlowContent&) = default;
};
static_assert(sizeof(FlowContent) == 56);

// A cache line that the programs only read, and one that they write.
struct Flow {
  // Odd while the flow is being written, or is none; changes with every change. A program that finds another
  // number behind its reading than before it has read half of a change, and leaves the packet to the engine.
  uint64_t sequence;
  FlowContent content;
  // When a packet was seen last in each direction, in nanoseconds of CLOCK_MONOTONIC_COARSE; 0: never. The
  // programs'.
  uint64_t seen[2];  // by FlowDirection
  uint64_t unused[6];
};
static_assert(sizeof(Flow) == 128 && offsetof(Flow, seen) == 64);

// What a packet shows. What it does not have is 0.
struct FlowKey {
  uint64_t ipv6_source_high, ipv6_source_low;
  uint64_t ipv6_destination_high, ipv6_destination_low;
  uint32_t source;  // IPv4; of IPv4 in IPv6 both headers are here
  uint32_t destination;
  uint16_t source_port;  // an ICMP echo has its identifier in both
  uint16_t destination_port;
  uint32_t protocol;  // as on the IPv4 side
  friend constexpr bool operator==(const FlowKey&, const FlowKey&) = default;
};
static_assert(sizeof(FlowKey) == 48);

// Whose packets are translated, not tunnelled.
constexpr bool is_translated(FlowKind kind) {
  return kind == FlowKind::Nat64 || kind == FlowKind::MapTCe || kind == FlowKind::Slb64;
}

// The way that packets go which arrive as IPv6.
constexpr FlowDirection direction_from_ipv6(FlowKind kind) {
  const bool is_provider = kind != FlowKind::SoftwireNapt && kind != FlowKind::MapTCe;
  return is_provider ? FlowDirection::Out : FlowDirection::In;
}
constexpr FlowDirection direction_from_ipv4(FlowKind kind) {
  return direction_from_ipv6(kind) == FlowDirection::Out ? FlowDirection::In : FlowDirection::Out;
}

constexpr bool shows_ipv6(FlowKind kind, FlowDirection direction) {
  return direction_from_ipv6(kind) == direction;
}
constexpr bool shows_ipv4(FlowKind kind, FlowDirection direction) {
  return !is_translated(kind) || !shows_ipv6(kind, direction);
}

constexpr FlowKey key_of(const FlowContent& flow, FlowDirection direction) {
  FlowKey key{};
  const bool is_out = direction == FlowDirection::Out;
  if (shows_ipv6(flow.kind, direction)) {
    key.ipv6_source_high = is_out ? flow.near_high : flow.far_high;
    key.ipv6_source_low = is_out ? flow.near_low : flow.far_low;
    key.ipv6_destination_high = is_out ? flow.far_high : flow.near_high;
    key.ipv6_destination_low = is_out ? flow.far_low : flow.near_low;
  }
  if (shows_ipv4(flow.kind, direction)) {
    key.source = is_out ? flow.inside : flow.remote;
    key.destination = is_out ? flow.remote : flow.outside;
  }
  constexpr uint8_t kIcmp = 1;
  const uint16_t own_port = is_out ? flow.inside_port : flow.outside_port;
  const uint16_t remote_port = is_out && flow.kind == FlowKind::Slb64 ? flow.far_port : flow.remote_port;
  const uint16_t other_port = flow.protocol == kIcmp ? own_port : remote_port;
  key.source_port = is_out ? own_port : other_port;
  key.destination_port = is_out ? other_port : own_port;
  key.protocol = flow.protocol;
  return key;
}

// The hash's secret, so that nobody can choose flows that collide.
struct FlowHashKeys {
  uint64_t words[6];
};
constexpr FlowHashKeys hash_keys_of(uint64_t seed) {
  FlowHashKeys keys{};
  for (uint64_t& word : keys.words) {  // SplitMix64
    seed += 0x9e3779b97f4a7c15;
    word = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    word ^= word >> 31;
  }
  return keys;
}

// NH, the hash of UMAC: almost universal, one multiplication for eight octets; then its bits are spread.
constexpr uint64_t hash_of(const FlowKey& key, const FlowHashKeys& keys) {
  uint64_t sum = 0;
  const auto add = [&](uint64_t word, uint64_t secret) {
    sum += uint64_t{static_cast<uint32_t>(word) + static_cast<uint32_t>(secret)} *
           (static_cast<uint32_t>(word >> 32) + static_cast<uint32_t>(secret >> 32));
  };
  add(uint64_t{key.source} << 32 | key.destination, keys.words[0]);
  add(uint64_t{key.source_port} << 48 | uint64_t{key.destination_port} << 32 | key.protocol, keys.words[1]);
  add(key.ipv6_source_high, keys.words[2]);
  add(key.ipv6_source_low, keys.words[3]);
  add(key.ipv6_destination_high, keys.words[4]);
  add(key.ipv6_destination_low, keys.words[5]);
  sum = (sum ^ (sum >> 32)) * 0xd6e8feb86659fd93;
  return sum ^ (sum >> 32);
}

// A cache line. An entry is 0 (free), or 32 bits of the key's hash in the high half, and in the low half what
// it leads to.
struct FlowBucket {
  static constexpr std::size_t kEntries = 8;
  uint64_t entries[kEntries];
};
static_assert(sizeof(FlowBucket) == 64);

// The number of buckets is a power of two.
constexpr uint32_t bucket_of(uint64_t hash, uint32_t buckets) {
  return static_cast<uint32_t>(hash) & (buckets - 1);
}
constexpr uint64_t entry_of(uint64_t hash, uint32_t flow, FlowDirection direction) {
  return (hash & 0xffff'ffff'0000'0000) | ((uint64_t{flow} + 1) << 1 | static_cast<uint8_t>(direction));
}
constexpr uint32_t flow_of(uint64_t entry) { return (static_cast<uint32_t>(entry) >> 1) - 1; }
constexpr FlowDirection direction_of(uint64_t entry) { return static_cast<FlowDirection>(entry & 1); }

}  // namespace yonroku::fastpath
