// The bits of NearBlocks: the engine keeps them, and so do the programs of the offload (fastpath/bpf).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/hot.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::share {

inline constexpr std::size_t kNearWords = 64;

// The number of the block's bit.
YONROKU_HOT_INLINE constexpr uint32_t near_bit_of(Ipv4Address address) {
  return (address.value() >> 16) * 0x9e3779b1 >> 20;
}
YONROKU_HOT_INLINE constexpr uint32_t near_bit_of(const Ipv6Address& address) {
  return static_cast<uint32_t>(address.high() * 0x9e3779b97f4a7c15 >> 52);
}

}  // namespace yonroku::share
