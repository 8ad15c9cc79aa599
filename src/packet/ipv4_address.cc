#include "packet/ipv4_address.h"

namespace yonroku {

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  uint32_t value = 0;
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at >= text.size() || text[at++] != '.')) return std::nullopt;
    const std::size_t start = at;
    uint32_t number = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - start < 3)
      number = number * 10 + static_cast<uint32_t>(text[at++] - '0');
    if (at == start || number > 255 || (text[start] == '0' && at - start > 1)) return std::nullopt;
    value = value << 8 | number;
  }
  if (at != text.size()) return std::nullopt;
  return Ipv4Address(value);
}

std::string Ipv4Address::to_string() const {
  std::string text;
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    if (!text.empty()) text += '.';
    text += std::to_string(value_ >> (shift - 8) & 0xff);
  }
  return text;
}

}  // namespace yonroku
