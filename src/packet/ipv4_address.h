// An IPv4 address (RFC 791 §3.2) as a value. On the wire it is a be32: see packet/headers.h.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yonroku {

class Ipv4Address {
 public:
  constexpr Ipv4Address() = default;
  explicit constexpr Ipv4Address(uint32_t value) : value_(value) {}
  constexpr Ipv4Address(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
      : value_(uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d) {}

  // Dotted decimal with four parts and no leading zeros; anything else is nullopt.
  static std::optional<Ipv4Address> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  // Host byte order: 192.0.2.1 is 0xc0000201.
  [[nodiscard]] constexpr uint32_t value() const { return value_; }
  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;

 private:
  uint32_t value_ = 0;
};

}  // namespace yonroku
