// The ports and the checksum of a plain packet's transport header, as a NAT changes them.
#pragma once

#include "carry/crossing.h"
#include "fastpath/bpf/packet.h"

namespace yonroku::bpf {

using carry::Crossing4;
using carry::PortChange;

YONROKU_HOT_INLINE uint32_t checksum_at(uint8_t protocol) {
  if (protocol == static_cast<uint8_t>(IpProtocol::Tcp)) return offsetof(TcpHeader, checksum);
  if (protocol == static_cast<uint8_t>(IpProtocol::Udp)) return offsetof(UdpHeader, checksum);
  return offsetof(IcmpHeader, checksum);
}

// A port is not in the pseudo-header. Of an ICMP echo both of `seen` are the identifier.
YONROKU_HOT_INLINE void add_port(OnesSum& sum, const Seen& seen, const PortChange& change) {
  if (change.which == PortChange::Which::None) return;
  sum.subtract(
      uint32_t{change.which == PortChange::Which::Destination ? seen.destination_port : seen.source_port});
  sum.add(uint32_t{change.port});
  if (change.which != PortChange::Which::Both) return;
  sum.subtract(uint32_t{seen.destination_port});
  sum.add(uint32_t{change.destination_port});
}
// `transport` has eight octets.
YONROKU_HOT_INLINE void write_port(char* transport, const Seen& seen, const PortChange& change) {
  if (change.which == PortChange::Which::None) return;
  const bool has_ports = seen.protocol == static_cast<uint8_t>(IpProtocol::Tcp) ||
                         seen.protocol == static_cast<uint8_t>(IpProtocol::Udp);
  auto* const fields = reinterpret_cast<be16*>(transport);
  const be16 port = be16::from_host(change.port);
  if (!has_ports) {
    fields[offsetof(IcmpHeader, rest) / sizeof(be16)] = port;
  } else if (change.which == PortChange::Which::Destination) {
    fields[1] = port;
  } else {
    fields[0] = port;
    if (change.which == PortChange::Which::Both) fields[1] = be16::from_host(change.destination_port);
  }
}

// What changes where no checksum field changes with it.
template <class Link>
YONROKU_HOT_INLINE void keep_sum(const Link& link, const Seen& seen, const OnesSum& change) {
  if (!seen.has_udp_checksum) link.add_to_sum(__builtin_bswap16(change.folded()));
}

// carry::rewrite() for a plain packet, whose IPv4 header is `at` octets behind the front. false: it is not
// there.
template <class Link>
YONROKU_HOT_INLINE bool rewrite(const Link& link, uint32_t at, const Seen& seen, const Crossing4& crossing) {
  char* const begin = link.begin() + Link::kFront + at;
  if (begin + sizeof(Ipv4Header) + sizeof(IcmpHeader) > link.end()) return false;
  auto& header = *reinterpret_cast<Ipv4Header*>(begin);
  OnesSum addresses;
  addresses.subtract(header.source());
  addresses.subtract(header.destination());
  addresses.add(crossing.source);
  addresses.add(crossing.destination);
  ChecksumDelta of_header;
  of_header.added(addresses);
  header.checksum = of_header.apply(header.checksum);
  header.source_wire = be32::from_host(crossing.source.value());
  header.destination_wire = be32::from_host(crossing.destination.value());
  write_port(begin + sizeof(Ipv4Header), seen, crossing.port);
  OnesSum port;
  add_port(port, seen, crossing.port);
  const bool is_icmp = seen.protocol == static_cast<uint8_t>(IpProtocol::Icmp);  // has no pseudo-header
  link.change_checksum(at + sizeof(Ipv4Header) + checksum_at(seen.protocol), is_icmp ? OnesSum{} : addresses,
                       port, seen.protocol == static_cast<uint8_t>(IpProtocol::Udp));
  keep_sum(link, seen, port);
  return true;
}

}  // namespace yonroku::bpf
