// What a packet needs to know to cross: its addresses on the other side, and a port where a NAT changes one.
// A sharer (share/) finds them, a carrier (carry/) applies them, a mechanism joins the two.
#pragma once

#include <cstdint>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::carry {

// A NAT changes the source port on the way out and the destination port on the way in; of an ICMP query, the
// identifier either way. A load balancer changes both.
struct PortChange {
  enum class Which : uint8_t { None, Source, Destination, Both } which = Which::None;
  uint16_t port = 0;              // the new one; of Both the source's
  uint16_t destination_port = 0;  // of Both
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
