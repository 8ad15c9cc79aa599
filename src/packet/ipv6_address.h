// An IPv6 address (RFC 4291 §2) as a value of two 64-bit halves in host byte order.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace yonroku {

class Ipv6Address {
 public:
  constexpr Ipv6Address() = default;
  constexpr Ipv6Address(uint64_t high, uint64_t low) : high_(high), low_(low) {}
  static constexpr Ipv6Address from_octets(const std::array<uint8_t, 16>& octets) {
    uint64_t half[2] = {0, 0};
    for (std::size_t i = 0; i < 16; ++i) half[i / 8] = half[i / 8] << 8 | octets[i];
    return {half[0], half[1]};
  }

  // Every form of RFC 4291 §2.2, without a zone; anything else is nullopt.
  static std::optional<Ipv6Address> parse(std::string_view text);
  // The form of RFC 5952 §4, without mixed notation.
  [[nodiscard]] std::string to_string() const;
  // The same where nothing may be allocated. Returns its size.
  static constexpr std::size_t kLongestText = 39;
  std::size_t write(std::span<char, kLongestText> text) const noexcept;

  [[nodiscard]] constexpr uint64_t high() const { return high_; }  // bits 0 to 63
  [[nodiscard]] constexpr uint64_t low() const { return low_; }    // bits 64 to 127
  [[nodiscard]] constexpr std::array<uint8_t, 16> octets() const {
    std::array<uint8_t, 16> out{};
    for (std::size_t i = 0; i < 8; ++i) {
      out[i] = static_cast<uint8_t>(high_ >> (56 - 8 * i));
      out[8 + i] = static_cast<uint8_t>(low_ >> (56 - 8 * i));
    }
    return out;
  }
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;

 private:
  uint64_t high_ = 0;
  uint64_t low_ = 0;
};

}  // namespace yonroku
