// The body of an ICMP error under construction: quote, padding and RFC 4884 extensions within a size limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/headers.h"
#include "packet/ipv6_address.h"

namespace yonroku::carry {

// Writes extension structures (RFC 4884 §7) into a buffer of its own.
class ExtensionBuilder {
 public:
  // Begins with a received structure, checksum and all; an empty one begins anew. Larger than kCapacity: left
  // out.
  explicit ExtensionBuilder(std::span<const std::byte> received) noexcept;

  // Node Identification Object with an IPv6 address (draft-ietf-intarea-extended-icmp-nodeid): Class-Num 5,
  // C-Type 4. Without effect when the structure is full.
  void add_node_address(const Ipv6Address& address) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {buffer_, size_}; }

 private:
  static constexpr std::size_t kCapacity = 1152;
  void update_checksum() noexcept;
  std::byte buffer_[kCapacity];
  std::size_t size_ = 0;
};

// Lays quote and extensions out behind an ICMP header: quote trimmed to fit `limit` octets, padded to a
// multiple of `unit` and to 128 octets when extensions follow (RFC 4884 §3). Extensions that leave no room
// for such a quote are left out. `body` holds `quote_size` octets of quote already. Returns the body's size;
// `length_attribute` is in units.
std::size_t lay_out_body(std::span<std::byte> body, std::size_t quote_size,
                         std::span<const std::byte> extensions, std::size_t limit, std::size_t unit,
                         uint8_t& length_attribute) noexcept;

}  // namespace yonroku::carry
