// The Internet checksum (RFC 1071), and its incremental update (RFC 1624 §3).
// All sums are of 16-bit words in the value domain: be16::host() in, be16::from_host() out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/wire.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku {

// A ones' complement sum in the making. Wide enough for 2^32 terms of 32 bits.
class OnesSum {
 public:
  constexpr void add(uint32_t words) { sum_ += words; }  // one word, or two words side by side
  constexpr void add(be16 word) { sum_ += word.host(); }
  constexpr void add(Ipv4Address a) { sum_ += a.value(); }
  constexpr void add(const Ipv6Address& a) {
    sum_ += (a.high() >> 32) + (a.high() & 0xffffffff) + (a.low() >> 32) + (a.low() & 0xffffffff);
  }
  constexpr void add(OnesSum other) { sum_ += other.sum_; }
  // 0xffffffff is a multiple of 0xffff, so the complement subtracts.
  constexpr void subtract(uint32_t words) { sum_ += ~words; }
  constexpr void subtract(be16 word) { sum_ += uint32_t{0xffff} - word.host(); }
  constexpr void subtract(Ipv4Address a) { sum_ += static_cast<uint32_t>(~a.value()); }
  constexpr void subtract(const Ipv6Address& a) { add(Ipv6Address(~a.high(), ~a.low())); }

  // The 20 octets of an IPv4 header without options, whose sum every packet needs.
  void add_ipv4_header(const std::byte* header) {
    uint32_t words[5];
    std::memcpy(words, header, sizeof words);
    const uint64_t sum = uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4];
    sum_ += __builtin_bswap16(fold(sum));
  }

  // Data that begins at an even offset of what is summed. An odd last octet is padded with zero.
  void add(std::span<const std::byte> data) {
    uint64_t sum = 0;
    const std::byte* at = data.data();
    std::size_t left = data.size();
    while (left >= 8) {
      uint32_t pair[2];
      std::memcpy(pair, at, 8);
      sum += uint64_t{pair[0]} + pair[1];
      at += 8;
      left -= 8;
    }
    if (left > 0) {
      uint32_t pair[2] = {0, 0};
      std::memcpy(pair, at, left);
      sum += uint64_t{pair[0]} + pair[1];
    }
    sum_ += __builtin_bswap16(fold(sum));  // summed in memory order (RFC 1071 §2(B))
  }

  // The folded sum: 0 only when nothing but zeros was added.
  [[nodiscard]] constexpr uint16_t folded() const { return fold(sum_); }
  // The checksum field: the complement of the sum.
  [[nodiscard]] constexpr be16 checksum() const {
    return be16::from_host(static_cast<uint16_t>(~fold(sum_)));
  }

 private:
  static constexpr uint16_t fold(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
  }
  uint64_t sum_ = 0;
};

// RFC 1624 §3: HC' = ~(~HC + ~m + m'). Gather the changes, apply them to the field once.
class ChecksumDelta {
 public:
  template <class T>
  constexpr void replace(T was, T now) {
    removed(was);
    added(now);
  }
  template <class T>
  constexpr void added(const T& now) {
    sum_.add(now);
  }
  template <class T>
  constexpr void removed(const T& was) {
    sum_.subtract(was);
  }
  // A complete checksum.
  [[nodiscard]] constexpr be16 apply(be16 checksum) const {
    OnesSum sum = sum_;
    sum.add(uint32_t{0xffff} - checksum.host());
    return sum.checksum();
  }
  // A partial one: the field holds the pseudo-header's sum, not complemented, and the device adds the rest.
  [[nodiscard]] constexpr be16 apply_to_partial(be16 pseudo_sum) const {
    OnesSum sum = sum_;
    sum.add(pseudo_sum);
    return be16::from_host(sum.folded());
  }

 private:
  OnesSum sum_;
};

}  // namespace yonroku
