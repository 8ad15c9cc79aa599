#include "engine/rate_limit.h"

#include <gtest/gtest.h>

namespace yonroku::engine {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
Instant at(int64_t nanoseconds) { return Instant::from_nanoseconds(nanoseconds); }

// How many of `tries` pass at one moment.
unsigned passing(RateLimit& limit, Instant now, unsigned tries) {
  unsigned passed = 0;
  for (unsigned i = 0; i < tries; ++i) passed += limit.allow(now) ? 1u : 0u;
  return passed;
}

TEST(RateLimit, ASecondsWorthAtOnceThenNothing) {
  RateLimit limit(10);
  EXPECT_EQ(passing(limit, at(kSecond), 100), 10u);
  EXPECT_EQ(passing(limit, at(kSecond), 100), 0u);
  EXPECT_EQ(passing(limit, at(kSecond + kSecond / 10 - 1), 5), 0u);
  EXPECT_EQ(passing(limit, at(kSecond + kSecond / 10), 5), 1u);
  EXPECT_EQ(passing(limit, at(3 * kSecond), 100), 10u) << "no more than one second is saved up";
}

TEST(RateLimit, Rates) {
  struct Row {
    const char* name;
    uint32_t rate;
    unsigned passed_in_ten_seconds;
  };
  for (const Row& row : {Row{"nothing", 0, 0}, Row{"one", 1, 10}, Row{"a thousand", 1000, 10'999}}) {
    RateLimit limit(row.rate);
    unsigned passed = 0;
    // From the first moment on, in milliseconds: a burst, and then the rate.
    for (int64_t ms = 1000; ms < 11'000; ++ms) passed += passing(limit, at(ms * 1'000'000), 1100);
    EXPECT_EQ(passed, row.passed_in_ten_seconds) << row.name;
  }
}

TEST(RateLimit, ManySmallStepsAddUp) {
  RateLimit limit(1000);
  (void)passing(limit, at(kSecond), 1000);
  unsigned passed = 0;
  for (int64_t step = 1; step <= 1'000'000; ++step)
    passed += limit.allow(at(kSecond + step * 1000)) ? 1u : 0u;
  EXPECT_EQ(passed, 1000u);
}

TEST(RateLimit, TimeThatStandsOrRunsBackGivesNothing) {
  RateLimit limit(5);
  (void)passing(limit, at(10 * kSecond), 5);
  EXPECT_EQ(passing(limit, at(9 * kSecond), 5), 0u);
  EXPECT_EQ(passing(limit, at(0), 5), 0u);
  EXPECT_EQ(passing(limit, at(kSecond), 10), 5u);
}

TEST(RateLimit, TheLargestRateAndTheLongestPauseDoNotOverflow) {
  RateLimit limit(UINT32_MAX);
  EXPECT_TRUE(limit.allow(at(INT64_MAX)));
  EXPECT_TRUE(limit.allow(at(0)));
  EXPECT_TRUE(limit.allow(at(INT64_MAX)));
}

}  // namespace
}  // namespace yonroku::engine
