// What a packet needs to know to cross: its addresses on the other side. A sharer (share/) finds them, a
// carrier (carry/) applies them, a mechanism joins the two.
#pragma once

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::carry {

struct Crossing4 {
  Ipv4Address source;
  Ipv4Address destination;
};

struct Crossing6 {
  Ipv6Address source;
  Ipv6Address destination;
};

}  // namespace yonroku::carry
