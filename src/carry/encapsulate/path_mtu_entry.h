// An entry of PathMtuTable, as the engine and the programs of the offload (fastpath/bpf) read it: 32 bits of
// the destination's hash, 16 of the MTU, and the second it was learned in, modulo 65536. 0 is no entry.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/ipv6_address.h"

namespace yonroku::carry {

struct PathMtuEntry {
  static constexpr std::size_t kCount = 4096;
  static constexpr uint32_t kUnknown = 65535;
  static constexpr uint32_t kLeast = 1280;            // RFC 8201 §4: less is not believed
  static constexpr uint64_t kLifetime = 600;          // seconds, RFC 8201 §4
  static constexpr uint64_t kSecond = 1'000'000'000;  // nanoseconds
  static constexpr uint64_t kSeconds = 65536;         // what an entry's second is counted modulo

  static constexpr uint64_t hash_of(const Ipv6Address& destination) noexcept {
    uint64_t h = (destination.high() ^ (destination.high() >> 29)) * 0x9e3779b97f4a7c15;
    h = (h ^ (h >> 32)) + destination.low();
    h = (h ^ (h >> 29)) * 0xd6e8feb86659fd93;
    return h ^ (h >> 32);
  }
  static constexpr std::size_t place_of(uint64_t hash) noexcept { return hash % kCount; }
  // `now` in nanoseconds of a monotonic clock, here and below.
  static constexpr uint64_t make(uint64_t hash, uint32_t mtu, uint64_t now) noexcept {
    return (hash & ~uint64_t{0xffff'ffff}) | uint64_t{mtu} << 16 | now / kSecond % kSeconds;
  }
  // kUnknown when the entry is another destination's, or has run out. One that nobody asked about for 18
  // hours may look young again for ten minutes: it costs some fragments.
  static constexpr uint32_t mtu_of(uint64_t entry, uint64_t hash, uint64_t now) noexcept {
    const uint64_t age = (now / kSecond - (entry & 0xffff)) % kSeconds;
    if (entry == 0 || entry >> 32 != hash >> 32 || age >= kLifetime) return kUnknown;
    return static_cast<uint32_t>(entry >> 16 & 0xffff);
  }
};

}  // namespace yonroku::carry
