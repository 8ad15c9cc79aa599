// An Explicit Address Mapping (RFC 7757 §3.1): an IPv4 prefix and the IPv6 prefix that stands for it.
#pragma once

#include "base/hot.h"
#include "packet/prefix.h"

namespace yonroku::share {

struct EamMapping {
  Ipv4Prefix ipv4;
  Ipv6Prefix ipv6;
  friend constexpr auto operator<=>(const EamMapping&, const EamMapping&) = default;

  // RFC 7757 §3.1: the IPv4 suffix is never longer than the IPv6 suffix.
  [[nodiscard]] constexpr bool is_valid() const { return ipv4.suffix_length() <= ipv6.suffix_length(); }

  // RFC 7757 §3.3.1: the IPv4 suffix follows the IPv6 prefix, then zeros. The address must be in `ipv4`.
  [[nodiscard]] YONROKU_HOT_INLINE constexpr Ipv6Address to_ipv6(Ipv4Address address) const {
    const uint64_t suffix = address.value() & ~Ipv4Prefix::mask(ipv4.length());
    return or_shifted(ipv6.address(), suffix, ipv6.suffix_length() - ipv4.suffix_length());
  }

  // RFC 7757 §3.3.2: the bits behind the IPv6 prefix, as many as the IPv4 suffix has; the rest is ignored.
  [[nodiscard]] YONROKU_HOT_INLINE constexpr Ipv4Address to_ipv4(const Ipv6Address& address) const {
    const unsigned shift = ipv6.suffix_length() - ipv4.suffix_length();
    const uint64_t shifted = shift >= 64  ? (shift == 128 ? 0 : address.high() >> (shift - 64))
                             : shift == 0 ? address.low()
                                          : address.low() >> shift | address.high() << (64 - shift);
    return Ipv4Address(ipv4.address().value() |
                       (static_cast<uint32_t>(shifted) & ~Ipv4Prefix::mask(ipv4.length())));
  }

 private:
  static constexpr Ipv6Address or_shifted(const Ipv6Address& base, uint64_t value, unsigned shift) {
    if (shift >= 64) return {base.high() | (shift == 128 ? 0 : value << (shift - 64)), base.low()};
    return {base.high() | (shift == 0 ? 0 : value >> (64 - shift)), base.low() | value << shift};
  }
};

}  // namespace yonroku::share
