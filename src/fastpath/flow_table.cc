#include "fastpath/flow_table.h"

#include <algorithm>
#include <atomic>

namespace yonroku::fastpath {
namespace {

std::atomic_ref<uint64_t> atomic(uint64_t& word) noexcept { return std::atomic_ref<uint64_t>(word); }

}  // namespace

FlowTable::FlowTable(std::span<Flow> own_range, uint32_t first_number, std::span<FlowBucket> index,
                     const FlowHashKeys& keys)
    : records_(own_range),
      index_(index),
      keys_(keys),
      first_number_(first_number),
      resting_(own_range.size()) {
  for (uint32_t place = 0; place < records_.size(); ++place) {
    Flow& flow = records_[place];
    if (flow.sequence == 0) flow.sequence = 1;  // never used
    if (flow.sequence % 2 != 0) resting_[free_++] = place;
  }
}

void FlowTable::end(Flow& flow, uint32_t number) noexcept {
  take(flow.content, number, FlowDirection::Out);
  take(flow.content, number, FlowDirection::In);
  // Odd until it is written anew, and what is written then must not be seen before.
  atomic(flow.sequence).store(flow.sequence + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
}

FlowBucket& FlowTable::bucket(uint64_t hash) const noexcept {
  return index_[bucket_of(hash, static_cast<uint32_t>(index_.size()))];
}

bool FlowTable::put(const FlowContent& content, uint32_t number, FlowDirection direction) noexcept {
  const uint64_t hash = hash_of(key_of(content, direction), keys_);
  for (uint64_t& entry : bucket(hash).entries) {
    uint64_t free = 0;
    if (atomic(entry).compare_exchange_strong(free, entry_of(hash, number, direction),
                                              std::memory_order_release, std::memory_order_relaxed))
      return true;
  }
  return false;
}

void FlowTable::take(const FlowContent& content, uint32_t number, FlowDirection direction) noexcept {
  const uint64_t hash = hash_of(key_of(content, direction), keys_);
  for (uint64_t& entry : bucket(hash).entries)
    if (atomic(entry).load(std::memory_order_relaxed) == entry_of(hash, number, direction))
      return atomic(entry).store(0, std::memory_order_release);
}

bool FlowTable::leads(const FlowContent& content, uint32_t number, FlowDirection direction) const noexcept {
  const uint64_t hash = hash_of(key_of(content, direction), keys_);
  return std::ranges::any_of(bucket(hash).entries, [&](uint64_t& entry) {
    return atomic(entry).load(std::memory_order_relaxed) == entry_of(hash, number, direction);
  });
}
bool FlowTable::is_complete(uint32_t number) const noexcept {
  const FlowContent& content = record(number).content;
  return leads(content, number, FlowDirection::Out) &&
         (content.is_one_way != 0 || leads(content, number, FlowDirection::In));
}

uint32_t FlowTable::install(const FlowContent& content) noexcept {
  if (free_ == 0) {
    ++refused_;
    return kNone;
  }
  const uint32_t place = resting_[next_];
  const uint32_t number = first_number_ + place;
  Flow& flow = records_[place];
  flow.content = content;
  for (uint64_t& seen : flow.seen) atomic(seen).store(0, std::memory_order_relaxed);
  atomic(flow.sequence).store(flow.sequence + 1, std::memory_order_release);
  const bool has_out = put(content, number, FlowDirection::Out);
  if (!has_out || (content.is_one_way == 0 && !put(content, number, FlowDirection::In))) {
    if (has_out) take(content, number, FlowDirection::Out);
    atomic(flow.sequence).store(flow.sequence + 1, std::memory_order_relaxed);
    ++refused_;
    return kNone;
  }
  next_ = next_ + 1 == capacity() ? 0 : next_ + 1;
  --free_;
  return number;
}

void FlowTable::remove(uint32_t number) noexcept {
  end(record(number), number);
  const uint64_t last = uint64_t{next_} + free_;
  resting_[last >= capacity() ? last - capacity() : last] = number - first_number_;
  ++free_;
}

FlowTable::Seen FlowTable::seen(uint32_t number) const noexcept {
  Flow& flow = record(number);
  return {atomic(flow.seen[0]).load(std::memory_order_relaxed),
          atomic(flow.seen[1]).load(std::memory_order_relaxed)};
}

}  // namespace yonroku::fastpath
