#include "engine/segmentation.h"

#include <algorithm>
#include <cstring>

#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"

namespace yonroku::engine {

std::optional<Segments> Segments::of(const Packet& packet) noexcept {
  Segments segments;
  const Offload& offload = packet.offload;
  if (!offload.is_super_packet() || !offload.partial_checksum || packet.size() == 0) return std::nullopt;
  segments.is_ipv4_ = static_cast<uint8_t>(*packet.data()) >> 4 == 4;
  if (segments.is_ipv4_) {
    const auto ip = Ipv4View::parse(packet.bytes());
    if (!ip || ip->header().is_fragment()) return std::nullopt;
    segments.packet_ = packet.bytes().first(ip->size());
    segments.transport_ = ip->header_size();
    segments.protocol_ = ip->header().protocol;
  } else {
    const auto ip = Ipv6View::parse(packet.bytes());
    if (!ip || ip->is_fragment()) return std::nullopt;
    segments.packet_ = packet.bytes().first(ip->size());
    segments.transport_ = ip->payload_offset();
    segments.protocol_ = ip->protocol();
  }
  segments.is_tcp_ = offload.segmentation != Offload::Segmentation::Udp;
  if (segments.protocol_ != (segments.is_tcp_ ? IpProtocol::Tcp : IpProtocol::Udp)) return std::nullopt;
  const std::size_t field = segments.is_tcp_ ? offsetof(TcpHeader, checksum) : offsetof(UdpHeader, checksum);
  if (offload.checksum_start != segments.transport_ || offload.checksum_offset != field) return std::nullopt;
  segments.checksum_at_ = segments.transport_ + field;

  const std::size_t least = segments.is_tcp_ ? sizeof(TcpHeader) : sizeof(UdpHeader);
  const std::size_t left = segments.packet_.size() - segments.transport_;
  if (left < least || offload.segment_size == 0) return std::nullopt;
  const std::size_t header_size =
      segments.is_tcp_
          ? reinterpret_cast<const TcpHeader*>(segments.packet_.data() + segments.transport_)->header_size()
          : sizeof(UdpHeader);
  if (header_size < least || header_size > left) return std::nullopt;
  segments.front_ = segments.transport_ + header_size;
  segments.step_ = offload.segment_size;
  segments.payload_ = segments.packet_.subspan(segments.front_);
  segments.count_ =
      std::max<std::size_t>(1, (segments.payload_.size() + segments.step_ - 1) / segments.step_);
  return segments;
}

std::size_t Segments::write(std::size_t index, std::span<std::byte> out) const noexcept {
  constexpr uint8_t kCongestionWindowReduced = 0x80;
  const std::size_t begin = index * step_;
  const std::size_t carried = std::min(step_, payload_.size() - begin);
  const std::size_t total = front_ + carried;
  YONROKU_CHECK(index < count_ && total <= out.size());
  std::memcpy(out.data(), packet_.data(), front_);
  if (carried > 0) std::memcpy(out.data() + front_, payload_.data() + begin, carried);

  const auto transport = out.subspan(transport_, total - transport_);
  OnesSum sum;  // the pseudo-header (RFC 8200 §8.1)
  if (is_ipv4_) {
    auto& ip = *reinterpret_cast<Ipv4Header*>(out.data());
    ip.total_length = be16::from_host(static_cast<uint16_t>(total));
    ip.identification = be16::from_host(static_cast<uint16_t>(ip.identification.host() + index));
    ip.checksum = {};
    OnesSum header;
    header.add(std::span<const std::byte>(out.first(transport_)));
    ip.checksum = header.checksum();
    sum.add(ip.source());
    sum.add(ip.destination());
  } else {
    auto& ip = *reinterpret_cast<Ipv6Header*>(out.data());
    ip.payload_length = be16::from_host(static_cast<uint16_t>(total - sizeof(Ipv6Header)));
    sum.add(ip.source());
    sum.add(ip.destination());
  }
  sum.add(static_cast<uint32_t>(transport.size()));
  sum.add(uint32_t{static_cast<uint8_t>(protocol_)});

  if (is_tcp_) {
    auto& tcp = *reinterpret_cast<TcpHeader*>(transport.data());
    tcp.sequence = be32::from_host(tcp.sequence.host() + static_cast<uint32_t>(begin));
    if (index + 1 < count_)
      tcp.flags = static_cast<uint8_t>(tcp.flags & ~(TcpHeader::kFin | TcpHeader::kPsh));
    if (index > 0) tcp.flags = static_cast<uint8_t>(tcp.flags & ~kCongestionWindowReduced);
  } else {
    reinterpret_cast<UdpHeader*>(transport.data())->length =
        be16::from_host(static_cast<uint16_t>(transport.size()));
  }

  *reinterpret_cast<be16*>(out.data() + checksum_at_) = be16::from_host(sum.folded());
  return total;
}

}  // namespace yonroku::engine
