// A network interface, as far as the offload cares.
#pragma once

#include <cstdint>
#include <string>

namespace yonroku::fastpath {

struct Interface {
  uint32_t index = 0;
  std::string name;
  std::string kind;    // "veth", "vlan", "bridge", ...: of those that are made by software
  std::string driver;  // of those that have one
  uint8_t mac[6] = {};
  bool is_ethernet = false;    // else without a link layer: PPP, WireGuard, raw IP
  bool has_neighbours = true;  // one may be reached by another link-layer address than another
  bool is_loopback = false;
  bool is_up = false;
  bool has_master = false;  // a port of a bridge or bond, which has the packets
};

}  // namespace yonroku::fastpath
