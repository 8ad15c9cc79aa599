// Pieces that both directions of the translator share. Internal to carry/translate.
#pragma once

#include <cstddef>
#include <span>

#include "carry/translate/transport.h"
#include "packet/headers.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

inline constexpr uint32_t kHeaderGrowth = sizeof(Ipv6Header) - sizeof(Ipv4Header);         // 20
inline constexpr uint32_t kFragmentedGrowth = kHeaderGrowth + sizeof(Ipv6FragmentHeader);  // 28
// RFC 7915 §5: a translated packet up to this size has DF clear, since an IPv6 host may have been unable to
// shrink it.
inline constexpr std::size_t kLargestWithoutDf = 1260;

// Finds what must be rewritten in a first or only fragment's transport header. None, or why the packet is
// dropped.
inline DropReason plan_transport(std::span<const std::byte> payload, IpProtocol protocol,
                                 TransportPlan& plan) noexcept {
  if (protocol == IpProtocol::Tcp) {
    if (payload.size() < sizeof(TcpHeader)) return DropReason::TruncatedHeader;
    plan.kind = TransportPlan::Kind::Tcp;
    plan.header_size = reinterpret_cast<const TcpHeader*>(payload.data())->header_size();
  } else if (protocol == IpProtocol::Udp) {
    if (payload.size() < sizeof(UdpHeader)) return DropReason::TruncatedHeader;
    plan.kind = TransportPlan::Kind::Udp;
    plan.header_size = sizeof(UdpHeader);
  }
  return DropReason::None;
}

// The IP payload of the largest packet on the wire: of one segment, when the device is to cut a super-packet.
inline std::size_t largest_payload(const Offload& offload, std::size_t payload_size,
                                   std::size_t transport_header_size) noexcept {
  if (!offload.is_super_packet()) return payload_size;
  const std::size_t segment = transport_header_size + offload.segment_size;
  return segment < payload_size ? segment : payload_size;
}

inline void write_fragment_header(std::byte* at, IpProtocol next, uint16_t offset, bool more,
                                  uint32_t identification) noexcept {
  auto& fragment = *reinterpret_cast<Ipv6FragmentHeader*>(at);
  fragment.next_header = next;
  fragment.reserved = 0;
  fragment.offset_more = be16::from_host(static_cast<uint16_t>(offset << 3 | (more ? 1 : 0)));
  fragment.identification = be32::from_host(identification);
}

// The front of the packet changed its size, and the packet its family.
inline void move_offload(Offload& offload, std::size_t old_front, std::size_t new_front,
                         Offload::Segmentation tcp) noexcept {
  if (offload.partial_checksum)
    offload.checksum_start = static_cast<uint16_t>(offload.checksum_start + new_front - old_front);
  if (offload.segmentation == Offload::Segmentation::TcpIpv4 ||
      offload.segmentation == Offload::Segmentation::TcpIpv6)
    offload.segmentation = tcp;
}

}  // namespace yonroku::carry
