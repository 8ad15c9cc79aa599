// The one IP/ICMP translator (RFC 7915): rewrites IPv4 packets as IPv6 packets and back, given their new
// addresses. Nothing is written until the crossing is certain, so a dropped packet is intact for the ICMP
// error about it.
#pragma once

#include <cstdint>

#include "base/hot.h"
#include "carry/crossing.h"
#include "carry/translate/icmp_error.h"
#include "carry/translate/identification.h"
#include "carry/translate/settings.h"
#include "packet/checksum.h"
#include "packet/headers.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

// A packet that is hairpinned (RFC 7757 §4.2.2) crosses twice, yet passes one router and never the IPv4 link.
enum class Leg : uint8_t {
  Only,           // the usual: hop limit and MTUs of the far side count
  HairpinFirst,   // IPv6 to IPv4, not to be sent: the IPv4 MTU does not count
  HairpinSecond,  // and back: the hop limit was decremented already
};

// The fields of an IPv4 header without options that are not fixed.
struct Ipv4Fields {
  Crossing4 addresses;
  uint8_t tos = 0;
  uint8_t ttl = 0;
  IpProtocol protocol{};
  uint16_t total_length = 0;
  uint16_t identification = 0;
  uint16_t flags_fragment_offset = 0;
};

// Writes 20 octets, the header checksum included.
YONROKU_HOT_INLINE void write_ipv4_header(std::byte* at, const Ipv4Fields& fields) noexcept {
  auto& header = *reinterpret_cast<Ipv4Header*>(at);
  header.version_ihl = 0x45;
  header.tos = fields.tos;
  header.total_length = be16::from_host(fields.total_length);
  header.identification = be16::from_host(fields.identification);
  header.flags_fragment_offset = be16::from_host(fields.flags_fragment_offset);
  header.ttl = fields.ttl;
  header.protocol = fields.protocol;
  header.source_wire = be32::from_host(fields.addresses.source.value());
  header.destination_wire = be32::from_host(fields.addresses.destination.value());
  OnesSum sum;
  sum.add(uint32_t{0x4500u | fields.tos});
  sum.add(uint32_t{fields.total_length});
  sum.add(uint32_t{fields.identification});
  sum.add(uint32_t{fields.flags_fragment_offset});
  sum.add(uint32_t{fields.ttl} << 8 | static_cast<uint8_t>(fields.protocol));
  sum.add(fields.addresses.source);
  sum.add(fields.addresses.destination);
  header.checksum = sum.checksum();
}

class Translate {
 public:
  explicit Translate(const TranslateSettings& settings) : settings_(settings) {}

  // Whole packets and fragments of any protocol but ICMP errors. On success the packet is IPv6, padding
  // behind the total length is gone, and a result larger than Verdict::fragment_size has a Fragment Header to
  // be cut by.
  Verdict to_ipv6(Packet& packet, const Ipv4View& ip, const Crossing6& crossing,
                  Leg leg = Leg::Only) const noexcept;
  Verdict to_ipv4(Packet& packet, const Ipv6View& ip, const Crossing4& crossing,
                  Identifications& identifications, Leg leg = Leg::Only) const noexcept;

  // ICMP errors (RFC 7915 §4.2, §4.3, §5.2, §5.3): `inner` are the quoted packet's new addresses.
  Verdict error_to_ipv6(Packet& packet, const Ipv4View& ip, const Icmpv4Error& error, const Crossing6& outer,
                        const Crossing6& inner, Leg leg = Leg::Only) const noexcept;
  // When `node_address` is given, the result carries it in a Node Identification object.
  Verdict error_to_ipv4(Packet& packet, const Ipv6View& ip, const Icmpv6Error& error, const Crossing4& outer,
                        const Crossing4& inner, Identifications& identifications,
                        const Ipv6Address* node_address = nullptr, Leg leg = Leg::Only) const noexcept;

  [[nodiscard]] const TranslateSettings& settings() const { return settings_; }

 private:
  struct Ipv4Plan {
    Ipv4Fields fields;
    uint16_t fragment_size = 0;
  };
  // `carried` is the IP payload of the largest packet on the wire.
  Verdict plan_ipv4(const Packet& packet, const Ipv6View& ip, std::size_t carried, const Crossing4& crossing,
                    Identifications& identifications, Leg leg, Ipv4Plan& out) const noexcept;
  [[nodiscard]] uint8_t traffic_class(uint8_t tos) const { return settings_.traffic_class.value_or(tos); }
  [[nodiscard]] uint8_t tos(uint8_t traffic_class) const { return settings_.tos.value_or(traffic_class); }
  Verdict echo_to_ipv6(Packet& packet, const Ipv4View& ip, const Crossing6& crossing, Leg leg) const noexcept;
  Verdict echo_to_ipv4(Packet& packet, const Ipv6View& ip, const Crossing4& crossing,
                       Identifications& identifications, Leg leg) const noexcept;

  TranslateSettings settings_;
};

}  // namespace yonroku::carry
