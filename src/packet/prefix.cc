#include "packet/prefix.h"

namespace yonroku {
namespace {

// Splits "address/length". nullopt when the length is not 1 to 3 digits; no slash gives `whole`.
std::optional<unsigned> split_length(std::string_view& text, unsigned whole) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return whole;
  const std::string_view digits = text.substr(slash + 1);
  text = text.substr(0, slash);
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  unsigned length = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<unsigned>(c - '0');
  }
  return length;
}

template <class Prefix, class Address>
std::optional<Prefix> parse_prefix(std::string_view text, unsigned whole) {
  const auto length = split_length(text, whole);
  const auto address = Address::parse(text);
  if (!length || !address) return std::nullopt;
  return Prefix::create(*address, *length);
}

}  // namespace

std::optional<Ipv4Prefix> Ipv4Prefix::parse(std::string_view text) {
  return parse_prefix<Ipv4Prefix, Ipv4Address>(text, 32);
}

std::string Ipv4Prefix::to_string() const { return address_.to_string() + '/' + std::to_string(length_); }

std::optional<Ipv6Prefix> Ipv6Prefix::parse(std::string_view text) {
  return parse_prefix<Ipv6Prefix, Ipv6Address>(text, 128);
}

std::string Ipv6Prefix::to_string() const { return address_.to_string() + '/' + std::to_string(length_); }

}  // namespace yonroku
