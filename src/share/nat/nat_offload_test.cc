// A NAT beside an offload: which sessions are offered, and that nobody can tell from sessions, times and
// events who has forwarded their packets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <tuple>
#include <vector>

#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr int kMoreWithoutAnswer = 64;                    // packets
constexpr int kUntilOneWay = 1 + 4 + kMoreWithoutAnswer;  // the first opens the session
constexpr uint8_t kSyn = TcpHeader::kSyn, kAck = TcpHeader::kAck, kFin = TcpHeader::kFin,
                  kRst = TcpHeader::kRst;
const Ipv4Address kPool(192, 0, 2, 1);
const Ipv4Endpoint kServer{Ipv4Address(203, 0, 113, 80), 80};
const Ipv4Endpoint kOtherServer{Ipv4Address(203, 0, 113, 99), 80};
const Ipv4Endpoint kResolver{Ipv4Address(203, 0, 113, 53), 53};
const Ipv6Address kNear(0x20010db8eeee0000, 1);
const Ipv6Address kFar(0x20010db8ffff0000, 1);

InsideEndpoint host(uint64_t number, uint16_t port = 40000) {
  return {{0x20010db800000000, number}, {}, port};
}

// What the programs do, and a record of it.
class FakeOffload final : public SessionOffload {
 public:
  uint32_t begin(const OffloadedSession& session) noexcept override {
    ++offers_;
    if (flows_.size() >= capacity_) return kNone;
    for (const auto& [number, flow] : flows_) EXPECT_NE(flow.session, session) << "nothing is begun twice";
    flows_[next_] = {session, {}};
    return next_++;
  }
  void end(uint32_t flow) noexcept override { EXPECT_EQ(flows_.erase(flow), 1u) << flow; }
  [[nodiscard]] Seen seen(uint32_t flow) const noexcept override { return flows_.at(flow).seen; }

  // True when the programs forward the packet, and the NAT does not see it.
  bool forwards_out(const Nat::Outbound& packet, Instant now) {
    for (auto& [number, flow] : flows_) {
      const OffloadedSession& s = flow.session;
      if (std::tie(s.inside, s.remote, s.protocol) !=
              std::tie(packet.inside, packet.remote, packet.protocol) ||
          !is_plain(packet.tcp_flags))
        continue;
      flow.seen.out = now;
      return true;
    }
    return false;
  }
  bool forwards_in(const Nat::Inbound& packet, Instant now) {
    for (auto& [number, flow] : flows_) {
      const OffloadedSession& s = flow.session;
      if (std::tie(s.outside, s.remote, s.protocol) !=
              std::tie(packet.outside, packet.remote, packet.protocol) ||
          !is_plain(packet.tcp_flags) || !s.is_answered)
        continue;
      flow.seen.in = now;
      return true;
    }
    return false;
  }
  struct FakeFlow {
    OffloadedSession session;
    Seen seen;
  };
  std::map<uint32_t, FakeFlow> flows_;
  std::size_t capacity_ = 1000;
  uint32_t next_ = 7;
  int offers_ = 0;

 private:
  static bool is_plain(uint8_t flags) { return (flags & (kSyn | kFin | kRst)) == 0; }
};

class Events final : public NatEventSink {
 public:
  void on(const NatEvent& event) noexcept override { events_.push_back(event); }
  [[nodiscard]] std::vector<NatEvent::Kind> kinds() const {
    std::vector<NatEvent::Kind> kinds;
    for (const NatEvent& event : events_) kinds.push_back(event.kind);
    return kinds;
  }
  std::vector<NatEvent> events_;
};

