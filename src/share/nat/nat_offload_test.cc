// A NAT beside an offload: which sessions are offered, and what brings them back.
#include "share/nat/test_nat_offload.h"

namespace yonroku::share {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// --- which sessions, and when ---

TEST_F(NatOffload, ASessionIsOfferedWithAllThatItTakes) {
  connect();
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_EQ(offload_.flows_.begin()->second.session,
            (OffloadedSession{NatProtocol::Tcp, host(1), {kPool, 5000}, kServer, kNear, kFar}));
  EXPECT_EQ(nat().counts().offloaded_sessions, 1u);
  EXPECT_EQ(nat().counts().sessions_of(NatProtocol::Tcp), 1u);
  EXPECT_EQ(nat().session_count(), 1u);
}

TEST_F(NatOffload, OnlyWhatIsEstablishedOrAnsweredIsOffered) {
  struct Row {
    std::string_view name;
    NatProtocol protocol;
    std::string packets;  // o, i: out, in. S, s: SYN out, SYN in.
    bool is_offered;
  };
  const std::string more(kMoreWithoutAnswer, 'o');
  const Row rows[] = {
      {"TCP, SYN of both, enough packets", NatProtocol::Tcp, "Ssooo", true},
      {"TCP, too few packets", NatProtocol::Tcp, "Sso", false},
      {"TCP, SYN of one only", NatProtocol::Tcp, "SSSSSSoooo", false},
      {"TCP, opened from inside in the end", NatProtocol::Tcp, "SSSSSSso", true},
      {"TCP, enough packets, the last from outside", NatProtocol::Tcp, "Ssiiii", true},
      {"UDP, answered, enough packets", NatProtocol::Udp, "oiooo", true},
      {"UDP, answered, too few packets", NatProtocol::Udp, "oio", false},
      {"UDP, asked for once", NatProtocol::Udp, "oiiii", true},
      {"UDP, asked for once, too few packets", NatProtocol::Udp, "oiii", false},
      {"UDP, not answered", NatProtocol::Udp, "oooooooo", false},
      {"UDP, not answered, packets enough for that", NatProtocol::Udp, "ooooo" + more, true},
      {"UDP, not answered, one too few", NatProtocol::Udp, "oooo" + more, false},
      {"UDP, answered at last", NatProtocol::Udp, "ooooooooio", true},
      {"ICMP, answered, enough packets", NatProtocol::Icmp, "oioio", true},
      {"ICMP, not answered", NatProtocol::Icmp, "ooooo" + more, false},
      {"TCP, not answered", NatProtocol::Tcp, "Soooo" + more, false},
      {"ICMP, answered at last", NatProtocol::Icmp, "ooooooooio", true},
  };
  for (const Row& row : rows) {
    offload_.flows_.clear();
    restart();
    const Ipv4Endpoint remote{kServer.address,
                              row.protocol == NatProtocol::Icmp ? uint16_t{0} : kServer.port};
    for (const char packet : row.packets) {
      const uint8_t flags = packet == 'S' || packet == 's' ? kSyn : kAck;
      if (packet == 'o' || packet == 'S')
        ASSERT_EQ(out(row.protocol, flags, remote), DropReason::None) << row.name;
      else
        ASSERT_EQ(in(row.protocol, flags, remote), DropReason::None) << row.name;
    }
    EXPECT_EQ(!offload_.flows_.empty(), row.is_offered) << row.name;
  }
}

TEST_F(NatOffload, FromTheFirstPacketThatAnswersTheAnswer) {
  settings_.offload_after = 0;
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

// What others send to an open port is not to fill the offload.
TEST_F(NatOffload, OnlyWhereWhoIsInsideHasTakenPart) {
  settings_.filtering = Dependence::EndpointIndependent;
  restart();
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(in(NatProtocol::Udp, 0, kOtherServer), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer), DropReason::None);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_EQ(offload_.flows_.begin()->second.session.remote, kOtherServer);
}

TEST_F(NatOffload, AtTheEndAllThatIsAnsweredIsOffered) {
  settings_.offload_after = 200;
  converse();
  converse(host(1), kOtherServer);  // a further session of the binding
  connect(host(2));
  ASSERT_EQ(out(NatProtocol::Udp, 0, kServer, host(3)), DropReason::None);  // nobody answers
  ASSERT_EQ(out(NatProtocol::Tcp, kSyn, kServer, host(4)), DropReason::None);
  converse(host(5), {kPool, 5000});  // hairpinned
  converse(host(6), kResolver);      // may not be offloaded
  EXPECT_EQ(offload_.offers_, 0);
  const auto add_ends = [](OffloadedSession& session) {
    std::tie(session.near, session.far) = std::tie(kNear, kFar);
    return session.remote != kResolver;
  };
  nat().offload_all(add_ends);
  std::vector<std::pair<uint64_t, Ipv4Endpoint>> offered;
  for (const auto& [number, flow] : offload_.flows_) {
    offered.emplace_back(flow.session.inside.ipv6.low(), flow.session.remote);
    EXPECT_EQ(flow.session.near, kNear);
    EXPECT_EQ(flow.session.far, kFar);
  }
  EXPECT_THAT(offered,
              UnorderedElementsAre(Pair(host(1).ipv6.low(), kServer), Pair(host(1).ipv6.low(), kOtherServer),
                                   Pair(host(2).ipv6.low(), kServer)));
  EXPECT_EQ(nat().counts().offloaded_sessions, 3u);
  nat().offload_all(add_ends);
  EXPECT_EQ(offload_.flows_.size(), 3u) << "once";
  EXPECT_FALSE(nat().has_candidate());
}

TEST_F(NatOffload, AtTheEndTheRestHasNoRoom) {
  settings_.offload_after = 200;
  offload_.capacity_ = 2;
  for (uint64_t number = 1; number <= 5; ++number) converse(host(number));
  nat().offload_all([](OffloadedSession&) { return true; });
  EXPECT_EQ(offload_.flows_.size(), 2u);
  EXPECT_EQ(nat().counts().offloaded_sessions, 2u);
}

TEST_F(NatOffload, OneWayOnlyWhileNobodyAnswers) {
  for (int i = 0; i < kUntilOneWay; ++i) ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_FALSE(offload_.flows_.begin()->second.session.is_answered);
  EXPECT_EQ(side().sessions(now_).at(0).state, 0);
  pass(100);
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(side().sessions(now_).at(0).state, 1);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_TRUE(offload_.flows_.begin()->second.session.is_answered);
}

TEST_F(NatOffload, AnAnswerEndsTheLongerWait) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

TEST_F(NatOffload, AnUnansweredSessionIsOfferedAgainAfterAChange) {
  for (int i = 0; i < kUntilOneWay; ++i) ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  settings_.timeouts.icmp = 61;
  nat().change(settings_, now_);
  ASSERT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

TEST_F(NatOffload, AnUnansweredSessionGivesWayToOthersAsEver) {
  settings_.pools[0].last_port = 5000;
  for (int i = 0; i < kUntilOneWay; ++i) ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  pass(10);
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);  // the programs see it
  pass(3);
  EXPECT_EQ(out(NatProtocol::Udp, 0, kServer, host(2)), DropReason::NoPort) << "it was used just now";
  pass(2);
  EXPECT_EQ(out(NatProtocol::Udp, 0, kServer, host(2)), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
}

TEST_F(NatOffload, AHairpinnedSessionIsNeverOffered) {
  const Ipv4Endpoint own{kPool, 5050};
  ASSERT_EQ(out(NatProtocol::Udp, 0, own), DropReason::None);
  ASSERT_EQ(in(NatProtocol::Udp, 0, own), DropReason::None);
  for (int i = 0; i < 600; ++i) ASSERT_EQ(out(NatProtocol::Udp, 0, own), DropReason::None);
  EXPECT_EQ(offload_.offers_, 0);
}

TEST_F(NatOffload, WhatAMechanismKeepsIsNotACandidateAgain) {
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  int candidates = 0;
  for (int i = 0; i < 600; ++i) {
    Ipv4Endpoint outside;
    ASSERT_EQ(nat().outbound({host(1), kServer, NatProtocol::Udp, 0}, now_, outside), DropReason::None);
    if (!nat().has_candidate()) continue;
    ++candidates;
    nat().keep_from_offload();
  }
  EXPECT_EQ(candidates, 1);
  EXPECT_EQ(offload_.offers_, 0);
}

TEST_F(NatOffload, ACandidateIsOfOnePacket) {
  settings_.offload_after = 0;
  Ipv4Endpoint outside;
  InsideEndpoint inside;
  ASSERT_EQ(nat().outbound({host(1), kServer, NatProtocol::Udp, 0}, now_, outside), DropReason::None);
  ASSERT_EQ(nat().inbound({outside, kServer, NatProtocol::Udp, 0}, now_, inside), DropReason::None);
  ASSERT_TRUE(nat().has_candidate());
  ASSERT_EQ(nat().inbound({{kPool, 9}, kServer, NatProtocol::Udp, 0}, now_, inside), DropReason::NoBinding);
  EXPECT_FALSE(nat().has_candidate());
  ASSERT_EQ(nat().outbound({host(1), kServer, NatProtocol::Udp, 0}, now_, outside), DropReason::None);
  ASSERT_TRUE(nat().has_candidate());
  ASSERT_EQ(nat().outbound({host(2), kServer, NatProtocol::Udp, 0}, now_, outside), DropReason::None);
  EXPECT_FALSE(nat().has_candidate());
  ASSERT_EQ(nat().reserve({host(1), kServer, NatProtocol::Udp, 0}, now_, outside), DropReason::None);
  EXPECT_FALSE(nat().has_candidate());
}

TEST_F(NatOffload, WhereThereIsNoRoomItIsTriedAgainNowAndThen) {
  offload_.capacity_ = 0;
  connect();
  EXPECT_EQ(offload_.offers_, 1);
  EXPECT_EQ(nat().counts().refused_offloads, 1u);
  EXPECT_EQ(nat().counts().offloaded_sessions, 0u);
  for (int i = 0; i < 255; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_EQ(offload_.offers_, 1);
  offload_.capacity_ = 1;
  ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_EQ(offload_.offers_, 2);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

// --- what is offered begins later ---

TEST_F(NatOffload, AnOfferWaitsUntilItMayBegin) {
  side().is_calm_ = false;
  connect();
  converse(host(2));
  for (int i = 0; i < 20; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_TRUE(nat().has_offers());
  EXPECT_EQ(offload_.offers_, 0);
  EXPECT_EQ(nat().counts().offloaded_sessions, 0u);
  nat().begin_offers();
  EXPECT_FALSE(nat().has_offers());
  EXPECT_EQ(offload_.flows_.size(), 2u);
  EXPECT_EQ(nat().counts().offloaded_sessions, 2u);
}

TEST_F(NatOffload, ThereAreAsManyOffersAsABatchCanMake) {
  settings_.offload_after = 0;
  side().is_calm_ = false;
  for (uint32_t i = 1; i <= 60; ++i) converse(host(i));  // of 64 ports
  EXPECT_EQ(offload_.offers_, 0);
  for (uint16_t i = 1; i <= 5; ++i) converse(host(1), {kServer.address, static_cast<uint16_t>(6000 + i)});
  EXPECT_EQ(offload_.flows_.size(), 64u);
  nat().begin_offers();
  EXPECT_EQ(offload_.flows_.size(), 65u);
}

TEST_F(NatOffload, WhatIsOverBeforeItBeginsDoesNotBegin) {
  struct Row {
    std::string_view name;
    std::function<void()> end;
    bool begins_later;  // with more of its packets
  };
  const Row rows[] = {
      {"FIN", [this] { ASSERT_EQ(out(NatProtocol::Tcp, kFin | kAck), DropReason::None); }, false},
      {"RST, forged", [this] { ASSERT_EQ(in(NatProtocol::Tcp, kRst), DropReason::None); }, true},
      {"reload", [this] { nat().change(settings_, now_); }, true},
      {"taken back", [this] { nat().take_back(host(1), NatProtocol::Tcp); }, true},
  };
  for (const Row& row : rows) {
    offload_ = {};
    restart();
    side().is_calm_ = false;
    connect();
    ASSERT_TRUE(nat().has_offers()) << row.name;
    row.end();
    nat().begin_offers();
    EXPECT_EQ(offload_.offers_, 0) << row.name;
    side().is_calm_ = true;
    for (int i = 0; i < 6; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None) << row.name;
    EXPECT_EQ(offload_.flows_.size(), row.begins_later ? 1u : 0u) << row.name;
  }
}

TEST_F(NatOffload, APlaceThatIsUsedAgainIsOfferedAnew) {
  settings_.pools[0].last_port = 5000;
  side().is_calm_ = false;
  converse(host(1));
  ASSERT_TRUE(nat().has_offers());
  pass(400);
  ASSERT_EQ(nat().session_count(), 0u);
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer, host(2)), DropReason::None);
  nat().begin_offers();
  EXPECT_EQ(offload_.offers_, 0) << "the old offer is not of the new session";
  converse(host(2), kOtherServer);
  nat().begin_offers();
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_EQ(offload_.flows_.begin()->second.session.inside, host(2));
}

// The first session ends, the further one gets its place, and what was said of either place is void.
TEST_F(NatOffload, AnOfferedSessionThatMovesIsOfferedAnew) {
  settings_.offload_after = 0;
  side().is_calm_ = false;
  converse(host(1), kServer);
  pass(200);
  converse(host(1), kOtherServer);
  pass(101);  // that is the end of the first
  ASSERT_EQ(nat().session_count(), 1u);
  nat().begin_offers();
  EXPECT_EQ(offload_.offers_, 0);
  side().is_calm_ = true;
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer), DropReason::None);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_EQ(offload_.flows_.begin()->second.session.remote, kOtherServer);
}

TEST_F(NatOffload, TheEndOfTheNatDoesNotWait) {
  side().is_calm_ = false;
  connect();
  nat().offload_all([](OffloadedSession&) { return true; });
  EXPECT_EQ(offload_.flows_.size(), 1u);
  nat().begin_offers();
  EXPECT_EQ(offload_.offers_, 1);
}

TEST_F(NatOffload, WithoutOneThereAreNoCandidates) {
  nat().set_session_offload(nullptr);
  for (int i = 0; i < 3; ++i) {
    converse();
    connect();
  }
  EXPECT_FALSE(nat().has_candidate());
  EXPECT_EQ(offload_.offers_, 0);
}

// --- back to the NAT ---

TEST_F(NatOffload, FinAndRstBringASessionBack) {
  struct Row {
    std::string_view name;
    NatSide side;
    uint8_t flags;
    TcpState state;
    uint32_t lasts;  // seconds
  };
  constexpr uint32_t kSeenAfter = 1000;
  const Row rows[] = {
      {"FIN out", NatSide::Inside, kFin | kAck, TcpState::InsideFin, 7440},
      {"FIN in", NatSide::Outside, kFin | kAck, TcpState::OutsideFin, 7440},
      {"RST out", NatSide::Inside, kRst, TcpState::Transitory, 240},
      {"RST in", NatSide::Outside, kRst | kAck, TcpState::Transitory, 240},
  };
  for (const Row& row : rows) {
    offload_.flows_.clear();
    restart();
    connect();
    ASSERT_EQ(offload_.flows_.size(), 1u) << row.name;
    pass(kSeenAfter);
    ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);  // the programs see it
    const DropReason reason =
        row.side == NatSide::Inside ? out(NatProtocol::Tcp, row.flags) : in(NatProtocol::Tcp, row.flags);
    ASSERT_EQ(reason, DropReason::None) << row.name;
    EXPECT_THAT(offload_.flows_, IsEmpty()) << row.name;
    EXPECT_EQ(nat().counts().offloaded_sessions, 0u) << row.name;
    const auto sessions = side().sessions(now_);
    ASSERT_EQ(sessions.size(), 1u) << row.name;
    EXPECT_EQ(sessions[0].state, static_cast<uint8_t>(row.state)) << row.name;
    EXPECT_NEAR(sessions[0].seconds_left, row.lasts, 1) << row.name;
  }
}

