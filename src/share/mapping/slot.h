// How the slots of a ConcurrentTable lie in memory. The engine reads them, and so do the programs of the
// offload (fastpath/bpf), which share the memory.
#pragma once

#include <cstdint>

namespace yonroku::share {

// A slot's content. Not an array: members stay in registers.
struct Words {
  uint64_t w0 = 0, w1 = 0, w2 = 0, w3 = 0;
};

struct alignas(32) Slot {
  // Of word 0, whose low 32 bits are the table's: two bits of state, then the sequence number.
  static constexpr uint64_t kStateMask = 3, kEmpty = 0, kFull = 1, kRemoved = 2;
  static constexpr uint64_t kWriting = 4;  // the lowest bit of the sequence number
  static constexpr uint64_t kTableMask = 0xffff'ffff;
  uint64_t words[4];
};
static_assert(sizeof(Slot) == 32);

// A table's slots and the key of its hashes.
struct TableMemoryView {
  const Slot* slots;
  uint64_t seed;
};

// Where the search for a key begins: the hash mapped onto [0, capacity) without a division. A capacity is
// below 2^32.
constexpr uint64_t home_of(uint64_t hash, uint64_t capacity) { return (hash >> 32) * capacity >> 32; }

}  // namespace yonroku::share
