// First in, first out, in pieces of memory that are taken and freed one by one: unlike a std::deque it never
// copies a table of its pieces, which at ten million entries holds a worker up for a millisecond.
#pragma once

#include <array>
#include <cstddef>
#include <list>

namespace yonroku::share {

template <class T>
class ChunkedQueue {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // Only when it is not empty, and so is pop().
  [[nodiscard]] const T& front() const { return chunks_.front()[begin_]; }
  void push(const T& item) {
    if (chunks_.empty() || end_ == kPerChunk) {
      chunks_.emplace_back();
      end_ = 0;
    }
    chunks_.back()[end_++] = item;
    ++size_;
  }
  void pop() {
    --size_;
    if (++begin_ < kPerChunk) return;
    chunks_.pop_front();
    begin_ = 0;
  }

 private:
  static constexpr std::size_t kPerChunk = 4000 / sizeof(T);
  std::list<std::array<T, kPerChunk>> chunks_;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;  // in the first chunk
  std::size_t end_ = 0;    // in the last
};

}  // namespace yonroku::share
