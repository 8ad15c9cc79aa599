// What is asked of a packet before anything is done to it. Only plain packets are the offload's: everything
// else has a reason to be the engine's.
#pragma once

#include "fastpath/bpf/link.h"
#include "fastpath/layout.h"

namespace yonroku::bpf {

using fastpath::Miss;

// The headers of a plain packet, in registers. `is_plain` false: `miss` says why it is not.
struct Seen {
  bool is_plain = false;
  Miss miss = Miss::Malformed;
  uint8_t protocol = 0;  // IpProtocol
  uint8_t hops = 0;      // TTL or hop limit
  uint8_t tos = 0;       // or traffic class
  uint8_t icmp_type = 0;
  uint8_t tcp_flags = 0;
  bool dont_fragment = false;
  bool has_udp_checksum = true;  // of other protocols too: there is none that is missing
  uint16_t source_port = 0;      // of an ICMP echo the identifier, both
  uint16_t destination_port = 0;
  uint32_t payload = 0;           // octets behind the IP header
  uint32_t transport_header = 0;  // TCP's with its options, UDP's
};

YONROKU_HOT_INLINE void miss(Seen& seen, Miss why) {
  seen.is_plain = false;
  seen.miss = why;
}

// The transport header at `at`, checked against `end`; seen.protocol and seen.payload are known.
YONROKU_HOT_INLINE void look_at_transport(const char* at, const char* end, bool is_ipv6, Seen& seen) {
  seen.is_plain = true;
  if (seen.protocol == static_cast<uint8_t>(IpProtocol::Tcp)) {
    const auto& tcp = *reinterpret_cast<const TcpHeader*>(at);
    if (at + sizeof(TcpHeader) > end || seen.payload < sizeof(TcpHeader)) return miss(seen, Miss::Malformed);
    seen.tcp_flags = tcp.flags;
    seen.transport_header = static_cast<uint32_t>(tcp.header_size());
    seen.source_port = tcp.source_port.host();
    seen.destination_port = tcp.destination_port.host();
    if ((tcp.flags & TcpHeader::kSyn) != 0) return miss(seen, Miss::TcpFlags);
  } else if (seen.protocol == static_cast<uint8_t>(IpProtocol::Udp)) {
    const auto& udp = *reinterpret_cast<const UdpHeader*>(at);
    if (at + sizeof(UdpHeader) > end || seen.payload < sizeof(UdpHeader)) return miss(seen, Miss::Malformed);
    seen.transport_header = sizeof(UdpHeader);
    seen.source_port = udp.source_port.host();
    seen.destination_port = udp.destination_port.host();
    seen.has_udp_checksum = udp.checksum != be16{};
  } else if (seen.protocol == static_cast<uint8_t>(is_ipv6 ? IpProtocol::Icmpv6 : IpProtocol::Icmp)) {
    const auto& icmp = *reinterpret_cast<const IcmpHeader*>(at);
    if (at + sizeof(IcmpHeader) > end || seen.payload < sizeof(IcmpHeader))
      return miss(seen, Miss::Malformed);
    seen.icmp_type = icmp.type;
    const bool is_echo = is_ipv6 ? icmp.type == icmpv6::kEcho || icmp.type == icmpv6::kEchoReply
                                 : icmp.type == icmpv4::kEcho || icmp.type == icmpv4::kEchoReply;
    if (!is_echo) return miss(seen, Miss::IcmpMessage);
    seen.source_port = seen.destination_port = static_cast<uint16_t>(icmp.rest[0] << 8 | icmp.rest[1]);
  } else {
    miss(seen, Miss::Protocol);
  }
}

// The sum of a sound header is all ones, in any octet order (RFC 1071 §2(B)).
YONROKU_HOT_INLINE bool has_right_checksum(const Ipv4Header& header) {
  const auto* const words = reinterpret_cast<const uint32_t*>(&header);
  uint64_t sum = uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4];
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

// The IPv4 header, of which 20 octets are there; `size` octets are in the packet.
YONROKU_HOT_INLINE Seen look_at(const Ipv4Header& header, const char* end, uint32_t size) {
  Seen seen;
  const uint32_t total = header.total_length.host();
  seen.protocol = static_cast<uint8_t>(header.protocol);
  seen.hops = header.ttl;
  seen.tos = header.tos;
  seen.dont_fragment = header.dont_fragment();
  seen.payload = total - sizeof(Ipv4Header);
  if (header.version_ihl != 0x45) {
    miss(seen, Miss::Options);
  } else if (total < sizeof(Ipv4Header) || total > size || !has_right_checksum(header)) {
    miss(seen, Miss::Malformed);
  } else if (header.is_fragment()) {
    miss(seen, Miss::Fragment);
  } else if (header.ttl <= 1) {
    miss(seen, Miss::TimeToLive);
  } else {
    look_at_transport(reinterpret_cast<const char*>(&header + 1), end, false, seen);
  }
  return seen;
}

YONROKU_HOT_INLINE Seen look_at(const Ipv6Header& header, const char* end, uint32_t size) {
  Seen seen;
  seen.protocol = static_cast<uint8_t>(header.next_header);
  seen.hops = header.hop_limit;
  seen.tos = header.traffic_class();
  seen.payload = header.payload_length.host();
  if (header.version() != 6 || seen.payload > size - sizeof(Ipv6Header)) {
    miss(seen, Miss::Malformed);
  } else if (header.hop_limit <= 1) {
    miss(seen, Miss::TimeToLive);
  } else if (header.next_header == IpProtocol::Fragment) {
    miss(seen, Miss::Fragment);
  } else if (header.next_header == IpProtocol::HopByHopOptions || header.next_header == IpProtocol::Routing ||
             header.next_header == IpProtocol::DestinationOptions) {
    miss(seen, Miss::ExtensionHeader);
  } else {
    look_at_transport(reinterpret_cast<const char*>(&header + 1), end, true, seen);
  }
  return seen;
}

// The largest packet on the wire has so many octets behind its IP header: of one segment of a super-packet.
template <class Link>
YONROKU_HOT_INLINE uint32_t largest_payload(const Link& link, const Seen& seen) {
  const uint32_t segment = link.segment_size();
  if (segment == 0) return seen.payload;
  const uint32_t with_header = seen.transport_header + segment;
  return with_header < seen.payload ? with_header : seen.payload;
}

}  // namespace yonroku::bpf
