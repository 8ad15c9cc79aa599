#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace yonroku::config {
namespace {

std::unexpected<Complaint> complain(std::string what, std::string fix) {
  return std::unexpected(Complaint{std::move(what), std::move(fix)});
}

struct SplitPrefix {
  std::string_view address;
  std::string_view length;
};
std::optional<SplitPrefix> split_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return SplitPrefix{text.substr(0, slash), text.substr(slash + 1)};
}

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// Why the text is not an address of this family: a hint for the usual slips.
std::string ipv4_hint(std::string_view text) {
  if (Ipv6Address::parse(text) || Ipv6Prefix::parse(text))
    return "this is IPv6; write an IPv4 address such as 192.0.2.1";
  const auto dots = std::ranges::count(text, '.');
  if (dots == 3) {
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find('.', start), text.size());
      const std::string_view part = text.substr(start, end - start);
      if (part.size() > 1 && part[0] == '0' && digits(part))
        return fmt::format("write {} without leading zeros", part);
      if (const auto value = digits(part); value && *value > 255)
        return fmt::format("{} is more than 255", part);
      start = end + 1;
    }
  }
  return "write four numbers from 0 to 255, such as 192.0.2.1";
}

std::string ipv6_hint(std::string_view text) {
  if (Ipv4Address::parse(text) || Ipv4Prefix::parse(text))
    return "this is IPv4; write an IPv6 address such as 2001:db8::1";
  if (text.find('%') != std::string_view::npos) return "write it without a zone (%...)";
  if (text.starts_with('[')) return "write it without brackets";
  if (text.ends_with(':') && Ipv6Address::parse(std::string(text) + ':'))
    return fmt::format("write {}: for zeros up to the end", text);
  if (const std::size_t first = text.find("::");
      first != std::string_view::npos && text.find("::", first + 1) != text.npos)
    return "\"::\" may stand once";
  return "write hexadecimal groups with colons, such as 2001:db8::1";
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 1123 §2.1; underscores, which some networks have, do no harm.
bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    const auto is_allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, is_allowed))
      return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

template <class Prefix, class Address>
Value<Prefix> parse_prefix(std::string_view text, unsigned whole, std::string_view family,
                           std::string (*hint)(std::string_view)) {
  if (const auto prefix = Prefix::parse(text)) return *prefix;
  const auto split = split_prefix(text);
  const auto address = Address::parse(split ? split->address : text);
  if (!address)
    return complain(fmt::format("{} is not an {} prefix", in_quotes(text), family),
                    hint(split ? split->address : text));
  const auto length = digits(split->length);
  if (!length || *length > whole)
    return complain(
        fmt::format("{} has a bad length", in_quotes(text)),
        fmt::format("write a length from 0 to {} behind the slash, without leading zeros", whole));
  const Prefix meant = Prefix::holding(*address, *length);
  if (meant.address() == *address)  // only the writing of the length can be wrong, as in /032
    return complain(fmt::format("{} has a bad length", in_quotes(text)),
                    fmt::format("write {}", meant.to_string()));
  return complain(
      fmt::format("{} has bits set behind /{}", in_quotes(text), *length),
      fmt::format("write {}, or {}/{} for that one address", meant.to_string(), address->to_string(), whole));
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string out = "\"";
  std::size_t size = std::min(text.size(), kLongest);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0u) == 0x80u)
    --size;  // whole characters
  for (const char c : text.substr(0, size)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (size < text.size()) out += "...";
  return out + '"';
}

Value<int64_t> parse_integer(std::string_view text, int64_t minimum, int64_t maximum) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_integer =
      !text.empty() && end == text.data() + text.size() && error != std::errc::invalid_argument;
  if (!is_integer)
    return complain(fmt::format("{} is not an integer", in_quotes(text)),
                    fmt::format("write a decimal number from {} to {}", minimum, maximum));
  if (error == std::errc::result_out_of_range || value < minimum || value > maximum)
    return complain(fmt::format("{} is outside {} to {}",
                                text.size() > 20 ? in_quotes(text) : std::string(text), minimum, maximum),
                    fmt::format("write a number from {} to {}", minimum, maximum));
  return value;
}

Value<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const std::string lower = lower_case(text.substr(0, 8));
  for (const std::string_view yes : {"yes", "on", "y", "1", "true"})
    if (lower == yes) return complain(fmt::format("{} is not true or false", in_quotes(text)), "write true");
  for (const std::string_view no : {"no", "off", "n", "0", "false"})
    if (lower == no) return complain(fmt::format("{} is not true or false", in_quotes(text)), "write false");
  return complain(fmt::format("{} is not true or false", in_quotes(text)), "write true or false");
}

Value<Ipv4Address> parse_ipv4_address(std::string_view text) {
  if (const auto address = Ipv4Address::parse(text)) return *address;
  if (const auto prefix = Ipv4Prefix::parse(text))
    return complain(
        fmt::format("{} is a prefix where one address is needed", in_quotes(text)),
        fmt::format("write an address without a length, such as {}", prefix->address().to_string()));
  return complain(fmt::format("{} is not an IPv4 address", in_quotes(text)), ipv4_hint(text));
}

