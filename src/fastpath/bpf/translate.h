// The translator (RFC 7915) for plain packets: carry/translate's decisions, in the same order, about what
// can't need a fragment, an ICMP error or a look behind the transport header.
#pragma once

#include "carry/crossing.h"
#include "carry/translate/plan.h"
#include "carry/translate/translate.h"
#include "fastpath/bpf/send.h"
#include "fastpath/bpf/transport.h"

namespace yonroku::bpf {

using carry::Crossing4;
using carry::Crossing6;

// The change of the transport checksum that the new addresses make; of ICMP also its type's.
struct ChecksumChange {
  OnesSum pseudo_header;
  OnesSum other;
};

// The translator's own hop (RFC 7915 §4.1, §5.1) and the kernel's on both sides of it.
YONROKU_HOT_INLINE uint32_t hops_of(const Work& work) { return 1 + 2 * work.control->kernel_hops; }

template <class Link>
YONROKU_HOT_INLINE int to_ipv6(Link& link, const Work& work, const Ipv4Header& was, const Seen& seen,
                               const Crossing6& crossing) {
  const carry::TranslateSettings& settings = work.instance->translate;
  if (!seen.has_udp_checksum) return up<Link>(work, Miss::UdpZeroChecksum);
  if (seen.hops <= hops_of(work)) return up<Link>(work, Miss::TimeToLive);
  const uint32_t result = sizeof(Ipv6Header) + largest_payload(link, seen);
  if (result > (seen.dont_fragment ? settings.ipv6_mtu : settings.lowest_ipv6_mtu))
    return up<Link>(work, Miss::TooBig);
  const uint8_t traffic_class = settings.traffic_class.value_or(seen.tos);
  const bool is_icmp = seen.protocol == static_cast<uint8_t>(IpProtocol::Icmp);
  const uint8_t next_header = is_icmp ? static_cast<uint8_t>(IpProtocol::Icmpv6) : seen.protocol;
  const Routed routed =
      route_of(link.context(), {crossing.destination, crossing.source, result, traffic_class, next_header},
               work.ingress, *work.control, work.now);
  if (!can_leave(link, routed)) return up<Link>(work, Miss::NoNextHop);

  ChecksumChange change;
  change.pseudo_header.add(crossing.source);
  change.pseudo_header.add(crossing.destination);
  uint8_t icmp_type = 0;
  if (is_icmp) {  // RFC 4443 §2.3: ICMPv6 sums a pseudo-header, ICMPv4 does not
    icmp_type = seen.icmp_type == icmpv4::kEcho ? icmpv6::kEcho : icmpv6::kEchoReply;
    change.pseudo_header.add(seen.payload);
    change.pseudo_header.add(uint32_t{next_header});
    change.other.subtract(uint32_t{seen.icmp_type} << 8);
    change.other.add(uint32_t{icmp_type} << 8);
  } else {
    change.pseudo_header.subtract(was.source());
    change.pseudo_header.subtract(was.destination());
  }
  add_port(change.other, seen, crossing.port);

  const uint32_t old_size = sizeof(Ipv4Header) + seen.payload;
  if (!link.trim(Link::kFront + old_size) || !link.become_ipv6()) return up<Link>(work, Miss::NoRoom);
  char* const at = link.begin();
  if (at + Link::kFront + sizeof(Ipv6Header) + sizeof(IcmpHeader) > link.end()) return Link::kDrop;
  auto& header = *reinterpret_cast<Ipv6Header*>(at + Link::kFront);
  header.set_version_and_class(traffic_class);
  header.payload_length = be16::from_host(static_cast<uint16_t>(seen.payload));
  header.next_header = static_cast<IpProtocol>(next_header);
  header.hop_limit = static_cast<uint8_t>(seen.hops - hops_of(work));
  header.set_source(crossing.source);
  header.set_destination(crossing.destination);
  link.add_to_sum(sum_in_memory<sizeof(Ipv6Header)>(&header));
  if (is_icmp) reinterpret_cast<IcmpHeader*>(&header + 1)->type = icmp_type;
  write_port(reinterpret_cast<char*>(&header + 1), seen, crossing.port);
  link.change_checksum(sizeof(Ipv6Header) + checksum_at(seen.protocol), change.pseudo_header, change.other,
                       seen.protocol == static_cast<uint8_t>(IpProtocol::Udp));
  count(work, kToIpv6, seen.protocol, old_size);
  return leave(link, ETH_P_IPV6, routed);
}

// An identification for packets that may be fragmented on the way (RFC 7915 §5.1): as carry::Identifications,
// with counters that each processor has for itself.
YONROKU_HOT_INLINE uint16_t next_identification(const Work& work, const Crossing4& crossing, uint8_t protocol,
                                                uint32_t packets) {
  uint64_t hash = (uint64_t{crossing.source.value()} << 32 | crossing.destination.value()) ^
                  work.control->identification_seed ^ protocol;
  hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9;
  const auto place = static_cast<uint32_t>(hash >> 54);
  auto* const counter = find<uint32_t>(identifications, place);
  if (counter == nullptr) return 0;
  const uint32_t first = *counter + 1;
  *counter = *counter + packets;
  return static_cast<uint16_t>(first * work.control->processors + get_smp_processor_id() + hash);
}

template <class Link>
YONROKU_HOT_INLINE int to_ipv4(Link& link, const Work& work, const Ipv6Header& was, const Seen& seen,
                               const Crossing4& crossing) {
  const carry::TranslateSettings& settings = work.instance->translate;
  if (!seen.has_udp_checksum) return up<Link>(work, Miss::UdpZeroChecksum);
  if (seen.hops <= hops_of(work)) return up<Link>(work, Miss::TimeToLive);
  const uint32_t total = sizeof(Ipv4Header) + seen.payload;
  const uint32_t result = sizeof(Ipv4Header) + largest_payload(link, seen);
  if (result > settings.ipv4_mtu || total > UINT16_MAX) return up<Link>(work, Miss::TooBig);
  const uint8_t tos = settings.tos.value_or(seen.tos);
  const bool is_icmp = seen.protocol == static_cast<uint8_t>(IpProtocol::Icmpv6);
  const uint8_t protocol = is_icmp ? static_cast<uint8_t>(IpProtocol::Icmp) : seen.protocol;
  const Routed routed = route_of(
      link.context(), {as_ipv6(crossing.destination), as_ipv6(crossing.source), result, tos, protocol},
      work.ingress, *work.control, work.now);
  if (!can_leave(link, routed)) return up<Link>(work, Miss::NoNextHop);

  ChecksumChange change;
  change.pseudo_header.subtract(was.source());
  change.pseudo_header.subtract(was.destination());
  uint8_t icmp_type = 0;
  if (is_icmp) {
    icmp_type = seen.icmp_type == icmpv6::kEcho ? icmpv4::kEcho : icmpv4::kEchoReply;
    change.pseudo_header.subtract(seen.payload);
    change.pseudo_header.subtract(uint32_t{seen.protocol});
    change.other.subtract(uint32_t{seen.icmp_type} << 8);
    change.other.add(uint32_t{icmp_type} << 8);
  } else {
    change.pseudo_header.add(crossing.source);
    change.pseudo_header.add(crossing.destination);
  }
  add_port(change.other, seen, crossing.port);
  carry::Ipv4Fields fields;
  fields.addresses = crossing;
  fields.tos = tos;
  fields.total_length = static_cast<uint16_t>(total);
  fields.ttl = static_cast<uint8_t>(seen.hops - hops_of(work));
  fields.protocol = static_cast<IpProtocol>(protocol);
  if (result > carry::kLargestWithoutDf) {
    fields.identification = 0;
    fields.flags_fragment_offset = Ipv4Header::kDontFragment;
  } else {
    const uint32_t segment = link.segment_size();
    fields.identification =
        next_identification(work, crossing, protocol, segment == 0 ? 1 : seen.payload / segment + 1);
    fields.flags_fragment_offset = 0;
  }

  const uint32_t old_size = sizeof(Ipv6Header) + seen.payload;
  // The kernel takes the first half away; the second is overwritten.
  constexpr uint32_t kHalf = sizeof(Ipv6Header) - sizeof(Ipv4Header);
  const uint32_t second_half = sum_in_memory<sizeof(Ipv4Header)>(reinterpret_cast<const char*>(&was) + kHalf);
  if (!link.trim(Link::kFront + old_size) || !link.become_ipv4()) return up<Link>(work, Miss::NoRoom);
  link.add_to_sum(~second_half);
  char* const at = link.begin();
  if (at + Link::kFront + sizeof(Ipv4Header) + sizeof(IcmpHeader) > link.end()) return Link::kDrop;
  carry::write_ipv4_header(reinterpret_cast<std::byte*>(at + Link::kFront), fields);
  if (is_icmp) reinterpret_cast<IcmpHeader*>(at + Link::kFront + sizeof(Ipv4Header))->type = icmp_type;
  write_port(at + Link::kFront + sizeof(Ipv4Header), seen, crossing.port);
  link.change_checksum(sizeof(Ipv4Header) + checksum_at(seen.protocol), change.pseudo_header, change.other,
                       seen.protocol == static_cast<uint8_t>(IpProtocol::Udp));
  count(work, kToIpv4, seen.protocol, old_size);
  return leave(link, ETH_P_IP, routed);
}

}  // namespace yonroku::bpf
