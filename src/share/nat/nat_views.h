// What a NAT shows of its tables: copies of single entries, and sums. Of one worker's share; whoever asks
// several workers adds up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "packet/prefix.h"
#include "share/nat/nat_event.h"
#include "share/nat/nat_settings.h"
#include "share/nat/port_pool.h"
#include "share/nat/tcp_state.h"

namespace yonroku::share {

// "established"; of UDP "answered" or "unanswered", whether the side that did not begin has sent anything; of
// ICMP "query".
[[nodiscard]] std::string_view session_state_text(NatProtocol protocol, uint8_t state);

struct SessionView {
  NatProtocol protocol{};
  InsideEndpoint inside;
  Ipv4Endpoint outside;
  Ipv4Endpoint remote;
  uint8_t state = 0;  // TcpState; of UDP 1 when it was answered
  uint32_t seconds_left = 0;
  [[nodiscard]] std::string_view state_text() const { return session_state_text(protocol, state); }
};

struct BindingView {
  // Sessions of one binding are counted up to here, so that looking at it costs little.
  static constexpr uint32_t kMostCounted = 32;
  NatProtocol protocol{};
  InsideEndpoint inside;
  Ipv4Endpoint outside;
  bool is_static = false;
  bool is_shared = false;     // its port is also others', for other destinations
  uint32_t sessions = 0;      // kMostCounted: so many or more
  uint32_t seconds_left = 0;  // the longest of the sessions that were counted
};

struct SubscriberView {
  struct PortBlock {
    uint16_t first_port = 0;
    uint16_t last_port = 0;
    uint32_t used = 0;  // ports of all protocols
  };
  Ipv6Prefix ipv6;                     // ::/0 where the inside is IPv4 alone
  Ipv4Address ipv4;                    // unspecified otherwise
  std::optional<Ipv4Address> outside;  // of all its dynamic bindings (RFC 4787 REQ-2)
  uint32_t bindings = 0;               // each has a port
  uint32_t sessions = 0;
  std::size_t block_count = 0;
  std::array<PortBlock, 8> blocks{};
};

// Ports of one address of the pools.
struct PoolAddressView {
  Ipv4Address address;
  uint32_t ports = 0;                              // to give out, of each protocol
  std::array<uint32_t, kNatProtocolCount> used{};  // of them; those at rest too
  std::optional<PortSet> port_set;                 // of a customer edge on a shared address
};

// Why a session ended.
enum class SessionEnd : uint8_t {
  UdpTimeout,
  DnsTimeout,
  IcmpTimeout,
  TcpOpeningTimeout,      // nobody answered the SYN, or the answer was not confirmed
  TcpEstablishedTimeout,  // no packet for as long as an established connection is remembered
  Closed,                 // both ends said FIN, or one RST, and its time is over
  MadeRoom,               // for another one, when it was over or unanswered
  Removed,                // by a reload, or for want of room for static bindings
};
inline constexpr std::size_t kSessionEndCount = 8;
[[nodiscard]] std::string_view to_string(SessionEnd end);  // "udp-timeout"
// Whether sessions of the protocol can end so.
[[nodiscard]] bool can_end(NatProtocol protocol, SessionEnd end);

// Which ports of one address of the pools are taken or rest.
struct TakenPorts {
  PortSlots slots;
  std::array<std::array<uint64_t, 1024>, kNatProtocolCount> bits{};  // one for each slot
};

struct NatCounts {
  std::array<uint64_t, kNatProtocolCount> bindings{};
  std::array<std::array<uint64_t, kTcpStateCount>, kNatProtocolCount> sessions{};  // by protocol and state
  uint64_t subscribers = 0;
  uint64_t ports = 0;                                    // to give out, of each protocol
  std::array<uint64_t, kNatProtocolCount> used_ports{};  // of them; those at rest too
  uint64_t resting_ports = 0;
  uint64_t blocks = 0;       // of ports; 0 when they are not given out in blocks
  uint64_t used_blocks = 0;  // of them; those at rest too
  uint64_t resting_blocks = 0;
  uint64_t offloaded_sessions = 0;  // of `sessions`

  // These only grow.
  uint64_t refused_offloads = 0;  // so often the offload had no room
  std::array<uint64_t, kNatProtocolCount> ended_bindings{};
  std::array<std::array<uint64_t, kSessionEndCount>, kNatProtocolCount> ended_sessions{};
  std::array<std::array<uint64_t, kNatRefusalCount>, kNatProtocolCount> refusals{};

  [[nodiscard]] uint64_t sessions_of(NatProtocol protocol) const {
    uint64_t sum = 0;
    for (const uint64_t count : sessions[static_cast<std::size_t>(protocol)]) sum += count;
    return sum;
  }
  // Since the beginning.
  [[nodiscard]] uint64_t created_bindings(NatProtocol protocol) const {
    const auto number = static_cast<std::size_t>(protocol);
    return bindings[number] + ended_bindings[number];
  }
  [[nodiscard]] uint64_t created_sessions(NatProtocol protocol) const {
    uint64_t sum = sessions_of(protocol);
    for (const uint64_t count : ended_sessions[static_cast<std::size_t>(protocol)]) sum += count;
    return sum;
  }
  void add(const NatCounts& other);
};

}  // namespace yonroku::share
