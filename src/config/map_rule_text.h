// A mapping rule (RFC 7597 §5) as text, field by field: the columns of a CSV file, the words of `--rule` on
// the command line, the keys of a YAML file. What a field may be and what is left out is said here once.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/values.h"
#include "share/mapping/map_rule.h"

namespace yonroku::config {

enum class MapRuleField : uint8_t {
  Ipv6Prefix,
  Ipv4Prefix,
  EaLength,
  PsidOffset,
  PsidLength,
  Psid,
  Format,
  Border
};
inline constexpr std::size_t kMapRuleFieldCount = 8;
// By the number of the enumerator; the first three cannot be left out.
inline constexpr std::array<std::string_view, kMapRuleFieldCount> kMapRuleFieldNames = {
    "ipv6-prefix", "ipv4-prefix", "ea-length", "psid-offset", "psid-length", "psid", "format", "border"};
inline constexpr std::size_t kMapRuleFieldsNeeded = 3;

// RFC 7597 §5.1; with the form of the third draft, 4 is the custom.
[[nodiscard]] constexpr uint8_t default_psid_offset(share::InterfaceIdentifierFormat format) {
  return format == share::InterfaceIdentifierFormat::Draft03 ? 4 : 6;
}

[[nodiscard]] std::string_view to_string(share::InterfaceIdentifierFormat format);
[[nodiscard]] Value<share::InterfaceIdentifierFormat> parse_interface_identifier_format(
    std::string_view text);
// Decimal, or hexadecimal behind 0x as RFC 7597 writes it.
[[nodiscard]] Value<uint16_t> parse_psid(std::string_view text);

// What is wrong with a rule, and with which field.
struct MapRuleComplaint {
  MapRuleField field;
  Complaint complaint;
};

class MapRuleText {
 public:
  // The form of rules that say none.
  explicit MapRuleText(share::InterfaceIdentifierFormat format = share::InterfaceIdentifierFormat::Rfc7597) {
    parts_.format = format;
  }
  // Reads a field; what is wrong with its text. The field counts as given all the same.
  std::optional<Complaint> set(MapRuleField field, std::string_view text);
  [[nodiscard]] bool has(MapRuleField field) const { return given_[static_cast<std::size_t>(field)]; }
  // The rule, when all fields could be read: what is missing, or does not go together.
  [[nodiscard]] std::expected<share::MapRule, MapRuleComplaint> rule() const;

 private:
  share::MapRule::Parts parts_;
  std::bitset<kMapRuleFieldCount> given_;
};

// "ipv6=2001:db8::/40,ipv4=192.0.2.0/24,ea=16,offset=6": the names of the fields, or their short forms.
[[nodiscard]] Value<MapRuleText> parse_map_rule_words(std::string_view words,
                                                      share::InterfaceIdentifierFormat format);

}  // namespace yonroku::config
