#include "mechanism/alg/packet_text.h"

namespace yonroku::mechanism {
namespace {

// RFC 1624 §3.
void change_ipv4_lengths(Ipv4Header& header, std::size_t total, bool has_grown) noexcept {
  ChecksumDelta delta;
  const be16 length = be16::from_host(static_cast<uint16_t>(total));
  delta.replace(header.total_length, length);
  header.total_length = length;
  if (has_grown) {
    const be16 flags = be16::from_host(
        static_cast<uint16_t>(header.flags_fragment_offset.host() & ~Ipv4Header::kDontFragment));
    delta.replace(header.flags_fragment_offset, flags);
    header.flags_fragment_offset = flags;
  }
  header.checksum = delta.apply(header.checksum);
}

}  // namespace

uint32_t TransportText::sum_of(const Packet& packet, std::size_t transport) noexcept {
  OnesSum sum;
  sum.add(std::span<const std::byte>(packet.bytes().subspan(transport)));
  return sum.folded();
}

TransportText::TransportText(const Packet& packet, const TextPlace& place) noexcept
    : place_(place),
      size_(packet.size()),
      sum_(place.checksum == carry::ChecksumState::Complete ? sum_of(packet, place.transport) : 0) {}

void TransportText::finish(Packet& packet) const noexcept {
  const std::size_t size = packet.size();
  auto& ipv4 = *reinterpret_cast<Ipv4Header*>(packet.data() + place_.ip);
  if (ipv4.version() == 4)
    change_ipv4_lengths(ipv4, size - place_.ip, size > size_);
  else
    reinterpret_cast<Ipv6Header*>(packet.data() + place_.ip)->payload_length =
        be16::from_host(static_cast<uint16_t>(size - place_.ip - sizeof(Ipv6Header)));

  // The pseudo-header has the length too (RFC 9293 §3.1, RFC 768).
  ChecksumDelta delta;
  delta.replace(static_cast<uint32_t>(size_ - place_.transport),
                static_cast<uint32_t>(size - place_.transport));
  const auto apply = [&](be16 field, const Packet& changed) {
    if (place_.checksum == carry::ChecksumState::Partial) return delta.apply_to_partial(field);
    delta.replace(sum_, sum_of(changed, place_.transport));
    return delta.apply(field);
  };
  if (place_.protocol == IpProtocol::Tcp) {
    auto& tcp = *reinterpret_cast<TcpHeader*>(packet.data() + place_.transport);
    tcp.checksum = apply(tcp.checksum, packet);
    return;
  }
  auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + place_.transport);
  udp.length = be16::from_host(static_cast<uint16_t>(size - place_.transport));
  if (udp.checksum == be16{} && place_.checksum == carry::ChecksumState::Complete)
    return;  // RFC 768: has none
  udp.checksum = apply(udp.checksum, packet);
  if (udp.checksum == be16{} && place_.checksum == carry::ChecksumState::Complete)
    udp.checksum = be16::from_host(0xffff);
}

}  // namespace yonroku::mechanism
