// Whose packet it is: addresses and ports of an IPv4 packet, as whoever shares out ports must see them. The
// only place that looks for ports.
//
// ICMP queries have their identifier as port on both sides (RFC 7597 §8.2). An ICMP error is about a packet
// that went the other way: its source port is the quoted packet's destination port, and the other way round.
#pragma once

#include <cstdint>

#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/verdict.h"

namespace yonroku {

struct Ipv4Flow {
  enum class Ports : uint8_t {
    Present,
    None,      // a protocol or ICMP message without ports
    Fragment,  // only the whole packet would tell
    CutOff,    // an ICMP error quotes too little to tell, which matters where an address is shared
  };
  Ipv4Address source;
  Ipv4Address destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  Ports ports = Ports::None;
  IpProtocol protocol{};
  bool is_icmp_error = false;

  // truncated-header when the transport header is cut short, inner-packet-is-icmp-error when an ICMP error
  // quotes one.
  static Checked<Ipv4Flow> of(const Ipv4View& ip) noexcept;
  // Of a packet that an ICMP error quotes: it may be cut short, and it is no ICMP error itself
  // (inner-packet-is-icmp-error).
  static Checked<Ipv4Flow> of_quoted(const Ipv4View& quote) noexcept;
};

// The source port of an IPv6 packet, as whoever checks that it is the customer's own must see it.
struct Ipv6SourcePort {
  Ipv4Flow::Ports ports = Ipv4Flow::Ports::None;
  uint16_t port = 0;

  // truncated-header when the transport header is cut short.
  static Checked<Ipv6SourcePort> of(const Ipv6View& ip) noexcept;
  // The destination's in a packet that an ICMPv6 error quotes: the one who sends the error received it.
  // inner-packet-is-icmp-error.
  static Checked<Ipv6SourcePort> of_quoted(const Ipv6View& quote) noexcept;
};

}  // namespace yonroku
