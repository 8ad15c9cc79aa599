#include "packet/ipv6_view.h"

namespace yonroku {

DropReason Ipv6View::walk_slowly() {
  for (unsigned seen = 0; is_skipped(protocol_); ++seen) {
    if (seen == kMaxExtensionHeaders) return DropReason::BadExtensionHeader;
    const std::size_t left = bytes_.size() - payload_offset_;
    if (left < sizeof(Ipv6FragmentHeader))
      return DropReason::TruncatedHeader;  // no extension header is shorter
    const auto* extension = reinterpret_cast<const Ipv6ExtensionHeader*>(bytes_.data() + payload_offset_);
    if (protocol_ == IpProtocol::Fragment) {
      fragment_offset_ = payload_offset_;
      protocol_ = extension->next_header;
      payload_offset_ += sizeof(Ipv6FragmentHeader);
      // RFC 8200 §4.5: the reassembled payload must not be longer than 65,535 octets. See also
      // Ipv4View::parse().
      if (fragment_header().fragment_offset() * 8u + bytes_.size() - payload_offset_ > UINT16_MAX)
        return DropReason::LengthMismatch;
      return DropReason::None;
    }
    const std::size_t size = (std::size_t{extension->length} + 1) * 8;
    if (left < size) return DropReason::TruncatedHeader;
    if (protocol_ == IpProtocol::Routing && extension->segments_left != 0 && segments_left_offset_ == 0)
      segments_left_offset_ = payload_offset_ + Ipv6ExtensionHeader::kSegmentsLeftOffset;
    protocol_ = extension->next_header;
    payload_offset_ += size;
  }
  return DropReason::None;
}

DropReason Ipv6View::skip_options_behind_fragment_header() {
  if (!has_fragment_header()) return DropReason::None;
  for (unsigned seen = 0; protocol_ == IpProtocol::DestinationOptions; ++seen) {
    if (seen == kMaxExtensionHeaders) return DropReason::BadExtensionHeader;
    const std::size_t left = bytes_.size() - payload_offset_;
    if (left < sizeof(Ipv6FragmentHeader)) return DropReason::TruncatedHeader;
    const auto* options = reinterpret_cast<const Ipv6ExtensionHeader*>(bytes_.data() + payload_offset_);
    const std::size_t size = (std::size_t{options->length} + 1) * 8;
    if (left < size) return DropReason::TruncatedHeader;
    protocol_ = options->next_header;
    payload_offset_ += size;
  }
  return DropReason::None;
}

}  // namespace yonroku
