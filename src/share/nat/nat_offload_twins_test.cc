// Nobody can tell from sessions, times and events who has forwarded their packets.
#include "share/nat/test_nat_offload.h"

namespace yonroku::share {
namespace {

using testing::IsEmpty;

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
    RandomSource random(42), queue(7);
    std::size_t most_flows = 0;
    for (int step = 0; step < 6000; ++step) {
      side().is_calm_ = queue.below(3) == 0;
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
    RandomSource random(42), queue(7);
    int one_way = 0, both_ways = 0;
    for (int step = 0; step < 20000; ++step) {
      side().is_calm_ = queue.below(3) == 0;
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

}  // namespace
}  // namespace yonroku::share
