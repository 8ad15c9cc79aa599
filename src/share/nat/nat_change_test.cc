// Settings that change while bindings exist: what may stay stays, and nobody gets what another has.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

const Ipv4Address kPool(192, 0, 2, 1);
const Ipv4Address kOtherPool(192, 0, 2, 9);
const Ipv4Endpoint kServer{Ipv4Address(203, 0, 113, 80), 80};
const Ipv4Endpoint kOtherServer{Ipv4Address(203, 0, 113, 99), 80};

InsideEndpoint host(uint64_t number, uint16_t port = 40000) {
  return {{0x20010db800000000, number}, {}, port};
}

class NatChange : public testing::Test {
 protected:
  NatChange() {
    settings_.pools = {{{Ipv4Prefix::holding(kPool, 32)}, 5000, 5063}};
    settings_.max_sessions = 1000;
    settings_.block_size = 16;
  }
  Nat& nat() {
    if (!nat_) nat_.emplace(settings_, 0, 0, 1, now_);
    return *nat_;
  }
  void change() { nat().change(settings_, now_); }
  void pass(int64_t seconds) {
    for (int64_t i = 0; i < seconds; ++i) {
      now_ = now_ + Duration::seconds(1);
      while (nat().expire(now_, 16)) {
      }
    }
  }
  DropReason out(const InsideEndpoint& inside, const Ipv4Endpoint& remote = kServer) {
    return nat().outbound({inside, remote, NatProtocol::Udp, 0}, now_, outside_);
  }
  DropReason in(const Ipv4Endpoint& outside, const Ipv4Endpoint& remote = kServer) {
    return nat().inbound({outside, remote, NatProtocol::Udp, 0}, now_, inside_);
  }
  static StaticBinding forward(uint64_t number, uint16_t outside_port, Ipv4Address outside = kPool) {
    return {NatProtocol::Udp, host(number).ipv6, {}, 40000, outside, outside_port};
  }
  NatSettings settings_;
  std::optional<Nat> nat_;
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  Ipv4Endpoint outside_;   // of the last out()
  InsideEndpoint inside_;  // of the last in()
};

constexpr PortAllocation kAllocations[] = {PortAllocation::Dynamic, PortAllocation::Blocks,
                                           PortAllocation::Deterministic};

TEST_F(NatChange, BindingsSurviveAChangedTimeout) {
  ASSERT_EQ(out(host(1)), DropReason::None);
  const Ipv4Endpoint before = outside_;
  settings_.timeouts.udp = 10;
  change();
  ASSERT_EQ(out(host(1)), DropReason::None);
  EXPECT_EQ(outside_, before);
  pass(11);
  EXPECT_EQ(nat().binding_count(), 0U);
}

// In portions, while sessions end and the next ones of their bindings move to their places.
TEST_F(NatChange, EverySessionIsShortenedAfterAChangedTimeout) {
  settings_.timeouts.udp = 600;
  const auto far = [](uint64_t number) {
    return Ipv4Endpoint{Ipv4Address(static_cast<uint32_t>(0xcb007100 + number)), 5353};
  };
  for (uint64_t number = 0; number < 40; ++number)  // the first session of each is the first to end
    ASSERT_EQ(out(host(number), far(0)), DropReason::None);
  pass(590);
  for (uint64_t number = 0; number < 40; ++number)
    for (uint64_t remote = 1; remote < 8; ++remote)
      ASSERT_EQ(out(host(number), far(remote)), DropReason::None);
  settings_.timeouts.udp = 30;
  change();
  now_ = now_ + Duration::seconds(11);
  int portions = 1;
  for (; nat().expire(now_, 3); ++portions) {
  }
  EXPECT_GT(portions, 40 * 8 / 3);
  EXPECT_EQ(nat().session_count(), 40u * 7);
  pass(29);
  EXPECT_EQ(nat().session_count(), 40u * 7);
  pass(2);
  EXPECT_EQ(nat().session_count(), 0u);
}

