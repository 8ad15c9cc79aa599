// An exact-match table that one writer changes while any number of readers look things up, without locks.
//
// Slots of four 64-bit words, two to a cache line, found by linear probing. A slot's first word holds a
// sequence number that is odd while the slot is being written; a reader that meets an odd or changed number
// reads again. Removed slots become tombstones. Growing makes a new Storage and publishes it; the old one is
// handed to the caller, who frees it when no reader can still hold it (take_retired()).
//
// Traits:  using Key, Value; static uint64_t hash(const Key&, uint64_t seed);
//          static bool matches(const Words&, const Key&);  static Value value(const Words&);
//          static Words words(const Key&, const Value&);   static Key key(const Words&);
// Words: the low 32 bits of word 0 belong to the table (sequence and state), the rest to the traits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <optional>
#include <utility>
#include <vector>

#include "base/hot.h"
#include "share/mapping/slot.h"

namespace yonroku::share {

template <class Traits>
class ConcurrentTable {
 public:
  using Key = typename Traits::Key;
  using Value = typename Traits::Value;

  explicit ConcurrentTable(uint64_t seed,
                           std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : memory_(memory), seed_(seed), storage_owner_(make_storage(kLeastCapacity)) {
    storage_.store(storage_owner_.get(), std::memory_order_release);
  }

  // --- readers ---

  // Brings the key's slot towards the cache.
  void prefetch(const Key& key) const noexcept {
    const Storage* storage = storage_.load(std::memory_order_acquire);
    __builtin_prefetch(&storage->slots[storage->home(Traits::hash(key, seed_))]);
  }

  // Calls found(words) and returns true, or returns false.
  template <class Found>
  YONROKU_HOT_INLINE bool visit(const Key& key, Found&& found) const noexcept {
    const Storage* storage = storage_.load(std::memory_order_acquire);
    std::size_t at = storage->home(Traits::hash(key, seed_));
    for (std::size_t probes = 0; probes < storage->capacity; ++probes) {
      const Words words = read(storage->slots[at]);
      const uint64_t state = words.w0 & kStateMask;
      if (state == kEmpty) return false;
      if (state == kFull && Traits::matches(words, key)) {
        found(words);
        return true;
      }
      if (++at == storage->capacity) at = 0;
    }
    return false;
  }

  [[nodiscard]] std::optional<Value> find(const Key& key) const noexcept {
    std::optional<Value> value;
    visit(key, [&](const Words& words) { value = Traits::value(words); });
    return value;
  }

  // --- the writer ---

  [[nodiscard]] std::size_t size() const {
    return size_.load(std::memory_order_relaxed);
  }  // readers may ask too
  // Where its slots are, for others who share the memory; changes when the table grows.
  [[nodiscard]] TableMemoryView memory_view() const { return {storage_owner_->slots, seed_}; }
  [[nodiscard]] std::size_t memory_size() const { return storage_owner_->capacity * sizeof(Slot); }

  void reserve(std::size_t count) {
    const std::size_t wanted = capacity_for(count);
    if (wanted > storage_owner_->capacity) rebuild(wanted);
  }

  // False when the key is there already; nothing is changed then.
  bool insert(const Key& key, const Value& value) {
    if ((used_ + 1) * 8 > storage_owner_->capacity * 6) rebuild(capacity_for(size() + size() / 2 + 1));
    Storage& storage = *storage_owner_;
    std::size_t at = storage.home(Traits::hash(key, seed_));
    std::optional<std::size_t> tombstone;
    while (true) {
      const Words words = read(storage.slots[at]);
      const uint64_t state = words.w0 & kStateMask;
      if (state == kFull && Traits::matches(words, key)) return false;
      if (state == kRemoved && !tombstone) tombstone = at;
      if (state == kEmpty) break;
      if (++at == storage.capacity) at = 0;
    }
    if (tombstone) {
      at = *tombstone;
    } else {
      ++used_;
    }
    write(storage.slots[at], Traits::words(key, value), kFull);
    ++size_;
    return true;
  }

  // Changes the value in one step, for readers too. False when the key is not there.
  bool replace(const Key& key, const Value& value) {
    Slot* slot = find_slot(key);
    if (slot == nullptr) return false;
    write(*slot, Traits::words(key, value), kFull);
    return true;
  }

  bool erase(const Key& key) {
    Slot* slot = find_slot(key);
    if (slot == nullptr) return false;
    write(*slot, Words{}, kRemoved);
    --size_;
    return true;
  }

  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (std::size_t i = 0; i < storage_owner_->capacity; ++i) {
      const Words words = read(storage_owner_->slots[i]);
      if ((words.w0 & kStateMask) == kFull) visit(Traits::key(words), Traits::value(words));
    }
  }