TEST_F(NatOffload, AResetThatWasForgedIsForgotten) {
  connect();
  ASSERT_EQ(in(NatProtocol::Tcp, kRst), DropReason::None);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

TEST_F(NatOffload, ASynLeavesAnEstablishedConnectionWhereItIs) {
  connect();
  ASSERT_EQ(out(NatProtocol::Tcp, kSyn), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

TEST_F(NatOffload, AReloadThatChangesNothingLeavesAllWhereTheyAre) {
  connect(host(1));
  converse(host(2));
  converse(host(2), kOtherServer);  // a further session
  const auto before = offload_.flows_.size();
  ASSERT_EQ(before, 3u);
  const int offers = offload_.offers_;
  nat().change(settings_, now_);
  pass(1);
  EXPECT_EQ(offload_.flows_.size(), before);
  EXPECT_EQ(offload_.offers_, offers) << "none was begun again";
}

TEST_F(NatOffload, FlowsWithOtherEndsAfterAReloadAreBegunAnew) {
  connect(host(1));
  converse(host(2));
  converse(host(2), kOtherServer);
  side().far_ = Ipv6Address(7, 7);
  nat().change(settings_, now_);
  pass(1);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer, host(2)), DropReason::None);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_EQ(offload_.flows_.begin()->second.session.far, Ipv6Address(7, 7));
}

// The binding's own session ends, and one that was not looked at takes its place, which was.
TEST_F(NatOffload, ASessionThatMovesWhileFlowsAreReviewedIsNotForgotten) {
  converse(host(1));
  pass(100);
  converse(host(1), kOtherServer);
  ASSERT_EQ(offload_.flows_.size(), 2u);
  side().far_ = Ipv6Address(7, 7);
  nat().change(settings_, now_);
  nat().review_flows(1, [](OffloadedSession&) { return true; });
  ASSERT_TRUE(nat().has_flows_to_review());
  now_ = now_ + Duration::seconds(201);
  while (nat().expire(now_, 16)) {
  }
  ASSERT_EQ(nat().session_count(), 1u);
  pass(1);
  EXPECT_THAT(offload_.flows_, IsEmpty());
}

TEST_F(NatOffload, AChangeOfTheNatBringsAllBackUntilTheirNextPackets) {
  connect(host(1));
  converse(host(2));
  converse(host(2), kOtherServer);  // a further session
  ASSERT_EQ(offload_.flows_.size(), 3u);
  pass(100);
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer, host(2)), DropReason::None);
  settings_.timeouts.icmp = 61;
  nat().change(settings_, now_);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  EXPECT_EQ(nat().counts().offloaded_sessions, 0u);
  EXPECT_EQ(nat().session_count(), 3u);
  pass(250);
  EXPECT_EQ(nat().session_count(), 2u) << "what the offload had seen is known";
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer, host(2)), DropReason::None);
  ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 2u);
}