Value<Ipv6Address> parse_ipv6_address(std::string_view text) {
  if (const auto address = Ipv6Address::parse(text)) return *address;
  if (const auto prefix = Ipv6Prefix::parse(text))
    return complain(fmt::format("{} is a prefix where one address is needed", in_quotes(text)),
                    "write an address without a length, such as 2001:db8::1");
  return complain(fmt::format("{} is not an IPv6 address", in_quotes(text)), ipv6_hint(text));
}

Value<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) {
  return parse_prefix<Ipv4Prefix, Ipv4Address>(text, 32, "IPv4", ipv4_hint);
}

Value<Ipv6Prefix> parse_ipv6_prefix(std::string_view text) {
  return parse_prefix<Ipv6Prefix, Ipv6Address>(text, 128, "IPv6", ipv6_hint);
}

Value<share::Pref64> parse_pref64(std::string_view text) {
  if (!split_prefix(text)) {
    if (const auto address = Ipv6Address::parse(text))
      return complain(fmt::format("{} has no prefix length", in_quotes(text)),
                      fmt::format("add one of /32 /40 /48 /56 /64 /96; probably {}/96 (RFC 6052 §2.2)",
                                  address->to_string()));
  }
  auto prefix = parse_ipv6_prefix(text);
  if (!prefix) {
    Complaint complaint = std::move(prefix).error();
    complaint.fix = complaint.fix.substr(0, complaint.fix.find(", or "));  // a single address is no help here
    return std::unexpected(std::move(complaint));
  }
  if (const auto pref64 = share::Pref64::create(*prefix)) {
    if (is_illegal_source(prefix->address().high() == 0 && prefix->address().low() == 0 ? Ipv6Address(0, 1)
                                                                                        : prefix->address()))
      return complain(fmt::format("{} cannot hold addresses of nodes", in_quotes(text)),
                      "use a prefix of your own network, or 64:ff9b::/96");
    return *pref64;
  }
  if (prefix->length() == 96)
    return complain(fmt::format("{} has bits 64 to 71 set, which must be zero", in_quotes(text)),
                    "choose a prefix whose fifth group starts with 00 (RFC 6052 §2.2)");
  return complain(
      fmt::format("{} is not an RFC 6052 prefix: its length is {}", in_quotes(text), prefix->length()),
      "use a length of 32, 40, 48, 56, 64 or 96 (RFC 6052 §2.2)");
}

Value<PortRange> parse_port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = digits(text.substr(0, dash));
  const auto last = dash == text.npos ? std::nullopt : digits(text.substr(dash + 1));
  if (!first || !last)
    return complain(fmt::format("{} is not a port range", in_quotes(text)),
                    "write the first and the last port, as in 1024-65535");
  if (*first < 1 || *first > 65535 || *last < 1 || *last > 65535)
    return complain(fmt::format("{} is outside 1 to 65535", in_quotes(text)),
                    "write ports from 1 to 65535, as in 1024-65535");
  if (*first > *last)
    return complain(fmt::format("{} ends before it begins", in_quotes(text)),
                    fmt::format("write {}-{}", *last, *first));
  return PortRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

Value<std::string> parse_instance_name(std::string_view text) {
  const auto is_allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (text.empty() || text.size() > 32 || !std::ranges::all_of(text, is_allowed)) {
    std::string meant = lower_case(text.substr(0, 32));
    std::ranges::replace_if(meant, [](char c) { return c == ' ' || c == '_' || c == '.'; }, '-');
    const bool is_better = !meant.empty() && std::ranges::all_of(meant, is_allowed);
    return complain(fmt::format("{} is not a name for an instance", in_quotes(text)),
                    is_better ? fmt::format("write {}; a name has 1 to 32 of a-z, 0-9 and '-'", meant)
                              : "use 1 to 32 of the characters a-z, 0-9 and '-'");
  }
  return std::string(text);
}

Value<std::string> parse_device_name(std::string_view text) {
  const auto is_allowed = [](char c) { return c > ' ' && c != '/' && c != ':' && c != '%' && c < 0x7f; };
  if (text.empty() || text == "." || text == ".." || !std::ranges::all_of(text, is_allowed))
    return complain(fmt::format("{} is not a device name", in_quotes(text)),
                    "use 1 to 15 printable ASCII characters without spaces, '/', ':' and '%'");
  if (text.size() > 15)
    return complain(
        fmt::format("{} has {} characters; a device name has at most 15", in_quotes(text), text.size()),
        fmt::format("shorten it, for example to {}", text.substr(0, 15)));
  return std::string(text);
}

Value<std::string> parse_user_name(std::string_view text) {
  const auto is_allowed = [](char c) { return c > ' ' && c != '/' && c != ':' && c < 0x7f; };
  if (text.empty() || text.size() > 32 || text[0] == '-' || !std::ranges::all_of(text, is_allowed))
    return complain(fmt::format("{} is not a user name", in_quotes(text)),
                    "name a user of this system, such as yonroku");
  return std::string(text);
}

