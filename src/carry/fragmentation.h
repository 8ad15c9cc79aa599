// Fragments cut out of a whole packet (RFC 791 §2.3, RFC 8200 §4.5). Made one by one into buffers that the
// caller owns.
#pragma once

#include <cstddef>
#include <span>

#include "packet/headers.h"

namespace yonroku::carry {

// The cuts of a packet: pieces of its fragmentable part, each a multiple of 8 octets but the last.
class Cuts {
 public:
  // An IPv4 packet without options, of which no fragment shall be larger than `size` (at least 28) octets. It
  // may be a fragment itself. Transport checksums must be complete.
  static Cuts of_ipv4(std::span<const std::byte> packet, std::size_t size) noexcept;
  // An IPv6 packet whose only extension header is a Fragment Header. size is at least 56.
  static Cuts of_ipv6(std::span<const std::byte> packet, std::size_t size) noexcept;

  [[nodiscard]] std::size_t count() const { return (payload_ + step_ - 1) / step_; }
  // Writes fragment `index` (below count()) to `out`, which holds `size` octets at least; returns its size.
  std::size_t write(std::size_t index, std::span<std::byte> out) const noexcept;

 private:
  Cuts(std::span<const std::byte> packet, std::size_t front, std::size_t size) noexcept;
  std::span<const std::byte> packet_;
  std::size_t front_;    // octets repeated in every fragment
  std::size_t payload_;  // octets to spread
  std::size_t step_;     // octets in each fragment but the last
};

}  // namespace yonroku::carry
