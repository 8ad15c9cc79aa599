#include "share/nat/chunked_queue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>

#include "base/random_source.h"

namespace yonroku::share {
namespace {

TEST(ChunkedQueue, IsWhatADequeIs) {
  ChunkedQueue<uint32_t> queue;
  std::deque<uint32_t> model;
  RandomSource random(3);
  for (uint32_t round = 0; round < 60; ++round) {
    for (uint64_t i = random.below(3000); i > 0; --i) {
      model.push_back(static_cast<uint32_t>(random.next()));
      queue.push(model.back());
    }
    for (uint64_t i = random.below(round % 10 == 9 ? 30'000 : 3000); i > 0 && !model.empty(); --i) {
      ASSERT_EQ(queue.front(), model.front());
      queue.pop();
      model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.empty(), model.empty());
  }
}

}  // namespace
}  // namespace yonroku::share
