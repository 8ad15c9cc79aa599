// IPv4 to IPv6 (RFC 7915 §4): the header, the Fragment Header where one is due, and the transport checksum.
#include "carry/translate/plan.h"
#include "carry/translate/translate.h"

namespace yonroku::carry {
namespace {

// Numbers that IPv6 would take for extension headers or for its own ICMP: copying them would let an IPv4 host
// write IPv6 headers. Deviates from RFC 7915 §4.1, which copies every protocol.
constexpr bool is_translatable_protocol(IpProtocol p) {
  return p != IpProtocol::HopByHopOptions && p != IpProtocol::Routing && p != IpProtocol::Fragment &&
         p != IpProtocol::DestinationOptions && p != IpProtocol::Icmpv6;
}

// The pseudo-header's change. Length and protocol are the same in both families (RFC 8200 §8.1).
ChecksumDelta address_delta(const Ipv4Header& was, const Crossing6& now) {
  ChecksumDelta delta;
  delta.removed(was.source());
  delta.removed(was.destination());
  delta.added(now.source);
  delta.added(now.destination);
  return delta;
}

}  // namespace

Verdict Translate::to_ipv6(Packet& packet, const Ipv4View& ip, const Crossing6& crossing,
                           Leg leg) const noexcept {
  const Ipv4Header& was = ip.header();
  if (was.protocol == IpProtocol::Igmp) return Verdict::drop(DropReason::Igmp);  // silently, whatever its TTL
  if (was.ttl <= 1 && leg != Leg::HairpinSecond) return Verdict::drop(DropReason::TtlExceeded);
  if (ip.header_size() > sizeof(Ipv4Header) && ip.has_unexpired_source_route())
    return Verdict::drop(DropReason::SourceRoute);

  const IpProtocol protocol = was.protocol;
  if (protocol == IpProtocol::Icmp) return echo_to_ipv6(packet, ip, crossing, leg);
  if (!is_translatable_protocol(protocol)) return Verdict::drop(DropReason::ProtocolNotTranslatable);

  // What is done about the transport header.
  const auto payload = ip.payload();
  const bool is_fragment = was.is_fragment();
  const auto checksum = check_offload(packet.offload, ip.size(), ip.header_size(), protocol);
  if (checksum == ChecksumState::Senseless) return Verdict::drop(DropReason::BadOffloadMetadata);
  TransportPlan plan;
  plan.checksum = checksum;
  if (was.fragment_offset() == 0) {
    if (const auto checked = plan_transport(payload, protocol, plan); checked != DropReason::None)
      return Verdict::drop(checked);
    if (plan.kind == TransportPlan::Kind::Udp &&
        reinterpret_cast<const UdpHeader*>(payload.data())->checksum == be16{} &&
        checksum == ChecksumState::Complete) {
      if (is_fragment) return Verdict::drop(DropReason::UdpZeroChecksumFragment);
      if (settings_.udp_zero_checksum == UdpZeroChecksum::Drop)
        return Verdict::drop(DropReason::UdpZeroChecksum);
      if (reinterpret_cast<const UdpHeader*>(payload.data())->length.host() != payload.size())
        return Verdict::drop(DropReason::LengthMismatch);
      // A checksum further inside, of a tunnelled packet, is still to be finished by the device: it must be
      // finished before it is summed.
      if (packet.offload.partial_checksum) return Verdict::segment();
      plan.kind = TransportPlan::Kind::UdpComputeChecksum;
    }
  }

  // Does it fit? (RFC 7915 §4.1: DF set, ask the sender; DF clear, fragment at lowest-ipv6-mtu.)
  bool add_fragment_header = is_fragment;
  std::size_t fragment_size = 0;
  const std::size_t carried = largest_payload(packet.offload, payload.size(), plan.header_size);
  const std::size_t result = sizeof(Ipv6Header) + (is_fragment ? sizeof(Ipv6FragmentHeader) : 0) + carried;
  if (was.dont_fragment()) {
    if (result > settings_.ipv6_mtu)
      return Verdict::drop(DropReason::PacketTooBig,
                           settings_.ipv6_mtu - (is_fragment ? kFragmentedGrowth : kHeaderGrowth));
  } else {
    const std::size_t limit = leg == Leg::HairpinSecond ? settings_.ipv6_mtu : settings_.lowest_ipv6_mtu;
    if (result > limit) {
      if (packet.offload.is_super_packet()) return Verdict::segment();
      add_fragment_header = true;
      fragment_size = limit;
    }
  }

  // Certain. Keep what the new header overwrites, then write.
  const uint8_t hop_limit = leg == Leg::HairpinSecond ? was.ttl : static_cast<uint8_t>(was.ttl - 1);
  const uint8_t new_class = traffic_class(was.tos);
  const uint16_t identification = was.identification.host();
  const uint16_t offset = was.fragment_offset();
  const bool more = was.more_fragments();
  ChecksumDelta delta;
  if (plan.kind == TransportPlan::Kind::UdpComputeChecksum) {
    delta.added(crossing.source);
    delta.added(crossing.destination);
    delta.added(static_cast<uint32_t>(payload.size()));
    delta.added(uint32_t{static_cast<uint8_t>(protocol)});
  } else {
    delta = address_delta(was, crossing);
  }

  const std::size_t old_front = ip.header_size();
  const std::size_t new_front = sizeof(Ipv6Header) + (add_fragment_header ? sizeof(Ipv6FragmentHeader) : 0);
  const std::size_t payload_size = payload.size();
  packet.truncate(ip.size());
  packet.reshape_front(old_front, new_front);
  auto& now = *reinterpret_cast<Ipv6Header*>(packet.data());
  now.set_version_and_class(new_class);
  now.payload_length = be16::from_host(static_cast<uint16_t>(new_front - sizeof(Ipv6Header) + payload_size));
  now.next_header = protocol;
  now.hop_limit = hop_limit;
  now.set_source(crossing.source);
  now.set_destination(crossing.destination);
  if (add_fragment_header) {
    now.next_header = IpProtocol::Fragment;
    write_fragment_header(packet.data() + sizeof(Ipv6Header), protocol, offset, more, identification);
  }
  rewrite_transport(packet.bytes().subspan(new_front), plan, delta, settings_.mss_clamp, crossing.port);
  move_offload(packet.offload, old_front, new_front, Offload::Segmentation::TcpIpv6);
  return Verdict::to_ipv6(static_cast<uint16_t>(fragment_size));
}

Verdict Translate::echo_to_ipv6(Packet& packet, const Ipv4View& ip, const Crossing6& crossing,
                                Leg leg) const noexcept {
  const Ipv4Header& was = ip.header();
  if (was.is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  const auto payload = ip.payload();
  if (payload.size() < sizeof(IcmpHeader)) return Verdict::drop(DropReason::TruncatedHeader);
  if (packet.offload.partial_checksum || packet.offload.is_super_packet()) return Verdict::segment();
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(payload.data());
  if (icmp.type != icmpv4::kEcho && icmp.type != icmpv4::kEchoReply)
    return Verdict::drop(DropReason::IcmpTypeNotTranslatable);

  const std::size_t result = sizeof(Ipv6Header) + payload.size();
  std::size_t fragment_size = 0;
  if (was.dont_fragment()) {
    if (result > settings_.ipv6_mtu)
      return Verdict::drop(DropReason::PacketTooBig, settings_.ipv6_mtu - kHeaderGrowth);
  } else {
    const std::size_t limit = leg == Leg::HairpinSecond ? settings_.ipv6_mtu : settings_.lowest_ipv6_mtu;
    if (result > limit) fragment_size = limit;
  }

  const uint8_t type = icmp.type == icmpv4::kEcho ? icmpv6::kEcho : icmpv6::kEchoReply;
  ChecksumDelta delta;
  delta.removed(uint32_t{icmp.type} << 8);
  delta.added(uint32_t{type} << 8);
  delta.added(crossing.source);
  delta.added(crossing.destination);
  delta.added(static_cast<uint32_t>(payload.size()));
  delta.added(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});

  const uint8_t hop_limit = leg == Leg::HairpinSecond ? was.ttl : static_cast<uint8_t>(was.ttl - 1);
  const uint8_t new_class = traffic_class(was.tos);
  const uint16_t identification = was.identification.host();
  const std::size_t payload_size = payload.size();
  const std::size_t new_front = sizeof(Ipv6Header) + (fragment_size != 0 ? sizeof(Ipv6FragmentHeader) : 0);
  packet.truncate(ip.size());
  packet.reshape_front(ip.header_size(), new_front);
  auto& now = *reinterpret_cast<Ipv6Header*>(packet.data());
  now.set_version_and_class(new_class);
  now.payload_length = be16::from_host(static_cast<uint16_t>(new_front - sizeof(Ipv6Header) + payload_size));
  now.next_header = fragment_size != 0 ? IpProtocol::Fragment : IpProtocol::Icmpv6;
  now.hop_limit = hop_limit;
  now.set_source(crossing.source);
  now.set_destination(crossing.destination);
  if (fragment_size != 0)
    write_fragment_header(packet.data() + sizeof(Ipv6Header), IpProtocol::Icmpv6, 0, false, identification);
  auto& echo = *reinterpret_cast<IcmpHeader*>(packet.data() + new_front);
  echo.type = type;
  if (crossing.port.which != PortChange::Which::None) change_identifier(echo, crossing.port.port, delta);
  echo.checksum = delta.apply(echo.checksum);
  return Verdict::to_ipv6(static_cast<uint16_t>(fragment_size));
}

}  // namespace yonroku::carry
