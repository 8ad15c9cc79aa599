#include "config/map_rule_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/schema.h"

namespace yonroku::config {
namespace {

using share::InterfaceIdentifierFormat;
using share::MapRule;

constexpr std::array<std::string_view, kMapRuleFieldCount> kShortNames = {
    "ipv6", "ipv4", "ea", "offset", "psid-length", "psid", "format", "border"};

template <class T, class Target>
std::optional<Complaint> take(Value<T> value, Target& target) {
  if (!value) return std::move(value).error();
  target = static_cast<Target>(*value);
  return std::nullopt;
}

std::unexpected<MapRuleComplaint> complain(MapRuleField field, std::string what, std::string fix) {
  return std::unexpected(MapRuleComplaint{field, {std::move(what), std::move(fix)}});
}

std::unexpected<MapRuleComplaint> complain(const MapRule::Parts& parts, MapRule::Refusal refusal) {
  const unsigned n = parts.ipv6.length();
  const unsigned o = parts.ea_length;
  const unsigned missing = parts.ipv4.suffix_length();
  const unsigned in_ea_bits = o > missing ? o - missing : 0;
  const unsigned k = parts.given_psid_length > 0 ? parts.given_psid_length : in_ea_bits;
  switch (refusal) {
    case MapRule::Refusal::EaTooLong: break;
    case MapRule::Refusal::EndUserTooLong:
      return complain(MapRuleField::EaLength,
                      fmt::format("{} and {} EA bits make {} bits of an address that has 128",
                                  parts.ipv6.to_string(), o, n + o),
                      fmt::format("make ea-length {} or less, or ipv6-prefix /{} or shorter (RFC 7597 §5.2)",
                                  128 - n, 128 - o));
    case MapRule::Refusal::PsidTooLong:
      if (parts.given_psid_length > 0) break;
      return complain(MapRuleField::EaLength,
                      fmt::format("{} EA bits behind {} leave {} to the PSID; a port has 16", o,
                                  parts.ipv4.to_string(), in_ea_bits),
                      fmt::format("make ea-length {} or less (RFC 7597 §5.2)", missing + 16));
    case MapRule::Refusal::OffsetTooLong:
      return complain(MapRuleField::PsidOffset,
                      fmt::format("an offset of {} and a PSID of {} bits do not fit the 16 bits of a port",
                                  parts.psid_offset, k),
                      k == 16 ? "make psid-offset 0 (RFC 7597 §5.1)"
                              : fmt::format("make psid-offset {} or less (RFC 7597 §5.1)", 16 - k));
    case MapRule::Refusal::PsidTwice:
      if (in_ea_bits > 0)
        return complain(
            MapRuleField::PsidLength,
            fmt::format("a PSID is given, but the EA bits hold one of {} bits", in_ea_bits),
            fmt::format("leave psid and psid-length out, or make ea-length {} (RFC 7597 §5.2)", missing));
      return complain(
          MapRuleField::PsidLength,
          fmt::format("a PSID is given, but the customer has a /{} of IPv4 addresses",
                      parts.ipv4.length() + o),
          fmt::format("leave psid and psid-length out, or make ea-length {} (RFC 7598 §4.5)", missing));
    case MapRule::Refusal::PsidOutOfRange:
      return complain(
          MapRuleField::Psid,
          fmt::format("the PSID {} has more than {} bits", parts.given_psid, parts.given_psid_length),
          fmt::format("write a PSID from 0 to {}, or a longer psid-length",
                      (1u << parts.given_psid_length) - 1));
  }
  return complain(MapRuleField::EaLength, std::string(share::describe(refusal)),
                  "shorten it");  // read with a range
}

}  // namespace

std::string_view to_string(InterfaceIdentifierFormat format) {
  return format == InterfaceIdentifierFormat::Draft03 ? "draft-03" : "rfc7597";
}

Value<InterfaceIdentifierFormat> parse_interface_identifier_format(std::string_view text) {
  for (const auto format : {InterfaceIdentifierFormat::Rfc7597, InterfaceIdentifierFormat::Draft03})
    if (text == to_string(format)) return format;
  return std::unexpected(
      Complaint{in_quotes(text) + " is no form of the interface identifier", "write rfc7597 or draft-03"});
}

Value<uint16_t> parse_psid(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) {
    const auto decimal = parse_integer(text, 0, 65535);
    if (!decimal) return std::unexpected(decimal.error());
    return static_cast<uint16_t>(*decimal);
  }
  uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::unexpected(
        Complaint{in_quotes(text) + " is not a PSID", "write a number from 0x0 to 0xffff"});
  return value;
}

