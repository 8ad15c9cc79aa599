// Headers as they lie on the wire. Every field is a wire integer of alignment 1, so a header may be laid over
// any octet of a packet whose size was checked (packet/ipv4_view.h, packet/ipv6_view.h do that).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/wire.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku {

// Assigned Internet Protocol Numbers, for IPv4's Protocol and IPv6's Next Header.
enum class IpProtocol : uint8_t {
  HopByHopOptions = 0,
  Icmp = 1,
  Igmp = 2,
  Ipv4 = 4,
  Tcp = 6,
  Udp = 17,
  Ipv6 = 41,
  Routing = 43,
  Fragment = 44,
  EncapsulatingSecurityPayload = 50,
  AuthenticationHeader = 51,
  Icmpv6 = 58,
  NoNextHeader = 59,
  DestinationOptions = 60,
  Mobility = 135,
};

struct Ipv4Header {  // RFC 791 §3.1
  uint8_t version_ihl;
  uint8_t tos;
  be16 total_length;
  be16 identification;
  be16 flags_fragment_offset;  // reserved, DF, MF, 13 bits of offset in units of 8 octets
  uint8_t ttl;
  IpProtocol protocol;
  be16 checksum;
  be32 source_wire;
  be32 destination_wire;

  static constexpr uint16_t kDontFragment = 0x4000;
  static constexpr uint16_t kMoreFragments = 0x2000;
  static constexpr uint16_t kOffsetMask = 0x1fff;

  [[nodiscard]] constexpr unsigned version() const { return version_ihl >> 4; }
  [[nodiscard]] constexpr std::size_t header_size() const { return (version_ihl & 0x0fu) * 4u; }
  [[nodiscard]] constexpr Ipv4Address source() const { return Ipv4Address(source_wire.host()); }
  [[nodiscard]] constexpr Ipv4Address destination() const { return Ipv4Address(destination_wire.host()); }
  [[nodiscard]] constexpr bool dont_fragment() const { return flags_fragment_offset.host() & kDontFragment; }
  [[nodiscard]] constexpr bool more_fragments() const {
    return flags_fragment_offset.host() & kMoreFragments;
  }
  // In units of 8 octets.
  [[nodiscard]] constexpr uint16_t fragment_offset() const {
    return flags_fragment_offset.host() & kOffsetMask;
  }
  [[nodiscard]] constexpr bool is_fragment() const {
    return (flags_fragment_offset.host() & (kMoreFragments | kOffsetMask)) != 0;
  }
};
static_assert(sizeof(Ipv4Header) == 20);

struct Ipv6Header {  // RFC 8200 §3
  be32 version_class_flow;
  be16 payload_length;
  IpProtocol next_header;
  uint8_t hop_limit;
  be64 source_wire[2];
  be64 destination_wire[2];

  [[nodiscard]] constexpr unsigned version() const { return version_class_flow.host() >> 28; }
  [[nodiscard]] constexpr uint8_t traffic_class() const {
    return static_cast<uint8_t>(version_class_flow.host() >> 20);
  }
  [[nodiscard]] constexpr Ipv6Address source() const {
    return {source_wire[0].host(), source_wire[1].host()};
  }
  [[nodiscard]] constexpr Ipv6Address destination() const {
    return {destination_wire[0].host(), destination_wire[1].host()};
  }
  constexpr void set_version_and_class(uint8_t traffic_class) {  // flow label 0
    version_class_flow = be32::from_host(uint32_t{6} << 28 | uint32_t{traffic_class} << 20);
  }
  constexpr void set_source(const Ipv6Address& a) {
    source_wire[0] = be64::from_host(a.high());
    source_wire[1] = be64::from_host(a.low());
  }
  constexpr void set_destination(const Ipv6Address& a) {
    destination_wire[0] = be64::from_host(a.high());
    destination_wire[1] = be64::from_host(a.low());
  }
};
static_assert(sizeof(Ipv6Header) == 40);

