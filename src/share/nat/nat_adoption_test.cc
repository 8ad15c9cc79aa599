// Flows that an earlier run of the program has left become sessions.
#include "share/nat/test_nat_offload.h"

namespace yonroku::share {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NatAdoption : public NatOffload {
 protected:
  // As another run of the program has left it.
  uint32_t left_over(const OffloadedSession& session, SessionOffload::Seen seen = {}) {
    offload_.flows_[offload_.next_] = {session, seen};
    return offload_.next_++;
  }
  bool adopt(const OffloadedSession& session, SessionOffload::Seen seen = {}) {
    const uint32_t flow = left_over(session, seen);
    if (nat().adopt(session, seen, flow, now_)) return true;
    offload_.end(flow);
    return false;
  }
  static OffloadedSession of(uint64_t number, uint16_t outside_port, NatProtocol protocol = NatProtocol::Tcp,
                             const Ipv4Endpoint& remote = kServer, uint16_t inside_port = 40000) {
    return {protocol, host(number, inside_port), {kPool, outside_port}, remote, kNear, kFar};
  }
};

TEST_F(NatAdoption, ASessionGoesOn) {
  using Kind = NatEvent::Kind;
  now_ = now_ + Duration::seconds(10000);
  const Instant ago = now_ + Duration::seconds(-7000);
  ASSERT_TRUE(adopt(of(1, 5010), {ago, now_ + Duration::seconds(-7100)}));
  EXPECT_EQ(nat().counts().offloaded_sessions, 1u);
  EXPECT_EQ(nat().counts().bindings[1], 1u);
  EXPECT_EQ(nat().counts().used_ports[1], 1u);
  const auto sessions = side().sessions(now_);
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].state, static_cast<uint8_t>(TcpState::Established));
  EXPECT_NEAR(sessions[0].seconds_left, 440, 1);
  EXPECT_THAT(side().events_.kinds(), ElementsAre(Kind::BindingCreated, Kind::SessionCreated));
  for (const NatEvent& event : side().events_.events_) EXPECT_TRUE(event.is_recovered);

  side().outside_ = {kPool, 5010};
  ASSERT_EQ(in(NatProtocol::Tcp, kFin | kAck), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_EQ(side().outside_, (Ipv4Endpoint{kPool, 5010}));
  pass(7442);
  EXPECT_EQ(nat().session_count(), 0u);
  EXPECT_EQ(nat().counts().used_ports[1], 0u);
  EXPECT_FALSE(side().events_.events_.back().is_recovered);
}

TEST_F(NatAdoption, OfEachProtocolAndWithFurtherSessions) {
  const Ipv4Endpoint pinged{kServer.address, 0};
  ASSERT_TRUE(adopt(of(1, 5000, NatProtocol::Udp)));
  ASSERT_TRUE(adopt(of(1, 5000, NatProtocol::Udp, kOtherServer)));
  ASSERT_TRUE(adopt(of(1, 5000, NatProtocol::Icmp, pinged)));
  ASSERT_TRUE(adopt(of(2, 5001, NatProtocol::Udp)));
  EXPECT_EQ(nat().binding_count(), 3u);
  EXPECT_EQ(nat().session_count(), 4u);
  EXPECT_EQ(nat().counts().sessions[0][1], 3u) << "UDP, answered";
  EXPECT_EQ(nat().subscriber_count(), 2u);
  pass(61);
  EXPECT_EQ(nat().session_count(), 3u) << "a packet that was never seen counts as one of now";
}

TEST_F(NatAdoption, OfOneThatNobodyHasAnswered) {
  OffloadedSession unanswered = of(1, 5000, NatProtocol::Udp);
  unanswered.is_answered = false;
  ASSERT_TRUE(adopt(unanswered));
  EXPECT_EQ(side().sessions(now_).at(0).state, 0);
  side().outside_ = {kPool, 5000};
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(side().sessions(now_).at(0).state, 1);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_TRUE(offload_.flows_.begin()->second.session.is_answered);
}

TEST_F(NatAdoption, IsRefusedWhereItCouldNotBe) {
  ASSERT_TRUE(adopt(of(1, 5000)));
  settings_.static_bindings = {{NatProtocol::Tcp, host(9).ipv6, {}, 40000, kPool, 5040}};
  struct Row {
    std::string_view name;
    OffloadedSession session;
  };
  OffloadedSession from_itself = of(2, 5001);  // where the inside is IPv4 alone
  from_itself.inside = {{}, kPool, 40000};
  OffloadedSession elsewhere = of(2, 5001);
  elsewhere.outside.address = Ipv4Address(192, 0, 2, 2);
  const Row rows[] = {
      {"the same again", of(1, 5000)},
      {"another's port", of(2, 5000)},
      {"another port of the same inside", of(1, 5001, NatProtocol::Tcp, kOtherServer)},
      {"a port that is not given out", of(2, 5064)},
      {"an address that is not the pool's", elsewhere},
      {"one of its own addresses", of(2, 5001, NatProtocol::Tcp, {kPool, 5000})},
      {"from one of its own addresses", from_itself},
  };
  for (const Row& row : rows) EXPECT_FALSE(adopt(row.session)) << row.name;
  EXPECT_EQ(nat().session_count(), 1u);
  EXPECT_EQ(nat().subscriber_count(), 1u);
  EXPECT_EQ(nat().counts().used_ports[1], 1u);
}

