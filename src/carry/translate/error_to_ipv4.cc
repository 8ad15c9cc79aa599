// ICMPv6 errors to ICMPv4 (RFC 7915 §5.2, §5.3), with the sender's own address where it has no IPv4 one
// (draft-ietf-v6ops-icmpext-xlat-v6only-source).
#include <cstring>

#include "carry/translate/icmp_extensions.h"
#include "carry/translate/inner.h"
#include "carry/translate/plan.h"
#include "carry/translate/translate.h"

namespace yonroku::carry {

Verdict Translate::error_to_ipv4(Packet& packet, const Ipv6View& ip, const Icmpv6Error& error,
                                 const Crossing4& outer, const Crossing4& inner,
                                 Identifications& identifications, const Ipv6Address* node_address,
                                 Leg leg) const noexcept {
  constexpr std::size_t kLargestError = 576;  // RFC 1812 §4.3.2.3
  constexpr std::size_t kUnit = 4;            // RFC 4884 §4.1 to §4.3
  constexpr std::size_t kScratch = 1280;  // a hairpinned error is made larger again: trim it once, at the end
  const Ipv6Header& was = ip.header();
  if (was.hop_limit <= 1) return Verdict::drop(DropReason::HopLimitExceeded);
  const auto kind = kind_to_ipv4(error, {settings_.ipv4_mtu, settings_.ipv6_mtu});
  if (!kind) return Verdict::drop(kind.error());

  std::byte scratch[kScratch];
  const std::span<std::byte> whole =
      std::span(scratch).first(leg == Leg::HairpinFirst ? kScratch : kLargestError);
  const auto body = whole.subspan(sizeof(Ipv4Header) + sizeof(IcmpHeader));
  const auto quote_size = inner_to_ipv4(error.quote, inner, tos(error.quote.header().traffic_class()), body);
  if (!quote_size) return Verdict::drop(quote_size.error());

  ExtensionBuilder extensions(error.extensions);
  const bool identify = error.header->type == icmpv6::kDestinationUnreachable ||
                        error.header->type == icmpv6::kPacketTooBig ||
                        error.header->type == icmpv6::kTimeExceeded;
  if (node_address != nullptr && identify) extensions.add_node_address(*node_address);
  uint8_t length_attribute = 0;
  const std::size_t body_size =
      lay_out_body(body, *quote_size, extensions.bytes(), body.size(), kUnit, length_attribute);
  const std::size_t message_size = sizeof(IcmpHeader) + body_size;

  auto& icmp = *reinterpret_cast<IcmpHeader*>(scratch + sizeof(Ipv4Header));
  icmp.type = kind->type;
  icmp.code = kind->code;
  icmp.checksum = {};
  icmp.set_rest(kind->rest);
  icmp.rest[1] = length_attribute;  // every type that results has the field
  OnesSum sum;
  sum.add(std::span<const std::byte>(whole.subspan(sizeof(Ipv4Header), message_size)));
  icmp.checksum = sum.checksum();

  Ipv4Fields fields;
  fields.addresses = outer;
  fields.tos = tos(was.traffic_class());
  fields.ttl = static_cast<uint8_t>(was.hop_limit - 1);
  fields.protocol = IpProtocol::Icmp;
  fields.total_length = static_cast<uint16_t>(sizeof(Ipv4Header) + message_size);
  fields.identification = ip.has_fragment_header()
                              ? static_cast<uint16_t>(ip.fragment_header().identification.host())
                              : identifications.next(outer.source, outer.destination, IpProtocol::Icmp);
  write_ipv4_header(scratch, fields);

  if (!replace_packet(packet, whole.first(sizeof(Ipv4Header) + message_size)))
    return Verdict::drop(DropReason::NoBuffer);
  return Verdict::to_ipv4(settings_.ipv4_mtu < kLargestError && leg == Leg::Only ? settings_.ipv4_mtu
                                                                                 : uint16_t{0});
}

}  // namespace yonroku::carry
