// A rule that ties IPv4 addresses and ports to IPv6 addresses (RFC 7597 §5, RFC 7599 §5; a softwire of RFC
// 7596 and a public IPv4 address of RFC 7040 are the rules whose IPv6 prefix is one address).
//
//   |     n bits         |     o bits     |   s bits   |    128 - n - o - s bits     |
//   |  rule IPv6 prefix  |    EA bits     | subnet: 0  |     interface identifier     |
//                        | IPv4 suffix, PSID |
//
// The suffix completes the rule's IPv4 prefix; what is left of the EA bits is the PSID. The bits between the
// EA bits and bit 64 are zero. Where the EA bits reach beyond bit 64 they overwrite the interface
// identifier's first bits.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "base/hot.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "packet/prefix.h"
#include "share/mapping/port_set.h"

namespace yonroku::share {

// Where the interface identifier holds the IPv4 address and the PSID.
enum class InterfaceIdentifierFormat : uint8_t {
  Rfc7597,  // octets 10 to 13, and 14 to 15 (RFC 7597 §6)
  Draft03,  // octets 9 to 12, and 13 to 14 (draft-ietf-softwire-map-03, as used in Japan)
};

// A whole address, or one and the ports of one customer.
struct AddressAndPsid {
  Ipv4Address address;
  uint16_t psid = 0;  // 0 when the address is not shared
  friend constexpr bool operator==(const AddressAndPsid&, const AddressAndPsid&) = default;
};

struct MapRuleTraits;

class MapRule {
 public:
  struct Parts {
    Ipv6Prefix ipv6;
    Ipv4Prefix ipv4;
    uint8_t ea_length = 0;    // o
    uint8_t psid_offset = 0;  // a; of no meaning where no address is shared
    InterfaceIdentifierFormat format = InterfaceIdentifierFormat::Rfc7597;
    // A PSID that the EA bits do not carry (RFC 7597 §5.2, RFC 7596 §5.1): k > 0.
    uint8_t given_psid_length = 0;
    uint16_t given_psid = 0;
    uint8_t border = 0;  // which of the border relay's addresses the customer talks to
    friend constexpr bool operator==(const Parts&, const Parts&) = default;
  };
  enum class Refusal : uint8_t {
    EaTooLong,       // more than 48 bits
    EndUserTooLong,  // rule IPv6 prefix and EA bits make more than 128 bits
    PsidTooLong,     // the EA bits leave more than 16 bits to the PSID
    OffsetTooLong,   // a > 15, or a + k > 16
    PsidTwice,       // a PSID is given, and the EA bits do not end with the IPv4 address
    PsidOutOfRange,  // the given PSID does not fit its length
  };
  constexpr MapRule() = default;  // ::/0 for 0.0.0.0/0
  static constexpr std::expected<MapRule, Refusal> create(const Parts& parts);

  [[nodiscard]] constexpr const Parts& parts() const { return parts_; }
  [[nodiscard]] constexpr const Ipv6Prefix& ipv6() const { return parts_.ipv6; }
  [[nodiscard]] constexpr const Ipv4Prefix& ipv4() const { return parts_.ipv4; }
  // p: bits of the IPv4 address that come from the EA bits.
  [[nodiscard]] constexpr unsigned suffix_length() const {
    const unsigned missing = parts_.ipv4.suffix_length();
    return parts_.ea_length < missing ? parts_.ea_length : missing;
  }
  // Of the IPv4 prefix that one customer has; 32: a whole address, or a part of one.
  [[nodiscard]] constexpr unsigned customer_prefix_length() const {
    return parts_.ipv4.length() + suffix_length();
  }
  [[nodiscard]] constexpr unsigned end_user_prefix_length() const {
    return parts_.ipv6.length() + parts_.ea_length;
  }
  [[nodiscard]] constexpr bool is_single_address() const { return parts_.ipv6.length() == 128; }
  [[nodiscard]] constexpr bool has_given_psid() const { return parts_.given_psid_length > 0; }
  [[nodiscard]] constexpr PortParameters ports() const {
    const unsigned k = has_given_psid() ? parts_.given_psid_length : parts_.ea_length - suffix_length();
    return {parts_.psid_offset, static_cast<uint8_t>(k)};
  }
  [[nodiscard]] constexpr bool is_shared() const { return ports().is_shared(); }

