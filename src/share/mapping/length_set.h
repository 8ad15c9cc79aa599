// The prefix lengths that a table uses: what a lookup by longest match has to try. One writer, any number of
// readers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/hot.h"

namespace yonroku::share {

template <unsigned kLongest>
class LengthSet {
 public:
  void add(unsigned length) {
    if (counts_[length]++ == 0) change(length, true);
  }
  void remove(unsigned length) {
    if (--counts_[length] == 0) change(length, false);
  }
  // Calls `visit(length)` from the longest down until it returns true; whether it did.
  template <class Visitor>
  YONROKU_HOT_INLINE bool from_longest(Visitor&& visit) const noexcept {
    for (std::size_t word = kWords; word-- > 0;) {
      uint64_t bits = bits_[word].load(std::memory_order_acquire);
      while (bits != 0) {
        const auto bit = static_cast<unsigned>(63 - __builtin_clzll(bits));
        if (visit(static_cast<unsigned>(word * 64) + bit)) return true;
        bits ^= uint64_t{1} << bit % 64;
      }
    }
    return false;
  }

 private:
  static constexpr std::size_t kWords = kLongest / 64 + 1;
  void change(unsigned length, bool present) {
    auto& word = bits_[length / 64];
    const uint64_t bit = uint64_t{1} << length % 64;
    const uint64_t bits = word.load(std::memory_order_relaxed);
    word.store(present ? bits | bit : bits & ~bit, std::memory_order_release);
  }
  std::array<std::atomic<uint64_t>, kWords> bits_{};
  std::array<std::size_t, kLongest + 1> counts_{};
};

}  // namespace yonroku::share