TEST_F(NatChange, BindingsSurviveAPoolThatGrows) {
  ASSERT_EQ(out(host(1)), DropReason::None);
  const Ipv4Endpoint before = outside_;
  settings_.pools[0].addresses.insert(settings_.pools[0].addresses.begin(),
                                      Ipv4Prefix::holding(kOtherPool, 32));
  change();
  ASSERT_EQ(out(host(1)), DropReason::None);
  EXPECT_EQ(outside_, before);
  // And the host keeps its address (RFC 4787 REQ-2).
  ASSERT_EQ(out(host(1, 40001)), DropReason::None);
  EXPECT_EQ(outside_.address, kPool);
  EXPECT_NE(outside_.port, before.port);
}

TEST_F(NatChange, BlocksSurviveAPoolThatGrows) {
  settings_.allocation = PortAllocation::Blocks;
  settings_.block_rest = 600;
  ASSERT_EQ(out(host(9)), DropReason::None);
  pass(301);  // The first block rests now.
  ASSERT_EQ(out(host(1)), DropReason::None);
  const Ipv4Endpoint before = outside_;
  settings_.pools[0].addresses.insert(settings_.pools[0].addresses.begin(),
                                      Ipv4Prefix::holding(kOtherPool, 32));
  change();
  EXPECT_EQ(in(before), DropReason::None);
  std::set<int> blocks{0, (before.port - 5000) / 16};
  ASSERT_EQ(out(host(1, 40001)), DropReason::None);
  EXPECT_EQ((outside_.port - 5000) / 16, (before.port - 5000) / 16);
  for (const uint64_t other : {2u, 3u, 4u, 5u}) {
    ASSERT_EQ(out(host(other)), DropReason::None);
    if (outside_.address == kPool) {
      EXPECT_TRUE(blocks.insert((outside_.port - 5000) / 16).second);
    }
  }
  settings_.pools[0].last_port = 5047;  // Another division: nobody's block is what it was.
  change();
  EXPECT_EQ(nat().binding_count(), 0U);
}

TEST_F(NatChange, BindingsEndWithTheirAddress) {
  ASSERT_EQ(out(host(1)), DropReason::None);
  const Ipv4Endpoint before = outside_;
  settings_.pools[0].addresses = {Ipv4Prefix::holding(kOtherPool, 32)};
  change();
  EXPECT_EQ(in(before), DropReason::NoBinding);
  ASSERT_EQ(out(host(1)), DropReason::None);
  EXPECT_EQ(outside_.address, kOtherPool);
}

TEST_F(NatChange, NewStaticBindingsDisturbNobodyElse) {
  for (const PortAllocation allocation : kAllocations) {
    nat_.reset();
    settings_.allocation = allocation;
    settings_.subscribers = {};
    if (allocation == PortAllocation::Deterministic)
      settings_.subscribers = {*Ipv6Prefix::create(host(0).ipv6, 126)};
    settings_.static_bindings = {forward(1, 4000)};
    ASSERT_EQ(out(host(2)), DropReason::None);
    const Ipv4Endpoint before = outside_;
    ASSERT_EQ(in({kPool, 4000}), DropReason::None);
    settings_.static_bindings.push_back(forward(3, 4001));
    change();
    EXPECT_EQ(nat().session_count(), 2U) << static_cast<int>(allocation);
    EXPECT_EQ(in(before), DropReason::None);
    EXPECT_EQ(inside_, host(2));
    ASSERT_EQ(out(host(2, 40001)), DropReason::None);
    EXPECT_NE(outside_, before);
    EXPECT_EQ(in({kPool, 4001}), DropReason::None);
    EXPECT_EQ(inside_, host(3));
    pass(301);
    EXPECT_EQ(nat().binding_count(), 2U);
  }
}

TEST_F(NatChange, AStaticBindingTakesItsPortFromWhoeverHasIt) {
  ASSERT_EQ(out(host(2)), DropReason::None);
  settings_.static_bindings = {forward(1, outside_.port)};
  change();
  const Ipv4Endpoint before = outside_;
  EXPECT_EQ(in(before), DropReason::None);
  EXPECT_EQ(inside_, host(1));
  ASSERT_EQ(out(host(2)), DropReason::None);
  EXPECT_NE(outside_, before);
  pass(600);
  EXPECT_EQ(nat().binding_count(), 1U);
  settings_.static_bindings = {};
  change();
  EXPECT_EQ(nat().binding_count(), 0U);
}

