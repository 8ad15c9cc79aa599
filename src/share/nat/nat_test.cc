#include "share/nat/nat.h"

#include <map>
#include <set>
#include <tuple>

#include "share/nat/test_nat.h"

namespace yonroku::share {
namespace {

using testing::ElementsAre;

const Ipv4Endpoint kSamePlaceOtherPort{Ipv4Address(203, 0, 113, 80), 81};

TEST_F(NatTest, Rfc4787Req5aQueriesToPort53AreForgottenSooner) {
  settings_.timeouts.dns = 30;
  const Ipv4Endpoint resolver{Ipv4Address(203, 0, 113, 53), 53};
  ASSERT_EQ(out(host(1, 40000), resolver), DropReason::None);
  ASSERT_EQ(out(host(1, 40001), kServer), DropReason::None);
  pass(20);
  ASSERT_EQ(out(host(1, 40000), resolver), DropReason::None) << "a packet keeps it for as long again";
  pass(29);
  EXPECT_EQ(nat().session_count(), 2u);
  pass(2);
  EXPECT_EQ(nat().session_count(), 1u);
  EXPECT_EQ(nat().binding_count(), 1u);
  pass(250);
  EXPECT_EQ(nat().session_count(), 0u);
}

TEST_F(NatTest, DnsIsNotKeptForLongerThanOtherUdp) {
  settings_.timeouts.udp = 120;
  ASSERT_EQ(out(host(1), {Ipv4Address(203, 0, 113, 53), 53}), DropReason::None);
  pass(121);
  EXPECT_EQ(nat().session_count(), 0u);
}

TEST_F(NatTest, Rfc4787Req1OneMappingForEveryDestination) {
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  const Ipv4Endpoint first = outside_;
  EXPECT_EQ(first, (Ipv4Endpoint{kPool, 5000}));
  ASSERT_EQ(out(host(1), kOtherServer), DropReason::None);
  EXPECT_EQ(outside_, first);
  ASSERT_EQ(out(host(1, 40001), kServer), DropReason::None);
  EXPECT_EQ(outside_, (Ipv4Endpoint{kPool, 5001}));
  EXPECT_EQ(nat().binding_count(), 2U);
  EXPECT_EQ(nat().session_count(), 3U);
}

struct DependenceRow {
  Dependence dependence;
  bool same_for_other_port;
  bool same_for_other_address;
};
constexpr DependenceRow kDependences[] = {{Dependence::EndpointIndependent, true, true},
                                          {Dependence::AddressDependent, true, false},
                                          {Dependence::AddressAndPortDependent, false, false}};

TEST_F(NatTest, Rfc4787Section41MappingBehaviours) {
  for (const auto& row : kDependences) {
    settings_.mapping = row.dependence;
    nat_.reset();
    ASSERT_EQ(out(host(1), kServer), DropReason::None);
    const Ipv4Endpoint first = outside_;
    ASSERT_EQ(out(host(1), kSamePlaceOtherPort), DropReason::None);
    EXPECT_EQ(outside_ == first, row.same_for_other_port);
    ASSERT_EQ(out(host(1), kOtherServer), DropReason::None);
    EXPECT_EQ(outside_ == first, row.same_for_other_address);
    ASSERT_EQ(out(host(1), kServer), DropReason::None);
    EXPECT_EQ(outside_, first);
  }
}

TEST_F(NatTest, Rfc4787Section5FilteringBehaviours) {
  for (const auto& mapping : kDependences) {
    for (const auto& row : kDependences) {
      settings_.mapping = mapping.dependence;
      settings_.filtering = row.dependence;
      nat_.reset();
      ASSERT_EQ(out(host(1), kServer), DropReason::None);
      EXPECT_EQ(in(outside_, kServer), DropReason::None);
      EXPECT_EQ(inside_, host(1));
      EXPECT_EQ(in(outside_, kSamePlaceOtherPort) == DropReason::None, row.same_for_other_port);
      EXPECT_EQ(in(outside_, kOtherServer) == DropReason::None, row.same_for_other_address);
      EXPECT_EQ(in({kPool, 5005}, kServer), DropReason::NoBinding);
      EXPECT_EQ(in(outside_, kServer, NatProtocol::Icmp), DropReason::NoBinding);
    }
  }
}

TEST_F(NatTest, Rfc4787Req5UdpSessionsLastFiveMinutesAndAreRefreshedBothWays) {
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  pass(299);
  EXPECT_EQ(in(outside_, kServer), DropReason::None);
  pass(299);
  EXPECT_EQ(out(host(1), kServer), DropReason::None);
  pass(299);
  EXPECT_EQ(nat().session_count(), 1U);
  pass(3);
  EXPECT_EQ(nat().session_count(), 0U);
  EXPECT_EQ(nat().binding_count(), 0U);
  EXPECT_EQ(nat().subscriber_count(), 0U);
  EXPECT_EQ(in(outside_, kServer), DropReason::NoBinding);
}

TEST_F(NatTest, Rfc6146Section31ABindingLastsAsLongAsItsLastSession) {
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  pass(200);
  ASSERT_EQ(out(host(1), kOtherServer), DropReason::None);
  ASSERT_EQ(out(host(1), kSamePlaceOtherPort), DropReason::None);
  pass(150);  // the first is over
  EXPECT_EQ(nat().session_count(), 2U);
  EXPECT_EQ(in(outside_, kOtherServer), DropReason::None);
  pass(200);
  EXPECT_EQ(nat().session_count(), 1U);
  EXPECT_EQ(in(outside_, kOtherServer), DropReason::None);
  pass(302);
  EXPECT_EQ(nat().binding_count(), 0U);
}

TEST_F(NatTest, Rfc5508Req2IcmpQueriesLastAMinute) {
  ASSERT_EQ(out(host(1), {kServer.address, 0}, NatProtocol::Icmp), DropReason::None);
  pass(59);
  EXPECT_EQ(in(outside_, {kServer.address, 0}, NatProtocol::Icmp), DropReason::None);
  pass(59);
  EXPECT_EQ(nat().session_count(), 1U);
  pass(3);
  EXPECT_EQ(nat().session_count(), 0U);
}

// --- TCP: RFC 6146 §3.5.2.2 ---

TEST_F(NatTest, Rfc6146Section3522ConnectionFromInside) {
  const auto tcp = NatProtocol::Tcp;
  EXPECT_EQ(out(host(1), kServer, tcp, kAck), DropReason::TcpWithoutSession);
  ASSERT_EQ(out(host(1), kServer, tcp, kSyn), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kSyn | kAck), DropReason::None);
  pass(7438);
  ASSERT_EQ(out(host(1), kServer, tcp, kAck), DropReason::None);
  pass(7438);
  EXPECT_EQ(nat().session_count(), 1U);
  pass(4);
  EXPECT_EQ(nat().session_count(), 0U);
}

TEST_F(NatTest, Rfc6146Section3522UnansweredConnectionLastsFourMinutes) {
  ASSERT_EQ(out(host(1), kServer, NatProtocol::Tcp, kSyn), DropReason::None);
  pass(238);
  EXPECT_EQ(nat().session_count(), 1U);
  pass(4);
  EXPECT_EQ(nat().session_count(), 0U);
}

TEST_F(NatTest, Rfc6146Section3522BothFinsEndItAfterFourMinutes) {
  const auto tcp = NatProtocol::Tcp;
  ASSERT_EQ(out(host(1), kServer, tcp, kSyn), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kSyn | kAck), DropReason::None);
  ASSERT_EQ(out(host(1), kServer, tcp, kFin | kAck), DropReason::None);
  pass(1000);  // half-closed lasts like open
  ASSERT_EQ(in(outside_, kServer, tcp, kAck), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kFin | kAck), DropReason::None);
  pass(100);
  ASSERT_EQ(out(host(1), kServer, tcp, kAck), DropReason::None);  // prolongs nothing
  pass(138);
  EXPECT_EQ(nat().session_count(), 1U);
  pass(4);
  EXPECT_EQ(nat().session_count(), 0U);
}

