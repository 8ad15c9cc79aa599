// Integers as they lie on the wire: big endian, never misaligned, no arithmetic. Say host() first.
#pragma once

#include <bit>
#include <cstdint>

namespace yonroku {

// A program for the kernel (clang -target bpf) loads and stores misaligned integers octet by octet unless
// they claim to be aligned, and the kernel lets it: the headers' layouts are the same either way.
#ifdef __bpf__
#define YONROKU_PACKED
#else
#define YONROKU_PACKED [[gnu::packed]]
#endif

// One packed integer, not an array of octets: it is loaded and stored in one piece.
template <class Host>
class YONROKU_PACKED BigEndian {
 public:
  constexpr BigEndian() = default;
  static constexpr BigEndian from_host(Host v) { return BigEndian(swapped(v)); }
  [[nodiscard]] constexpr Host host() const { return swapped(wire_); }
  friend constexpr bool operator==(BigEndian a, BigEndian b) { return a.wire_ == b.wire_; }

 private:
  explicit constexpr BigEndian(Host wire) : wire_(wire) {}
  static constexpr Host swapped(Host v) {
    if constexpr (std::endian::native == std::endian::big) {
      return v;
    } else if constexpr (sizeof(Host) == 2) {
      return __builtin_bswap16(v);
    } else if constexpr (sizeof(Host) == 4) {
      return __builtin_bswap32(v);
    } else {
      return __builtin_bswap64(v);
    }
  }
  Host wire_ = 0;
};

using be16 = BigEndian<uint16_t>;
using be32 = BigEndian<uint32_t>;
using be64 = BigEndian<uint64_t>;
static_assert(sizeof(be16) == 2 && sizeof(be32) == 4 && sizeof(be64) == 8);
#ifndef __bpf__
static_assert(alignof(be16) == 1 && alignof(be32) == 1 && alignof(be64) == 1);
#endif

}  // namespace yonroku
