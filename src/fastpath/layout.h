// What the programs in the kernel and the control side share: keys and values of the maps. Both sides include
// this file, so there is nothing to keep in step. Integers are in host byte order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "carry/encapsulate/settings.h"
#include "carry/translate/settings.h"
#include "fastpath/flow_layout.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "share/mapping/near_block_bits.h"
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
inline constexpr std::size_t kMissSlots = 32;  // a power of two: what the verifier can see to be in range
static_assert(kMissCount <= kMissSlots);

// --- what an instance does (map `instances`, an array) ---

inline constexpr std::size_t kMostInstances = 64;
inline constexpr std::size_t kMostName = 32;
inline constexpr std::size_t kMostRanges = 16;

struct Ipv4Range {
  uint32_t first;
  uint32_t last;
};

// Memory that the engine shares: where it is in map `tables`, an array of arrays of share::Slot. Slot 0 is a
// header, word 0 the capacity and word 1 the hashes' key; what follows are a share::ConcurrentTable's slots,
// or words of another kind.
using TableNumber = uint32_t;

// An instance's part of the map.
inline constexpr uint32_t kTablesOfInstance = 8;
constexpr TableNumber table_number(uint32_t instance, uint32_t table) {
  return instance * kTablesOfInstance + table;
}

inline constexpr uint32_t kMostLengths = 8;
inline constexpr uint32_t kMostPatterns = 8;
inline constexpr uint8_t kTooMany = 255;  // in place of their count: the engine knows them

// The prefix lengths that a table has, longest first.
struct Lengths {
  uint8_t count;
  uint8_t length[kMostLengths];
};

// An address to embed in, or none.
struct PrefixView {
  share::Pref64 prefix;
  uint8_t is_set;
  uint8_t is_restricted;  // RFC 6052 §3.1 applies
};

// A share::EamTable.
struct MappingsView {
  TableNumber by_ipv4;
  TableNumber by_ipv6;
  Lengths ipv4_lengths;
  Lengths ipv6_lengths;
  uint64_t ipv4_blocks[share::kNearWords];  // share::NearBlocks
  uint64_t ipv6_blocks[share::kNearWords];
};

struct SiitView {
  PrefixView ipv4_side;
  PrefixView ipv6_side;
  MappingsView mappings;
  uint32_t own_address;  // 0: none
  uint32_t ranges;       // that are routed here as a whole
  Ipv4Range routed_here[kMostRanges];
  uint8_t is_hairpinning;  // a destination in the prefix that has a mapping is the engine's (RFC 7757 §4.2.2)
  uint8_t refuses_looping;  // a destination without a mapping in a range is the engine's, towards IPv6 too
};

// A share::MapRuleTable.
struct RulePattern {
  uint8_t ipv4_length;
  uint8_t psid_offset;  // of a given PSID
  uint8_t psid_length;  // likewise; 0: none is given
  uint8_t unused;
};
struct RulesView {
  TableNumber by_ipv4;
  TableNumber by_ipv6;
  TableNumber shared;  // share::SharedPrefixes
  TableNumber near;    // share::NearBits
  uint32_t count;      // of patterns, in the order of a lookup
  RulePattern pattern[kMostPatterns];
  Lengths ipv6_lengths;
};

struct SoftwireView {
  carry::EncapsulateSettings encapsulate;
  RulesView rules;
  TableNumber path_mtus;  // carry::PathMtuEntry
  uint8_t learns_path_mtus;
  uint8_t is_hairpinning;
  uint8_t takes_icmp;  // from the IPv4 side
  uint8_t own_ranges;  // 0: every IPv4 address may be on this side
  Ipv4Range own[kMostRanges];
  uint64_t border[256][2];  // this end's addresses, high and low halves, by the number that rules have
};

struct MapTView {
  RulesView rules;
  share::Pref64 dmr;
  MappingsView mappings;
};

// Nat: of whatever mechanism; what is done to its packets, its flows know.
enum class Kind : uint32_t { None, Siit, Softwire, MapT, Nat };

// Where a packet is seen.
enum class Place : uint32_t { Tc, Xdp };
inline constexpr uint32_t kPlaces = 2;

struct InstanceView {
  Kind kind;
  uint32_t places;  // that serve it: a bit for each
  // For the next program, which takes the maps over.
  char name[kMostName];  // filled up with zeros
  uint32_t first_flow;   // of its NAT's
  uint32_t unused;