TEST_F(NatOffload, AReloadForgetsWhatWasKept) {
  settings_.pools[0].addresses.push_back(Ipv4Prefix::holding(kOtherServer.address, 32));
  converse(host(1), kOtherServer);
  ASSERT_EQ(offload_.offers_, 0) << "it is one of its own addresses";
  settings_.pools[0].addresses.pop_back();
  nat().change(settings_, now_);
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

TEST_F(NatOffload, ABindingThatAReloadEndsTakesItsFlowsWithIt) {
  connect(host(1));
  converse(host(2));
  settings_.pools[0].first_port = 5010;
  nat().change(settings_, now_);
  EXPECT_EQ(nat().session_count(), 0u);
  EXPECT_THAT(offload_.flows_, IsEmpty());
}

TEST_F(NatOffload, EndsWithTheOffloadAndBeginsWithAnother) {
  connect();
  nat().set_session_offload(nullptr);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  EXPECT_EQ(nat().counts().offloaded_sessions, 0u);
  EXPECT_EQ(nat().session_count(), 1u);
  FakeOffload other;
  nat().set_session_offload(&other);
  for (int i = 0; i < 4; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck), DropReason::None);
  EXPECT_EQ(other.flows_.size(), 1u);
}

TEST_F(NatOffload, TheFirstSessionOfABindingEndsAndAFurtherOneTakesItsPlace) {
  converse(host(1), kServer);
  converse(host(1), kOtherServer);
  converse(host(1), kResolver);
  ASSERT_EQ(offload_.flows_.size(), 3u);
  for (int i = 0; i < 40; ++i) {  // of the first nothing more is seen
    pass(10);
    ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer), DropReason::None);
    ASSERT_EQ(in(NatProtocol::Udp, 0, kResolver), DropReason::None);
  }
  EXPECT_EQ(nat().session_count(), 2u);
  EXPECT_EQ(offload_.flows_.size(), 2u);
  EXPECT_EQ(nat().counts().offloaded_sessions, 2u);
  pass(301);
  EXPECT_EQ(nat().session_count(), 0u);
  EXPECT_THAT(offload_.flows_, IsEmpty());
}

}  // namespace
}  // namespace yonroku::share
