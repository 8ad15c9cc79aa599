// Where what happens in the NATs and in the tables of the stateless mechanisms is written down.
#pragma once

#include <cstdint>

namespace yonroku::config {

// What of a NAT: the least that answers who had an address and a port (Auto: blocks where there are blocks,
// nothing where it follows from the settings, else bindings), or more.
enum class LoggedEvents : uint8_t { Auto, PortBlocks, Bindings, Sessions };

struct NatLogSettings {
  LoggedEvents events = LoggedEvents::Auto;
  bool destinations = false;  // of sessions; RFC 6888 REQ-12 advises against it
  uint32_t queue = 262144;    // events that may wait, of each worker and for each receiver; a power of two
  friend bool operator==(const NatLogSettings&, const NatLogSettings&) = default;
};

}  // namespace yonroku::config
