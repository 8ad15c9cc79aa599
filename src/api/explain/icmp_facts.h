// Names of ICMP and ICMPv6 messages (RFC 792, RFC 4443, the registries), and the parts of an ICMP error (RFC
// 4884).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "api/explain/packet_facts.h"

namespace yonroku::api {

// "Echo Request (8)", "Destination Unreachable, Port Unreachable (3/3)".
[[nodiscard]] std::string icmp_name(unsigned ip_version, uint8_t type, uint8_t code);

// The ICMP header of a packet that is ICMP or ICMPv6 and has one, else nullptr.
[[nodiscard]] const IcmpHeader* icmp_header(const PacketFacts& packet);

struct IcmpErrorParts {
  const IcmpHeader* header = nullptr;
  std::span<const std::byte> quote;
  std::span<const std::byte> extensions;
};
// nullopt when the packet is no ICMP error.
[[nodiscard]] std::optional<IcmpErrorParts> icmp_error_parts(const PacketFacts& packet);

// The MTU of Fragmentation Needed or Packet Too Big.
[[nodiscard]] std::optional<uint32_t> icmp_mtu(unsigned ip_version, const IcmpHeader& icmp);
// The pointer of Parameter Problem.
[[nodiscard]] std::optional<uint32_t> icmp_pointer(unsigned ip_version, const IcmpHeader& icmp);

// The IPv6 address in a Node Identification object (draft-ietf-v6ops-icmpext-xlat-v6only-source), if there is
// one.
[[nodiscard]] std::optional<std::string> node_address(std::span<const std::byte> extensions);
// "28 octets: Node Identification 2001:db8::1"
[[nodiscard]] std::string describe_extensions(std::span<const std::byte> extensions);

}  // namespace yonroku::api