TEST_F(NatTest, Rfc6146Section3522ResetEndsItUnlessDataFollows) {
  const auto tcp = NatProtocol::Tcp;
  ASSERT_EQ(out(host(1), kServer, tcp, kSyn), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kSyn | kAck), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kRst), DropReason::None);
  pass(200);
  ASSERT_EQ(out(host(1), kServer, tcp, kAck), DropReason::None);  // it was forged
  pass(1000);
  EXPECT_EQ(nat().session_count(), 1U);
  ASSERT_EQ(in(outside_, kServer, tcp, kRst), DropReason::None);
  pass(242);
  EXPECT_EQ(nat().session_count(), 0U);
}

TEST_F(NatTest, Rfc5382Req4UnsolicitedConnectionsAreHeld) {
  const auto tcp = NatProtocol::Tcp;
  EXPECT_EQ(in({kPool, 5000}, kServer, tcp, kSyn), DropReason::UnsolicitedSyn);
  EXPECT_EQ(in({kPool, 5000}, kServer, tcp, kAck), DropReason::TcpWithoutSession);
  settings_.filtering = Dependence::AddressDependent;
  nat_.reset();
  ASSERT_EQ(out(host(1), kServer, tcp, kSyn), DropReason::None);
  EXPECT_EQ(in(outside_, kOtherServer, tcp, kSyn), DropReason::UnsolicitedSyn);
  EXPECT_EQ(in(outside_, kSamePlaceOtherPort, tcp, kSyn), DropReason::None);
}

