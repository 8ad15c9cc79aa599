// One worker's view on the memory that flows are in: it writes records of its own range, and shares the index
// with other workers. No locks, no system calls; only the constructor allocates.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fastpath/flow_layout.h"

namespace yonroku::fastpath {

class FlowTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // When the programs saw a packet last, in nanoseconds of CLOCK_MONOTONIC_COARSE; 0: never.
  struct Seen {
    uint64_t out;
    uint64_t in;
  };

  // `own_range` are the records from number `first_number` on, which nobody else writes. All views have the
  // same index (a power of two of buckets) and keys. What an earlier view has left stays, until recover().
  FlowTable(std::span<Flow> own_range, uint32_t first_number, std::span<FlowBucket> index,
            const FlowHashKeys& keys);
  FlowTable(FlowTable&&) noexcept = default;
  FlowTable& operator=(FlowTable&&) noexcept = default;

  // The programs forward its packets from now on. The number of the flow, or kNone: no record is left, or one
  // of its two buckets is full. Nothing must be installed twice.
  [[nodiscard]] uint32_t install(const FlowContent& content) noexcept;
  // Its packets are the engine's again, but for those that a program has in hand just now. `number` is of
  // install(). The record rests until all records that were free before have been used.
  void remove(uint32_t number) noexcept;
  [[nodiscard]] Seen seen(uint32_t number) const noexcept;
  [[nodiscard]] const FlowContent& content(uint32_t number) const noexcept { return record(number).content; }
  // Calls stays(number, content) for each flow that there is, and removes those for which it says no; before
  // it, those that an earlier view was just about to install or to remove.
  template <class Stays>
  void recover(Stays&& stays) noexcept {
    for (uint32_t number = first_number_; number < first_number_ + capacity(); ++number) {
      const Flow& flow = record(number);
      if (flow.sequence % 2 == 0 && (!is_complete(number) || !stays(number, flow.content))) remove(number);
    }
  }

  [[nodiscard]] uint32_t first_number() const noexcept { return first_number_; }
  [[nodiscard]] uint32_t used() const noexcept { return capacity() - free_; }
  [[nodiscard]] uint32_t capacity() const noexcept { return static_cast<uint32_t>(resting_.size()); }
  [[nodiscard]] uint64_t refused() const noexcept { return refused_; }  // installations, since the beginning

 private:
  [[nodiscard]] Flow& record(uint32_t number) const noexcept { return records_[number - first_number_]; }
  [[nodiscard]] FlowBucket& bucket(uint64_t hash) const noexcept;
  [[nodiscard]] bool put(const FlowContent& content, uint32_t number, FlowDirection direction) noexcept;
  void take(const FlowContent& content, uint32_t number, FlowDirection direction) noexcept;
  void end(Flow& flow, uint32_t number) noexcept;
  [[nodiscard]] bool leads(const FlowContent& content, uint32_t number,
                           FlowDirection direction) const noexcept;
  [[nodiscard]] bool is_complete(uint32_t number) const noexcept;

  std::span<Flow> records_;
  std::span<FlowBucket> index_;
  FlowHashKeys keys_;
  uint32_t first_number_;
  // A ring of the free records' places, from next_ on; the first to be used has rested the longest.
  std::vector<uint32_t> resting_;
  uint32_t next_ = 0;
  uint32_t free_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace yonroku::fastpath
