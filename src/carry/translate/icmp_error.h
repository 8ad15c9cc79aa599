// ICMP error messages taken apart (RFC 792, RFC 4443 §3, RFC 4884 §3): the quoted packet and the extensions
// behind it. One that exists has a right checksum and quotes a packet that is not itself an ICMP error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/headers.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/verdict.h"

namespace yonroku::carry {

struct Icmpv4Error {
  // `ip` is an unfragmented ICMPv4 packet whose type is_error(). icmp-type-not-translatable, icmp-checksum,
  // truncated-header, segments-left (IPv6), inner-packet-truncated or inner-packet-is-icmp-error.
  static Checked<Icmpv4Error> parse(const Ipv4View& ip) noexcept;

  const IcmpHeader* header;
  Ipv4View quote;
  std::span<const std::byte> extensions;  // with their header; empty when there are none
};

struct Icmpv6Error {
  static Checked<Icmpv6Error> parse(const Ipv6View& ip) noexcept;

  const IcmpHeader* header;
  Ipv6View quote;
  std::span<const std::byte> extensions;
};

// Whether the packet is an ICMP error: enough of it is here to tell, and it is no later fragment.
bool is_icmp_error(const Ipv4View& ip) noexcept;
bool is_icmp_error(const Ipv6View& ip) noexcept;

// What an ICMP error's first eight octets become, without checksum and RFC 4884 length.
struct IcmpErrorKind {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t rest = 0;                // MTU or pointer, where the type has one
  bool carries_extensions = false;  // whether the type has a length field (RFC 4884 §4)
};

struct IcmpMtus {
  uint32_t ipv4_mtu;
  uint32_t ipv6_mtu;
};

// RFC 7915 §4.2 and §5.2, type by type and code by code.
Checked<IcmpErrorKind> kind_to_ipv6(const Icmpv4Error& error, const IcmpMtus& mtus) noexcept;
Checked<IcmpErrorKind> kind_to_ipv4(const Icmpv6Error& error, const IcmpMtus& mtus) noexcept;

// RFC 1191 §7.1: the largest plateau below the quoted total length that is at least 1280, else 1280.
uint32_t plateau_below(uint32_t total_length) noexcept;

}  // namespace yonroku::carry
