#include "packet/ipv6_address.h"

#include "packet/ipv4_address.h"

namespace yonroku {
namespace {

constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  std::array<uint16_t, 8> groups{};
  std::size_t count = 0;
  std::optional<std::size_t> gap;  // number of groups before "::"
  std::size_t at = 0;

  if (text.starts_with("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.size()) {
    if (count == 8) return std::nullopt;
    const std::size_t start = at;
    uint32_t value = 0;
    while (at < text.size() && at - start < 5 && hex_digit(text[at]) >= 0)
      value = value << 4 | static_cast<uint32_t>(hex_digit(text[at++]));
    if (at < text.size() && text[at] == '.') {  // the last 32 bits in dotted decimal
      const auto ipv4 = Ipv4Address::parse(text.substr(start));
      if (!ipv4 || count > 6) return std::nullopt;
      groups[count++] = static_cast<uint16_t>(ipv4->value() >> 16);
      groups[count++] = static_cast<uint16_t>(ipv4->value());
      at = text.size();
      break;
    }
    if (at == start || at - start > 4) return std::nullopt;
    groups[count++] = static_cast<uint16_t>(value);
    if (at == text.size()) break;
    if (text[at++] != ':') return std::nullopt;
    if (at == text.size()) return std::nullopt;  // a single colon at the end
    if (text[at] == ':') {
      if (gap) return std::nullopt;
      gap = count;
      ++at;
    }
  }
  if (gap ? count == 8 : count != 8) return std::nullopt;

  std::array<uint16_t, 8> full{};
  const std::size_t head = gap.value_or(8);
  for (std::size_t i = 0; i < head; ++i) full[i] = groups[i];
  for (std::size_t i = head; i < count; ++i) full[8 - count + i] = groups[i];
  uint64_t half[2] = {0, 0};
  for (std::size_t i = 0; i < 8; ++i) half[i / 4] = half[i / 4] << 16 | full[i];
  return Ipv6Address(half[0], half[1]);
}

std::string Ipv6Address::to_string() const {
  char text[kLongestText];
  return {text, write(text)};
}

std::size_t Ipv6Address::write(std::span<char, kLongestText> text) const noexcept {
  std::array<uint16_t, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = static_cast<uint16_t>((i < 4 ? high_ : low_) >> (48 - 16 * (i % 4)));
  // RFC 5952 §4.2: the longest run of two or more zero groups, the first of equals, becomes "::".
  std::size_t best = 8;
  std::size_t best_size = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t run = 0;
    while (i + run < 8 && groups[i + run] == 0) ++run;
    if (run > best_size) {
      best = i;
      best_size = run;
    }
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::size_t size = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      text[size++] = ':';
      text[size++] = ':';
      i += best_size - 1;
      continue;
    }
    if (size > 0 && text[size - 1] != ':') text[size++] = ':';
    bool leading = true;
    for (unsigned shift = 16; shift > 0; shift -= 4) {
      const unsigned digit = groups[i] >> (shift - 4) & 0xfu;
      if (digit == 0 && leading && shift > 4) continue;
      leading = false;
      text[size++] = kDigits[digit];
    }
  }
  return size;
}

}  // namespace yonroku
