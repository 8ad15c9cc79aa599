// What a packet needs to know to cross: its addresses on the other side, and a port where a NAT changes one.
// A sharer (share/) finds them, a carrier (carry/) applies them, a mechanism joins the two.
#pragma once

#include <cstdint>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::carry {

// A NAT changes the source port on the way out and the destination port on the way in; of an ICMP query, the
// identifier either way.
struct PortChange {
  enum class Which : uint8_t { None, Source, Destination } which = Which::None;
  uint16_t port = 0;  // the new one
};

struct Crossing4 {
  Ipv4Address source;
  Ipv4Address destination;
  PortChange port{};
};

struct Crossing6 {
  Ipv6Address source;
  Ipv6Address destination;
  PortChange port{};
};

}  // namespace yonroku::carry
