#include "engine/pipeline.h"

#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"

namespace yonroku::engine {

// RFC 1071: from the start of the transport header to the packet's end; the field holds the pseudo-header's
// sum.
void Pipeline::complete_checksum(Packet& packet) noexcept {
  const std::size_t start = packet.offload.checksum_start;
  auto& field = *reinterpret_cast<be16*>(packet.data() + start + packet.offload.checksum_offset);
  OnesSum sum;
  sum.add(std::span<const std::byte>(packet.bytes().subspan(start)));
  field = sum.checksum();
  if (packet.offload.checksum_offset == offsetof(UdpHeader, checksum) && field == be16{})
    field = be16::from_host(0xffff);
  packet.offload.partial_checksum = false;
}

void Pipeline::count_drop(DropReason reason, const Packet& packet, uint64_t count) noexcept {
  counters_.dropped[static_cast<std::size_t>(reason)].add(observe::kind_of(packet.bytes()), count);
}

void Pipeline::count_lost(DropReason reason, const Reassembly::Lost& lost) noexcept {
  observe::for_each_kind([&](observe::PacketKind kind) {
    if (lost[kind] != 0) counters_.dropped[static_cast<std::size_t>(reason)].add(kind, lost[kind]);
  });
}

void Pipeline::count_icmp(observe::Direction direction, const Packet& packet) noexcept {
  if (observe::says_too_big(packet.bytes()))
    counters_.too_big_forwarded[static_cast<std::size_t>(direction)].add(1);
}

void Pipeline::count_translated(Verdict verdict, const Packet& packet, bool was_ipv6,
                                std::size_t size) noexcept {
  using observe::Direction;
  Direction direction = Direction::ToIpv6;
  auto protocol = observe::Protocol::Other;
  if (verdict.action == Verdict::Action::ToIpv4) {
    direction = Direction::ToIpv4;
    protocol = observe::protocol_of(reinterpret_cast<const Ipv4Header*>(packet.data())->protocol);
  } else {
    if (was_ipv6) direction = Direction::Hairpin;
    IpProtocol next = reinterpret_cast<const Ipv6Header*>(packet.data())->next_header;
    if (next == IpProtocol::Fragment)
      next = reinterpret_cast<const Ipv6FragmentHeader*>(packet.data() + sizeof(Ipv6Header))->next_header;
    std::size_t front = sizeof(Ipv6Header);
    // Options that we write ourselves: the tunnel encapsulation limit (RFC 2473 §4.1.1), 8 octets.
    if (next == IpProtocol::DestinationOptions && packet.size() >= front + 8) {
      next = reinterpret_cast<const Ipv6ExtensionHeader*>(packet.data() + front)->next_header;
      front += 8;
    }
    protocol = observe::protocol_of(next);
    // In a tunnel it is the inner packet's that people want to know.
    if (next == IpProtocol::Ipv4 && packet.size() >= front + sizeof(Ipv4Header))
      protocol = observe::protocol_of(reinterpret_cast<const Ipv4Header*>(packet.data() + front)->protocol);
  }
  auto& flow = counters_.translated[static_cast<std::size_t>(direction)][static_cast<std::size_t>(protocol)];
  flow.packets.add(1);
  flow.octets.add(size);
  if (protocol == observe::Protocol::Icmp) [[unlikely]]
    count_icmp(direction, packet);
}

}  // namespace yonroku::engine
