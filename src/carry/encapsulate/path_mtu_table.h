// What ICMPv6 "packet too big" messages said about the ways to the other ends of tunnels (RFC 2473 §6.7, RFC
// 8201 §4). Any number of threads read and write it without locks: an entry is one word. An entry that
// another destination takes over is learned again.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/instant.h"
#include "packet/ipv6_address.h"

namespace yonroku::carry {

class PathMtuTable {
 public:
  static constexpr Duration kLifetime = Duration::seconds(600);  // RFC 8201 §4
  static constexpr uint32_t kLeast = 1280;                       // RFC 8201 §4: less is not believed

  // The MTU of the way to `destination`, or 65535 when nothing is known.
  [[nodiscard]] uint32_t of(const Ipv6Address& destination, Instant now) const noexcept {
    if (!used_.load(std::memory_order_relaxed)) return kUnknown;
    const uint64_t hash = hash_of(destination);
    const uint64_t entry = entries_[hash % kSize].load(std::memory_order_relaxed);
    const uint64_t age = (ticks(now) - (entry & 0xffff)) % kTicks;
    if (entry == 0 || entry >> 32 != hash >> 32 || age >= kLifetimeTicks) return kUnknown;
    return static_cast<uint32_t>(entry >> 16 & 0xffff);
  }
  // Takes a smaller MTU than known at once, a larger one when the old entry has run out.
  void learn(const Ipv6Address& destination, uint32_t mtu, Instant now) noexcept {
    if (mtu < kLeast) mtu = kLeast;
    if (mtu >= of(destination, now)) return;
    const uint64_t hash = hash_of(destination);
    entries_[hash % kSize].store((hash & ~uint64_t{0xffff'ffff}) | uint64_t{mtu} << 16 | ticks(now),
                                 std::memory_order_relaxed);
    used_.store(true, std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kSize = 4096;
  static constexpr uint32_t kUnknown = 65535;
  static constexpr uint64_t kTicks = 65536;
  static constexpr uint64_t kLifetimeTicks = static_cast<uint64_t>(kLifetime.nanoseconds() / 1'000'000'000);
  // Seconds, modulo what an entry holds. An entry that nobody asked about for 18 hours may look young again
  // for ten minutes: it costs some fragments.
  static uint64_t ticks(Instant now) {
    return static_cast<uint64_t>(now.nanoseconds() / 1'000'000'000) % kTicks;
  }
  static uint64_t hash_of(const Ipv6Address& a) noexcept {
    uint64_t h = (a.high() ^ (a.high() >> 29)) * 0x9e3779b97f4a7c15;
    h = (h ^ (h >> 32)) + a.low();
    h = (h ^ (h >> 29)) * 0xd6e8feb86659fd93;
    return h ^ (h >> 32);
  }
  std::array<std::atomic<uint64_t>, kSize> entries_{};
  std::atomic<bool> used_ = false;
};

}  // namespace yonroku::carry
