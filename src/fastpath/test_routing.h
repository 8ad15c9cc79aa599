// For tests of packets that are forwarded: what a router does.
#pragma once

#include <cstdint>

#include "packet/ipv6_address.h"
#include "packet/test_packets.h"

namespace yonroku::fastpath {

inline constexpr uint8_t kIpip = 4, kDestinationOptions = 60;

// One hop less.
inline test::Octets routed(test::Octets packet) {
  const bool is_ipv4 = packet.at(0) >> 4 == 4;
  --packet.at(is_ipv4 ? 8 : 7);
  if (is_ipv4) test::set_header_checksum(packet);
  return packet;
}

inline Ipv6Address ipv6_of(const test::Address& a) {
  return {uint64_t{test::get32(a, 0)} << 32 | test::get32(a, 4),
          uint64_t{test::get32(a, 8)} << 32 | test::get32(a, 12)};
}

}  // namespace yonroku::fastpath
