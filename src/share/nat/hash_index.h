// Finds entries of an array by a key that they hold: open addressing with linear probing, 8 octets a slot, at
// most three quarters full. Slots hold 32 bits of the key's hash, so that an entry is looked at only when it
// is very likely the one. Removal moves what follows back: there are no tombstones, and a lookup never gets
// slower with age.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>

#include "base/check.h"
#include "base/hot.h"

namespace yonroku::share {

class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Room for `entries`, all of it set aside now.
  HashIndex(std::size_t entries, std::pmr::memory_resource* memory)
      : memory_(memory), capacity_(entries + entries / 3 + 8) {
    slots_ = static_cast<Slot*>(memory_->allocate(capacity_ * sizeof(Slot), kAlignment));
    std::memset(static_cast<void*>(slots_), 0, capacity_ * sizeof(Slot));
  }
  ~HashIndex() { memory_->deallocate(slots_, capacity_ * sizeof(Slot), kAlignment); }
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // The entry for which matches(id) holds, or kNone.
  template <class Matches>
  YONROKU_HOT_INLINE uint32_t find(uint32_t hash, Matches&& matches) const noexcept {
    for (std::size_t at = home(hash); slots_[at].entry != 0; at = after(at))
      if (slots_[at].hash == hash && matches(slots_[at].entry - 1)) return slots_[at].entry - 1;
    return kNone;
  }
  // Very likely what find() will find, without a look at the entry; or kNone.
  [[nodiscard]] uint32_t likely(uint32_t hash) const noexcept {
    for (std::size_t at = home(hash); slots_[at].entry != 0; at = after(at))
      if (slots_[at].hash == hash) return slots_[at].entry - 1;
    return kNone;
  }
  void prefetch(uint32_t hash) const noexcept { __builtin_prefetch(&slots_[home(hash)]); }

  void insert(uint32_t hash, uint32_t id) noexcept {
    std::size_t at = home(hash);
    while (slots_[at].entry != 0) at = after(at);
    slots_[at] = {hash, id + 1};
    ++size_;
    YONROKU_CHECK(size_ < capacity_);
  }
  // `id` was inserted with `hash`.
  void erase(uint32_t hash, uint32_t id) noexcept {
    std::size_t hole = home(hash);
    while (slots_[hole].entry != id + 1) {
      YONROKU_CHECK(slots_[hole].entry != 0);
      hole = after(hole);
    }
    for (std::size_t at = after(hole); slots_[at].entry != 0; at = after(at)) {
      // What stands at its home or behind the hole's far side stays.
      if (distance(home(slots_[at].hash), at) < distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
    --size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t memory_size() const { return capacity_ * sizeof(Slot); }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Slot {
    uint32_t hash = 0;
    uint32_t entry = 0;  // plus one; 0 is empty
  };
  [[nodiscard]] std::size_t home(uint32_t hash) const { return uint64_t{hash} * capacity_ >> 32; }
  [[nodiscard]] std::size_t after(std::size_t at) const { return at + 1 == capacity_ ? 0 : at + 1; }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const {
    return to >= from ? to - from : to + capacity_ - from;
  }

  std::pmr::memory_resource* memory_;
  std::size_t capacity_;
  Slot* slots_;
  std::size_t size_ = 0;
};

}  // namespace yonroku::share