 private:
 public:
  // The array itself. Opaque to callers, who only keep it alive until no reader is left.
  struct Storage {
    explicit Storage(std::size_t n, std::pmr::memory_resource* from)
        : capacity(n),
          memory(from),
          slots(static_cast<Slot*>(from->allocate(n * sizeof(Slot), alignof(Slot)))) {
      std::memset(static_cast<void*>(slots), 0, n * sizeof(Slot));
    }
    ~Storage() { memory->deallocate(slots, capacity * sizeof(Slot), alignof(Slot)); }
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    [[nodiscard]] std::size_t home(uint64_t hash) const noexcept { return home_of(hash, capacity); }
    std::size_t capacity;
    std::pmr::memory_resource* memory;
    Slot* slots;
  };

  // Arrays that readers may still be looking at. Free them after a grace period.
  [[nodiscard]] std::vector<std::unique_ptr<Storage>> take_retired() { return std::exchange(retired_, {}); }

 private:
  static constexpr std::size_t kLeastCapacity = 16;
  static constexpr uint64_t kStateMask = Slot::kStateMask, kEmpty = Slot::kEmpty, kFull = Slot::kFull,
                            kRemoved = Slot::kRemoved, kWriting = Slot::kWriting,
                            kTableMask = Slot::kTableMask;

  // A table is built for a load of 5/8 and rebuilt above 6/8, tombstones counted.
  static std::size_t capacity_for(std::size_t count) { return count * 8 / 5 + kLeastCapacity; }

  std::unique_ptr<Storage> make_storage(std::size_t capacity) {
    return std::make_unique<Storage>(capacity, memory_);
  }

  static uint64_t load(const uint64_t& word, std::memory_order order) noexcept {
    return std::atomic_ref<uint64_t>(const_cast<uint64_t&>(word)).load(order);
  }

  YONROKU_HOT_INLINE static Words read(const Slot& slot) noexcept {
    while (true) {
      Words words;
      words.w0 = load(slot.words[0], std::memory_order_acquire);
      words.w1 = load(slot.words[1], std::memory_order_acquire);
      words.w2 = load(slot.words[2], std::memory_order_acquire);
      words.w3 = load(slot.words[3], std::memory_order_acquire);
      if ((words.w0 & kWriting) == 0 && load(slot.words[0], std::memory_order_relaxed) == words.w0)
        return words;
    }
  }

  static void write(Slot& slot, const Words& words, uint64_t state) noexcept {
    const auto store = [](uint64_t& word, uint64_t value) {
      std::atomic_ref<uint64_t>(word).store(value, std::memory_order_release);
    };
    const uint64_t sequence = slot.words[0] & kTableMask & ~kStateMask;
    store(slot.words[0],
          (slot.words[0] & ~(kTableMask & ~kStateMask)) | ((sequence + kWriting) & kTableMask));
    store(slot.words[1], words.w1);
    store(slot.words[2], words.w2);
    store(slot.words[3], words.w3);
    store(slot.words[0], (words.w0 & ~kTableMask) | ((sequence + 2 * kWriting) & kTableMask) | state);
  }

  Slot* find_slot(const Key& key) {
    Storage& storage = *storage_owner_;
    std::size_t at = storage.home(Traits::hash(key, seed_));
    for (std::size_t probes = 0; probes < storage.capacity; ++probes) {
      const Words words = read(storage.slots[at]);
      const uint64_t state = words.w0 & kStateMask;
      if (state == kEmpty) return nullptr;
      if (state == kFull && Traits::matches(words, key)) return &storage.slots[at];
      if (++at == storage.capacity) at = 0;
    }
    return nullptr;
  }

  void rebuild(std::size_t capacity) {
    auto next = make_storage(capacity);
    for_each([&](const Key& key, const Value& value) {
      std::size_t at = next->home(Traits::hash(key, seed_));
      while ((next->slots[at].words[0] & kStateMask) != kEmpty)
        if (++at == next->capacity) at = 0;
      write(next->slots[at], Traits::words(key, value), kFull);
    });
    storage_.store(next.get(), std::memory_order_release);
    retired_.push_back(std::exchange(storage_owner_, std::move(next)));
    used_ = size();
  }

  std::pmr::memory_resource* memory_;
  uint64_t seed_;
  std::atomic<Storage*> storage_{nullptr};
  std::unique_ptr<Storage> storage_owner_;
  std::vector<std::unique_ptr<Storage>> retired_;
  std::atomic<std::size_t> size_ = 0;
  std::size_t used_ = 0;  // full slots and tombstones
};

}  // namespace yonroku::share
