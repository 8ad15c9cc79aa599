#include "carry/translate/identification.h"

#include <gtest/gtest.h>

#include <set>

namespace yonroku::carry {
namespace {

constexpr Ipv4Address kSource(192, 0, 2, 1), kDestination(203, 0, 113, 7);

uint16_t next(Identifications& ids, IpProtocol protocol = IpProtocol::Udp, uint16_t count = 1) {
  return ids.next(kSource, kDestination, protocol, count);
}

TEST(Identifications, SeedZeroCountsFromOne) {
  Identifications ids(RandomSource(0));
  EXPECT_EQ(next(ids), 1);
  EXPECT_EQ(next(ids), 2);
  EXPECT_EQ(next(ids), 3);
}

// RFC 6864 §4.3: no value repeats for one source, destination and protocol before all have been used.
TEST(Identifications, OneFlowUsesEveryValueBeforeItRepeats) {
  Identifications ids(RandomSource(6864));
  std::set<uint16_t> seen;
  for (int i = 0; i < 65536; ++i) ASSERT_TRUE(seen.insert(next(ids)).second) << i;
  EXPECT_FALSE(seen.insert(next(ids)).second);
}

TEST(Identifications, ASuperPacketTakesOneForEachSegment) {
  Identifications ids(RandomSource(1));
  const uint16_t first = next(ids, IpProtocol::Tcp, 46);
  EXPECT_EQ(next(ids, IpProtocol::Tcp), static_cast<uint16_t>(first + 46));
}

TEST(Identifications, WorkersNeverGiveTheSame) {
  constexpr uint16_t kWorkers = 4;
  std::set<uint16_t> seen;
  for (uint16_t worker = 0; worker < kWorkers; ++worker) {
    Identifications ids(RandomSource(100u + worker), worker, kWorkers);
    for (int i = 0; i < 16'000; ++i) {
      const uint16_t id = next(ids);
      ASSERT_EQ(id % kWorkers, worker) << "its own residue";
      ASSERT_TRUE(seen.insert(id).second);
    }
  }
}

TEST(Identifications, DifferentFlowsStartApart) {
  Identifications ids(RandomSource(2));
  std::set<uint16_t> starts;
  for (uint32_t host = 0; host < 100; ++host)
    starts.insert(ids.next(Ipv4Address(host), kDestination, IpProtocol::Udp));
  EXPECT_GT(starts.size(), 80u);
  Identifications other(RandomSource(3));
  EXPECT_NE(next(ids), next(other)) << "the key is random";
}

}  // namespace
}  // namespace yonroku::carry
