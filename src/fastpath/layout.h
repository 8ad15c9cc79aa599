// What the programs in the kernel and the control side share: keys and values of the maps. Both sides include
// this file, so there is nothing to keep in step. Integers are in host byte order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "carry/translate/settings.h"
#include "fastpath/flow_layout.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "share/mapping/rfc6052.h"

namespace yonroku::fastpath {

// Why a packet that belongs to an instance was left to the engine.
enum class Miss : uint8_t {
#define YONROKU_MISS(enumerator, name, meaning) enumerator,
#include "fastpath/misses.def"
#undef YONROKU_MISS
};
inline constexpr std::size_t kMissCount = 0
#define YONROKU_MISS(enumerator, name, meaning) +1
#include "fastpath/misses.def"
#undef YONROKU_MISS
    ;

// --- what an instance does (map `instances`, an array) ---

inline constexpr std::size_t kMostInstances = 64;
inline constexpr std::size_t kMostRanges = 16;

struct Ipv4Range {
  uint32_t first;
  uint32_t last;
};

// A table of share::ConcurrentTable: where it is in map `tables`, an array of arrays of share::Slot. Slot 0
// is a header, word 0 the capacity and word 1 the hashes' key; the table's own slots follow it.
using TableNumber = uint32_t;

// The prefix lengths that a table has, longest first.
struct Lengths {
  static constexpr uint32_t kMost = 8;
  static constexpr uint8_t kTooMany = 255;  // the engine knows them
  uint8_t count;
  uint8_t length[kMost];
};

// An address to embed in, or none.
struct PrefixView {
  share::Pref64 prefix;
  uint8_t is_set;
  uint8_t is_restricted;  // RFC 6052 §3.1 applies
};

struct SiitView {
  PrefixView ipv4_side;
  PrefixView ipv6_side;
  TableNumber by_ipv4;
  TableNumber by_ipv6;
  Lengths ipv4_lengths;
  Lengths ipv6_lengths;
  uint32_t own_address;  // 0: none
  uint32_t ranges;       // that are routed here as a whole
  Ipv4Range routed_here[kMostRanges];
  uint8_t is_hairpinning;  // a destination in the prefix that has a mapping is the engine's (RFC 7757 §4.2.2)
  uint8_t refuses_looping;  // a destination without a mapping in a range is the engine's, towards IPv6 too
};

// Nat: of whatever mechanism; what is done to its packets, its flows know.
enum class Kind : uint32_t { None, Siit, Nat };

struct InstanceView {
  Kind kind;
  carry::TranslateSettings translate;
  SiitView siit;
};

// --- counters (map `counters`, one for each instance and processor) ---

struct Count {
  uint64_t packets;
  uint64_t octets;  // as received
};

// As observe::Counters counts, by direction (to IPv6, to IPv4) and protocol (TCP, UDP, ICMP, other).
struct CountersView {
  Count forwarded[2][4];
  uint64_t misses[kMissCount];
};

// --- where packets leave (map `routes`, a cache; map `devices`, by interface index) ---

struct Device {
  enum Use : uint32_t {
    kInstance = 1,   // an instance's TUN device: what is routed there is the instance's
    kXdpTarget = 2,  // takes frames from XDP programs
  };
  uint32_t use;
  uint32_t instance;  // in `instances`
  uint8_t mac[6];
  uint8_t unused[2];
};

inline constexpr std::size_t kRoutes = 4096;  // on each processor

// What the kernel's routing said about a destination. Good for a second, and until `Control::generation`
// changes.
struct Route {
  enum Kind : uint8_t { kUnknown, kNextHop, kInstance, kElsewhere };
  uint64_t high, low;  // the destination; IPv4 as ::ffff:0:0/96
  uint64_t until;      // nanoseconds of CLOCK_MONOTONIC
  uint32_t generation;
  uint32_t ingress;  // interface index
  uint32_t egress;   // likewise
  uint16_t fits;     // packets up to this size are known to fit
  uint8_t kind;
  uint8_t instance;
  uint8_t destination_mac[6];  // of the next hop
  uint8_t source_mac[6];
  uint8_t own_mac[6];     // of the interface where packets arrive
  uint8_t is_xdp_target;  // takes frames from XDP programs
  uint8_t unused;
};
static_assert(sizeof(Route) == 64);

// --- what the control side says to all programs (map `control`, one entry) ---

struct Control {
  uint32_t generation;  // changes whenever routes, neighbours or interfaces do
  uint32_t is_exact;    // routing depends on more than destinations (policy rules): nothing is cached
  uint32_t processors;
  uint32_t unused;
  uint64_t identification_seed;
  FlowHashKeys flow_keys;
  uint32_t flow_buckets;  // a power of two; 0: there are no flows
  uint32_t unused_too;
};

}  // namespace yonroku::fastpath
