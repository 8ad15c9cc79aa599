// Reads tables of share::ConcurrentTable, whose slots lie in maps: the engine's own memory, with the engine's
// own hashes, keys and values (the Traits).
#pragma once

#include "fastpath/bpf/maps.h"

namespace yonroku::bpf {

using fastpath::Lengths;
using fastpath::TableNumber;
using share::Slot;
using share::Words;

inline constexpr uint32_t kMostProbes = 64;  // a search beyond is the engine's

enum Search : int { kFound, kNotFound, kUnknown };

// Never half of a change: false for a slot that is being written, or was while it was read.
YONROKU_HOT_INLINE bool read(const Slot& slot, Words& words) {
  const volatile uint64_t* const at = slot.words;
  words = {at[0], at[1], at[2], at[3]};
  return (words.w0 & Slot::kWriting) == 0 && at[0] == words.w0;
}

template <class Traits>
YONROKU_HOT_INLINE Search search(TableNumber table, const typename Traits::Key& key, Words& words) {
  void* const slots = map_lookup_elem(&tables, &table);
  if (slots == nullptr) return kUnknown;
  uint32_t at = 0;
  const auto* const header = static_cast<const Slot*>(map_lookup_elem(slots, &at));
  if (header == nullptr) return kUnknown;
  const uint64_t capacity = header->words[0];
  at = static_cast<uint32_t>(share::home_of(Traits::hash(key, header->words[1]), capacity)) + 1;
  for (uint32_t probes = 0; probes < kMostProbes; ++probes) {
    const auto* const slot = static_cast<const Slot*>(map_lookup_elem(slots, &at));
    if (slot == nullptr || !read(*slot, words)) return kUnknown;
    const uint64_t state = words.w0 & Slot::kStateMask;
    if (state == Slot::kEmpty) return kNotFound;
    if (state == Slot::kFull && Traits::matches(words, key)) return kFound;
    if (++at > capacity) at = 1;
  }
  return kUnknown;
}

// Asks for each length, longest first, until search(length) has an answer.
template <class SearchOne>
YONROKU_HOT_INLINE Search search_longest(const Lengths& lengths, SearchOne&& search_one) {
  if (lengths.count > fastpath::kMostLengths) return kUnknown;
  for (uint32_t i = 0; i < fastpath::kMostLengths; ++i) {
    if (i >= lengths.count) break;
    const Search found = search_one(lengths.length[i]);
    if (found != kNotFound) return found;
  }
  return kNotFound;
}

}  // namespace yonroku::bpf
