// ICMPv4 errors to ICMPv6 (RFC 7915 §4.2, §4.3). The new packet is made aside and laid over the old one when
// it is whole: errors are few, and their bodies change their size in the middle.
#include <cstring>

#include "carry/translate/icmp_extensions.h"
#include "carry/translate/inner.h"
#include "carry/translate/plan.h"
#include "carry/translate/translate.h"

namespace yonroku::carry {

Verdict Translate::error_to_ipv6(Packet& packet, const Ipv4View& ip, const Icmpv4Error& error,
                                 const Crossing6& outer, const Crossing6& inner, Leg leg) const noexcept {
  constexpr std::size_t kLargestError = 1280;  // RFC 4443 §2.4 (c)
  constexpr std::size_t kUnit = 8;             // RFC 4884 §4.4, §4.5
  const Ipv4Header& was = ip.header();
  if (was.ttl <= 1 && leg != Leg::HairpinSecond) return Verdict::drop(DropReason::TtlExceeded);
  if (ip.has_unexpired_source_route()) return Verdict::drop(DropReason::SourceRoute);
  const auto kind = kind_to_ipv6(error, {settings_.ipv4_mtu, settings_.ipv6_mtu});
  if (!kind) return Verdict::drop(kind.error());

  std::byte scratch[kLargestError];
  const std::span<std::byte> whole(scratch);
  const auto body = whole.subspan(sizeof(Ipv6Header) + sizeof(IcmpHeader));
  const auto quote_size = inner_to_ipv6(error.quote, inner, traffic_class(error.quote.header().tos), body);
  if (!quote_size) return Verdict::drop(quote_size.error());

  uint8_t length_attribute = 0;
  const auto extensions = kind->carries_extensions ? error.extensions : std::span<const std::byte>{};
  const std::size_t body_size =
      lay_out_body(body, *quote_size, extensions, body.size(), kUnit, length_attribute);
  const std::size_t message_size = sizeof(IcmpHeader) + body_size;

  auto& header = *reinterpret_cast<Ipv6Header*>(scratch);
  header.set_version_and_class(traffic_class(was.tos));
  header.payload_length = be16::from_host(static_cast<uint16_t>(message_size));
  header.next_header = IpProtocol::Icmpv6;
  header.hop_limit = leg == Leg::HairpinSecond ? was.ttl : static_cast<uint8_t>(was.ttl - 1);
  header.set_source(outer.source);
  header.set_destination(outer.destination);

  auto& icmp = *reinterpret_cast<IcmpHeader*>(scratch + sizeof(Ipv6Header));
  icmp.type = kind->type;
  icmp.code = kind->code;
  icmp.checksum = {};
  icmp.set_rest(kind->rest);
  if (kind->carries_extensions) icmp.rest[0] = length_attribute;
  OnesSum sum;
  sum.add(outer.source);
  sum.add(outer.destination);
  sum.add(static_cast<uint32_t>(message_size));
  sum.add(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});
  sum.add(std::span<const std::byte>(whole.subspan(sizeof(Ipv6Header), message_size)));
  icmp.checksum = sum.checksum();

  if (!replace_packet(packet, whole.first(sizeof(Ipv6Header) + message_size)))
    return Verdict::drop(DropReason::NoBuffer);
  return Verdict::to_ipv6();
}

}  // namespace yonroku::carry
