#include "carry/encapsulate/encapsulate.h"

#include <algorithm>

#include "carry/encapsulate/tunnel_headers.h"
#include "carry/translate/plan.h"

namespace yonroku::carry {
namespace {

// TCP's MSS in a SYN that is carried whole, its checksum following.
void clamp_mss_of(std::span<std::byte> transport, const Offload& offload, std::size_t transport_offset,
                  uint16_t limit) {
  if (transport.size() < sizeof(TcpHeader)) return;
  auto& tcp = *reinterpret_cast<TcpHeader*>(transport.data());
  if ((tcp.flags & TcpHeader::kSyn) == 0) return;
  ChecksumDelta delta;
  clamp_mss(transport, limit, delta);
  // A checksum that the device has yet to finish covers the options by itself.
  if (!offload.partial_checksum || offload.checksum_start != transport_offset)
    tcp.checksum = delta.apply(tcp.checksum);
}

}  // namespace

Encapsulate::Encapsulate(const EncapsulateSettings& settings)
    : settings_(settings),
      overhead_(overhead_of(settings)) {}

void Encapsulate::write_front(std::byte* at, uint8_t tos, std::size_t payload, const Ipv4Flow& flow,
                              const Crossing6& ends, bool fragment_header,
                              uint32_t identification) const noexcept {
  auto& header = *reinterpret_cast<Ipv6Header*>(at);
  const uint32_t label = settings_.flow_label == FlowLabel::Hash ? flow_label(flow) : 0;
  write_tunnel_header(header, settings_, tos, payload, label, ends);
  at += sizeof(Ipv6Header);
  IpProtocol* next = &header.next_header;
  if (fragment_header) {
    *next = IpProtocol::Fragment;
    write_fragment_header(at, IpProtocol::Ipv4, 0, false, identification);
    next = &reinterpret_cast<Ipv6FragmentHeader*>(at)->next_header;
    at += sizeof(Ipv6FragmentHeader);
  }
  if (settings_.encapsulation_limit) {
    *next = IpProtocol::DestinationOptions;
    write_encapsulation_limit(*reinterpret_cast<EncapsulationLimitHeader*>(at),
                              *settings_.encapsulation_limit);
  } else {
    *next = IpProtocol::Ipv4;
  }
}

Verdict Encapsulate::wrap(Packet& packet, const Ipv4View& ip, const Ipv4Flow& flow, const Crossing6& ends,
                          uint32_t path_mtu, RandomSource& identification) const noexcept {
  const Ipv4Header& inner = ip.header();
  // No device cuts TCP inside a tunnel for us.
  if (packet.offload.is_super_packet()) return Verdict::segment();
  const std::size_t size = overhead_ + ip.size();
  if (size - sizeof(Ipv6Header) > UINT16_MAX) return Verdict::drop(DropReason::PacketTooBig, 1280);
  const std::size_t mtu = std::min<std::size_t>(settings_.ipv6_mtu, path_mtu);
  bool cut_outer = false;
  uint16_t cut_inner = 0;
  if (size > mtu) [[unlikely]] {
    if (inner.dont_fragment())
      return Verdict::drop(DropReason::PacketTooBig, static_cast<uint32_t>(mtu - overhead_));
    if (settings_.fragment == FragmentPacket::Inner && ip.header_size() == sizeof(Ipv4Header)) {
      cut_inner = static_cast<uint16_t>(mtu - overhead_);
    } else {
      cut_outer = true;
    }
  }

  const uint8_t tos = inner.tos;
  const std::size_t header_size = ip.header_size();
  packet.truncate(ip.size());
  if (settings_.mss_clamp != 0 && flow.protocol == IpProtocol::Tcp && inner.fragment_offset() == 0)
    clamp_mss_of(packet.bytes().subspan(header_size), packet.offload, header_size, settings_.mss_clamp);
  const std::size_t front = overhead_ + (cut_outer ? sizeof(Ipv6FragmentHeader) : 0);
  packet.reshape_front(0, front);
  if (packet.offload.partial_checksum)
    packet.offload.checksum_start = static_cast<uint16_t>(packet.offload.checksum_start + front);
  write_front(packet.data(), tos, packet.size() - sizeof(Ipv6Header), flow, ends, cut_outer,
              cut_outer ? static_cast<uint32_t>(identification.next()) : 0);
  if (cut_inner != 0) return Verdict::to_ipv6_in_pieces(cut_inner, static_cast<uint32_t>(front));
  return Verdict::to_ipv6(cut_outer ? static_cast<uint16_t>(mtu) : uint16_t{0});
}

Verdict Encapsulate::unwrap(Packet& packet, const Ipv6View& outer, const Ipv4View& inner) const noexcept {
  const uint8_t outer_class = outer.header().traffic_class();
  const uint8_t inner_tos = inner.header().tos;
  const auto ecn = ecn_out_of_tunnel(inner_tos & kEcnMask, outer_class & kEcnMask);
  if (!ecn) return Verdict::drop(DropReason::CongestionLost);
  if (packet.offload.is_super_packet()) return Verdict::segment();
  const uint8_t tos = tos_out_of_tunnel(settings_, inner_tos, outer_class, *ecn);

  const std::size_t front = outer.payload_offset();
  const std::size_t size = inner.size();
  const std::size_t header_size = inner.header_size();
  const bool has_tcp = inner.header().protocol == IpProtocol::Tcp && inner.header().fragment_offset() == 0;
  packet.reshape_front(front, 0);
  packet.truncate(size);
  if (packet.offload.partial_checksum)
    packet.offload.checksum_start = static_cast<uint16_t>(packet.offload.checksum_start - front);
  write_tos(*reinterpret_cast<Ipv4Header*>(packet.data()), tos);
  if (settings_.mss_clamp != 0 && has_tcp)
    clamp_mss_of(packet.bytes().subspan(header_size), packet.offload, header_size, settings_.mss_clamp);
  return Verdict::to_ipv4();
}

}  // namespace yonroku::carry
