// Entries of one kind in one array, told apart by number. The array's address space is set aside at the start
// and never moves; memory is touched only as far as it was ever in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <type_traits>

#include "base/check.h"

namespace yonroku::share {

// An Entry has a `uint32_t next_free`-like member of its own use: free_link(Entry&) names one that is unused
// in a free entry.
template <class Entry>
class Slab {
  static_assert(std::is_trivially_destructible_v<Entry>);

 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  Slab(std::size_t capacity, std::pmr::memory_resource* memory)
      : memory_(memory),
        capacity_(capacity),
        entries_(static_cast<Entry*>(memory->allocate(capacity * sizeof(Entry), kAlignment))) {}
  ~Slab() { memory_->deallocate(entries_, capacity_ * sizeof(Entry), kAlignment); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  [[nodiscard]] bool is_full() const { return size_ == capacity_; }
  // A fresh entry; only when it is not full.
  uint32_t add() {
    YONROKU_CHECK(!is_full());
    uint32_t id = free_;
    if (id != kNone) {
      free_ = free_link(entries_[id]);
    } else {
      id = used_++;
    }
    new (&entries_[id]) Entry();
    ++size_;
    return id;
  }
  void remove(uint32_t id) {
    free_link(entries_[id]) = free_;
    free_ = id;
    --size_;
  }
  Entry& operator[](uint32_t id) { return entries_[id]; }
  const Entry& operator[](uint32_t id) const { return entries_[id]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // Entries numbered below this were in use at some time.
  [[nodiscard]] uint32_t used() const { return used_; }

 private:
  static constexpr std::size_t kAlignment = 64;
  std::pmr::memory_resource* memory_;
  std::size_t capacity_;
  Entry* entries_;
  std::size_t size_ = 0;
  uint32_t used_ = 0;
  uint32_t free_ = kNone;
};

}  // namespace yonroku::share
