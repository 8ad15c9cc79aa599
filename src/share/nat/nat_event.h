// What happens in a NAT that somebody may want to know: logs, metrics, an offload. One kind of event for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/instant.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "share/nat/nat_settings.h"

namespace yonroku::share {

// Who is inside: a host's IPv6 address (NAT64), a B4's IPv6 address and the IPv4 address behind it (DS-Lite),
// or an IPv4 address alone (customer edges). What a mechanism does not use is unspecified.
struct InsideEndpoint {
  Ipv6Address ipv6;
  Ipv4Address ipv4;
  uint16_t port = 0;  // or ICMP identifier
  friend bool operator==(const InsideEndpoint&, const InsideEndpoint&) = default;
};

struct Ipv4Endpoint {
  Ipv4Address address;
  uint16_t port = 0;  // or ICMP identifier
  friend bool operator==(const Ipv4Endpoint&, const Ipv4Endpoint&) = default;
};

// What a new binding or session was refused for.
enum class NatRefusal : uint8_t {
  SubscriberPorts,        // ports-per-subscriber
  SubscriberSessions,     // sessions-per-subscriber
  SubscriberSessionRate,  // new-sessions-per-second
  PortsExhausted,
  TableFull,
};
inline constexpr std::size_t kNatRefusalCount = 5;
[[nodiscard]] std::string_view to_string(NatRefusal refusal);  // "subscriber-ports"

struct NatEvent {
  enum class Kind : uint8_t {
    BindingCreated,
    BindingEnded,
    SessionCreated,
    SessionEnded,
    PortBlockTaken,  // of the subscriber, from outside.port on
    PortBlockReturned,
    PortsExhausted,  // no port for a new binding, at outside.address if one was chosen
    LimitExceeded,   // of the subscriber
    TableFull,
  };
  Kind kind{};
  NatProtocol protocol{};
  Instant time;
  InsideEndpoint inside;
  Ipv4Endpoint outside;
  Ipv4Endpoint remote;  // of sessions
  // Created or taken before: it was taken over from an offload that went on before the NAT began, or nobody
  // listened.
  bool is_recovered = false;
  NatRefusal limit{};      // of the last three kinds
  uint16_t last_port = 0;  // of a block
};

[[nodiscard]] std::string_view to_string(NatEvent::Kind kind);

class NatEventSink {
 public:
  // In the worker's thread: it must not block.
  virtual void on(const NatEvent& event) noexcept = 0;

 protected:
  ~NatEventSink() = default;
};

}  // namespace yonroku::share