TEST_F(NatTest, Rfc5382Req2SimultaneousOpen) {
  const auto tcp = NatProtocol::Tcp;
  ASSERT_EQ(out(host(1), kServer, tcp, kSyn), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kSyn), DropReason::None);
  pass(1000);
  EXPECT_EQ(nat().session_count(), 1U);
}

// --- ports ---

TEST_F(NatTest, Rfc4787Req3NoPortTwice) {
  std::set<uint16_t> ports;
  for (uint64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(out(host(i), kServer), DropReason::None);
    EXPECT_TRUE(ports.insert(outside_.port).second);
    ASSERT_EQ(in(outside_, kServer), DropReason::None);  // answered: worth keeping
  }
  EXPECT_EQ(out(host(99), kServer), DropReason::NoPort);
  EXPECT_EQ(nat().subscriber_count(), 10U);
  // TCP has ports of its own.
  EXPECT_EQ(out(host(99), kServer, NatProtocol::Tcp, kSyn), DropReason::None);
}

TEST_F(NatTest, Rfc6888Req8AUdpPortRests) {
  settings_.port_rest = 120;
  settings_.pools[0].last_port = 5000;
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  pass(302);
  EXPECT_EQ(nat().binding_count(), 0U);
  EXPECT_EQ(out(host(2), kServer), DropReason::NoPort);
  pass(121);
  EXPECT_EQ(out(host(2), kServer), DropReason::None);
}

TEST_F(NatTest, Rfc7857Section3PortsAreReusedForOtherDestinations) {
  settings_.when_exhausted = WhenExhausted::ReuseByDestination;
  std::set<std::tuple<uint16_t, uint16_t>> taken;
  const auto tcp = NatProtocol::Tcp;
  for (uint16_t i = 0; i < 500; ++i) {
    const Ipv4Endpoint remote{Ipv4Address(198, 51, 100, static_cast<uint8_t>(i % 250)),
                              static_cast<uint16_t>(i)};
    ASSERT_EQ(out(host(1, static_cast<uint16_t>(1024 + i)), remote, tcp, kSyn), DropReason::None) << i;
    EXPECT_EQ(in(outside_, remote, tcp, kSyn | kAck), DropReason::None);
    EXPECT_EQ(inside_.port, 1024 + i);
  }
  // To one destination there are as many as ports.
  std::set<uint16_t> ports;
  for (uint16_t i = 0; i < 10; ++i) {
    ASSERT_EQ(out(host(1, static_cast<uint16_t>(10000 + i)), kServer, tcp, kSyn), DropReason::None);
    ASSERT_EQ(in(outside_, kServer, tcp, kSyn | kAck), DropReason::None);
    EXPECT_TRUE(ports.insert(outside_.port).second);
  }
  EXPECT_EQ(out(host(1, 11000), kServer, tcp, kSyn), DropReason::NoPort);
}

