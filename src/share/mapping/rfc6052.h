// IPv4-embedded IPv6 addresses (RFC 6052 §2.2): a prefix of 32, 40, 48, 56, 64 or 96 bits, then the IPv4
// address around the all-zero octet of bits 64 to 71, then a suffix that is zero when sent and ignored when
// received.
//
//   |0             31|32  39|40  47|48  55|56  63|64  71|72  79|80  87|88  95|96 103|104    127|
//   /32  prefix      |         v4                | u    | suffix                              |
//   /64  prefix                                  | u    |         v4                | suffix  |
//   /96  prefix                                                             |      v4         |
#pragma once

#include <optional>

#include "base/hot.h"
#include "packet/prefix.h"

namespace yonroku::share {

class Pref64 {
 public:
  constexpr Pref64() : prefix_(Ipv6Prefix::holding({0x0064'ff9b'0000'0000, 0}, 96)) {}  // RFC 6052 §2.1
  // nullopt when the length is not one of RFC 6052 §2.2 or bits 64 to 71 of a /96 are not zero.
  static constexpr std::optional<Pref64> create(const Ipv6Prefix& prefix) {
    const unsigned n = prefix.length();
    if (n != 32 && n != 40 && n != 48 && n != 56 && n != 64 && n != 96) return std::nullopt;
    if (n == 96 && prefix.address().low() >> 56 != 0) return std::nullopt;
    return Pref64(prefix);
  }

  [[nodiscard]] constexpr const Ipv6Prefix& prefix() const { return prefix_; }
  [[nodiscard]] constexpr bool is_well_known() const {  // RFC 6052 §2.1: 64:ff9b::/96
    return prefix_.length() == 96 && prefix_.address() == Ipv6Address(0x0064'ff9b'0000'0000, 0);
  }

  [[nodiscard]] constexpr Ipv6Address embed(Ipv4Address ipv4) const {
    const Ipv6Address& base = prefix_.address();
    const uint64_t v = ipv4.value();
    if (prefix_.length() == 96) return {base.high(), base.low() | v};
    const unsigned behind = bits_behind_u();
    return {base.high() | v >> behind, base.low() | (v & ((uint64_t{1} << behind) - 1)) << (56 - behind)};
  }

  // False, and `ipv4` untouched, when the address is outside the prefix or its octet 8 is not zero (RFC 6052
  // §2.2).
  YONROKU_HOT_INLINE constexpr bool extract(const Ipv6Address& address, Ipv4Address& ipv4) const {
    if (!prefix_.contains(address)) return false;
    if (prefix_.length() == 96) {
      ipv4 = Ipv4Address(static_cast<uint32_t>(address.low()));
      return true;
    }
    if (address.low() >> 56 != 0) return false;
    const unsigned behind = bits_behind_u();
    const uint64_t front = behind == 32 ? 0 : address.high() << behind;
    ipv4 = Ipv4Address(
        static_cast<uint32_t>(front | (address.low() >> (56 - behind) & ((uint64_t{1} << behind) - 1))));
    return true;
  }
  [[nodiscard]] constexpr std::optional<Ipv4Address> extract(const Ipv6Address& address) const {
    Ipv4Address ipv4;
    if (!extract(address, ipv4)) return std::nullopt;
    return ipv4;
  }

  friend constexpr auto operator<=>(const Pref64&, const Pref64&) = default;

 private:
  explicit constexpr Pref64(const Ipv6Prefix& prefix) : prefix_(prefix) {}
  // How many of the 32 bits lie behind octet 8: 0 for a /32 up to 32 for a /64.
  [[nodiscard]] constexpr unsigned bits_behind_u() const { return prefix_.length() - 32; }
  Ipv6Prefix prefix_;
};

}  // namespace yonroku::share