  // The IPv6 address of the customer who has the IPv4 address, which the rule's prefix contains, and the
  // PSID. Where a customer has an IPv4 prefix the interface identifier holds the prefix only (RFC 7597 §6).
  [[nodiscard]] YONROKU_HOT_INLINE constexpr Ipv6Address address_of(const AddressAndPsid& customer) const {
    return compose(customer, Ipv4Prefix::mask(customer_prefix_length()) & customer.address.value());
  }
  // The same with the whole IPv4 address in the interface identifier: a translated packet has no other place
  // for the host bits. Equal to address_of() but where a customer has an IPv4 prefix.
  [[nodiscard]] YONROKU_HOT_INLINE constexpr Ipv6Address host_address_of(const AddressAndPsid& host) const {
    return compose(host, host.address.value());
  }
  // Who has the IPv6 address, which the rule's prefix contains: address and PSID from the EA bits; where a
  // customer has an IPv4 prefix, the host bits from the interface identifier.
  [[nodiscard]] YONROKU_HOT_INLINE constexpr AddressAndPsid customer_of(const Ipv6Address& address) const;
  // The customer's prefix (RFC 7597 §5.2): rule prefix and EA bits.
  [[nodiscard]] constexpr Ipv6Prefix end_user_prefix_of(const AddressAndPsid& customer) const {
    return Ipv6Prefix::holding(address_of(customer), end_user_prefix_length());
  }
  friend constexpr bool operator==(const MapRule&, const MapRule&) = default;

 private:
  constexpr explicit MapRule(const Parts& parts) : parts_(parts) {}
  friend struct MapRuleTraits;  // the table keeps valid rules
  [[nodiscard]] YONROKU_HOT_INLINE constexpr Ipv6Address compose(const AddressAndPsid& customer,
                                                                 uint32_t shown) const;

  Parts parts_;
};

[[nodiscard]] std::string_view describe(MapRule::Refusal refusal);

constexpr std::expected<MapRule, MapRule::Refusal> MapRule::create(const Parts& parts) {
  if (parts.ea_length > 48) return std::unexpected(Refusal::EaTooLong);
  if (parts.ipv6.length() + parts.ea_length > 128) return std::unexpected(Refusal::EndUserTooLong);
  const MapRule rule(parts);
  if (rule.has_given_psid() &&
      (rule.customer_prefix_length() != 32 || parts.ea_length > rule.suffix_length()))
    return std::unexpected(Refusal::PsidTwice);
  const unsigned k = rule.has_given_psid() ? parts.given_psid_length : parts.ea_length - rule.suffix_length();
  if (k > 16) return std::unexpected(Refusal::PsidTooLong);
  if (parts.psid_offset > 15 || parts.psid_offset + k > 16) return std::unexpected(Refusal::OffsetTooLong);
  if (uint32_t{parts.given_psid} >> parts.given_psid_length != 0)
    return std::unexpected(Refusal::PsidOutOfRange);
  return rule;
}

YONROKU_HOT_INLINE constexpr Ipv6Address MapRule::compose(const AddressAndPsid& customer,
                                                          uint32_t shown) const {
  if (is_single_address()) return parts_.ipv6.address();
  const unsigned p = suffix_length();
  const unsigned o = parts_.ea_length;
  const unsigned end = parts_.ipv6.length() + o;
  uint64_t high = parts_.ipv6.address().high();
  uint64_t overwritten = parts_.ipv6.address().low();
  if (o > 0) {
    const uint64_t suffix =
        uint64_t{customer.address.value()} >> (parts_.ipv4.suffix_length() - p) & ((uint64_t{1} << p) - 1);
    const uint64_t ea = has_given_psid() ? suffix : suffix << (o - p) | customer.psid;
    if (end <= 64) {
      high |= ea << (64 - end);
    } else {
      high |= end == 128 ? 0 : ea >> (end - 64);
      overwritten |= ea << (128 - end);
    }
  }
  uint64_t identifier = uint64_t{shown} << 16 | customer.psid;
  if (parts_.format == InterfaceIdentifierFormat::Draft03) identifier <<= 8;
  const uint64_t kept = Ipv6Prefix::mask_low(end);
  return {high, (overwritten & kept) | (identifier & ~kept)};
}

YONROKU_HOT_INLINE constexpr AddressAndPsid MapRule::customer_of(const Ipv6Address& address) const {
  const unsigned p = suffix_length();
  const unsigned o = parts_.ea_length;
  const unsigned end = parts_.ipv6.length() + o;
  uint64_t ea = 0;
  if (o > 0) {
    ea = end <= 64    ? address.high() >> (64 - end)
         : end == 128 ? address.low()
                      : address.high() << (end - 64) | address.low() >> (128 - end);
    ea &= (uint64_t{1} << o % 64) - 1;  // o is at most 48
  }
  AddressAndPsid customer;
  const unsigned host_length = parts_.ipv4.suffix_length() - p;
  uint32_t value = parts_.ipv4.address().value() | static_cast<uint32_t>((ea >> (o - p)) << host_length);
  if (host_length > 0) {
    const unsigned shift = parts_.format == InterfaceIdentifierFormat::Draft03 ? 24 : 16;
    value |= static_cast<uint32_t>(address.low() >> shift) & ~Ipv4Prefix::mask(32 - host_length);
  }
  customer.address = Ipv4Address(value);
  customer.psid =
      has_given_psid() ? parts_.given_psid : static_cast<uint16_t>(ea & ((uint64_t{1} << (o - p)) - 1));
  return customer;
}

}  // namespace yonroku::share
