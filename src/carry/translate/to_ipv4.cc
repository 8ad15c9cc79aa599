// IPv6 to IPv4 (RFC 7915 §5): the header, the fragment fields, and the transport checksum.
#include <algorithm>

#include "carry/translate/plan.h"
#include "carry/translate/translate.h"

namespace yonroku::carry {
namespace {

// Numbers that IPv4 would take for its own control protocols. Deviates from RFC 7915 §5.1, which copies them.
constexpr bool is_translatable_protocol(IpProtocol p) {
  return p != IpProtocol::Icmp && p != IpProtocol::Igmp;
}

// RFC 7915 §5.1.1: extension headers (the Authentication Header is one, ESP is not) behind a Fragment Header.
constexpr bool is_extension_header(IpProtocol p) {
  constexpr uint8_t kHostIdentity = 139, kShim6 = 140;
  const auto number = static_cast<uint8_t>(p);
  return p == IpProtocol::HopByHopOptions || p == IpProtocol::Routing || p == IpProtocol::Fragment ||
         p == IpProtocol::DestinationOptions || p == IpProtocol::AuthenticationHeader ||
         p == IpProtocol::Mobility || number == kHostIdentity || number == kShim6;
}

ChecksumDelta address_delta(const Ipv6Header& was, const Crossing4& now) {
  ChecksumDelta delta;
  delta.removed(was.source());
  delta.removed(was.destination());
  delta.added(now.source);
  delta.added(now.destination);
  return delta;
}

}  // namespace

Verdict Translate::to_ipv4(Packet& packet, const Ipv6View& ip, const Crossing4& crossing,
                           Identifications& identifications, Leg leg) const noexcept {
  const Ipv6Header& was = ip.header();
  if (was.hop_limit <= 1) return Verdict::drop(DropReason::HopLimitExceeded);
  if (ip.segments_left_offset() != 0)
    return Verdict::drop(DropReason::SegmentsLeft, static_cast<uint32_t>(ip.segments_left_offset()));

  const IpProtocol protocol = ip.protocol();
  if (protocol == IpProtocol::Icmpv6) return echo_to_ipv4(packet, ip, crossing, identifications, leg);
  const bool has_fragment_header = ip.has_fragment_header();
  if (has_fragment_header && is_extension_header(protocol))
    return Verdict::drop(DropReason::ExtensionAfterFragment);
  if (!is_translatable_protocol(protocol)) return Verdict::drop(DropReason::ProtocolNotTranslatable);

  const auto payload = ip.payload();
  const auto checksum = check_offload(packet.offload, ip.size(), ip.payload_offset(), protocol);
  if (checksum == ChecksumState::Senseless) return Verdict::drop(DropReason::BadOffloadMetadata);
  TransportPlan plan;
  plan.checksum = checksum;
  if (!has_fragment_header || ip.fragment_header().fragment_offset() == 0) {
    if (const auto checked = plan_transport(payload, protocol, plan); checked != DropReason::None)
      return Verdict::drop(checked);
    if (plan.kind == TransportPlan::Kind::Udp &&
        reinterpret_cast<const UdpHeader*>(payload.data())->checksum == be16{} &&
        checksum == ChecksumState::Complete)
      return Verdict::drop(DropReason::Ipv6UdpZeroChecksum);
  }

  const std::size_t carried = largest_payload(packet.offload, payload.size(), plan.header_size);
  Ipv4Plan out;
  if (const Verdict verdict = plan_ipv4(packet, ip, carried, crossing, identifications, leg, out);
      verdict.action != Verdict::Action::ToIpv4)
    return verdict;
  const ChecksumDelta delta = address_delta(was, crossing);

  const std::size_t old_front = ip.payload_offset();
  packet.truncate(ip.size());
  packet.reshape_front(old_front, sizeof(Ipv4Header));
  write_ipv4_header(packet.data(), out.fields);
  rewrite_transport(packet.bytes().subspan(sizeof(Ipv4Header)), plan, delta, settings_.mss_clamp,
                    crossing.port);
  move_offload(packet.offload, old_front, sizeof(Ipv4Header), Offload::Segmentation::TcpIpv4);
  return Verdict::to_ipv4(out.fragment_size);
}

// RFC 7915 §5.1 and §5.1.1: the IPv4 header's fields, and whether it fits.
Verdict Translate::plan_ipv4(const Packet& packet, const Ipv6View& ip, std::size_t carried,
                             const Crossing4& crossing, Identifications& identifications, Leg leg,
                             Ipv4Plan& out) const noexcept {
  const Ipv6Header& was = ip.header();
  const std::size_t total = sizeof(Ipv4Header) + ip.payload().size();
  const std::size_t result = sizeof(Ipv4Header) + carried;
  // A packet to be hairpinned meets the IPv6 link again instead of the IPv4 one, and once it is rewritten it
  // is too late to tell its sender.
  const bool hairpins = leg == Leg::HairpinFirst;
  const std::size_t mtu =
      !hairpins ? settings_.ipv4_mtu
                : settings_.ipv6_mtu - (ip.has_fragment_header() ? kFragmentedGrowth : kHeaderGrowth);
  const bool dont_fragment = !ip.has_fragment_header() && result > kLargestWithoutDf;
  const auto too_big = [&] {
    const uint32_t ipv6_mtu = hairpins ? settings_.ipv6_mtu : settings_.ipv4_mtu + kHeaderGrowth;
    return Verdict::drop(DropReason::PacketTooBig, std::max<uint32_t>(1280, ipv6_mtu));
  };
  if (total > UINT16_MAX) return packet.offload.is_super_packet() ? Verdict::segment() : too_big();
  if (result > mtu) {
    if (dont_fragment) return too_big();
    if (packet.offload.is_super_packet()) return Verdict::segment();
    if (!hairpins) out.fragment_size = static_cast<uint16_t>(mtu);  // else the second leg cuts it
  }

  Ipv4Fields& fields = out.fields;
  fields.addresses = crossing;
  fields.tos = tos(was.traffic_class());
  fields.total_length = static_cast<uint16_t>(total);
  fields.ttl = static_cast<uint8_t>(was.hop_limit - 1);
  fields.protocol = ip.protocol() == IpProtocol::Icmpv6 ? IpProtocol::Icmp : ip.protocol();
  if (ip.has_fragment_header()) {
    const Ipv6FragmentHeader& fragment = ip.fragment_header();
    fields.identification = static_cast<uint16_t>(fragment.identification.host());
    fields.flags_fragment_offset = static_cast<uint16_t>(
        fragment.fragment_offset() | (fragment.more_fragments() ? Ipv4Header::kMoreFragments : 0));
  } else if (dont_fragment) {
    fields.identification = 0;  // RFC 6864 §4.1: means nothing in a packet that can't be fragmented
    fields.flags_fragment_offset = Ipv4Header::kDontFragment;
  } else {
    std::size_t segments = 1;
    if (packet.offload.is_super_packet()) segments = ip.payload().size() / packet.offload.segment_size + 1;
    fields.identification = identifications.next(crossing.source, crossing.destination, fields.protocol,
                                                 static_cast<uint16_t>(segments));
    fields.flags_fragment_offset = 0;
  }
  return Verdict::to_ipv4();
}

Verdict Translate::echo_to_ipv4(Packet& packet, const Ipv6View& ip, const Crossing4& crossing,
                                Identifications& identifications, Leg leg) const noexcept {
  if (ip.is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  const auto payload = ip.payload();
  if (payload.size() < sizeof(IcmpHeader)) return Verdict::drop(DropReason::TruncatedHeader);
  if (packet.offload.partial_checksum || packet.offload.is_super_packet()) return Verdict::segment();
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(payload.data());
  if (icmp.type != icmpv6::kEcho && icmp.type != icmpv6::kEchoReply)
    return Verdict::drop(DropReason::IcmpTypeNotTranslatable);

  Ipv4Plan out;
  if (const Verdict verdict = plan_ipv4(packet, ip, payload.size(), crossing, identifications, leg, out);
      verdict.action != Verdict::Action::ToIpv4)
    return verdict;
  const uint8_t type = icmp.type == icmpv6::kEcho ? icmpv4::kEcho : icmpv4::kEchoReply;
  ChecksumDelta delta;
  delta.removed(uint32_t{icmp.type} << 8);
  delta.added(uint32_t{type} << 8);
  delta.removed(ip.header().source());
  delta.removed(ip.header().destination());
  delta.removed(static_cast<uint32_t>(payload.size()));
  delta.removed(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});

  packet.truncate(ip.size());
  packet.reshape_front(ip.payload_offset(), sizeof(Ipv4Header));
  write_ipv4_header(packet.data(), out.fields);
  auto& echo = *reinterpret_cast<IcmpHeader*>(packet.data() + sizeof(Ipv4Header));
  echo.type = type;
  if (crossing.port.which != PortChange::Which::None) change_identifier(echo, crossing.port.port, delta);
  echo.checksum = delta.apply(echo.checksum);
  return Verdict::to_ipv4(out.fragment_size);
}

}  // namespace yonroku::carry
