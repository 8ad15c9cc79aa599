// A checked view of an IPv6 packet and of its chain of extension headers, up to the upper-layer header.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "packet/headers.h"
#include "packet/verdict.h"

namespace yonroku {

class Ipv6View {
 public:
  // truncated-header, bad-version, length-mismatch, or bad-extension-header when there are too many.
  // Jumbograms (RFC 2675) are a mismatch.
  static Checked<Ipv6View> parse(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(Ipv6Header)) return std::unexpected(DropReason::TruncatedHeader);
    const auto* header = reinterpret_cast<const Ipv6Header*>(bytes.data());
    if (header->version() != 6) return std::unexpected(DropReason::BadVersion);
    const std::size_t total = sizeof(Ipv6Header) + header->payload_length.host();
    if (bytes.size() < total) return std::unexpected(DropReason::LengthMismatch);
    Ipv6View view(bytes.first(total));
    if (const DropReason wrong = view.walk_extension_headers(); wrong != DropReason::None)
      return std::unexpected(wrong);
    return view;
  }

  // The packet quoted by an ICMP error: its payload length is the original's, and it may be cut short.
  static Checked<Ipv6View> parse_quote(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(Ipv6Header)) return std::unexpected(DropReason::InnerPacketTruncated);
    const auto* header = reinterpret_cast<const Ipv6Header*>(bytes.data());
    if (header->version() != 6) return std::unexpected(DropReason::InnerPacketTruncated);
    const std::size_t total = sizeof(Ipv6Header) + header->payload_length.host();
    Ipv6View view(bytes.first(total < bytes.size() ? total : bytes.size()));
    if (view.walk_extension_headers() != DropReason::None)
      return std::unexpected(DropReason::InnerPacketTruncated);
    return view;
  }

  [[nodiscard]] const Ipv6Header& header() const {
    return *reinterpret_cast<const Ipv6Header*>(bytes_.data());
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  // The upper-layer header: the first next header that is none of hop-by-hop options, routing, destination
  // options and fragment. Behind a fragment header nothing more is skipped (RFC 7915 §5.1.1).
  [[nodiscard]] IpProtocol protocol() const { return protocol_; }
  [[nodiscard]] std::size_t payload_offset() const { return payload_offset_; }
  [[nodiscard]] std::span<const std::byte> payload() const { return bytes_.subspan(payload_offset_); }

  [[nodiscard]] bool has_fragment_header() const { return fragment_offset_ != 0; }
  [[nodiscard]] const Ipv6FragmentHeader& fragment_header() const {  // only when has_fragment_header()
    return *reinterpret_cast<const Ipv6FragmentHeader*>(bytes_.data() + fragment_offset_);
  }
  // Whether this is a part of a packet: an atomic fragment (RFC 6946) is not.
  [[nodiscard]] bool is_fragment() const {
    return has_fragment_header() && (fragment_header().offset_more.host() & ~uint16_t{6}) != 0;
  }
  // Moves protocol and payload on behind Destination Options that follow a Fragment Header (RFC 8200 §4.1),
  // for those who take the packet apart; only where there is no fragment offset. truncated-header, or
  // bad-extension-header when there are too many.
  DropReason skip_options_behind_fragment_header();
  // The octet offset of the Segments Left field of the first routing header that has segments left, else 0.
  [[nodiscard]] std::size_t segments_left_offset() const { return segments_left_offset_; }

 private:
  static constexpr unsigned kMaxExtensionHeaders = 16;

  explicit Ipv6View(std::span<const std::byte> bytes)
      : bytes_(bytes), payload_offset_(sizeof(Ipv6Header)), protocol_(header().next_header) {}
  static constexpr bool is_skipped(IpProtocol p) {
    return p == IpProtocol::HopByHopOptions || p == IpProtocol::Routing ||
           p == IpProtocol::DestinationOptions || p == IpProtocol::Fragment;
  }
  DropReason walk_extension_headers() { return is_skipped(protocol_) ? walk_slowly() : DropReason::None; }
  DropReason walk_slowly();

  std::span<const std::byte> bytes_;
  std::size_t payload_offset_;
  std::size_t fragment_offset_ = 0;
  std::size_t segments_left_offset_ = 0;
  IpProtocol protocol_;
};

}  // namespace yonroku
