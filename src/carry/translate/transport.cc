#include "carry/translate/transport.h"

#include <algorithm>

namespace yonroku::carry {

ChecksumState check_present_offload(const Offload& offload, std::size_t packet_size,
                                    std::size_t transport_offset, IpProtocol protocol) noexcept {
  if (!offload.partial_checksum) {
    // A super-packet's segments get their checksums from the device, so it must have been asked for.
    if (offload.is_super_packet()) return ChecksumState::Senseless;
    return ChecksumState::Complete;
  }
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  if (offload.checksum_start < transport_offset || field + sizeof(be16) > packet_size)
    return ChecksumState::Senseless;
  // A checksum further inside, as of a tunnelled packet, or of a protocol whose checksum has no pseudo-header
  // (GRE, RFC 2784 §2.1), is nothing to this layer.
  if (offload.checksum_start != transport_offset ||
      (protocol != IpProtocol::Tcp && protocol != IpProtocol::Udp)) {
    if (offload.is_super_packet()) return ChecksumState::Senseless;
    return ChecksumState::Complete;
  }
  const bool fits =
      (protocol == IpProtocol::Tcp && offload.checksum_offset == offsetof(TcpHeader, checksum)) ||
      (protocol == IpProtocol::Udp && offload.checksum_offset == offsetof(UdpHeader, checksum));
  const bool segmentation_fits =
      !offload.is_super_packet() ||
      (offload.segment_size > 0 &&
       (offload.segmentation == Offload::Segmentation::Udp) == (protocol == IpProtocol::Udp));
  if (!fits || !segmentation_fits) return ChecksumState::Senseless;
  return ChecksumState::Partial;
}

void clamp_mss(std::span<std::byte> tcp, uint16_t limit, ChecksumDelta& delta) noexcept {
  constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kMaximumSegmentSize = 2, kMssSize = 4;
  const auto& header = *reinterpret_cast<const TcpHeader*>(tcp.data());
  const std::size_t end = std::min(header.header_size(), tcp.size());
  std::size_t at = sizeof(TcpHeader);
  while (at < end) {
    const auto kind = static_cast<uint8_t>(tcp[at]);
    if (kind == kEndOfOptions) return;
    if (kind == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 2 > end) return;
    const auto length = static_cast<uint8_t>(tcp[at + 1]);
    if (length < 2 || at + length > end) return;
    if (kind == kMaximumSegmentSize && length == kMssSize) {
      auto& mss = *reinterpret_cast<be16*>(tcp.data() + at + 2);
      const be16 lower = be16::from_host(limit);
      if (mss.host() > limit && at % 2 == 0) {
        delta.replace(mss, lower);
        mss = lower;
      } else if (mss.host() > limit) {  // at an odd offset the two octets fall into two words of the sum
        const auto swapped = [](be16 v) { return be16::from_host(__builtin_bswap16(v.host())); };
        delta.replace(swapped(mss), swapped(lower));
        mss = lower;
      }
    }
    at += length;
  }
}

void rewrite_syn(std::span<std::byte> transport, const TransportPlan& plan, uint16_t mss_clamp,
                 ChecksumDelta& delta) noexcept {
  // A partial checksum covers the pseudo-header only: the device will sum the options itself.
  ChecksumDelta options;
  clamp_mss(transport, mss_clamp, plan.checksum == ChecksumState::Partial ? options : delta);
}

be16 compute_udp_checksum(std::span<const std::byte> transport, ChecksumDelta pseudo_header) noexcept {
  OnesSum sum;
  sum.add(transport);
  pseudo_header.added(uint32_t{sum.folded()});
  return pseudo_header.apply(be16::from_host(0xffff));
}

}  // namespace yonroku::carry
