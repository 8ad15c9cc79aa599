// What ICMPv6 "packet too big" messages said about the ways to the other ends of tunnels (RFC 2473 §6.7, RFC
// 8201 §4). Any number of threads read and write it without locks: an entry is one word. An entry that
// another destination takes over is learned again.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory_resource>

#include "base/instant.h"
#include "carry/encapsulate/path_mtu_entry.h"
#include "packet/ipv6_address.h"

namespace yonroku::carry {

class PathMtuTable {
 public:
  // Allocates here and never again.
  explicit PathMtuTable(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : memory_(memory), entries_(static_cast<uint64_t*>(memory->allocate(kSize, kAlignment))) {
    std::memset(entries_, 0, kSize);
  }
  ~PathMtuTable() { memory_->deallocate(entries_, kSize, kAlignment); }
  PathMtuTable(const PathMtuTable&) = delete;
  PathMtuTable& operator=(const PathMtuTable&) = delete;

  // The MTU of the way to `destination`, or 65535 when nothing is known.
  [[nodiscard]] uint32_t of(const Ipv6Address& destination, Instant now) const noexcept {
    if (!used_.load(std::memory_order_relaxed)) return PathMtuEntry::kUnknown;
    const uint64_t hash = PathMtuEntry::hash_of(destination);
    return PathMtuEntry::mtu_of(entry(hash).load(std::memory_order_relaxed), hash, nanoseconds(now));
  }
  // Takes a smaller MTU than known at once, a larger one when the old entry has run out.
  void learn(const Ipv6Address& destination, uint32_t mtu, Instant now) noexcept {
    if (mtu < PathMtuEntry::kLeast) mtu = PathMtuEntry::kLeast;
    if (mtu >= of(destination, now)) return;
    const uint64_t hash = PathMtuEntry::hash_of(destination);
    entry(hash).store(PathMtuEntry::make(hash, mtu, nanoseconds(now)), std::memory_order_relaxed);
    used_.store(true, std::memory_order_relaxed);
    learned_.fetch_add(1, std::memory_order_relaxed);
  }
  // How often something new was learned.
  [[nodiscard]] uint64_t learned() const noexcept { return learned_.load(std::memory_order_relaxed); }
  // PathMtuEntry::kCount words, for others who share the memory.
  [[nodiscard]] const uint64_t* entries() const { return entries_; }

 private:
  static constexpr std::size_t kSize = PathMtuEntry::kCount * sizeof(uint64_t);
  static constexpr std::size_t kAlignment = 64;
  static uint64_t nanoseconds(Instant now) { return static_cast<uint64_t>(now.nanoseconds()); }
  [[nodiscard]] std::atomic_ref<uint64_t> entry(uint64_t hash) const {
    return std::atomic_ref<uint64_t>(entries_[PathMtuEntry::place_of(hash)]);
  }

  std::pmr::memory_resource* memory_;
  uint64_t* entries_;
  std::atomic<bool> used_ = false;
  alignas(64) std::atomic<uint64_t> learned_ = 0;
};

}  // namespace yonroku::carry
