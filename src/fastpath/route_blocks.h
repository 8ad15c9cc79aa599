// Blocks of destinations. What the kernel's routing says of one address holds for a whole block when no route
// leads to a part of it only: the programs then ask once for all of the block. Which blocks are whole, the
// control side finds out, and tells by bits in memory that both share (map `whole_blocks`).
//
// A bit stands for many blocks, and is set when all of them are whole. Not set, the programs take the next
// narrower block, and an address in the end: a bit that is not set is never wrong.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/ipv6_address.h"

namespace yonroku::fastpath {

// Addresses with the same first `length` bits; IPv4 as ::ffff:0:0/96.
struct Block {
  uint64_t high, low;
  uint32_t length;  // 1 to 128
};

// Widths of blocks, by level. IPv4: /16, /20, /24. IPv6: /40, /64, and /96 for the addresses behind an RFC
// 6052 prefix. Then addresses.
inline constexpr uint32_t kWidestBlock = 0, kAddressBlock = 3;
constexpr uint32_t block_length(bool is_ipv4, uint32_t level) {
  return (is_ipv4 ? 0x80'78'74'70u : 0x80'60'40'28u) >> 8 * level & 0xff;
}

constexpr bool is_ipv4(const Ipv6Address& address) {
  return address.high() == 0 && address.low() >> 32 == 0xffff;
}

constexpr Block block_of(const Ipv6Address& address, uint32_t length) {
  const uint64_t ones = ~uint64_t{0};
  if (length <= 64) return {address.high() & ones << (64 - length), 0, length};
  return {address.high(), address.low() & ones << (128 - length), length};
}

inline constexpr uint32_t kBlockBits = 1u << 21;
inline constexpr uint32_t kBlockWords = kBlockBits / 64;

constexpr uint64_t hash_of(const Block& block) {
  uint64_t hash = block.high * 0x9e3779b97f4a7c15;
  hash = (hash ^ hash >> 32 ^ block.low ^ uint64_t{block.length} << 40) * 0xd6e8feb86659fd93;
  return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
}
constexpr uint32_t bit_of(const Block& block) { return static_cast<uint32_t>(hash_of(block) >> 43); }
static_assert(uint64_t{1} << (64 - 43) == kBlockBits);

}  // namespace yonroku::fastpath
