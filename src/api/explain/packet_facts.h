// What a packet says about itself, IPv4 or IPv6, whole or quoted or cut short: read with more patience than
// the engine has, so that what it refuses can be shown as well.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packet/headers.h"

namespace yonroku::api {

struct PacketFacts {
  unsigned version = 0;  // 4 or 6
  std::string source;
  std::string destination;
  uint8_t traffic_class = 0;  // TOS
  uint8_t hop_limit = 0;      // TTL
  uint32_t flow_label = 0;
  std::size_t size = 0;              // octets that are there
  std::size_t length = 0;            // octets that the header promises, itself included
  std::size_t payload_offset = 0;    // of the upper-layer header
  IpProtocol protocol{};             // of the upper-layer header
  std::vector<std::string> skipped;  // IPv4 options, or IPv6 extension headers other than Fragment, by name

  bool has_fragment_header = false;  // IPv6
  bool dont_fragment = false;        // IPv4
  bool more_fragments = false;
  std::size_t fragment_offset = 0;  // octets
  uint32_t identification = 0;      // IPv4, or of the Fragment Header

  bool is_header_checksum_wrong = false;               // IPv4
  std::span<const std::byte> pseudo_header_addresses;  // source and destination as they lie there
  std::span<const std::byte> payload;  // from the upper-layer header on, as far as it is there

  // nullopt when not even the fixed header is there.
  static std::optional<PacketFacts> read(std::span<const std::byte> bytes);

  [[nodiscard]] bool is_fragment() const { return more_fragments || fragment_offset != 0; }
  [[nodiscard]] bool has_transport_header() const { return fragment_offset == 0; }
  [[nodiscard]] bool is_whole() const { return size >= length && !is_fragment(); }
  [[nodiscard]] bool is_icmp() const {
    return protocol == (version == 4 ? IpProtocol::Icmp : IpProtocol::Icmpv6);
  }
};

// The IPv4 packet inside an IPv6 packet (RFC 2473 §3.1), as far as it is there; behind a Fragment Header too.
// nullopt for other packets and for later fragments.
[[nodiscard]] std::optional<PacketFacts> inner_packet(const PacketFacts& outer);

// The value of the Tunnel Encapsulation Limit option (RFC 2473 §4.1.1) in front of an inner packet.
[[nodiscard]] std::optional<uint8_t> encapsulation_limit_of(std::span<const std::byte> packet);

// The TCP, UDP, ICMP or ICMPv6 checksum. nullopt when there is none or when not all of what it covers is
// there.
struct ChecksumFact {
  uint16_t found = 0;
  uint16_t expected = 0;
  bool is_absent = false;  // UDP over IPv4 without a checksum
  [[nodiscard]] bool is_right() const { return found == expected; }
};
[[nodiscard]] std::optional<ChecksumFact> checksum_of(const PacketFacts& packet);

// The checksum field as it stands, whether or not it can be verified.
[[nodiscard]] std::optional<uint16_t> checksum_field(const PacketFacts& packet);

// The MSS option of a TCP segment with SYN.
[[nodiscard]] std::optional<uint16_t> mss_of(const PacketFacts& packet);

// "TCP", "UDP", "ESP"; "protocol 253" for those without a name here.
[[nodiscard]] std::string protocol_name(IpProtocol protocol);

// A header laid over octets; nullptr when they are too few.
template <class Header>
const Header* header_at(std::span<const std::byte> bytes) {
  return bytes.size() < sizeof(Header) ? nullptr : reinterpret_cast<const Header*>(bytes.data());
}

}  // namespace yonroku::api
