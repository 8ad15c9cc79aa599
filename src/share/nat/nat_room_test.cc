// Who gives way when there is no room.
#include "share/nat/test_nat.h"

namespace yonroku::share {
namespace {

TEST_F(NatTest, ShortageEndsTheOldestUnansweredFirst) {
  for (uint64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(out(host(i), kServer), DropReason::None);
    if (i % 2 == 0) {
      ASSERT_EQ(in(outside_, kServer), DropReason::None);
    }
    pass(1);
  }
  ASSERT_EQ(out(host(1), kServer), DropReason::None);  // refreshed: host 3 is the oldest now
  ASSERT_EQ(out(host(99), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 5003);
  for (uint64_t i : {0u, 1u, 2u, 4u, 5u, 6u, 7u, 8u, 9u}) {
    Ipv4Endpoint found;
    EXPECT_TRUE(nat().find_outside({host(i), kServer, NatProtocol::Udp, 0}, found)) << i;
  }
}

TEST_F(NatTest, AFullTableKeepsWhatIsEstablished) {
  settings_.max_sessions = 20;
  settings_.pools[0].last_port = 5999;
  for (uint64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(out(host(i), kServer, NatProtocol::Tcp, kSyn), DropReason::None);
    ASSERT_EQ(in(outside_, kServer, NatProtocol::Tcp, kSyn | kAck), DropReason::None);
  }
  for (uint64_t i = 100; i < 110; ++i) ASSERT_EQ(out(host(i), kServer), DropReason::None) << i;
  EXPECT_EQ(out(host(999), kServer), DropReason::TableFull);  // none of them had time to be answered
  for (uint64_t i = 110; i < 200; ++i) {
    if (i % 10 == 0) pass(5);
    ASSERT_EQ(out(host(i), kServer), DropReason::None) << i;
  }
  EXPECT_LE(nat().session_count(), 21U);
  for (uint64_t i = 0; i < 10; ++i) {
    Ipv4Endpoint found;
    EXPECT_TRUE(nat().find_outside({host(i), kServer, NatProtocol::Tcp, 0}, found)) << i;
  }
}

Ipv4Endpoint stranger(uint32_t number) { return {Ipv4Address(0x0a000000 + number), 4000}; }

TEST_F(NatTest, WhatStrangersSendToAnOpenPortMakesRoom) {
  settings_.max_sessions = 20;
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  ASSERT_EQ(in(outside_, kServer), DropReason::None);
  for (uint32_t i = 0; i < 19; ++i)
    for (int packet = 0; packet < 3; ++packet)
      ASSERT_EQ(in({kPool, 5000}, stranger(i)), DropReason::None) << i;
  EXPECT_EQ(nat().counts().sessions[0], (std::array<uint64_t, kTcpStateCount>{19, 1}));
  EXPECT_EQ(out(host(2), kServer), DropReason::TableFull);  // the others have had no time yet
  pass(5);
  EXPECT_EQ(out(host(2), kServer), DropReason::None);
  EXPECT_EQ(nat().session_count(), 20U);
}

TEST_F(NatTest, WhatAHostHasAnsweredToAStrangerStays) {
  settings_.max_sessions = 3;
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  ASSERT_EQ(in(outside_, kServer), DropReason::None);
  for (uint32_t i = 0; i < 2; ++i) {
    ASSERT_EQ(in({kPool, 5000}, stranger(i)), DropReason::None);
    ASSERT_EQ(out(host(1), stranger(i)), DropReason::None);
  }
  EXPECT_EQ(nat().counts().sessions[0], (std::array<uint64_t, kTcpStateCount>{0, 3}));
  pass(5);
  EXPECT_EQ(out(host(2), kServer), DropReason::TableFull);
  // The first ends, and one that a stranger opened takes its place.
  for (int i = 0; i < 4; ++i) {
    pass(59);
    for (uint32_t each = 0; each < 2; ++each) ASSERT_EQ(in({kPool, 5000}, stranger(each)), DropReason::None);
  }
  pass(70);
  EXPECT_EQ(nat().counts().sessions[0], (std::array<uint64_t, kTcpStateCount>{0, 2}));
}

TEST_F(NatTest, AStrangersSessionIsStillOneWhereItTakesTheFirstOnesPlace) {
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  pass(200);
  ASSERT_EQ(in(outside_, stranger(1)), DropReason::None);
  pass(110);
  ASSERT_EQ(in(outside_, stranger(1)), DropReason::None);
  EXPECT_EQ(nat().counts().sessions[0], (std::array<uint64_t, kTcpStateCount>{1}));
  ASSERT_EQ(out(host(1), stranger(1)), DropReason::None);
  EXPECT_EQ(nat().counts().sessions[0], (std::array<uint64_t, kTcpStateCount>{0, 1}));
}

// A worker has places for its part of the sessions; all but one of a binding are further ones.
TEST_F(NatTest, StrangersOfOneBindingDoNotKeepFurtherSessionsFromOthers) {
  settings_.max_sessions = 40;
  nat_.emplace(settings_, 0, 0, 4, now_);
  InsideEndpoint mine = host(1);
  for (uint64_t i = 1; nat().owner_of(mine) != 0; ++i) mine = host(i);
  ASSERT_EQ(out(mine, kServer), DropReason::None);
  const Ipv4Endpoint open = outside_;
  uint32_t strangers = 0;
  while (in(open, stranger(strangers)) == DropReason::None) ++strangers;
  EXPECT_EQ(strangers, 11U);
  EXPECT_EQ(out(mine, kOtherServer), DropReason::TableFull);
  pass(5);
  EXPECT_EQ(out(mine, kOtherServer), DropReason::None);
}

}  // namespace
}  // namespace yonroku::share
