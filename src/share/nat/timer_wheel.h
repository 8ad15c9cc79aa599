// When things end, without looking at all of them: a list for each of the next 4096 ticks, a list for each
// 4096 ticks after that. Entries hold the links themselves. What lives longer than it was scheduled for is
// not moved: when its turn comes its owner schedules it again, so a packet that prolongs a session touches no
// list.
//
// A list whose tick comes is appended to the list of what is due, whole, in constant time; its owner takes
// from there as much at a time as is good. Ticks are 2^27 ns (0.134 s) and may wrap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/instant.h"

namespace yonroku::share {

using Tick = uint32_t;
constexpr Tick tick_of(Instant instant) { return static_cast<Tick>(instant.nanoseconds() >> 27); }
// Not less than `seconds`.
constexpr Tick ticks_of_seconds(uint32_t seconds) {
  return static_cast<Tick>((uint64_t{seconds} * 1'000'000'000 >> 27) + 1);
}
constexpr bool is_past(Tick tick, Tick now) { return static_cast<int32_t>(tick - now) <= 0; }

struct TimerLinks {
  uint32_t next;
  uint32_t previous;
};

class TimerWheel {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kFine = 4096;   // ticks: 550 s
  static constexpr uint32_t kCoarse = 256;  // of 4096 ticks each: 39 hours
  // Numbers of entries are smaller.
  static constexpr uint32_t kFirstSentinel = UINT32_MAX - 8192;

  explicit TimerWheel(Tick now) : now_(now) {
    for (uint32_t i = 0; i < lists_.size(); ++i) lists_[i] = {kFirstSentinel + i, kFirstSentinel + i};
  }

  // `links(id)` are the entry's TimerLinks, in this call and all others.
  template <class Links>
  void schedule(uint32_t id, Tick at, Links&& links) noexcept {
    insert_last(list_of(at), id, links);
  }
  template <class Links>
  void cancel(uint32_t id, Links&& links) noexcept {
    const TimerLinks own = links(id);
    at(own.previous, links).next = own.next;
    at(own.next, links).previous = own.previous;
  }
  // Time has come to `now`.
  template <class Links>
  void advance(Tick now, Links&& links) noexcept {
    if (static_cast<int32_t>(now - now_) <= 0) return;
    if (now - now_ > kFine * kCoarse) {  // a capture with a gap: everything is looked at
      for (uint32_t i = 0; i < kDue; ++i) move_to_due(i, links);
      now_ = now;
      return;
    }
    while (now_ != now) {
      ++now_;
      move_to_due(now_ % kFine, links);
      if (now_ % kFine == 0) move_to_due(kFine + now_ / kFine % kCoarse, links);
    }
  }
  // Takes the next entry whose tick has come out of the wheel, or kNone. Its owner ends it or schedules it
  // again.
  template <class Links>
  uint32_t take_due(Links&& links) noexcept {
    const uint32_t id = lists_[kDue].next;
    if (id >= kFirstSentinel) return kNone;
    cancel(id, links);
    return id;
  }
  [[nodiscard]] bool has_due() const { return lists_[kDue].next < kFirstSentinel; }
  // The entry whose tick comes first (of those more than 550 s ahead: one of the first), or kNone. It stays.
  [[nodiscard]] uint32_t soonest() noexcept {
    if (has_due()) return lists_[kDue].next;
    const uint32_t first = (now_ + 1) % kFine;
    for (uint32_t step = 0; step <= kFine / 64; ++step) {
      const uint32_t word = (first / 64 + step) % (kFine / 64);
      uint64_t bits = occupied_[word];
      if (step == 0) bits &= ~uint64_t{0} << (first % 64);
      if (step == kFine / 64) bits &= ~(~uint64_t{0} << (first % 64));
      while (bits != 0) {
        const auto bit = static_cast<uint32_t>(__builtin_ctzll(bits));
        const uint32_t list = word * 64 + bit;
        if (lists_[list].next < kFirstSentinel) return lists_[list].next;
        occupied_[word] &= ~(uint64_t{1} << bit);
        bits &= bits - 1;
      }
    }
    const uint32_t unit = now_ / kFine + 1;
    for (uint32_t i = 0; i < kCoarse; ++i)
      if (const uint32_t id = lists_[kFine + (unit + i) % kCoarse].next; id < kFirstSentinel) return id;
    return kNone;
  }

 private:
  static constexpr uint32_t kDue = kFine + kCoarse;

  [[nodiscard]] uint32_t list_of(Tick at) noexcept {
    if (is_past(at, now_)) return kDue;
    if (at - now_ < kFine) {
      occupied_[at % kFine / 64] |= uint64_t{1} << (at % 64);
      return at % kFine;
    }
    // The farthest list has to do for what comes after it: it is looked at, and scheduled again.
    const uint32_t units_ahead = at / kFine - now_ / kFine;
    const uint32_t unit = units_ahead < kCoarse ? at / kFine : now_ / kFine + kCoarse - 1;
    return kFine + unit % kCoarse;
  }
  template <class Links>
  TimerLinks& at(uint32_t id, Links& links) noexcept {
    return id >= kFirstSentinel ? lists_[id - kFirstSentinel] : links(id);
  }
  template <class Links>
  void insert_last(uint32_t list, uint32_t id, Links& links) noexcept {
    const uint32_t sentinel = kFirstSentinel + list;
    const uint32_t last = lists_[list].previous;
    links(id) = {sentinel, last};
    at(last, links).next = id;
    lists_[list].previous = id;
  }
  template <class Links>
  void move_to_due(uint32_t list, Links& links) noexcept {
    const uint32_t first = lists_[list].next;
    if (first >= kFirstSentinel) return;
    const uint32_t last = lists_[list].previous;
    const uint32_t end = lists_[kDue].previous;
    at(end, links).next = first;
    links(first).previous = end;
    links(last).next = kFirstSentinel + kDue;
    lists_[kDue].previous = last;
    lists_[list] = {kFirstSentinel + list, kFirstSentinel + list};
  }

  Tick now_;
  std::array<TimerLinks, kFine + kCoarse + 1> lists_{};
  std::array<uint64_t, kFine / 64> occupied_{};  // lists of single ticks that may have entries
};

}  // namespace yonroku::share
