// What the small types of base/ promise.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/check.h"
#include "base/instant.h"
#include "base/random_source.h"
#include "base/result.h"
#include "base/wire.h"

namespace yonroku {
namespace {

static_assert(be16::from_host(0x1234).host() == 0x1234);
static_assert(be32::from_host(0xdeadbeef).host() == 0xdeadbeef);
static_assert(be64::from_host(0x0123456789abcdef).host() == 0x0123456789abcdef);
static_assert(be16() == be16::from_host(0));

static_assert(Duration::seconds(1) == Duration::milliseconds(1000));
static_assert(Instant::from_nanoseconds(5) - Instant::from_nanoseconds(2) == Duration::nanoseconds(3));
static_assert(Instant() + Duration::seconds(2) == Instant::from_nanoseconds(2'000'000'000));
static_assert(Instant() < Instant::from_nanoseconds(1));

TEST(Wire, LiesBigEndianInMemory) {
  const be32 value = be32::from_host(0x01020304);
  unsigned char octets[4];
  std::memcpy(octets, &value, sizeof octets);
  EXPECT_EQ(octets[0], 1);
  EXPECT_EQ(octets[3], 4);
}

TEST(RandomSource, TheSameSeedYieldsTheSameNumbers) {
  RandomSource one(42);
  RandomSource two(42);
  RandomSource other(43);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = one.next();
    EXPECT_EQ(number, two.next());
    EXPECT_NE(number, other.next());
    EXPECT_TRUE(seen.insert(number).second);
  }
}

TEST(RandomSource, SeedZeroYieldsZeros) {
  RandomSource random(0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(random.next(), 0u);
  EXPECT_EQ(random.below(7), 0u);
}

TEST(RandomSource, BelowReachesEveryNumber) {
  RandomSource random(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(10));
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(*seen.rbegin(), 9u);
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail("half", std::to_string(number) + " is odd", "give an even number");
  return number / 2;
}
Result<int> quarter(int number) {
  const int first = TRY(half(number));
  return TRY(half(first));
}
Result<void> check(int number) {
  TRY(half(number));
  return {};
}

TEST(Result, TryHandsErrorsOn) {
  EXPECT_EQ(quarter(12), 3);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().what, "3 is odd");
  EXPECT_TRUE(check(2));
  EXPECT_FALSE(check(1));
}

TEST(Error, LeavesOutWhatIsEmpty) {
  EXPECT_EQ((Error{"file:1", "wrong", "mend it"}.to_string()), "file:1: wrong; mend it");
  EXPECT_EQ((Error{"", "wrong", ""}.to_string()), "wrong");
  EXPECT_EQ((Error{"file:1", "wrong", ""}.to_string()), "file:1: wrong");
  EXPECT_EQ((Error{"", "wrong", "mend it"}.to_string()), "wrong; mend it");
}

TEST(CheckDeathTest, NamesTheConditionAndThePlace) {
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_DEATH(YONROKU_CHECK(1 + 1 == 3), "internal error: 1 \\+ 1 == 3 \\(.*base_test.cc:");
  YONROKU_CHECK(1 + 1 == 2);
}

}  // namespace
}  // namespace yonroku
