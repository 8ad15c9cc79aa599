// What stands in front of an IPv4 packet in a tunnel, and what changes in its own header: the octets, for the
// engine and the programs of the offload (fastpath/bpf).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/hot.h"
#include "carry/crossing.h"
#include "carry/encapsulate/settings.h"
#include "packet/checksum.h"
#include "packet/headers.h"

namespace yonroku::carry {

// RFC 2473 §4.1.1, with a PadN (RFC 8200 §4.2) that fills the header up to 8 octets.
struct EncapsulationLimitHeader {
  static constexpr uint8_t kLimitType = 4, kLimitLength = 1, kPadType = 1, kPadLength = 1;
  IpProtocol next_header;
  uint8_t length;
  uint8_t option_type;
  uint8_t option_length;
  uint8_t limit;
  uint8_t pad_type;
  uint8_t pad_length;
  uint8_t pad;
};
static_assert(sizeof(EncapsulationLimitHeader) == 8 && alignof(EncapsulationLimitHeader) == 1);

inline constexpr uint8_t kEcnMask = 3;

// Octets in front of the inner packet: the IPv6 header, and the encapsulation limit's where one is sent.
constexpr std::size_t overhead_of(const EncapsulateSettings& settings) {
  return sizeof(Ipv6Header) + (settings.encapsulation_limit ? sizeof(EncapsulationLimitHeader) : 0);
}

// The IPv6 header but for its next header; `payload` in octets.
YONROKU_HOT_INLINE void write_tunnel_header(Ipv6Header& header, const EncapsulateSettings& settings,
                                            uint8_t inner_tos, std::size_t payload, uint32_t flow_label,
                                            const Crossing6& ends) {
  // RFC 6040 §4.1: the ECN field is copied, whatever becomes of the DSCP.
  const auto traffic_class =
      settings.traffic_class
          ? static_cast<uint8_t>((*settings.traffic_class & ~kEcnMask) | (inner_tos & kEcnMask))
          : inner_tos;
  header.version_class_flow =
      be32::from_host(uint32_t{6} << 28 | uint32_t{traffic_class} << 20 | flow_label);
  header.payload_length = be16::from_host(static_cast<uint16_t>(payload));
  header.hop_limit = settings.hop_limit;
  header.set_source(ends.source);
  header.set_destination(ends.destination);
}

YONROKU_HOT_INLINE void write_encapsulation_limit(EncapsulationLimitHeader& header, uint8_t limit) {
  header = {.next_header = IpProtocol::Ipv4,
            .length = 0,
            .option_type = EncapsulationLimitHeader::kLimitType,
            .option_length = EncapsulationLimitHeader::kLimitLength,
            .limit = limit,
            .pad_type = EncapsulationLimitHeader::kPadType,
            .pad_length = EncapsulationLimitHeader::kPadLength,
            .pad = 0};
}

// The inner header's octet where the tunnel ends, `ecn` being what ecn_out_of_tunnel() says.
constexpr uint8_t tos_out_of_tunnel(const EncapsulateSettings& settings, uint8_t inner_tos,
                                    uint8_t outer_class, uint8_t ecn) {
  return static_cast<uint8_t>(((settings.dscp_to_ipv4 ? outer_class : inner_tos) & ~kEcnMask) | ecn);
}

inline void write_tos(Ipv4Header& header, uint8_t tos) {
  if (header.tos == tos) return;
  ChecksumDelta delta;
  delta.removed(uint32_t{header.tos});
  delta.added(uint32_t{tos});
  header.tos = tos;
  header.checksum = delta.apply(header.checksum);
}

// Fewer hops to live, for who routes a packet into or out of a tunnel (RFC 2473 §3.1). At most the TTL.
inline void count_hops(Ipv4Header& header, uint32_t hops) {
  const uint32_t ttl = header.ttl - hops;
  ChecksumDelta delta;
  delta.replace(uint32_t{header.ttl} << 8, ttl << 8);
  header.ttl = static_cast<uint8_t>(ttl);
  header.checksum = delta.apply(header.checksum);
}

}  // namespace yonroku::carry
