// ICMPv6 errors that routers inside the tunnel send to its entry, and what the inner packet's sender gets to
// hear of them (RFC 2473 §8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "carry/translate/icmp_error.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

struct TunnelError {
  // `ip` is an ICMPv6 error. What Icmpv6Error::parse() refuses, and tunnel-error-not-relayed when the quoted
  // packet is none that a tunnel entry sends.
  static Checked<TunnelError> parse(const Ipv6View& ip) noexcept;

  Ipv6Address entry;  // the quoted packet's source
  Ipv6Address exit;   // its destination
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t mtu = 0;                   // of "packet too big"
  bool is_about_spent_limit = false;  // a "parameter problem": the tunnel leads into too many others
  std::size_t tunnel_headers = 0;     // octets of the quoted packet in front of the IPv4 packet
  std::optional<Ipv4View> inner;      // as much as was quoted; nullopt: the quote is of a later fragment
};

// Turns the ICMPv6 packet into the ICMPv4 error for the inner packet's sender, from `source`.
// icmp-type-not-translatable when that sender needs not know, inner-packet-truncated when too little was
// quoted.
Verdict relay_tunnel_error(Packet& packet, const TunnelError& error, Ipv4Address source) noexcept;

}  // namespace yonroku::carry