// A NAT and its clock. Random numbers are always 0: the lowest free port is taken.
class Side {
 public:
  Side(const NatSettings& settings, Instant now, FakeOffload* offload)
      : nat_(settings, 0, 0, 1, now), offload_(offload) {
    nat_.set_event_sink(&events_);
    nat_.set_session_offload(offload);
  }
  // As a mechanism does it.
  DropReason out(const Nat::Outbound& packet, Instant now) {
    if (offload_ != nullptr && offload_->forwards_out(packet, now)) return DropReason::None;
    const DropReason reason = nat_.outbound(packet, now, outside_);
    if (nat_.has_candidate()) nat_.offload(kNear, kFar);
    return reason;
  }
  DropReason in(const Nat::Inbound& packet, Instant now) {
    if (offload_ != nullptr && offload_->forwards_in(packet, now)) return DropReason::None;
    return nat_.inbound(packet, now, inside_);
  }
  void expire(Instant now) {
    while (nat_.expire(now, 16)) {
    }
  }
  struct Row {
    NatProtocol protocol;
    uint64_t host;
    uint16_t outside_port;
    Ipv4Address remote;
    uint16_t remote_port;
    uint8_t state;
    uint32_t seconds_left;
    friend auto operator<=>(const Row&, const Row&) = default;
  };
  [[nodiscard]] std::vector<Row> sessions(Instant now) const {
    std::vector<Row> rows;
    nat_.visit_sessions(0, SIZE_MAX, now, [&](const SessionView& s) {
      rows.push_back({s.protocol, s.inside.ipv6.low(), s.outside.port, s.remote.address, s.remote.port,
                      s.state, s.seconds_left});
    });
    return rows;
  }
  [[nodiscard]] std::vector<uint32_t> binding_seconds(Instant now) const {
    std::vector<uint32_t> seconds;
    nat_.visit_bindings(0, SIZE_MAX, now, [&](const BindingView& b) { seconds.push_back(b.seconds_left); });
    return seconds;
  }
  Events events_;
  Nat nat_;
  FakeOffload* offload_;
  Ipv4Endpoint outside_;
  InsideEndpoint inside_;
};

class NatOffload : public testing::Test {
 protected:
  NatOffload() {
    settings_.pools = {{{Ipv4Prefix::holding(kPool, 32)}, 5000, 5063}};
    settings_.max_sessions = 1000;
    settings_.port_rest = 0;
    settings_.offload_after = 4;
  }
  Side& side() {
    if (!side_) side_.emplace(settings_, now_, &offload_);
    return *side_;
  }
  Nat& nat() { return side().nat_; }
  DropReason out(NatProtocol protocol, uint8_t flags = 0, const Ipv4Endpoint& remote = kServer,
                 const InsideEndpoint& inside = host(1)) {
    return side().out({inside, remote, protocol, flags}, now_);
  }
  DropReason in(NatProtocol protocol, uint8_t flags = 0, const Ipv4Endpoint& remote = kServer) {
    return side().in({side().outside_, remote, protocol, flags}, now_);
  }
  void connect(const InsideEndpoint& inside = host(1)) {
    ASSERT_EQ(out(NatProtocol::Tcp, kSyn, kServer, inside), DropReason::None);
    ASSERT_EQ(in(NatProtocol::Tcp, kSyn | kAck), DropReason::None);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck, kServer, inside), DropReason::None);
  }
  void converse(const InsideEndpoint& inside = host(1), const Ipv4Endpoint& remote = kServer) {
    ASSERT_EQ(out(NatProtocol::Udp, 0, remote, inside), DropReason::None);
    ASSERT_EQ(in(NatProtocol::Udp, 0, remote), DropReason::None);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(out(NatProtocol::Udp, 0, remote, inside), DropReason::None);
  }
  void pass(int64_t seconds) {
    for (int64_t i = 0; i < seconds; ++i) {
      now_ = now_ + Duration::seconds(1);
      side().expire(now_);
    }
  }
  void restart() { side_.emplace(settings_, now_, &offload_); }
  NatSettings settings_;
  FakeOffload offload_;
  std::optional<Side> side_;
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
};

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
      {"TCP, enough packets, but the last from outside", NatProtocol::Tcp, "Ssiiii", false},
      {"UDP, answered, enough packets", NatProtocol::Udp, "oiooo", true},
      {"UDP, answered, too few packets", NatProtocol::Udp, "oio", false},
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
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
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
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  ASSERT_EQ(offload_.flows_.size(), 1u);
  EXPECT_TRUE(offload_.flows_.begin()->second.session.is_answered);
}

TEST_F(NatOffload, AnAnswerEndsTheLongerWait) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  EXPECT_THAT(offload_.flows_, IsEmpty());
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  EXPECT_EQ(offload_.flows_.size(), 1u);
}

