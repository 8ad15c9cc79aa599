// In which blocks of addresses, IPv4 /16 and IPv6 /64, a table has prefixes, or had some: a search that would
// find nothing is mostly not begun, and costs no access to memory that no cache has. Blocks that share a bit
// answer for one another; that costs a search, and changes no answer. One writer, any number of readers.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hot.h"
#include "packet/prefix.h"
#include "share/mapping/near_block_bits.h"

namespace yonroku::share {

class NearBlocks {
 public:
  void add(const Ipv4Prefix& prefix) noexcept {
    constexpr unsigned kBlock = 16;
    const uint32_t first = prefix.address().value();
    for (uint32_t i = 0; i < blocks_in(prefix.length(), kBlock); ++i)
      set(near_bit_of(Ipv4Address(first + (i << (32 - kBlock)))));
  }
  void add(const Ipv6Prefix& prefix) noexcept {
    constexpr unsigned kBlock = 64;
    if (prefix.length() + 12 <= kBlock) return set_all();
    const uint64_t first = prefix.address().high();
    for (uint64_t i = 0; i < blocks_in(prefix.length(), kBlock); ++i)
      set(near_bit_of(Ipv6Address(first + i, 0)));
  }

  // Whether a prefix may hold the address.
  template <class Address>
  YONROKU_HOT_INLINE bool may_hold(const Address& address) const noexcept {
    const uint32_t bit = near_bit_of(address);
    return (words_[bit / 64].load(std::memory_order_acquire) >> bit % 64 & 1) != 0;
  }
  void copy_to(std::span<uint64_t, kNearWords> words) const noexcept {
    std::ranges::transform(words_, words.begin(), [](const auto& word) { return word.load(); });
  }

 private:
  static constexpr uint32_t blocks_in(unsigned length, unsigned block) {
    return length >= block ? 1 : uint32_t{1} << (block - length);
  }
  void set(uint32_t bit) noexcept {
    words_[bit / 64].fetch_or(uint64_t{1} << bit % 64, std::memory_order_release);
  }
  void set_all() noexcept {
    for (auto& word : words_) word.store(~uint64_t{0}, std::memory_order_release);
  }

  std::array<std::atomic<uint64_t>, kNearWords> words_{};
};

}  // namespace yonroku::share
