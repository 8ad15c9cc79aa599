// What happens in a NAT that somebody may want to know: logs, metrics, an offload. One kind of event for all.
#pragma once

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

struct NatEvent {
  enum class Kind : uint8_t {
    BindingCreated,
    BindingEnded,
    SessionCreated,
    SessionEnded,
    PortBlockTaken,  // of the subscriber, from outside.port on
    PortBlockReturned,
    PortsExhausted,  // no port for a new binding
    LimitExceeded,   // of the subscriber
    TableFull,
  };
  Kind kind{};
  NatProtocol protocol{};
  Instant time;
  InsideEndpoint inside;
  Ipv4Endpoint outside;
  Ipv4Endpoint remote;  // of sessions
  // Created or taken before the NAT began: it was taken over from an offload that went on meanwhile.
  bool is_recovered = false;
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
