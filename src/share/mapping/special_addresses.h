// Addresses that a router must not forward, or must not carry in the well-known prefix (RFC 6890, RFC 1812
// §5.3.7).
#pragma once

#include "packet/prefix.h"

namespace yonroku::share {

// Stands for IPv6 routers that have no IPv4 address (RFC 7600 §4.8).
inline constexpr Ipv4Address kDummyAddress(192, 0, 0, 8);

// 0/8, 127/8, 169.254/16, 224/4 and 240/4 with the limited broadcast.
constexpr bool may_be_forwarded(Ipv4Address a) {
  const uint32_t v = a.value();
  const uint32_t first = v >> 24;
  return first != 0 && first != 127 && first < 224 && v >> 16 != 0xa9fe;
}

// ::, ::1, fe80::/10 and ff00::/8.
constexpr bool may_be_forwarded(const Ipv6Address& a) {
  if (a.high() == 0) return a.low() > 1;
  return a.high() >> 54 != 0xfe80 >> 6 && a.high() >> 56 != 0xff;
}

// Whether no address of the prefix may be forwarded.
constexpr bool holds_only_special(const Ipv6Prefix& prefix) {
  const Ipv6Address& a = prefix.address();
  return (prefix.length() >= 127 && a.high() == 0 && a.low() <= 1) ||
         (prefix.length() >= 10 && a.high() >> 54 == 0xfe80 >> 6) ||
         (prefix.length() >= 8 && a.high() >> 56 == 0xff);
}

// Whether RFC 6052 §3.1 lets the well-known prefix carry the address: not private, shared, reserved or for
// documentation (the IANA special-purpose registry's entries that are not globally reachable, RFC 6890
// §2.2.2).
constexpr bool is_global(Ipv4Address a) {
  struct Range {
    uint32_t address;
    unsigned length;
  };
  constexpr Range kNotGlobal[] = {
      {0x00000000, 8},   // 0.0.0.0/8
      {0x0a000000, 8},   // 10.0.0.0/8
      {0x64400000, 10},  // 100.64.0.0/10
      {0x7f000000, 8},   // 127.0.0.0/8
      {0xa9fe0000, 16},  // 169.254.0.0/16
      {0xac100000, 12},  // 172.16.0.0/12
      {0xc0000000, 24},  // 192.0.0.0/24
      {0xc0000200, 24},  // 192.0.2.0/24
      {0xc0a80000, 16},  // 192.168.0.0/16
      {0xc6120000, 15},  // 198.18.0.0/15
      {0xc6336400, 24},  // 198.51.100.0/24
      {0xcb007100, 24},  // 203.0.113.0/24
      {0xe0000000, 3},   // 224.0.0.0/4 and 240.0.0.0/4
  };
  for (const Range& range : kNotGlobal)
    if ((a.value() & Ipv4Prefix::mask(range.length)) == range.address) return false;
  return true;
}

}  // namespace yonroku::share
