#include "io/virtio_header.h"

#include <algorithm>

#include "packet/headers.h"

namespace yonroku::io {

Checked<Offload> decode(const VirtioHeader& header, std::size_t packet_size) noexcept {
  Offload offload;
  if ((header.flags & VirtioHeader::kNeedsChecksum) != 0) {
    const std::size_t end = std::size_t{header.checksum_start} + header.checksum_offset + sizeof(be16);
    if (end > packet_size) return std::unexpected(DropReason::BadOffloadMetadata);
    offload.partial_checksum = true;
    offload.checksum_start = header.checksum_start;
    offload.checksum_offset = header.checksum_offset;
  }
  switch (header.segmentation & ~VirtioHeader::kEcn) {
    case VirtioHeader::kNone: return offload;
    case VirtioHeader::kTcpIpv4: offload.segmentation = Offload::Segmentation::TcpIpv4; break;
    case VirtioHeader::kTcpIpv6: offload.segmentation = Offload::Segmentation::TcpIpv6; break;
    case VirtioHeader::kUdpSegmentation: offload.segmentation = Offload::Segmentation::Udp; break;
    default: return std::unexpected(DropReason::BadOffloadMetadata);
  }
  if (header.segment_size == 0) return std::unexpected(DropReason::BadOffloadMetadata);
  offload.ecn = (header.segmentation & VirtioHeader::kEcn) != 0;
  offload.segment_size = header.segment_size;
  return offload;
}

VirtioHeader encode(const Packet& packet) noexcept {
  const Offload& offload = packet.offload;
  VirtioHeader header{};
  if (offload.partial_checksum) {
    header.flags = VirtioHeader::kNeedsChecksum;
    header.checksum_start = offload.checksum_start;
    header.checksum_offset = offload.checksum_offset;
  }
  if (!offload.is_super_packet()) return header;
  std::size_t transport_size = sizeof(UdpHeader);
  if (offload.segmentation == Offload::Segmentation::Udp) {
    header.segmentation = VirtioHeader::kUdpSegmentation;
  } else {
    header.segmentation = offload.segmentation == Offload::Segmentation::TcpIpv4 ? VirtioHeader::kTcpIpv4
                                                                                 : VirtioHeader::kTcpIpv6;
    if (offload.ecn) header.segmentation |= VirtioHeader::kEcn;
    if (offload.checksum_start + sizeof(TcpHeader) <= packet.size())
      transport_size =
          reinterpret_cast<const TcpHeader*>(packet.data() + offload.checksum_start)->header_size();
  }
  header.header_size =
      static_cast<uint16_t>(std::min(offload.checksum_start + transport_size, packet.size()));
  header.segment_size = offload.segment_size;
  return header;
}

}  // namespace yonroku::io