Value<std::string> parse_path(std::string_view text) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  if (text.empty() || text.size() > 4095 || std::ranges::any_of(text, is_control))
    return complain(fmt::format("{} is not a path", in_quotes(text)), "write the path of a file");
  return std::string(text);
}

Value<std::string> parse_url_path(std::string_view text) {
  const auto is_allowed = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  if (text.empty() || text[0] != '/' || text.size() > 1024 || !std::ranges::all_of(text, is_allowed))
    return complain(fmt::format("{} is not the path of a URL", in_quotes(text)),
                    "begin it with a slash, such as /healthy");
  return std::string(text);
}

Value<std::string> parse_loopback_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  const std::string_view address = text.substr(0, std::min(colon, text.size()));
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool has_port = error == std::errc() && end == digits.data() + digits.size() && port != 0;
  const auto ipv4 = Ipv4Address::parse(address);
  const bool has_brackets = address.starts_with('[') && address.ends_with(']');
  const auto ipv6 =
      has_brackets ? Ipv6Address::parse(address.substr(1, address.size() - 2)) : std::optional<Ipv6Address>();
  constexpr std::string_view kFix = "write 127.0.0.1:4646 or \"[::1]:4646\"";
  if (!has_port || (!ipv4 && !ipv6))
    return complain(fmt::format("{} is not an address and a port", in_quotes(text)), std::string(kFix));
  if (ipv4 ? ipv4->value() >> 24 != 127 : *ipv6 != Ipv6Address(0, 1))
    return complain(fmt::format("{} can be reached from elsewhere", in_quotes(text)),
                    std::string(kFix) + ", and come through SSH from elsewhere");
  return std::string(text);
}

Value<std::string> parse_host(std::string_view text) {
  if (Ipv4Address::parse(text) || Ipv6Address::parse(text)) return std::string(text);
  // What looks like an address must be one (RFC 1123 §2.1).
  const bool is_number_last = !text.empty() && is_digit(text[std::min(text.rfind('.') + 1, text.size() - 1)]);
  if (is_number_last || !is_host_name(text))
    return complain(fmt::format("{} is neither an address nor a host name", in_quotes(text)),
                    "write one such as 192.0.2.1, 2001:db8::1 or logs.example.net");
  return std::string(text);
}

Value<std::string> parse_host_and_port(std::string_view text) {
  std::string_view host = text, port;
  const bool is_bracketed = text.starts_with('[');
  const std::size_t end = is_bracketed ? text.find(']') : text.rfind(':');
  if (is_bracketed && end != std::string_view::npos) {
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) port = text.substr(end + 1);
  } else if (!Ipv6Address::parse(text) && end != std::string_view::npos) {
    host = text.substr(0, end);
    port = text.substr(end);
  }
  const auto checked = parse_host(host);
  const bool is_good_port =
      port.empty() || (port.starts_with(':') && parse_integer(port.substr(1), 1, 65535));
  if (!checked || !is_good_port || (is_bracketed && !Ipv6Address::parse(host)))
    return complain(fmt::format("{} is not an address or host name with a port", in_quotes(text)),
                    "write one such as kafka.example.net:9092 or '[2001:db8::1]:9092'");
  return host.find(':') != std::string_view::npos ? fmt::format("[{}]{}", host, port) : std::string(text);
}

Value<std::string> parse_topic(std::string_view text) {
  const auto is_allowed = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; };
  if (text.empty() || text.size() > 249 || text == "." || text == ".." ||
      !std::ranges::all_of(text, is_allowed))
    return complain(fmt::format("{} is not the name of a topic", in_quotes(text)),
                    "use 1 to 249 of letters, digits, '.', '_' and '-'");
  return std::string(text);
}

Value<std::string> parse_text(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  if (text.empty() || text.size() > 255 || std::ranges::any_of(text, is_control))
    return complain(fmt::format("{} is empty, too long or has control characters", in_quotes(text)),
                    "write 1 to 255 printable characters");
  return std::string(text);
}

Value<share::EamMapping> make_mapping(const Ipv4Prefix& ipv4, const Ipv6Prefix& ipv6) {
  const share::EamMapping mapping{ipv4, ipv6};
  if (!mapping.is_valid())
    return complain(
        fmt::format("{} has more host bits ({}) than {} ({})", ipv4.to_string(), ipv4.suffix_length(),
                    ipv6.to_string(), ipv6.suffix_length()),
        fmt::format("make the IPv6 prefix /{} or shorter, or the IPv4 prefix /{} or longer (RFC 7757 §3.2)",
                    128 - ipv4.suffix_length(), 32 - ipv6.suffix_length()));
  return mapping;
}

bool is_illegal_source(Ipv4Address address) {
  const uint32_t first = address.value() >> 24;
  return first == 0 || first == 127 || first >= 224;
}

bool is_illegal_source(const Ipv6Address& address) {
  if (address.high() == 0 && address.low() <= 1) return true;                  // ::, ::1
  if (address.high() == 0 && address.low() >> 32 == 0xffff) return true;       // ::ffff:0:0/96
  return address.high() >> 56 == 0xff || address.high() >> 54 == 0xfe80 >> 6;  // multicast, link-local
}

}  // namespace yonroku::config
