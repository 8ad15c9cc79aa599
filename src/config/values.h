// One value of a configuration: text -> typed value, or what is wrong with the text and how to fix it.
// The same functions serve the YAML reader, the CSV reader and the importers, so all of them say the same.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "packet/prefix.h"
#include "share/mapping/eam.h"
#include "share/mapping/rfc6052.h"

namespace yonroku::config {

struct Complaint {
  std::string what;
  std::string fix;
};
template <class T>
using Value = std::expected<T, Complaint>;

[[nodiscard]] Value<int64_t> parse_integer(std::string_view text, int64_t minimum, int64_t maximum);
[[nodiscard]] Value<bool> parse_boolean(std::string_view text);
[[nodiscard]] Value<Ipv4Address> parse_ipv4_address(std::string_view text);
[[nodiscard]] Value<Ipv6Address> parse_ipv6_address(std::string_view text);
// An address alone means a prefix of that one address.
[[nodiscard]] Value<Ipv4Prefix> parse_ipv4_prefix(std::string_view text);
[[nodiscard]] Value<Ipv6Prefix> parse_ipv6_prefix(std::string_view text);
[[nodiscard]] Value<share::Pref64> parse_pref64(std::string_view text);
// "1024-65535": the first and the last port, 1 to 65535.
struct PortRange {
  uint16_t first = 1;
  uint16_t last = 65535;  // >= first
};
[[nodiscard]] Value<PortRange> parse_port_range(std::string_view text);
[[nodiscard]] Value<std::string> parse_instance_name(std::string_view text);
[[nodiscard]] Value<std::string> parse_device_name(std::string_view text);
[[nodiscard]] Value<std::string> parse_user_name(std::string_view text);
[[nodiscard]] Value<std::string> parse_path(std::string_view text);
// Absolute, of printable ASCII without spaces: what may stand in a request line (RFC 9110 §4.2).
[[nodiscard]] Value<std::string> parse_url_path(std::string_view text);
// "127.0.0.1:4646" or "[::1]:4646".
[[nodiscard]] Value<std::string> parse_loopback_endpoint(std::string_view text);

// An IPv4 or IPv6 address, or a name (RFC 1123 §2.1).
[[nodiscard]] Value<std::string> parse_host(std::string_view text);
// "kafka.example.net", "192.0.2.1:9092", "[2001:db8::1]:9092"
[[nodiscard]] Value<std::string> parse_host_and_port(std::string_view text);
// Of Kafka.
[[nodiscard]] Value<std::string> parse_topic(std::string_view text);
// 1 to 255 octets without control characters.
[[nodiscard]] Value<std::string> parse_text(std::string_view text);

// RFC 7757 §3.2: the IPv4 prefix has no more host bits than the IPv6 prefix.
[[nodiscard]] Value<share::EamMapping> make_mapping(const Ipv4Prefix& ipv4, const Ipv6Prefix& ipv6);

// Addresses that no packet on a wire may come from (RFC 7915 §4.1 and §5.1 via RFC 1812 §5.3.7, RFC 4291
// §2.7).
[[nodiscard]] bool is_illegal_source(Ipv4Address address);
[[nodiscard]] bool is_illegal_source(const Ipv6Address& address);

// The text in double quotes, shortened and with control characters replaced, fit for a message.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace yonroku::config
