// IPv4 and IPv6 prefixes (RFC 4632 §3.1, RFC 4291 §2.3). A prefix that exists has no bit set behind its
// length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku {

class Ipv4Prefix {
 public:
  constexpr Ipv4Prefix() = default;  // 0.0.0.0/0
  // length 0..32. nullopt when the length is out of range or host bits are set.
  static constexpr std::optional<Ipv4Prefix> create(Ipv4Address address, unsigned length) {
    if (length > 32 || (address.value() & ~mask(length)) != 0) return std::nullopt;
    return Ipv4Prefix(address, static_cast<uint8_t>(length));
  }
  // The prefix of that length which holds the address. length 0..32 (larger is taken as 32).
  static constexpr Ipv4Prefix holding(Ipv4Address address, unsigned length) {
    if (length > 32) length = 32;
    return Ipv4Prefix(Ipv4Address(address.value() & mask(length)), static_cast<uint8_t>(length));
  }
  // "192.0.2.0/24", or an address, which means /32.
  static std::optional<Ipv4Prefix> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  static constexpr uint32_t mask(unsigned length) { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
  [[nodiscard]] constexpr Ipv4Address address() const { return address_; }
  [[nodiscard]] constexpr unsigned length() const { return length_; }
  [[nodiscard]] constexpr unsigned suffix_length() const { return 32u - length_; }
  [[nodiscard]] constexpr bool contains(Ipv4Address a) const {
    return ((a.value() ^ address_.value()) & mask(length_)) == 0;
  }
  [[nodiscard]] constexpr bool contains(const Ipv4Prefix& p) const {
    return p.length_ >= length_ && contains(p.address_);
  }
  friend constexpr auto operator<=>(const Ipv4Prefix&, const Ipv4Prefix&) = default;

 private:
  constexpr Ipv4Prefix(Ipv4Address address, uint8_t length) : address_(address), length_(length) {}
  Ipv4Address address_;
  uint8_t length_ = 0;
};

class Ipv6Prefix {
 public:
  constexpr Ipv6Prefix() = default;  // ::/0
  static constexpr std::optional<Ipv6Prefix> create(Ipv6Address address, unsigned length) {
    if (length > 128 || holding(address, length).address_ != address) return std::nullopt;
    return Ipv6Prefix(address, static_cast<uint8_t>(length));
  }
  // The prefix of that length which holds the address. length 0..128 (larger is taken as 128).
  static constexpr Ipv6Prefix holding(Ipv6Address address, unsigned length) {
    if (length > 128) length = 128;
    return Ipv6Prefix({address.high() & mask_high(length), address.low() & mask_low(length)},
                      static_cast<uint8_t>(length));
  }
  // "2001:db8::/32", or an address, which means /128.
  static std::optional<Ipv6Prefix> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  static constexpr uint64_t mask_high(unsigned length) {
    return length == 0 ? 0 : length >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - length);
  }
  static constexpr uint64_t mask_low(unsigned length) { return length <= 64 ? 0 : mask_high(length - 64); }
  [[nodiscard]] constexpr const Ipv6Address& address() const { return address_; }
  [[nodiscard]] constexpr unsigned length() const { return length_; }
  [[nodiscard]] constexpr unsigned suffix_length() const { return 128u - length_; }
  [[nodiscard]] constexpr bool contains(const Ipv6Address& a) const {
    return ((a.high() ^ address_.high()) & mask_high(length_)) == 0 &&
           ((a.low() ^ address_.low()) & mask_low(length_)) == 0;
  }
  [[nodiscard]] constexpr bool contains(const Ipv6Prefix& p) const {
    return p.length_ >= length_ && contains(p.address_);
  }
  friend constexpr auto operator<=>(const Ipv6Prefix&, const Ipv6Prefix&) = default;

 private:
  constexpr Ipv6Prefix(Ipv6Address address, uint8_t length) : address_(address), length_(length) {}
  Ipv6Address address_;
  uint8_t length_ = 0;
};

}  // namespace yonroku
