// What the operator decides about header translation (RFC 7915). Sizes are in octets of a whole IP packet.
#pragma once

#include <cstdint>
#include <optional>

namespace yonroku::carry {

enum class UdpZeroChecksum : uint8_t { Compute, Drop };  // RFC 7915 §4.5

struct TranslateSettings {
  uint16_t ipv4_mtu = 1500;              // of the IPv4 next hop, at least 68 (RFC 791 §3.2)
  uint16_t ipv6_mtu = 1500;              // of the IPv6 next hop, at least 1280 (RFC 8200 §5)
  uint16_t lowest_ipv6_mtu = 1280;       // RFC 7915 §4.1; 1280 to ipv6_mtu
  std::optional<uint8_t> traffic_class;  // unset: copied from the TOS octet
  std::optional<uint8_t> tos;            // unset: copied from the traffic class
  UdpZeroChecksum udp_zero_checksum = UdpZeroChecksum::Compute;
  uint16_t mss_clamp = 0;  // the largest TCP MSS that passes; 0 leaves it alone
};

}  // namespace yonroku::carry
