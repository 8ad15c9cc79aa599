#include "carry/encapsulate/encapsulate.h"

#include <algorithm>

#include "carry/translate/plan.h"

namespace yonroku::carry {
namespace {

// RFC 2473 §4.1.1, with a PadN (RFC 8200 §4.2) that fills the header up to 8 octets.
struct EncapsulationLimitHeader {
  IpProtocol next_header;
  uint8_t length;
  uint8_t option_type;
  uint8_t option_length;
  uint8_t limit;
  uint8_t pad_type;
  uint8_t pad_length;
  uint8_t pad;
};
static_assert(sizeof(EncapsulationLimitHeader) == 8 && alignof(EncapsulationLimitHeader) == 1);

constexpr uint8_t kEcnMask = 3;

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

void write_tos(Ipv4Header& header, uint8_t tos) {
  if (header.tos == tos) return;
  ChecksumDelta delta;
  delta.removed(uint32_t{header.tos});
  delta.added(uint32_t{tos});
  header.tos = tos;
  header.checksum = delta.apply(header.checksum);
}

}  // namespace

Encapsulate::Encapsulate(const EncapsulateSettings& settings)
    : settings_(settings),
      overhead_(sizeof(Ipv6Header) + (settings.encapsulation_limit ? sizeof(EncapsulationLimitHeader) : 0)) {}

void Encapsulate::write_front(std::byte* at, uint8_t tos, std::size_t payload, const Ipv4Flow& flow,
                              const Crossing6& ends, bool fragment_header,
                              uint32_t identification) const noexcept {
  auto& header = *reinterpret_cast<Ipv6Header*>(at);
  // RFC 6040 §4.1: the ECN field is copied, whatever becomes of the DSCP.
  const auto traffic_class =
      settings_.traffic_class
          ? static_cast<uint8_t>((*settings_.traffic_class & ~kEcnMask) | (tos & kEcnMask))
          : tos;
  const uint32_t label = settings_.flow_label == FlowLabel::Hash ? flow_label(flow) : 0;
  header.version_class_flow = be32::from_host(uint32_t{6} << 28 | uint32_t{traffic_class} << 20 | label);
  header.payload_length = be16::from_host(static_cast<uint16_t>(payload));
  header.hop_limit = settings_.hop_limit;
  header.set_source(ends.source);
  header.set_destination(ends.destination);
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
    *reinterpret_cast<EncapsulationLimitHeader*>(at) = {
        IpProtocol::Ipv4, 0, 4, 1, *settings_.encapsulation_limit, 1, 1, 0};
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
  const uint8_t dscp = (settings_.dscp_to_ipv4 ? outer_class : inner_tos) & static_cast<uint8_t>(~kEcnMask);

  const std::size_t front = outer.payload_offset();
  const std::size_t size = inner.size();
  const std::size_t header_size = inner.header_size();
  const bool has_tcp = inner.header().protocol == IpProtocol::Tcp && inner.header().fragment_offset() == 0;
  packet.reshape_front(front, 0);
  packet.truncate(size);
  if (packet.offload.partial_checksum)
    packet.offload.checksum_start = static_cast<uint16_t>(packet.offload.checksum_start - front);
  write_tos(*reinterpret_cast<Ipv4Header*>(packet.data()), static_cast<uint8_t>(dscp | *ecn));
  if (settings_.mss_clamp != 0 && has_tcp)
    clamp_mss_of(packet.bytes().subspan(header_size), packet.offload, header_size, settings_.mss_clamp);
  return Verdict::to_ipv4();
}

}  // namespace yonroku::carry
