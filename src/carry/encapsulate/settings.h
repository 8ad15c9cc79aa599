// What the operator decides about IPv4 in IPv6 (RFC 2473). Sizes are in octets of a whole IP packet.
#pragma once

#include <cstdint>
#include <optional>

namespace yonroku::carry {

// Which packet is cut when an IPv4 packet that may be fragmented does not fit the tunnel.
enum class FragmentPacket : uint8_t {
  Outer,  // the IPv6 packet, put together by the other end of the tunnel (RFC 2473 §7.2, RFC 6333 §5.3)
  Inner,  // the IPv4 packet, put together by its destination (RFC 4459 §3.4): for anycast ends
};

enum class FlowLabel : uint8_t {
  Zero,
  Hash,  // of the inner addresses, ports and protocol (RFC 6438 §3)
};

struct EncapsulateSettings {
  uint16_t ipv6_mtu = 1500;  // of the whole way to the other end, at least 1280
  std::optional<uint8_t>
      traffic_class;  // DSCP in the high 6 bits; unset: copied from the inner packet (RFC 2983)
  // The inner DSCP is replaced by the outer one where the tunnel ends ("uniform", RFC 2983 §3.1) or left
  // ("pipe").
  bool dscp_to_ipv4 = false;
  uint8_t hop_limit = 64;                      // RFC 2473 §6.3
  std::optional<uint8_t> encapsulation_limit;  // RFC 2473 §4.1.1; unset: no such option is sent
  FlowLabel flow_label = FlowLabel::Zero;
  FragmentPacket fragment = FragmentPacket::Outer;
  uint16_t mss_clamp = 0;  // the largest TCP MSS that passes, both ways; 0 leaves it alone
};

}  // namespace yonroku::carry