struct Ipv6FragmentHeader {  // RFC 8200 §4.5
  IpProtocol next_header;
  uint8_t reserved;
  be16 offset_more;  // 13 bits of offset in units of 8 octets, 2 reserved, M
  be32 identification;

  [[nodiscard]] constexpr uint16_t fragment_offset() const {
    return static_cast<uint16_t>(offset_more.host() >> 3);
  }
  [[nodiscard]] constexpr bool more_fragments() const { return offset_more.host() & 1; }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8);

struct Ipv6ExtensionHeader {  // RFC 8200 §4.3, §4.4, §4.6: what hop-by-hop, routing and destination options
                              // share
  IpProtocol next_header;
  uint8_t length;         // in units of 8 octets, without the first 8
  uint8_t routing_type;   // of a routing header
  uint8_t segments_left;  // of a routing header
  static constexpr std::size_t kSegmentsLeftOffset = 3;
};
static_assert(sizeof(Ipv6ExtensionHeader) == 4);

struct TcpHeader {  // RFC 793 §3.1
  be16 source_port;
  be16 destination_port;
  be32 sequence;
  be32 acknowledgment;
  uint8_t data_offset;  // high 4 bits, in units of 4 octets
  uint8_t flags;
  be16 window;
  be16 checksum;
  be16 urgent;

  static constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10;
  [[nodiscard]] constexpr std::size_t header_size() const { return (data_offset >> 4) * 4u; }
};
static_assert(sizeof(TcpHeader) == 20);

struct UdpHeader {  // RFC 768
  be16 source_port;
  be16 destination_port;
  be16 length;
  be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

struct IcmpHeader {  // RFC 792, RFC 4443 §2.1; the last four octets depend on the type
  uint8_t type;
  uint8_t code;
  be16 checksum;
  uint8_t rest[4];

  // ICMPv4: RFC 792's MTU (RFC 1191 §4) is octets 6-7, the pointer octet 4, RFC 4884's length octet 5.
  // ICMPv6: MTU and pointer are all four octets, RFC 4884's length octet 4.
  [[nodiscard]] constexpr uint32_t rest_value() const {
    return uint32_t{rest[0]} << 24 | uint32_t{rest[1]} << 16 | uint32_t{rest[2]} << 8 | rest[3];
  }
  constexpr void set_rest(uint32_t v) {
    rest[0] = static_cast<uint8_t>(v >> 24);
    rest[1] = static_cast<uint8_t>(v >> 16);
    rest[2] = static_cast<uint8_t>(v >> 8);
    rest[3] = static_cast<uint8_t>(v);
  }
};
static_assert(sizeof(IcmpHeader) == 8);

namespace icmpv4 {  // RFC 792, RFC 1256 and the registry
constexpr uint8_t kEchoReply = 0, kDestinationUnreachable = 3, kSourceQuench = 4, kRedirect = 5, kEcho = 8,
                  kTimeExceeded = 11, kParameterProblem = 12;
constexpr uint8_t kHostUnreachable = 1, kProtocolUnreachable = 2, kPortUnreachable = 3,
                  kFragmentationNeeded = 4, kSourceRouteFailed = 5, kHostAdministrativelyProhibited = 10,
                  kAdministrativelyProhibited = 13;
constexpr bool is_error(uint8_t type) {  // RFC 1122 §3.2.2
  return (type >= kDestinationUnreachable && type <= kRedirect) || type == kTimeExceeded ||
         type == kParameterProblem;
}
}  // namespace icmpv4

namespace icmpv6 {  // RFC 4443
constexpr uint8_t kDestinationUnreachable = 1, kPacketTooBig = 2, kTimeExceeded = 3, kParameterProblem = 4,
                  kEcho = 128, kEchoReply = 129;
constexpr uint8_t kNoRoute = 0, kAdministrativelyProhibited = 1, kAddressUnreachable = 3,
                  kPortUnreachable = 4;
constexpr uint8_t kErroneousHeaderField = 0, kUnrecognizedNextHeader = 1;
constexpr bool is_error(uint8_t type) { return type < 128; }  // RFC 4443 §2.1
}  // namespace icmpv6

}  // namespace yonroku
