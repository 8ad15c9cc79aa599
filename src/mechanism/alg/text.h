// Small pieces of the text protocols that carry addresses: written into a buffer that is never outgrown, read
// from text that anybody may have made up. No allocation.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::mechanism {

// Appends text. What no longer fits is left out, and the whole is not to be used.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> buffer) : buffer_(buffer) {}

  TextWriter& operator<<(std::string_view text) noexcept {
    if (text.size() > buffer_.size() - size_) {
      is_complete_ = false;
      return *this;
    }
    if (!text.empty()) std::memcpy(buffer_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  TextWriter& operator<<(uint32_t number) noexcept {
    char digits[10];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return *this << std::string_view(digits, end);
  }
  TextWriter& operator<<(Ipv4Address address) noexcept { return add_octets(address.value(), "."); }
  TextWriter& operator<<(const Ipv6Address& address) noexcept {
    char text[Ipv6Address::kLongestText];
    return *this << std::string_view(text, address.write(text));
  }
  // Four octets in decimal.
  TextWriter& add_octets(uint32_t value, std::string_view between) noexcept {
    for (unsigned shift = 32; shift > 0; shift -= 8) {
      if (shift < 32) *this << between;
      *this << (value >> (shift - 8) & 0xff);
    }
    return *this;
  }
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), size_}; }
  [[nodiscard]] bool is_complete() const { return is_complete_; }
  void clear() {
    size_ = 0;
    is_complete_ = true;
  }

 private:
  std::span<char> buffer_;
  std::size_t size_ = 0;
  bool is_complete_ = true;
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

// Of ASCII; letters in either case are the same.
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}
constexpr bool starts_ignoring_case(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && equals_ignoring_case(text.substr(0, with.size()), with);
}

// A decimal number of at most `most`, taken from the front of `text`; nullopt and nothing taken when there is
// none.
inline std::optional<uint32_t> take_number(std::string_view& text, uint32_t most) noexcept {
  std::size_t at = 0;
  uint64_t value = 0;
  while (at < text.size() && is_digit(text[at])) {
    value = value * 10 + static_cast<uint64_t>(text[at++] - '0');
    if (value > most) return std::nullopt;
  }
  if (at == 0) return std::nullopt;
  text.remove_prefix(at);
  return static_cast<uint32_t>(value);
}
inline bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace yonroku::mechanism
