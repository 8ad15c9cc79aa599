// A checked view of an IPv4 packet. One that exists has a whole header and as many octets as its total length
// says; octets behind the total length are link padding and not part of it.
#pragma once

#include <cstddef>
#include <span>

#include "packet/checksum.h"
#include "packet/headers.h"
#include "packet/verdict.h"

namespace yonroku {

class Ipv4View {
 public:
  // truncated-header, bad-version, length-mismatch or ipv4-header-checksum.
  static Checked<Ipv4View> parse(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(Ipv4Header)) return std::unexpected(DropReason::TruncatedHeader);
    const auto* header = reinterpret_cast<const Ipv4Header*>(bytes.data());
    if (header->version() != 4) return std::unexpected(DropReason::BadVersion);
    const std::size_t header_size = header->header_size();
    const std::size_t total = header->total_length.host();
    if (header_size < sizeof(Ipv4Header) || total < header_size)
      return std::unexpected(DropReason::LengthMismatch);
    if (bytes.size() < header_size) return std::unexpected(DropReason::TruncatedHeader);
    if (bytes.size() < total) return std::unexpected(DropReason::LengthMismatch);
    // A fragment that ends beyond what a whole packet can hold: cut again, its last parts would wrap to
    // offset 0 and pass for a packet of their own.
    if (header->fragment_offset() * 8u + total > UINT16_MAX)
      return std::unexpected(DropReason::LengthMismatch);
    OnesSum sum;
    if (header_size == sizeof(Ipv4Header)) [[likely]] {
      sum.add_ipv4_header(bytes.data());
    } else {
      sum.add(bytes.first(header_size));
    }
    if (sum.folded() != 0xffff) return std::unexpected(DropReason::Ipv4HeaderChecksum);
    return Ipv4View(bytes.first(total), header_size);
  }

  // The packet quoted by an ICMP error: it may be cut short behind its header, its total length is the
  // original's, and its checksum is not looked at (RFC 1812 §4.3.2.3 asks routers to quote as much as fits).
  static Checked<Ipv4View> parse_quote(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(Ipv4Header)) return std::unexpected(DropReason::InnerPacketTruncated);
    const auto* header = reinterpret_cast<const Ipv4Header*>(bytes.data());
    const std::size_t header_size = header->header_size();
    const std::size_t total = header->total_length.host();
    if (header->version() != 4 || header_size < sizeof(Ipv4Header) || total < header_size ||
        bytes.size() < header_size)
      return std::unexpected(DropReason::InnerPacketTruncated);
    return Ipv4View(bytes.first(total < bytes.size() ? total : bytes.size()), header_size);
  }

  [[nodiscard]] const Ipv4Header& header() const {
    return *reinterpret_cast<const Ipv4Header*>(bytes_.data());
  }
  [[nodiscard]] std::size_t header_size() const { return header_size_; }
  [[nodiscard]] std::size_t size() const {
    return bytes_.size();
  }  // equals total length unless this is a quote
  [[nodiscard]] std::span<const std::byte> options() const {
    return bytes_.subspan(sizeof(Ipv4Header), header_size_ - sizeof(Ipv4Header));
  }
  [[nodiscard]] std::span<const std::byte> payload() const { return bytes_.subspan(header_size_); }

  // RFC 791 §3.1: a loose or strict source route whose pointer has not passed its length.
  [[nodiscard]] bool has_unexpired_source_route() const;

 private:
  Ipv4View(std::span<const std::byte> bytes, std::size_t header_size)
      : bytes_(bytes), header_size_(header_size) {}
  std::span<const std::byte> bytes_;
  std::size_t header_size_;
};

}  // namespace yonroku