TEST_F(NatOffload, AnUnansweredSessionIsOfferedAgainAfterAReload) {
  for (int i = 0; i < kUntilOneWay; ++i) ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
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
  ASSERT_EQ(out(NatProtocol::Udp), DropReason::None);
  ASSERT_EQ(in(NatProtocol::Udp), DropReason::None);
  Ipv4Endpoint outside;
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

TEST_F(NatOffload, AnyReloadBringsAllBackUntilTheirNextPackets) {
  connect(host(1));
  converse(host(2));
  converse(host(2), kOtherServer);  // a further session
  ASSERT_EQ(offload_.flows_.size(), 3u);
  pass(100);
  ASSERT_EQ(out(NatProtocol::Udp, 0, kOtherServer, host(2)), DropReason::None);
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

// --- times ---

// The same packets through a NAT that sees all of them, and through one that leaves what it can to an
// offload.
class NatOffloadTwins : public NatOffload {
 protected:
  void begin() {
    alone_.emplace(settings_, now_, nullptr);
    restart();
  }
  void send(NatSide from, uint64_t number, const Ipv4Endpoint& remote, NatProtocol protocol, uint8_t flags) {
    if (from == NatSide::Inside) {
      const Nat::Outbound packet{host(number), remote, protocol, flags};
      EXPECT_EQ(alone_->out(packet, now_), side().out(packet, now_));
      return;
    }
    Ipv4Endpoint outside;
    if (!alone_->nat_.find_outside({host(number), remote, protocol, 0}, outside)) return;
    const Nat::Inbound packet{outside, remote, protocol, flags};
    EXPECT_EQ(alone_->in(packet, now_), side().in(packet, now_));
  }
  void expect_same() {
    auto wanted = alone_->sessions(now_);
    auto seen = side().sessions(now_);
    std::ranges::sort(wanted);
    std::ranges::sort(seen);
    ASSERT_EQ(seen, wanted);
    auto wanted_seconds = alone_->binding_seconds(now_);
    auto seen_seconds = side().binding_seconds(now_);
    std::ranges::sort(wanted_seconds);
    std::ranges::sort(seen_seconds);
    ASSERT_EQ(seen_seconds, wanted_seconds);
    NatCounts counts = nat().counts();
    ASSERT_EQ(counts.sessions, alone_->nat_.counts().sessions);
    ASSERT_EQ(counts.bindings, alone_->nat_.counts().bindings);
    ASSERT_EQ(counts.used_ports, alone_->nat_.counts().used_ports);
    ASSERT_EQ(counts.offloaded_sessions, offload_.flows_.size());
  }
  void tick() {
    now_ = now_ + Duration::nanoseconds(int64_t{1} << 27);
    side().expire(now_);
    alone_->expire(now_);
  }
  std::optional<Side> alone_;
};

TEST_F(NatOffloadTwins, SessionsEndAtTheSameTick) {
  struct Row {
    std::string_view name;
    NatProtocol protocol;
    Ipv4Endpoint remote;
    std::vector<std::pair<NatSide, int>> packets;  // each so many seconds after the one before
  };
  const Ipv4Endpoint pinged{kServer.address, 0};
  const auto o = NatSide::Inside, i = NatSide::Outside;
  settings_.timeouts.dns = 30;
  settings_.timeouts.tcp_established = 900;
  const Row rows[] = {
      {"UDP, nothing more", NatProtocol::Udp, kServer, {}},
      {"UDP, out", NatProtocol::Udp, kServer, {{o, 100}, {o, 299}}},
      {"UDP, in", NatProtocol::Udp, kServer, {{i, 100}, {i, 299}, {i, 250}}},
      {"UDP, both", NatProtocol::Udp, kServer, {{i, 299}, {o, 1}, {i, 299}, {o, 299}}},
      {"UDP, too late", NatProtocol::Udp, kServer, {{o, 100}, {i, 301}}},
      {"DNS", NatProtocol::Udp, kResolver, {{o, 29}, {i, 29}, {o, 5}}},
      {"TCP, nothing more", NatProtocol::Tcp, kServer, {}},
      {"TCP, out", NatProtocol::Tcp, kServer, {{o, 899}, {o, 899}}},
      {"TCP, in", NatProtocol::Tcp, kServer, {{i, 899}, {i, 600}, {i, 899}}},
      {"ICMP", NatProtocol::Icmp, pinged, {{o, 59}, {i, 0}, {o, 59}, {o, 59}, {i, 50}}},
  };
  for (const Row& row : rows) {
    offload_.flows_.clear();
    begin();
    const uint8_t first = row.protocol == NatProtocol::Tcp ? kSyn : uint8_t{0};
    send(o, 1, row.remote, row.protocol, first);
    send(i, 1, row.remote, row.protocol, first);
    for (int n = 0; n < 4; ++n) send(o, 1, row.remote, row.protocol, kAck);
    ASSERT_EQ(offload_.flows_.size(), 1u) << row.name;
    for (const auto& [from, seconds] : row.packets) {
      for (int n = 0; n < seconds * 1000 / 134; ++n) tick();
      send(from, 1, row.remote, row.protocol, kAck);
      ASSERT_NO_FATAL_FAILURE(expect_same()) << row.name;
    }
    for (int n = 0; n < 8000; ++n) {
      tick();
      ASSERT_EQ(nat().session_count(), alone_->nat_.session_count()) << row.name << ", tick " << n;
    }
    EXPECT_EQ(nat().session_count(), 0u) << row.name;
    EXPECT_EQ(side().events_.kinds(), alone_->events_.kinds()) << row.name;
    EXPECT_THAT(offload_.flows_, IsEmpty()) << row.name;
  }
}

TEST_F(NatOffloadTwins, UnansweredSessionsEndAtTheSameTick) {
  struct Row {
    std::string_view name;
    Ipv4Endpoint remote;
    std::vector<std::pair<NatSide, int>> packets;  // each so many seconds after the one before
  };
  const auto o = NatSide::Inside, i = NatSide::Outside;
  settings_.timeouts.dns = 30;
  const Row rows[] = {
      {"nothing more", kServer, {}},
      {"out", kServer, {{o, 299}, {o, 299}, {o, 10}}},
      {"too late", kServer, {{o, 299}, {o, 301}}},
      {"answered", kServer, {{o, 299}, {i, 299}}},
      {"answered, and out", kServer, {{o, 299}, {i, 299}, {o, 299}, {o, 299}, {i, 299}, {o, 1}}},
      {"answered too late", kServer, {{o, 100}, {i, 301}}},
      {"DNS", kResolver, {{o, 29}, {o, 29}, {i, 29}, {o, 5}}},
  };
  for (const Row& row : rows) {
    offload_.flows_.clear();
    begin();
    for (int n = 0; n < kUntilOneWay; ++n) send(o, 1, row.remote, NatProtocol::Udp, 0);
    ASSERT_EQ(offload_.flows_.size(), 1u) << row.name;
    for (const auto& [from, seconds] : row.packets) {
      for (int n = 0; n < seconds * 1000 / 134; ++n) {
        tick();
        ASSERT_NO_FATAL_FAILURE(expect_same()) << row.name;
      }
      send(from, 1, row.remote, NatProtocol::Udp, 0);
      ASSERT_NO_FATAL_FAILURE(expect_same()) << row.name;
    }
    for (int n = 0; n < 3000; ++n) {
      tick();
      ASSERT_EQ(nat().session_count(), alone_->nat_.session_count()) << row.name << ", tick " << n;
    }
    EXPECT_EQ(nat().session_count(), 0u) << row.name;
    EXPECT_EQ(side().events_.kinds(), alone_->events_.kinds()) << row.name;
    EXPECT_THAT(offload_.flows_, IsEmpty()) << row.name;
  }
}

// Whatever comes: the same sessions with the same time left, the same events, the same verdicts; be there
// limits and little room, so that some have to end for others.
TEST_F(NatOffloadTwins, AnyTraffic) {
  struct Row {
    std::string_view name;
    std::size_t flows;  // that the offload has room for
    void (*set)(NatSettings& settings);
  };
  const Row rows[] = {
      {"plenty of everything", 1000, [](NatSettings&) {}},
      {"few flows", 3, [](NatSettings&) {}},
      {"few sessions for a subscriber", 1000, [](NatSettings& s) { s.sessions_per_subscriber = 3; }},
      {"few ports", 1000, [](NatSettings& s) { s.pools[0].last_port = 5003; }},
      {"ports used again", 1000,
       [](NatSettings& s) {
         s.pools[0].last_port = 5003;
         s.when_exhausted = WhenExhausted::ReuseByDestination;
       }},
      {"address-dependent", 1000,
       [](NatSettings& s) { s.mapping = s.filtering = Dependence::AddressDependent; }},
      {"blocks", 1000,
       [](NatSettings& s) {
         s.allocation = PortAllocation::Blocks;
         s.block_size = 16;
       }},
  };
  for (const Row& row : rows) {
    const NatSettings before = settings_;
    row.set(settings_);
    settings_.offload_after = 2;
    settings_.timeouts = {.udp = 20,
                          .dns = 8,
                          .tcp_established = 60,
                          .tcp_opening = 10,
                          .tcp_closing = 9,
                          .tcp_incoming_syn = 6,
                          .icmp = 10};
    offload_ = {};
    offload_.capacity_ = row.flows;
    begin();
    RandomSource random(42);
    std::size_t most_flows = 0;
    for (int step = 0; step < 6000; ++step) {
      const auto protocol = static_cast<NatProtocol>(random.below(3));
      Ipv4Endpoint remote = std::array{kServer, kOtherServer, kResolver}[random.below(3)];
      if (protocol == NatProtocol::Icmp) remote.port = 0;
      constexpr uint8_t kFlags[] = {kSyn, kSyn | kAck, kAck, kAck, kAck, kAck, kFin | kAck, kRst};
      const uint8_t flags = protocol == NatProtocol::Tcp ? kFlags[random.below(8)] : uint8_t{0};
      const auto from = random.below(2) == 0 ? NatSide::Inside : NatSide::Outside;
      send(from, 1 + random.below(3), remote, protocol, flags);
      const auto pause = random.below(40) == 0 ? random.below(200) : random.below(3);
      for (uint64_t n = 0; n < pause; ++n) tick();
      if (step % 1500 == 1499) {
        settings_.timeouts.udp = step < 3000 ? 50 : 13;
        alone_->nat_.change(settings_, now_);
        nat().change(settings_, now_);
      }
      most_flows = std::max(most_flows, offload_.flows_.size());
      ASSERT_NO_FATAL_FAILURE(expect_same()) << row.name << ", step " << step;
    }
    EXPECT_EQ(side().events_.kinds(), alone_->events_.kinds()) << row.name;
    EXPECT_GE(most_flows, 3u) << row.name;
    settings_ = before;
  }
}

// Much goes out that is answered rarely, and there is not room for all.
TEST_F(NatOffloadTwins, AnyOneWayTraffic) {
  struct Row {
    std::string_view name;
    std::size_t flows;  // that the offload has room for
    void (*set)(NatSettings& settings);
  };
  const Row rows[] = {
      {"plenty of everything", 1000, [](NatSettings&) {}},
      {"one flow", 1, [](NatSettings&) {}},
      {"few ports", 1000, [](NatSettings& s) { s.pools[0].last_port = 5001; }},
      {"few sessions", 1000, [](NatSettings& s) { s.max_sessions = 2; }},
      {"few sessions for a subscriber", 1000, [](NatSettings& s) { s.sessions_per_subscriber = 1; }},
      {"address-dependent", 1000,
       [](NatSettings& s) { s.mapping = s.filtering = Dependence::AddressDependent; }},
  };
  for (const Row& row : rows) {
    const NatSettings before = settings_;
    row.set(settings_);
    settings_.offload_after = 2;
    settings_.timeouts.udp = 40;
    settings_.timeouts.dns = 9;
    offload_ = {};
    offload_.capacity_ = row.flows;
    begin();
    RandomSource random(42);
    int one_way = 0, both_ways = 0;
    for (int step = 0; step < 20000; ++step) {
      const Ipv4Endpoint remote = random.below(4) == 0 ? kResolver : kServer;
      const auto from = random.below(300) == 0 ? NatSide::Outside : NatSide::Inside;
      send(from, 1 + static_cast<uint64_t>(step / 300 % 3), remote, NatProtocol::Udp, 0);
      const auto pause = random.below(100) == 0 ? random.below(200) : random.below(2);
      for (uint64_t n = 0; n < pause; ++n) tick();
      if (step % 5000 == 4999) {
        settings_.timeouts.udp = step < 10000 ? 50 : 13;
        alone_->nat_.change(settings_, now_);
        nat().change(settings_, now_);
      }
      for (const auto& [number, flow] : offload_.flows_) ++(flow.session.is_answered ? both_ways : one_way);
      ASSERT_NO_FATAL_FAILURE(expect_same()) << row.name << ", step " << step;
    }
    EXPECT_EQ(side().events_.kinds(), alone_->events_.kinds()) << row.name;
    EXPECT_GT(one_way, 1000) << row.name;
    EXPECT_GT(both_ways, 1000) << row.name;
    settings_ = before;
  }
}

// --- flows that were there before ---

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
  EXPECT_THAT(offload_.flows_, IsEmpty());
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