TEST_F(NatTest, Rfc4787Req3aAndReq4RangeAndParity) {
  settings_.pools = {{{Ipv4Prefix::holding(kPool, 32)}, 1000, 1100}};
  settings_.keep_parity = true;
  ASSERT_EQ(out(host(1, 500), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 1000);
  ASSERT_EQ(out(host(1, 501), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 1001);
  ASSERT_EQ(out(host(1, 503), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 1003);
  ASSERT_EQ(out(host(1, 40000), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 1024);
  ASSERT_EQ(out(host(1, 40001), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 1025);
}

TEST_F(NatTest, Rfc4787Section423Contiguity) {
  settings_.keep_contiguity = true;
  settings_.pools[0].last_port = 5099;
  ASSERT_EQ(out(host(1, 40000), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 5000);
  ASSERT_EQ(out(host(2, 40000), kServer), DropReason::None);
  ASSERT_EQ(out(host(3, 40000), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 5002);
  ASSERT_EQ(out(host(3, 40001), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 5003);
}

TEST_F(NatTest, BlocksAreTakenReturnedAndRest) {
  settings_.pools[0].last_port = 5063;
  settings_.allocation = PortAllocation::Blocks;
  settings_.block_size = 16;
  settings_.blocks_per_subscriber = 2;
  for (uint16_t i = 0; i < 32; ++i) {
    ASSERT_EQ(out(host(1, static_cast<uint16_t>(2000 + i)), kServer), DropReason::None);
    EXPECT_EQ(outside_.port, 5000 + i);
    ASSERT_EQ(in(outside_, kServer), DropReason::None);
  }
  EXPECT_EQ(out(host(1, 3000), kServer), DropReason::NoPort);
  ASSERT_EQ(out(host(2), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 5032);
  ASSERT_EQ(in(outside_, kServer), DropReason::None);
  ASSERT_EQ(out(host(3), kServer), DropReason::None);
  EXPECT_EQ(outside_.port, 5048);
  ASSERT_EQ(in(outside_, kServer), DropReason::None);
  EXPECT_EQ(out(host(4), kServer, NatProtocol::Tcp, kSyn), DropReason::NoPort);
  pass(302);
  EXPECT_EQ(nat().binding_count(), 0U);
  EXPECT_EQ(out(host(4), kServer, NatProtocol::Tcp, kSyn), DropReason::NoPort);  // all four rest
  pass(121);
  EXPECT_EQ(out(host(4), kServer, NatProtocol::Tcp, kSyn), DropReason::None);
}

TEST_F(NatTest, Rfc7422DeterministicBlocks) {
  settings_.pools[0] = {{Ipv4Prefix::holding(kPool, 31)}, 1024, 65535};
  settings_.allocation = PortAllocation::Deterministic;
  settings_.block_size = 4032;
  settings_.subscribers = {Ipv6Prefix::holding({0x20010db800000000, 0}, 48)};
  settings_.subscriber_prefix_length = 64;
  struct Row {
    uint64_t subscriber;
    Ipv4Address address;
    uint16_t port;
  };
  for (const Row& row :
       {Row{0, Ipv4Address(192, 0, 2, 0), 1024}, Row{1, Ipv4Address(192, 0, 2, 0), 5056},
        Row{13, Ipv4Address(192, 0, 2, 0), 53440}, Row{16, Ipv4Address(192, 0, 2, 1), 1024}}) {
    ASSERT_EQ(out({{0x20010db800000000 + row.subscriber, 7}, {}, 40000}, kServer), DropReason::None);
    EXPECT_EQ(outside_, (Ipv4Endpoint{row.address, row.port})) << row.subscriber;
  }
  EXPECT_EQ(out({{0x20010db800000000 + 5000, 7}, {}, 40000}, kServer), DropReason::NoPort);
}

TEST_F(NatTest, Rfc6888Req4Limits) {
  settings_.ports_per_subscriber = 3;
  settings_.sessions_per_subscriber = 5;
  for (uint16_t i = 0; i < 3; ++i) {
    ASSERT_EQ(out(host(1, static_cast<uint16_t>(2000 + i)), kServer), DropReason::None);
    ASSERT_EQ(in(outside_, kServer), DropReason::None);
  }
  EXPECT_EQ(out(host(1, 2003), kServer), DropReason::SubscriberLimit);
  ASSERT_EQ(out(host(1, 2000), kOtherServer), DropReason::None);
  ASSERT_EQ(out(host(1, 2001), kOtherServer), DropReason::None);
  EXPECT_EQ(out(host(1, 2002), kOtherServer), DropReason::SubscriberLimit);
  EXPECT_EQ(out(host(2), kServer), DropReason::None);
}

TEST_F(NatTest, Rfc6888Req4cRateOfNewSessions) {
  settings_.new_sessions_per_second = 5;
  settings_.pools[0].last_port = 5099;
  int opened = 0;
  for (uint16_t i = 0; i < 20; ++i)
    opened += out(host(1, static_cast<uint16_t>(2000 + i)), kServer) == DropReason::None ? 1 : 0;
  EXPECT_EQ(opened, 5);
  EXPECT_EQ(out(host(2), kServer), DropReason::None);
  pass(2);
  EXPECT_EQ(out(host(1, 3000), kServer), DropReason::None);
}

TEST_F(NatTest, StaticBindingsLastAndLetEverybodyIn) {
  settings_.static_bindings = {{NatProtocol::Tcp, host(7).ipv6, {}, 22, kPool, 5000}};
  settings_.filtering = Dependence::AddressAndPortDependent;
  settings_.mapping = Dependence::AddressAndPortDependent;
  EXPECT_EQ(in({kPool, 5000}, kServer, NatProtocol::Tcp, kSyn), DropReason::None);
  EXPECT_EQ(inside_, host(7, 22));
  ASSERT_EQ(out(host(7, 22), kServer, NatProtocol::Tcp, kSyn | kAck), DropReason::None);
  EXPECT_EQ(outside_, (Ipv4Endpoint{kPool, 5000}));
  ASSERT_EQ(out(host(1), kServer, NatProtocol::Tcp, kSyn), DropReason::None);
  EXPECT_EQ(outside_.port, 5001);
  pass(8000);
  EXPECT_EQ(nat().session_count(), 0U);
  EXPECT_EQ(in({kPool, 5000}, kOtherServer, NatProtocol::Tcp, kSyn), DropReason::None);
}

// --- against a model ---

// What a simple NAT would hold; the real one must agree about who is bound to what, whatever is done in which
// order.
TEST_F(NatTest, RandomTrafficAgreesWithASimpleModel) {
  for (const Dependence mapping : {Dependence::EndpointIndependent, Dependence::AddressAndPortDependent}) {
    settings_.pools = {{{Ipv4Prefix::holding(kPool, 30)}, 5000, 5030}};
    settings_.mapping = mapping;
    settings_.max_sessions = 400;
    settings_.when_exhausted = WhenExhausted::ReuseByDestination;
    nat_.emplace(settings_, 12345, 0, 1, now_);
    RandomSource random(mapping == Dependence::EndpointIndependent ? 99 : 100);
    uint64_t opened = 0;
    for (int step = 0; step < 200'000; ++step) {
      const auto protocol = static_cast<NatProtocol>(random.below(3));
      const bool is_query = protocol == NatProtocol::Icmp;
      const InsideEndpoint inside = host(random.below(12), static_cast<uint16_t>(2000 + random.below(8)));
      const Ipv4Endpoint remote{Ipv4Address(static_cast<uint32_t>(0xcb007100 + random.below(6))),
                                static_cast<uint16_t>(is_query ? 0 : 80 + random.below(4))};
      constexpr uint8_t kFlags[] = {kSyn, kSyn | kAck, kAck, kFin | kAck, kRst};
      const uint8_t flags = protocol == NatProtocol::Tcp ? kFlags[random.below(5)] : uint8_t{0};
      if (random.below(3) == 0) {
        const Ipv4Endpoint outside{Ipv4Address(kPool.value() + static_cast<uint32_t>(random.below(4)) - 1),
                                   static_cast<uint16_t>(5000 + random.below(32))};
        (void)in(outside, remote, protocol, flags);
      } else if (out(inside, remote, protocol, flags) == DropReason::None) {
        ++opened;
        // Whoever is bound gets the answers.
        InsideEndpoint found;
        ASSERT_TRUE(nat().find_inside({outside_, remote, protocol, 0}, found));
        ASSERT_EQ(found, inside);
      }
      if (random.below(50) == 0) pass(static_cast<int64_t>(random.below(200)));
      if (step % 5000 != 0) continue;
      // No outside endpoint twice for the same other end; each found from both sides; counts right.
      std::set<std::tuple<int, uint32_t, uint16_t, uint32_t, uint16_t>> seen;
      std::size_t sessions = 0;
      NatCounts seen_counts;
      uint64_t from = 0;  // a few at a time, as a worker does it
      const auto see_session = [&](const SessionView& view) {
        ++sessions;
        ++seen_counts.sessions[static_cast<std::size_t>(view.protocol)][view.state];
        EXPECT_TRUE(seen.insert({static_cast<int>(view.protocol), view.outside.address.value(),
                                 view.outside.port, view.remote.address.value(), view.remote.port})
                        .second);
        Ipv4Endpoint outside;
        EXPECT_TRUE(nat().find_outside({view.inside, view.remote, view.protocol, 0}, outside));
        EXPECT_TRUE(nat().has_session({view.outside, view.remote, view.protocol, 0}));
        InsideEndpoint found;
        EXPECT_TRUE(nat().find_inside({view.outside, view.remote, view.protocol, 0}, found));
        EXPECT_EQ(found, view.inside);
      };
      while (from != Nat::kEnd) from = nat().visit_sessions(from, 7, now_, see_session);
      EXPECT_EQ(sessions, nat().session_count());
      std::size_t sessions_of_bindings = 0;
      for (from = 0; from != Nat::kEnd;)
        from = nat().visit_bindings(from, 7, now_, [&](const BindingView& view) {
          ++seen_counts.bindings[static_cast<std::size_t>(view.protocol)];
          sessions_of_bindings += view.sessions;
        });
      EXPECT_EQ(sessions_of_bindings, sessions);
      std::size_t sessions_of_subscribers = 0;
      for (from = 0; from != Nat::kEnd;)
        from = nat().visit_subscribers(from, 3, [&](const SubscriberView& view) {
          ++seen_counts.subscribers;
          sessions_of_subscribers += view.sessions;
        });
      EXPECT_EQ(sessions_of_subscribers, sessions);
      for (from = 0; from != Nat::kEnd;)
        from = nat().visit_addresses(from, 1, [&](const PoolAddressView& view) {
          seen_counts.ports += view.ports;
          for (std::size_t i = 0; i < kNatProtocolCount; ++i) seen_counts.used_ports[i] += view.used[i];
        });
      const NatCounts counts = nat().counts();
      EXPECT_EQ(counts.bindings, seen_counts.bindings);
      EXPECT_EQ(counts.sessions, seen_counts.sessions);
      EXPECT_EQ(counts.subscribers, seen_counts.subscribers);
      EXPECT_EQ(counts.ports, seen_counts.ports);
      EXPECT_EQ(counts.used_ports, seen_counts.used_ports);
    }
    EXPECT_GT(opened, 10'000U);
    pass(8000);
    EXPECT_EQ(nat().session_count(), 0U);
    EXPECT_EQ(nat().binding_count(), 0U);
    EXPECT_EQ(nat().subscriber_count(), 0U);
  }
}

}  // namespace
}  // namespace yonroku::share
