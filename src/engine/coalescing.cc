#include "engine/coalescing.h"

#include <cstring>

#include "packet/checksum.h"
#include "packet/ipv4_view.h"

namespace yonroku::engine {
namespace {

const Ipv4Header& ipv4_of(const Packet& packet) {
  return *reinterpret_cast<const Ipv4Header*>(packet.data());
}
const TcpHeader& tcp_of(const Packet& packet) {
  return *reinterpret_cast<const TcpHeader*>(packet.data() + sizeof(Ipv4Header));
}

OnesSum pseudo_header(const Ipv4Header& header, std::size_t tcp_size) {
  OnesSum sum;
  sum.add(header.source());
  sum.add(header.destination());
  sum.add(static_cast<uint32_t>(tcp_size));
  sum.add(uint32_t{static_cast<uint8_t>(IpProtocol::Tcp)});
  return sum;
}

// A joined packet's checksum is made anew: what was damaged on the way must not become right by it.
bool has_right_checksum(const Packet& packet) {
  const Offload& offload = packet.offload;
  if (offload.partial_checksum)
    return offload.checksum_start == sizeof(Ipv4Header) &&
           offload.checksum_offset == offsetof(TcpHeader, checksum);
  const std::size_t tcp_size = packet.size() - sizeof(Ipv4Header);
  OnesSum sum = pseudo_header(ipv4_of(packet), tcp_size);
  sum.add(std::span<const std::byte>(packet.bytes().subspan(sizeof(Ipv4Header))));
  return sum.folded() == 0xffff;
}

}  // namespace

bool Coalescing::take_apart(const Packet& packet, Segment& segment) {
  constexpr std::size_t kLeast = sizeof(Ipv4Header) + sizeof(TcpHeader);
  if (packet.size() < kLeast) return false;
  const Ipv4Header& ip = ipv4_of(packet);
  if (ip.version_ihl != 0x45 || ip.protocol != IpProtocol::Tcp || ip.fragment_offset() != 0) return false;
  const TcpHeader& tcp = tcp_of(packet);
  segment.is_tcp = true;
  std::memcpy(&segment.addresses, &ip.source_wire, sizeof segment.addresses);
  std::memcpy(&segment.ports, &tcp.source_port, sizeof segment.ports);
  segment.sequence = tcp.sequence.host();
  segment.front = sizeof(Ipv4Header) + tcp.header_size();
  if (tcp.header_size() < sizeof(TcpHeader) || segment.front >= packet.size()) return false;
  segment.payload_size = packet.size() - segment.front;
  segment.closes = (tcp.flags & TcpHeader::kPsh) != 0;
  // Without DF the identification would have to be kept too.
  return packet.size() == ip.total_length.host() && ip.dont_fragment() && !ip.more_fragments() &&
         !packet.offload.is_super_packet() && (tcp.flags & ~TcpHeader::kPsh) == TcpHeader::kAck &&
         has_right_checksum(packet);
}

bool Coalescing::join(Pending& pending, const Packet& packet, const Segment& segment) {
  const Ipv4Header& first_ip = ipv4_of(pending.packet);
  const Ipv4Header& ip = ipv4_of(packet);
  const TcpHeader& first_tcp = tcp_of(pending.packet);
  const TcpHeader& tcp = tcp_of(packet);
  const std::size_t so_far = pending.packet.size() - pending.segment.front;
  const bool fits = segment.front == pending.segment.front && segment.payload_size <= pending.segment_size &&
                    segment.sequence == pending.segment.sequence + static_cast<uint32_t>(so_far) &&
                    pending.packet.size() + segment.payload_size <= UINT16_MAX &&
                    segment.payload_size <= pending.packet.tailroom();
  if (!fits || first_ip.tos != ip.tos || first_ip.ttl != ip.ttl ||
      first_tcp.acknowledgment != tcp.acknowledgment || first_tcp.window != tcp.window ||
      first_tcp.urgent != tcp.urgent ||
      std::memcmp(&first_tcp + 1, &tcp + 1, segment.front - sizeof(Ipv4Header) - sizeof(TcpHeader)) != 0)
    return false;
  const std::size_t end = pending.packet.size();
  pending.packet.resize(end + segment.payload_size);
  std::memcpy(pending.packet.data() + end, packet.data() + segment.front, segment.payload_size);
  ++pending.count;
  // The last one's PSH goes to the last segment that is made of the whole.
  if (segment.closes)
    reinterpret_cast<TcpHeader*>(pending.packet.data() + sizeof(Ipv4Header))->flags |= TcpHeader::kPsh;
  pending.is_closed = segment.closes || segment.payload_size < pending.segment_size;
  return true;
}

void Coalescing::complete(Pending& pending) {
  Packet& packet = pending.packet;
  auto& ip = *reinterpret_cast<Ipv4Header*>(packet.data());
  ip.total_length = be16::from_host(static_cast<uint16_t>(packet.size()));
  ip.checksum = {};
  OnesSum header;
  header.add_ipv4_header(packet.data());
  ip.checksum = header.checksum();
  auto& tcp = *reinterpret_cast<TcpHeader*>(packet.data() + sizeof(Ipv4Header));
  tcp.checksum = be16::from_host(pseudo_header(ip, packet.size() - sizeof(Ipv4Header)).folded());
  packet.offload = {.segmentation = Offload::Segmentation::TcpIpv4,
                    .partial_checksum = true,
                    .checksum_start = sizeof(Ipv4Header),
                    .checksum_offset = offsetof(TcpHeader, checksum),
                    .segment_size = static_cast<uint16_t>(pending.segment_size)};
}

}  // namespace yonroku::engine
