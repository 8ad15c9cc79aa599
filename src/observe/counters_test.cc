#include "observe/counters.h"

#include <gtest/gtest.h>

#include <thread>

#include "observe/totals.h"

namespace yonroku::observe {
namespace {

TEST(Totals, SumUpEveryCounterOfEveryWorker) {
  Counters one;
  Counters two;
  uint64_t n = 0;
  const auto fill = [&](Counters& counters) {
    for (auto& counter : counters.received) counter.add(++n);
    for (auto& direction : counters.translated) {
      for (auto& flow : direction) {
        flow.packets.add(++n);
        flow.octets.add(++n);
      }
    }
    for (auto& drops : counters.dropped) for_each_kind([&](PacketKind kind) { drops.add(kind, ++n); });
    for (auto& counter : counters.icmp_errors_sent) counter.add(++n);
    for (auto& counter : counters.too_big_sent) counter.add(++n);
    for (auto& counter : counters.too_big_forwarded) counter.add(++n);
    for (Counter* counter : {&counters.icmp_errors_limited, &counters.segmented, &counters.segments,
                             &counters.fragments, &counters.reassembled, &counters.reassembled_fragments,
                             &counters.handed_over, &counters.not_sent, &counters.batches})
      counter->add(++n);
  };
  fill(one);
  fill(two);
  Totals totals;
  totals.add(one);
  totals.add(two);
  uint64_t sum = 0;
  for (const uint64_t value : totals.received) sum += value;
  for (const auto& direction : totals.translated)
    for (const auto& flow : direction) sum += flow.packets + flow.octets;
  for (const uint64_t value : totals.dropped) sum += value;
  for (const uint64_t value : totals.icmp_errors_sent) sum += value;
  for (const uint64_t value : totals.too_big_sent) sum += value;
  for (const uint64_t value : totals.too_big_forwarded) sum += value;
  sum += totals.icmp_errors_limited + totals.segmented + totals.segments + totals.fragments +
         totals.reassembled + totals.reassembled_fragments + totals.handed_over + totals.not_sent +
         totals.batches;
  EXPECT_EQ(sum, n * (n + 1) / 2);
  EXPECT_EQ(totals.received[0], 1 + 1 + n / 2);
  EXPECT_EQ(totals.dropped[1], one.dropped[1].value() + two.dropped[1].value());
  uint64_t of_kinds = 0;
  for_each_kind([&](PacketKind kind) {
    EXPECT_EQ(totals.dropped_by_kind[1][kind],
              one.dropped[1].by_kind[kind].value() + two.dropped[1].by_kind[kind].value());
    of_kinds += totals.dropped_by_kind[1][kind];
  });
  EXPECT_EQ(totals.dropped[1], of_kinds);
}

// One writer without locked instructions: a reader sees values that only grow.
TEST(Counter, IsReadWhileItIsCounted) {
  Counter counter;
  constexpr uint64_t kCount = 200'000;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kCount; ++i) counter.add(1);
  });
  uint64_t last = 0;
  while (last < kCount) {
    const uint64_t now = counter.value();
    ASSERT_GE(now, last);
    last = now;
  }
  writer.join();
  EXPECT_EQ(counter.value(), kCount);
}

}  // namespace
}  // namespace yonroku::observe
