#include "engine/nat_event_ring.h"

#include <gtest/gtest.h>

#include <thread>

namespace yonroku::engine {
namespace {

using share::NatEvent;

// All of its parts follow from its number.
NatEvent event(uint64_t number) {
  const auto port = static_cast<uint16_t>(number);
  return {static_cast<NatEvent::Kind>(number % 9),
          static_cast<share::NatProtocol>(number % 3),
          Instant::from_nanoseconds(static_cast<int64_t>(number)),
          {Ipv6Address(number, ~number), Ipv4Address(static_cast<uint32_t>(number)), port},
          {Ipv4Address(static_cast<uint32_t>(number * 3)), port},
          {Ipv4Address(static_cast<uint32_t>(number * 5)), port},
          number % 2 == 0,
          static_cast<share::NatRefusal>(number % share::kNatRefusalCount),
          static_cast<uint16_t>(number * 11)};
}

void expect_event(const NatEvent& seen, uint64_t number) {
  const NatEvent wanted = event(number);
  ASSERT_EQ(seen.kind, wanted.kind);
  ASSERT_EQ(seen.protocol, wanted.protocol);
  ASSERT_EQ(seen.time, wanted.time);
  ASSERT_EQ(seen.inside, wanted.inside);
  ASSERT_EQ(seen.outside, wanted.outside);
  ASSERT_EQ(seen.remote, wanted.remote);
  ASSERT_EQ(seen.is_recovered, wanted.is_recovered);
  ASSERT_EQ(seen.limit, wanted.limit);
  ASSERT_EQ(seen.last_port, wanted.last_port);
}

TEST(NatEventRing, EachReaderSeesAllAndInOrder) {
  NatEventRing ring;
  for (uint64_t i = 0; i < 10; ++i) ring.on(event(i));
  for (uint64_t from : {0u, 7u}) {
    std::vector<NatEvent> seen;
    uint64_t next = from;
    EXPECT_EQ(ring.read(next, 100, seen), 0u);
    EXPECT_EQ(next, 10u);
    ASSERT_EQ(seen.size(), 10 - from);
    for (std::size_t i = 0; i < seen.size(); ++i) expect_event(seen[i], from + i);
  }
  std::vector<NatEvent> seen;
  uint64_t next = 0;
  EXPECT_EQ(ring.read(next, 3, seen), 0u);
  EXPECT_EQ(next, 3u);
}

TEST(NatEventRing, WhoIsTooSlowIsTold) {
  NatEventRing ring;
  for (uint64_t i = 0; i < NatEventRing::kCapacity + 5; ++i) ring.on(event(i));
  std::vector<NatEvent> seen;
  uint64_t next = 0;
  EXPECT_EQ(ring.read(next, 10, seen), 5u);
  ASSERT_EQ(seen.size(), 10u);
  expect_event(seen.front(), 5);
}

TEST(NatEventRing, NothingIsTornWhileItIsOverwritten) {
  constexpr uint64_t kEvents = 300'000;
  NatEventRing ring;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      std::vector<NatEvent> seen;
      uint64_t next = 0, lost = 0, count = 0;
      while (next < kEvents) {
        seen.clear();
        lost += ring.read(next, 500, seen);
        count += seen.size();
        for (const NatEvent& one : seen) expect_event(one, static_cast<uint64_t>(one.time.nanoseconds()));
      }
      EXPECT_EQ(lost + count, kEvents);
    });
  for (uint64_t i = 0; i < kEvents; ++i) ring.on(event(i));
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace yonroku::engine
