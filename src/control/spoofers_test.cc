#include "control/spoofers.h"

#include <gtest/gtest.h>

namespace yonroku::control {
namespace {

Ipv6Address address(uint64_t n) { return {0x20010db800000000, n}; }
Instant at(int64_t seconds) { return Instant() + Duration::seconds(seconds); }

TEST(Spoofers, AreThoseOfAllWorkersTheBusiestFirst) {
  engine::FrequentSources one, two;
  for (int i = 0; i < 3; ++i) one.add(address(1), at(10));
  one.add(address(2), at(40));
  for (int i = 0; i < 5; ++i) two.add(address(2), at(30));
  std::vector<Spoofer> all;
  add(all, one.all(), at(100));
  add(all, two.all(), at(100));
  sort_by_packets(all);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].source, address(2));
  EXPECT_EQ(all[0].packets, 6u);
  EXPECT_EQ(all[0].at_least, 6u);
  EXPECT_EQ(all[0].age, std::chrono::seconds(60));
  EXPECT_EQ(all[1].packets, 3u);
  EXPECT_EQ(all[1].age, std::chrono::seconds(90));
}

TEST(Spoofers, WhatMayBeAnothersIsNotAtLeast) {
  engine::FrequentSources sources;
  for (uint64_t n = 0; n <= engine::FrequentSources::kPlaces; ++n)
    for (int i = 0; i < 2; ++i) sources.add(address(n), at(0));
  std::vector<Spoofer> all;
  add(all, sources.all(), at(1));
  sort_by_packets(all);
  ASSERT_EQ(all.size(), engine::FrequentSources::kPlaces);
  EXPECT_EQ(all[0].packets, 4u) << "the last has the place of one with two";
  EXPECT_EQ(all[0].at_least, 2u);
}

}  // namespace
}  // namespace yonroku::control