TEST_F(NatAdoption, OfAStaticBinding) {
  settings_.static_bindings = {{NatProtocol::Tcp, host(9).ipv6, {}, 40000, kPool, 5040}};
  EXPECT_TRUE(adopt(of(9, 5040)));
  EXPECT_FALSE(adopt(of(8, 5040, NatProtocol::Tcp, kOtherServer))) << "it is another's";
  EXPECT_EQ(nat().binding_count(), 1u);
}

TEST_F(NatAdoption, IsRefusedWhenTheTableIsFull) {
  settings_.max_sessions = 2;
  EXPECT_TRUE(adopt(of(1, 5000)));
  EXPECT_TRUE(adopt(of(2, 5001)));
  EXPECT_FALSE(adopt(of(3, 5002)));
  EXPECT_EQ(nat().session_count(), 2u);
}

TEST_F(NatAdoption, BlocksAreTheirSubscribersAgain) {
  using Kind = NatEvent::Kind;
  settings_.allocation = PortAllocation::Blocks;
  settings_.block_size = 16;
  settings_.blocks_per_subscriber = 2;
  ASSERT_TRUE(adopt(of(1, 5000)));
  EXPECT_THAT(side().events_.kinds(),
              ElementsAre(Kind::PortBlockTaken, Kind::BindingCreated, Kind::SessionCreated));
  EXPECT_TRUE(side().events_.events_.front().is_recovered);
  ASSERT_TRUE(adopt(of(1, 5001, NatProtocol::Tcp, kServer, 40001)));
  ASSERT_TRUE(adopt(of(1, 5016, NatProtocol::Tcp, kServer, 40002)));
  EXPECT_EQ(nat().counts().used_blocks, 2u);
  EXPECT_FALSE(adopt(of(1, 5032, NatProtocol::Tcp, kServer, 40003))) << "a block more than it may have";
  EXPECT_FALSE(adopt(of(2, 5002))) << "in another's block";
  ASSERT_TRUE(adopt(of(2, 5032)));
  EXPECT_EQ(nat().counts().used_ports[1], 4u);
  EXPECT_EQ(nat().subscriber_count(), 2u);
  pass(7442);
  EXPECT_EQ(nat().counts().used_ports[1], 0u);
  pass(121);
  EXPECT_EQ(nat().counts().used_blocks, 0u);
}

TEST_F(NatAdoption, ADeterministicPortIsItsSubscribersOnly) {
  settings_.allocation = PortAllocation::Deterministic;
  settings_.block_size = 16;
  settings_.subscribers = {Ipv6Prefix::holding(host(0).ipv6, 126)};
  EXPECT_TRUE(adopt(of(1, 5016))) << "the second block";
  EXPECT_FALSE(adopt(of(2, 5017)));
  EXPECT_TRUE(adopt(of(2, 5047)));
  EXPECT_FALSE(adopt(of(9, 5050))) << "who has no number";
  EXPECT_EQ(nat().session_count(), 2u);
}

TEST_F(NatAdoption, IsTheWorkersThatItBelongsTo) {
  settings_.pools[0].last_port = 5999;
  std::array<std::unique_ptr<Nat>, 2> nats;
  for (uint16_t i = 0; i < 2; ++i) {
    nats[i] = std::make_unique<Nat>(settings_, 0, i, uint16_t{2}, now_);
    nats[i]->set_session_offload(&offload_);
  }
  std::size_t adopted = 0;
  for (uint64_t number = 1; number <= 40; ++number) {
    Ipv4Endpoint outside;
    const uint16_t owner = nats[0]->owner_of(host(number));
    const OffloadedSession session =
        of(number, static_cast<uint16_t>(owner == 0 ? 5000 + number : 5800 + number));
    for (uint16_t i = 0; i < 2; ++i) {
      const bool is_adopted = nats[i]->adopt(session, {}, static_cast<uint32_t>(number), now_);
      EXPECT_EQ(is_adopted, i == owner) << number;
      adopted += is_adopted ? 1 : 0;
    }
  }
  EXPECT_EQ(adopted, 40u);
}

}  // namespace
}  // namespace yonroku::share
