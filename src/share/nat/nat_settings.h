// What the operator decides about a NAT: how its bindings behave, which addresses and ports it gives out, how
// long things last, how much one subscriber may have. The same for every mechanism that has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "packet/prefix.h"
#include "share/mapping/port_set.h"

namespace yonroku::share {

enum class NatProtocol : uint8_t { Udp, Tcp, Icmp };
inline constexpr std::size_t kNatProtocolCount = 3;
[[nodiscard]] std::string_view to_string(NatProtocol protocol);

// What of the other end counts, in mapping (RFC 4787 §4.1) and in filtering (RFC 4787 §5).
enum class Dependence : uint8_t { EndpointIndependent, AddressDependent, AddressAndPortDependent };

enum class PortAllocation : uint8_t {
  Dynamic,        // any free port of the subscriber's address
  Blocks,         // of blocks of ports that the subscriber holds; more are added up to a limit
  Deterministic,  // of one block that follows from the subscriber's number (RFC 7422)
};

enum class WhenExhausted : uint8_t {
  Refuse,              // a new binding needs a port of its own (RFC 4787 REQ-3)
  ReuseByDestination,  // ports may be used again for other destinations (RFC 7857 §3)
};

// Seconds, 1 to 604800.
struct NatTimeouts {
  uint32_t udp = 300;               // RFC 4787 REQ-5
  uint32_t dns = 300;               // of UDP to port 53 (RFC 4787 REQ-5a); not more than `udp`
  uint32_t tcp_established = 7440;  // RFC 5382 REQ-5: 2 hours and 4 minutes
  uint32_t tcp_opening = 240;       // RFC 7857 §2.1: transitory, partially open
  uint32_t tcp_closing = 240;       // likewise, closing
  uint32_t tcp_incoming_syn = 6;    // RFC 5382 REQ-4
  uint32_t icmp = 60;               // RFC 5508 REQ-2
  friend bool operator==(const NatTimeouts&, const NatTimeouts&) = default;
};

// Of all pools of an instance together: a /16.
inline constexpr uint32_t kMostPoolAddresses = 65536;

// Addresses that all have the same ports to give out. No address is in two pools, or twice in one.
struct NatPool {
  std::vector<Ipv4Prefix> addresses;
  uint16_t first_port = 1024;  // >= 1
  uint16_t last_port = 65535;  // >= first_port
  // Instead of that range: the ports that one customer has of a shared address.
  std::optional<PortSet> port_set{};
  friend bool operator==(const NatPool&, const NatPool&) = default;
};

// A binding that the operator made: RFC 6146 §3.1, RFC 6888 REQ-9. Lasts whether or not it has sessions.
struct StaticBinding {
  NatProtocol protocol{};
  Ipv6Address inside;       // NAT64: the host; DS-Lite: its B4; unspecified where the inside is IPv4 alone
  Ipv4Address inside_ipv4;  // unspecified in NAT64
  uint16_t inside_port = 0;
  Ipv4Address outside;
  uint16_t outside_port = 0;
  friend bool operator==(const StaticBinding&, const StaticBinding&) = default;
};

struct NatSettings {
  Dependence mapping = Dependence::EndpointIndependent;
  Dependence filtering = Dependence::EndpointIndependent;
  NatTimeouts timeouts;

  std::vector<NatPool> pools;
  PortAllocation allocation = PortAllocation::Dynamic;
  uint16_t block_size = 256;  // 16 to 32768 ports, of Blocks and Deterministic; each pool has room for one
  uint8_t blocks_per_subscriber = 4;  // 1 to 8
  uint32_t block_rest = 120;          // seconds before a released block is given out again
  uint32_t port_rest = 120;      // seconds before a released UDP port is given out again (RFC 6888 REQ-8)
  bool keep_parity = false;      // RFC 4787 REQ-4, of UDP
  bool keep_range = true;        // RFC 4787 REQ-3a: 0 to 1023, or above
  bool keep_contiguity = false;  // RFC 4787 §4.2.3: a port one above the inside's gets the port one above
  WhenExhausted when_exhausted = WhenExhausted::Refuse;

  uint8_t subscriber_prefix_length = 128;  // 32 to 128, of the inside IPv6 address
  // Deterministic: who has a number, counted through these prefixes in their order. None is longer than
  // subscriber_prefix_length, no two overlap, and the pools have a block for each. Empty otherwise.
  std::vector<Ipv6Prefix> subscribers;
  // Of one subscriber; 0: no limit.
  uint32_t ports_per_subscriber = 0;
  uint32_t sessions_per_subscriber = 0;
  uint32_t new_sessions_per_second = 0;

  uint8_t offload_after = 8;  // packets of a session before it is offloaded, where there is an offload
  uint32_t max_sessions = 1'000'000;  // of the instance; memory for their bindings is set aside at start
  std::vector<StaticBinding> static_bindings;
  friend bool operator==(const NatSettings&, const NatSettings&) = default;
};

}  // namespace yonroku::share
