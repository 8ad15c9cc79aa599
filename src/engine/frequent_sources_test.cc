#include "engine/frequent_sources.h"

#include <gtest/gtest.h>

#include <map>

namespace yonroku::engine {
namespace {

Ipv6Address address(uint64_t n) { return {0x20010db800000000, n}; }
Instant at(int64_t seconds) { return Instant() + Duration::seconds(seconds); }

const FrequentSources::Source* find(const FrequentSources& sources, uint64_t n) {
  for (const auto& source : sources.all())
    if (source.address == address(n)) return &source;
  return nullptr;
}

TEST(FrequentSources, CountsAFewExactly) {
  FrequentSources sources;
  EXPECT_TRUE(sources.all().empty());
  for (uint64_t n = 0; n < FrequentSources::kPlaces; ++n)
    for (uint64_t i = 0; i <= n; ++i) sources.add(address(n), at(static_cast<int64_t>(100 * n + i)));
  ASSERT_EQ(sources.all().size(), FrequentSources::kPlaces);
  for (uint64_t n = 0; n < FrequentSources::kPlaces; ++n) {
    const auto* const source = find(sources, n);
    ASSERT_NE(source, nullptr) << n;
    EXPECT_EQ(source->packets, n + 1);
    EXPECT_EQ(source->inherited, 0u);
    EXPECT_EQ(source->last, at(static_cast<int64_t>(101 * n)));
  }
}

// The theorem: packets - inherited <= true <= packets, and who has more than a 16th of all is there.
TEST(FrequentSources, FindsTheBusiestAmongVeryMany) {
  FrequentSources sources;
  std::map<uint64_t, uint64_t> truth;
  constexpr uint64_t kAll = 20'000;
  for (uint64_t i = 0; i < kAll; ++i) {
    const uint64_t n = i % 5 == 0 ? 1 : i % 7 == 0 ? 2 : 1000 + i;  // two among thousands that come once
    ++truth[n];
    sources.add(address(n), at(0));
  }
  ASSERT_EQ(sources.all().size(), FrequentSources::kPlaces);
  uint64_t sum = 0;
  for (const auto& source : sources.all()) {
    const uint64_t real = truth[source.address.low()];
    EXPECT_LE(source.packets - source.inherited, real);
    EXPECT_GE(source.packets, real);
    sum += source.packets;
  }
  EXPECT_EQ(sum, kAll);
  for (const uint64_t n : {uint64_t{1}, uint64_t{2}})
    EXPECT_NE(find(sources, n), nullptr) << n << " has " << truth[n];
}

}  // namespace
}  // namespace yonroku::engine
