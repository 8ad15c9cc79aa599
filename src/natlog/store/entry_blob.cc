#include "natlog/store/entry_blob.h"

#include <array>

namespace yonroku::natlog {
namespace {

constexpr std::size_t kPrefixesSize = 16 + 1 + 4 + 1;
constexpr std::size_t kRuleSize = kPrefixesSize + 7;

void append_number(std::string& blob, uint32_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) blob += static_cast<char>(value >> (8 * i) & 0xff);
}

uint32_t number(std::string_view blob, std::size_t at, std::size_t octets) {
  uint32_t value = 0;
  for (const char c : blob.substr(at, octets)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string prefixes(const Ipv6Prefix& ipv6, const Ipv4Prefix& ipv4) {
  std::string blob;
  for (const uint8_t octet : ipv6.address().octets()) blob += static_cast<char>(octet);
  append_number(blob, ipv6.length(), 1);
  append_number(blob, ipv4.address().value(), 4);
  append_number(blob, ipv4.length(), 1);
  return blob;
}

std::optional<Ipv6Prefix> ipv6_of(std::string_view blob) {
  std::array<uint8_t, 16> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<uint8_t>(blob[i]);
  return Ipv6Prefix::create(Ipv6Address::from_octets(octets), number(blob, 16, 1));
}

std::optional<Ipv4Prefix> ipv4_of(std::string_view blob) {
  return Ipv4Prefix::create(Ipv4Address(number(blob, 17, 4)), number(blob, 21, 1));
}

}  // namespace

std::string to_blob(const share::EamMapping& mapping) { return prefixes(mapping.ipv6, mapping.ipv4); }

std::string to_blob(const share::MapRule& rule) {
  const share::MapRule::Parts& parts = rule.parts();
  std::string blob = prefixes(parts.ipv6, parts.ipv4);
  append_number(blob, parts.ea_length, 1);
  append_number(blob, parts.psid_offset, 1);
  append_number(blob, static_cast<uint8_t>(parts.format), 1);
  append_number(blob, parts.given_psid_length, 1);
  append_number(blob, parts.given_psid, 2);
  append_number(blob, parts.border, 1);
  return blob;
}

std::optional<share::EamMapping> mapping_from(std::string_view blob) {
  if (blob.size() != kPrefixesSize) return std::nullopt;
  const auto ipv6 = ipv6_of(blob);
  const auto ipv4 = ipv4_of(blob);
  if (!ipv6 || !ipv4) return std::nullopt;
  const share::EamMapping mapping{*ipv4, *ipv6};
  return mapping.is_valid() ? std::optional(mapping) : std::nullopt;
}

std::optional<share::MapRule> rule_from(std::string_view blob) {
  if (blob.size() != kRuleSize) return std::nullopt;
  const auto ipv6 = ipv6_of(blob);
  const auto ipv4 = ipv4_of(blob);
  if (!ipv6 || !ipv4) return std::nullopt;
  const auto octet = [&](std::size_t at) { return static_cast<uint8_t>(blob[kPrefixesSize + at]); };
  const auto rule =
      share::MapRule::create({.ipv6 = *ipv6,
                              .ipv4 = *ipv4,
                              .ea_length = octet(0),
                              .psid_offset = octet(1),
                              .format = static_cast<share::InterfaceIdentifierFormat>(octet(2) != 0),
                              .given_psid_length = octet(3),
                              .given_psid = static_cast<uint16_t>(number(blob, kPrefixesSize + 4, 2)),
                              .border = octet(6)});
  return rule ? std::optional(*rule) : std::nullopt;
}

}  // namespace yonroku::natlog