std::optional<Complaint> MapRuleText::set(MapRuleField field, std::string_view text) {
  given_.set(static_cast<std::size_t>(field));
  switch (field) {
    case MapRuleField::Ipv6Prefix: return take(parse_ipv6_prefix(text), parts_.ipv6);
    case MapRuleField::Ipv4Prefix: return take(parse_ipv4_prefix(text), parts_.ipv4);
    case MapRuleField::EaLength: return take(parse_integer(text, 0, 48), parts_.ea_length);
    case MapRuleField::PsidOffset: return take(parse_integer(text, 0, 15), parts_.psid_offset);
    case MapRuleField::PsidLength: return take(parse_integer(text, 0, 16), parts_.given_psid_length);
    case MapRuleField::Psid: return take(parse_psid(text), parts_.given_psid);
    case MapRuleField::Format: return take(parse_interface_identifier_format(text), parts_.format);
    case MapRuleField::Border: break;
  }
  return take(parse_integer(text, 0, 255), parts_.border);
}

std::expected<MapRule, MapRuleComplaint> MapRuleText::rule() const {
  for (std::size_t i = 0; i < kMapRuleFieldsNeeded; ++i)
    if (!given_[i])
      return complain(static_cast<MapRuleField>(i), fmt::format("there is no {}", kMapRuleFieldNames[i]),
                      "add it");
  MapRule::Parts parts = parts_;
  if (!has(MapRuleField::PsidOffset)) parts.psid_offset = default_psid_offset(parts.format);
  const bool has_length = has(MapRuleField::PsidLength) && parts.given_psid_length > 0;
  if (has(MapRuleField::Psid) && !has_length) {
    if (parts.given_psid != 0 || !has(MapRuleField::PsidLength))
      return complain(MapRuleField::Psid, "a PSID without its length", "add psid-length, or leave psid out");
  }
  if (has_length && !has(MapRuleField::Psid)) {
    // Saying how long the PSID in the EA bits is does no harm if it is true.
    const unsigned missing = parts.ipv4.suffix_length();
    const unsigned in_ea_bits = parts.ea_length > missing ? parts.ea_length - missing : 0u;
    if (in_ea_bits == 0)
      return complain(MapRuleField::PsidLength, "a PSID length without a PSID, and the EA bits hold none",
                      "add psid, or leave psid-length out");
    if (in_ea_bits != parts.given_psid_length)
      return complain(
          MapRuleField::PsidLength,
          fmt::format("the EA bits leave {} bits to the PSID, not {}", in_ea_bits, parts.given_psid_length),
          fmt::format("leave psid-length out, or make ea-length {} (RFC 7597 §5.2)",
                      missing + parts.given_psid_length));
    parts.given_psid_length = 0;
  }
  const auto rule = MapRule::create(parts);
  if (!rule) return complain(parts, rule.error());
  return *rule;
}

Value<MapRuleText> parse_map_rule_words(std::string_view words, InterfaceIdentifierFormat format) {
  MapRuleText text(format);
  while (true) {
    const std::string_view word = words.substr(0, words.find(','));
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const auto is_name = [&](const auto& names) { return std::ranges::find(names, name) - names.begin(); };
    auto field = static_cast<std::size_t>(is_name(kShortNames));
    if (field == kMapRuleFieldCount) field = static_cast<std::size_t>(is_name(kMapRuleFieldNames));
    if (equals == word.npos)
      return std::unexpected(Complaint{in_quotes(word) + " has no value",
                                       "write name=value with a comma between, as in ipv6=2001:db8::/40"});
    if (field == kMapRuleFieldCount) {
      const std::string_view meant = closest_word(name, kShortNames);
      return std::unexpected(
          Complaint{in_quotes(name) + " is no part of a rule",
                    meant.empty() ? "use ipv6, ipv4, ea, offset, psid-length, psid, format and border"
                                  : fmt::format("did you mean {}?", meant)});
    }
    if (text.has(static_cast<MapRuleField>(field)))
      return std::unexpected(Complaint{fmt::format("{} is said twice", name), "remove one of the two"});
    if (auto complaint = text.set(static_cast<MapRuleField>(field), word.substr(equals + 1))) {
      complaint->what = fmt::format("{}: {}", name, complaint->what);
      return std::unexpected(*std::move(complaint));
    }
    if (word.size() == words.size()) return text;
    words.remove_prefix(word.size() + 1);
  }
}

}  // namespace yonroku::config