TEST_F(NatChange, APortAtRestRestsOnAndIsNotAStaticBindingsToo) {
  settings_.pools[0].last_port = 5001;
  ASSERT_EQ(out(host(2)), DropReason::None);
  ASSERT_EQ(out(host(2, 40001)), DropReason::None);
  pass(301);
  ASSERT_EQ(nat().binding_count(), 0U);
  settings_.static_bindings = {forward(1, 5000)};
  change();
  EXPECT_EQ(out(host(3)), DropReason::NoPort) << "RFC 6888 REQ-8: 5001 rests";
  pass(121);
  ASSERT_EQ(out(host(3)), DropReason::None);
  EXPECT_EQ(outside_.port, 5001);
  EXPECT_EQ(out(host(4)), DropReason::NoPort);
  settings_.static_bindings = {};
  change();
  EXPECT_EQ(out(host(4)), DropReason::None);
}

TEST_F(NatChange, StaticBindingsEndWhateverMappingDependsOn) {
  settings_.mapping = Dependence::AddressAndPortDependent;
  settings_.static_bindings = {forward(1, 4000), forward(2, 5000)};
  ASSERT_EQ(in({kPool, 4000}), DropReason::None);
  ASSERT_EQ(in({kPool, 5000}), DropReason::None);
  ASSERT_EQ(in({kPool, 5000}, kOtherServer), DropReason::None);
  settings_.static_bindings = {};
  change();
  EXPECT_EQ(nat().binding_count(), 0U);
  EXPECT_EQ(nat().session_count(), 0U);
  EXPECT_EQ(nat().subscriber_count(), 0U);
}

TEST_F(NatChange, StaticBindingsLeaveTheBlocksOfTheirHostAlone) {
  settings_.allocation = PortAllocation::Blocks;
  ASSERT_EQ(out(host(1)), DropReason::None);
  const auto mine = static_cast<uint16_t>(outside_.port + 1);
  settings_.static_bindings = {{NatProtocol::Udp, host(1).ipv6, {}, 50000, kPool, mine}};
  change();
  settings_.static_bindings = {};
  change();
  ASSERT_EQ(out(host(2)), DropReason::None);
  EXPECT_NE((outside_.port - 5000) / 16, (mine - 5000) / 16) << "the block is still the first host's";
}

TEST_F(NatChange, MoreStaticBindingsThanThereWasRoomFor) {
  settings_.pools[0] = {{Ipv4Prefix::holding(kPool, 32)}, 1024, 65535};
  for (uint16_t i = 0; i < 1001; ++i) (void)out(host(1000u + i));
  for (uint16_t i = 0; i < 2000; ++i) settings_.static_bindings.push_back(forward(i, 20000u + i));
  change();
  EXPECT_LE(nat().binding_count(), 2000U);
  EXPECT_EQ(in({kPool, 20000}), DropReason::None);
  settings_.static_bindings.clear();
  change();
  EXPECT_EQ(nat().binding_count(), 0U);
}