  carry::TranslateSettings translate;
  SiitView siit;
  MapTView map_t;
  SoftwireView softwire;
};

// --- counters (map `counters`, for each instance, place and processor) ---
constexpr uint32_t counters_number(uint32_t instance, Place place) {
  return instance * kPlaces + static_cast<uint32_t>(place);
}

struct Count {
  uint64_t packets;
  uint64_t octets;  // as received
};

// As observe::Counters counts, by direction (to IPv6, to IPv4) and protocol (TCP, UDP, ICMP, other).
struct CountersView {
  Count forwarded[2][4];
  uint64_t misses[kMissSlots];
};

// --- where packets leave (map `routes`, a cache; map `devices`, by interface index) ---

struct Device {
  enum Use : uint32_t {
    kInstance = 1,   // an instance's TUN device: what is routed there is the instance's
    kXdpTarget = 2,  // takes frames from XDP programs
    // Made by software that hands super-packets on as they are: the kernel takes one that came out of a
    // tunnel for one that is in it still, which a network card that cuts tunnels' segments by itself would
    // get wrong.
    kHandsOn = 4,
    kWithoutNeighbours = 8,  // where it leads does not depend on the address
  };
  uint32_t use;
  uint32_t instance;  // in `instances`
  uint8_t mac[6];
  uint8_t unused[2];
};

inline constexpr uint32_t kRouteBits = 13;
inline constexpr std::size_t kRoutes = std::size_t{1} << kRouteBits;  // on each processor

// What the kernel's routing said about a block of destinations (fastpath/route_blocks.h). Good for a second,
// and until `Control::generation` changes.
struct Route {
  // kSplit, of the widest blocks only: what is known is known of narrower ones.
  enum Kind : uint8_t { kUnknown, kNextHop, kNeighbour, kInstance, kElsewhere, kSplit };
  uint64_t high, low;  // the block
  uint64_t until;      // nanoseconds of CLOCK_MONOTONIC
  uint32_t generation;
  uint32_t ingress;  // interface index
  uint32_t egress;   // likewise
  uint16_t fits;     // packets up to this size are known to fit
  uint8_t kind;
  uint8_t instance;
  uint8_t length;              // of the block
  uint8_t narrower;            // of kSplit: the length of the block that was looked for last
  uint8_t destination_mac[6];  // of the next hop
  uint8_t source_mac[6];
  uint8_t own_mac[6];     // of the interface where packets arrive
  uint8_t is_xdp_target;  // takes frames from XDP programs
  uint8_t hands_on;       // Device::kHandsOn
};
static_assert(sizeof(Route) == 64);

// A next hop of packets (map `neighbours`, which has the time of CLOCK_MONOTONIC at which the kernel was
// asked last for a way that leads there, in nanoseconds).
struct Neighbour {
  uint32_t interface;  // index
  uint8_t mac[6];
  uint8_t unused[2];
};
inline constexpr std::size_t kNeighbours = 8192;  // those that were not used for the longest time make room

// --- what the control side says to all programs (map `control`, one entry) ---

// Of all that the maps hold and that the next program is to understand: changes with the meaning of anything.
inline constexpr uint32_t kLayout = 5;

struct Control {
  uint32_t layout;  // kLayout once everything else is set; always the first
  // How often the kernel itself counts a hop on each side of the engine, and the programs in its place: 1,
  // since a packet is routed to the TUN device and again from there. 0 where programs are compared with the
  // engine alone.
  uint32_t kernel_hops;
  uint32_t generation;  // changes whenever routes, neighbours or interfaces do
  uint32_t is_exact;    // routing depends on more than destinations: nothing is cached
  uint32_t processors;
  uint32_t flow_buckets;  // a power of two; 0: there are no flows
  uint64_t identification_seed;
  FlowHashKeys flow_keys;
  uint64_t network;  // the namespace in which interfaces have their indices
  // Nanoseconds of CLOCK_MONOTONIC: somebody watches routes, and `whole_blocks` is right, until then.
  uint64_t blocks_until;
  // Likewise, flows are followed until then: a program that is killed before Linux 6.6 leaves its filters
  // behind.
  uint64_t flows_until;
};

}  // namespace yonroku::fastpath
