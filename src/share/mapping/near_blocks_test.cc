#include "share/mapping/near_blocks.h"

#include <gtest/gtest.h>

#include "base/random_source.h"

namespace yonroku::share {
namespace {

Ipv4Address random_ipv4(RandomSource& random) { return Ipv4Address(static_cast<uint32_t>(random.next())); }
Ipv6Address random_ipv6(RandomSource& random) { return {random.next(), random.next()}; }

TEST(NearBlocks, EmptyHoldsNothing) {
  const NearBlocks blocks;
  RandomSource random(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(blocks.may_hold(random_ipv4(random)));
    EXPECT_FALSE(blocks.may_hold(random_ipv6(random)));
  }
}

// Whatever a prefix' length, no address in it is missed; outside of it one in a hundred is looked for in vain
// at most, unless the prefix has many blocks.
constexpr int kTries = 2000;

TEST(NearBlocks, Ipv4PrefixesOfEveryLength) {
  for (unsigned length = 0; length <= 32; ++length) {
    RandomSource random(length + 1);
    NearBlocks blocks;
    const Ipv4Prefix prefix = Ipv4Prefix::holding(random_ipv4(random), length);
    blocks.add(prefix);
    int in_vain = 0;
    for (int i = 0; i < kTries; ++i) {
      const Ipv4Address other = random_ipv4(random);
      const uint32_t host = other.value() & ~Ipv4Prefix::mask(length);
      ASSERT_TRUE(blocks.may_hold(Ipv4Address(prefix.address().value() | host))) << length;
      if (!prefix.contains(other) && blocks.may_hold(other)) ++in_vain;
    }
    if (length >= 12) {
      EXPECT_LT(in_vain, kTries / 100) << length;
    }
  }
}

TEST(NearBlocks, Ipv6PrefixesOfEveryLength) {
  for (unsigned length = 0; length <= 128; ++length) {
    RandomSource random(length + 1);
    NearBlocks blocks;
    const Ipv6Prefix prefix = Ipv6Prefix::holding(random_ipv6(random), length);
    blocks.add(prefix);
    int in_vain = 0;
    for (int i = 0; i < kTries; ++i) {
      const Ipv6Address other = random_ipv6(random);
      const Ipv6Address inside(prefix.address().high() | (other.high() & ~Ipv6Prefix::mask_high(length)),
                               prefix.address().low() | (other.low() & ~Ipv6Prefix::mask_low(length)));
      ASSERT_TRUE(blocks.may_hold(inside)) << length;
      if (!prefix.contains(other) && blocks.may_hold(other)) ++in_vain;
    }
    if (length >= 60) {
      EXPECT_LT(in_vain, kTries / 100) << length;
    }
  }
}

// Neighbours are told apart: a prefix to embed in often lies beside the servers' own.
TEST(NearBlocks, NeighbouringBlocksHaveBitsOfTheirOwn) {
  NearBlocks blocks;
  blocks.add(*Ipv6Prefix::parse("2001:db8:46:1::/64"));
  blocks.add(*Ipv4Prefix::parse("192.0.2.0/24"));
  for (uint64_t i = 2; i < 100; ++i) {
    EXPECT_FALSE(blocks.may_hold(Ipv6Address(0x2001'0db8'0046'0000 + i, 1))) << i;
    EXPECT_FALSE(blocks.may_hold(Ipv4Address(0xc000'0201 + static_cast<uint32_t>(i << 16)))) << i;
  }
}

}  // namespace
}  // namespace yonroku::share
