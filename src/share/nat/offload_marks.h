// How far each session of a NAT is from being offloaded: 4 octets beside it, there only where there is an
// offload.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>

namespace yonroku::share {

// The number of a session's flow, or how many packets it takes until the session is offered.
class OffloadMark {
 public:
  // So many packets are seen first.
  static constexpr OffloadMark after(uint32_t packets) { return OffloadMark(kCounting | packets); }
  static constexpr OffloadMark never() { return OffloadMark(kCounting | kNever); }
  static constexpr OffloadMark offloaded(uint32_t flow) { return OffloadMark(flow); }

  [[nodiscard]] constexpr bool is_offloaded() const { return (word_ & kCounting) == 0; }
  [[nodiscard]] constexpr uint32_t flow() const { return word_; }  // when it is offloaded
  // The rest only when it is not. Counts a packet; true when enough were seen.
  constexpr bool count() {
    const uint32_t left = word_ & kNever;
    if (left != 0 && left < kOffered) --word_;
    return (word_ & kNever) == 0;
  }
  // It was offered, and is not begun yet.
  constexpr void set_offered() { word_ = kCounting | (word_ & (kLasts | kHeard)) | kOffered; }
  [[nodiscard]] constexpr bool is_offered() const {
    return (word_ & (kCounting | kNever)) == (kCounting | kOffered);
  }
  // As after(), but what else is known of the session is kept. One that is offloaded lasts, and was heard.
  constexpr void restart(uint32_t packets) {
    word_ = kCounting | (is_offloaded() ? kLasts | kHeard : word_ & (kLasts | kHeard)) | packets;
  }
  // What the session's state does not say: somebody outside has answered a query, or there is so much on the
  // way out that it does not matter.
  constexpr void set_lasting() { word_ |= kLasts; }
  [[nodiscard]] constexpr bool is_lasting() const { return (word_ & kLasts) != 0; }
  // Who is inside has sent something.
  constexpr void set_heard() { word_ |= kHeard; }
  [[nodiscard]] constexpr bool is_heard() const { return (word_ & kHeard) != 0; }

 private:
  static constexpr uint32_t kCounting = uint32_t{1} << 31;
  static constexpr uint32_t kLasts = uint32_t{1} << 30;
  static constexpr uint32_t kHeard = uint32_t{1} << 29;
  static constexpr uint32_t kNever = kHeard - 1;  // and the mask of what is left
  static constexpr uint32_t kOffered = kNever - 1;
  explicit constexpr OffloadMark(uint32_t word) : word_(word) {}
  uint32_t word_;
};
static_assert(sizeof(OffloadMark) == 4);

// One for each place of a session. A place may not be read before it was set.
class OffloadMarks {
 public:
  OffloadMarks(std::size_t places, std::pmr::memory_resource* memory)
      : memory_(memory),
        places_(places),
        marks_(static_cast<OffloadMark*>(memory->allocate(places * sizeof(OffloadMark), kAlignment))) {}
  ~OffloadMarks() { memory_->deallocate(marks_, places_ * sizeof(OffloadMark), kAlignment); }
  OffloadMarks(const OffloadMarks&) = delete;
  OffloadMarks& operator=(const OffloadMarks&) = delete;

  void set(std::size_t place, OffloadMark mark) { new (&marks_[place]) OffloadMark(mark); }
  OffloadMark& operator[](std::size_t place) { return marks_[place]; }
  const OffloadMark& operator[](std::size_t place) const { return marks_[place]; }

 private:
  static constexpr std::size_t kAlignment = 64;
  std::pmr::memory_resource* memory_;
  std::size_t places_;
  OffloadMark* marks_;
};

}  // namespace yonroku::share