// Traffic and changes at random: an outside endpoint is one host's, and in the end nothing is left.
TEST_F(NatChange, RandomChangesKeepEveryEndpointOneHosts) {
  const Ipv4Prefix one = Ipv4Prefix::holding(kPool, 32), other = Ipv4Prefix::holding(kOtherPool, 32);
  const std::vector<std::vector<NatPool>> pools = {{{{one}, 5000, 5063}},
                                                   {{{other, one}, 5000, 5063}},
                                                   {{{other}, 5000, 5063}},
                                                   {{{one}, 5016, 5047}, {{other}, 5000, 5063}}};
  for (const PortAllocation allocation : kAllocations) {
    for (const WhenExhausted when : {WhenExhausted::Refuse, WhenExhausted::ReuseByDestination}) {
      nat_.reset();
      settings_ = {};
      settings_.pools = pools[1];
      settings_.allocation = allocation;
      settings_.block_size = 16;
      settings_.block_rest = settings_.port_rest = 3;
      settings_.max_sessions = 1000;
      settings_.when_exhausted = when;
      settings_.timeouts = {.udp = 20, .tcp_established = 60, .tcp_opening = 10, .tcp_closing = 5};
      if (allocation == PortAllocation::Deterministic)
        settings_.subscribers = {Ipv6Prefix::holding(host(0).ipv6, 126)};
      nat_.emplace(settings_, 64, 0, 1, now_);
      RandomSource dice(4787);
      std::size_t most = 0;
      for (int step = 0; step < 60'000; ++step) {
        const auto protocol =
            static_cast<NatProtocol>(dice.below(2) == 0 ? NatProtocol::Udp : NatProtocol::Tcp);
        const auto flags = static_cast<uint8_t>(dice.below(4) == 0 ? dice.below(64) : TcpHeader::kSyn);
        const Ipv4Endpoint remote{dice.below(2) == 0 ? kServer.address : kOtherServer.address,
                                  static_cast<uint16_t>(80 + dice.below(3))};
        if (dice.below(3) > 0) {
          (void)nat().outbound(
              {host(dice.below(4), static_cast<uint16_t>(40000 + dice.below(40))), remote, protocol, flags},
              now_, outside_);
        } else {
          (void)nat().inbound(
              {{dice.below(2) == 0 ? kPool : kOtherPool, static_cast<uint16_t>(4990 + dice.below(80))},
               remote,
               protocol,
               flags},
              now_, inside_);
        }
        if (dice.below(50) == 0) pass(1);
        most = std::max(most, nat().session_count());
        if (dice.below(400) != 0) continue;
        settings_.pools = pools[dice.below(pools.size())];
        settings_.timeouts.udp = static_cast<uint32_t>(5 + dice.below(20));
        settings_.mapping = static_cast<Dependence>(dice.below(8) == 0 ? dice.below(3) : 0);
        settings_.filtering = static_cast<Dependence>(dice.below(3));
        settings_.static_bindings.clear();
        for (uint64_t i = dice.below(4); i > 0; --i)
          settings_.static_bindings.push_back({i % 2 == 0 ? NatProtocol::Udp : NatProtocol::Tcp,
                                               host(i).ipv6,
                                               {},
                                               static_cast<uint16_t>(40000 + i),
                                               settings_.pools[0].addresses[0].address(),
                                               static_cast<uint16_t>(4999 + i * 16)});
        change();
        std::map<std::tuple<NatProtocol, uint32_t, uint16_t, uint32_t, uint16_t>, InsideEndpoint> owners;
        std::size_t statics = 0;
        (void)nat().visit_bindings(0, SIZE_MAX, now_,
                                   [&](const BindingView& view) { statics += view.is_static ? 1u : 0u; });
        (void)nat().visit_sessions(0, SIZE_MAX, now_, [&](const SessionView& view) {
          const bool alone = when == WhenExhausted::Refuse;
          const auto [owner, fresh] = owners.try_emplace(
              {view.protocol, view.outside.address.value(), view.outside.port,
               alone ? 0 : view.remote.address.value(), alone ? uint16_t{0} : view.remote.port},
              view.inside);
          ASSERT_TRUE(fresh || owner->second == view.inside) << view.outside.port;
          ASSERT_TRUE(nat().owns(view.outside.address));
        });
        ASSERT_GE(statics, settings_.static_bindings.size());
      }
      EXPECT_GT(most, 50U);
      settings_.static_bindings.clear();
      change();
      pass(400);
      EXPECT_EQ(nat().binding_count(), 0U);
      EXPECT_EQ(nat().session_count(), 0U);
      EXPECT_EQ(nat().subscriber_count(), 0U);
    }
  }
}

TEST_F(NatChange, AnotherMappingEndsBindings) {
  settings_.when_exhausted = WhenExhausted::ReuseByDestination;
  settings_.pools[0].last_port = 5000;
  ASSERT_EQ(out(host(1)), DropReason::None);
  ASSERT_EQ(out(host(2), kOtherServer), DropReason::None);
  settings_.mapping = Dependence::AddressDependent;
  change();
  EXPECT_EQ(nat().binding_count(), 0U);
  EXPECT_EQ(nat().subscriber_count(), 0U);
  EXPECT_EQ(out(host(2)), DropReason::None);
}

}  // namespace
}  // namespace yonroku::share
