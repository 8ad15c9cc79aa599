// What is told of a change beforehand is what the change does.
#include "share/nat/nat_end.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/random_source.h"
#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

Ipv4Address pool_address(uint64_t number) { return Ipv4Address(static_cast<uint32_t>(0xc0000200 + number)); }

// Random settings that differ in what needs no restart.
NatSettings random_settings(PortAllocation allocation, RandomSource& random) {
  NatSettings settings;
  settings.max_sessions = 2000;
  settings.allocation = allocation;
  settings.block_size = 16;
  settings.subscribers = allocation == PortAllocation::Deterministic
                             ? std::vector{Ipv6Prefix::holding({0x20010db800000000, 0}, 124)}
                             : std::vector<Ipv6Prefix>{};
  const auto first = static_cast<uint16_t>(random.below(2) == 0 ? 4096 : 4096 + 16 * random.below(8));
  settings.pools = {
      {{Ipv4Prefix::holding(pool_address(random.below(2)), 32)}, first, static_cast<uint16_t>(first + 511)}};
  if (random.below(2) == 0)
    settings.pools.push_back({{Ipv4Prefix::holding(pool_address(2 + random.below(2)), 32)}, 5000, 5999});
  settings.mapping = random.below(6) == 0 ? Dependence::AddressDependent : Dependence::EndpointIndependent;
  settings.when_exhausted = WhenExhausted::ReuseByDestination;
  std::set<uint64_t> taken;
  for (uint64_t i = random.below(40); i > 0; --i) {
    const uint64_t port = 4096 + random.below(128);
    if (!taken.insert(port).second) continue;
    settings.static_bindings.push_back({NatProtocol::Udp,
                                        {0x20010db800000000, port % 16},
                                        {},
                                        static_cast<uint16_t>(port),
                                        pool_address(0),
                                        static_cast<uint16_t>(port)});
  }
  settings.timeouts.udp = 100 + static_cast<uint32_t>(random.below(2)) * 100;
  return settings;
}

std::string text_of(NatProtocol protocol, const InsideEndpoint& inside, const Ipv4Endpoint& outside) {
  return std::string(to_string(protocol)) + " " + inside.ipv6.to_string() + " " +
         std::to_string(inside.port) + " " + outside.address.to_string() + " " + std::to_string(outside.port);
}
std::string text_of(const SessionView& view) {
  return text_of(view.protocol, view.inside, view.outside) + " " + view.remote.address.to_string() + " " +
         std::to_string(view.remote.port);
}
std::string text_of(const BindingView& view) { return text_of(view.protocol, view.inside, view.outside); }

struct Content {
  std::multiset<std::string> sessions;
  std::size_t bindings = 0;
  std::multiset<std::string> without_session;
  explicit Content(const Nat& nat, Instant now) : bindings(nat.binding_count()) {
    (void)nat.visit_sessions(0, SIZE_MAX, now,
                             [&](const SessionView& view) { sessions.insert(text_of(view)); });
    (void)nat.visit_bindings(0, SIZE_MAX, now, [&](const BindingView& view) {
      if (view.sessions == 0) without_session.insert(text_of(view));
    });
  }
  Content() = default;
};

// Ends that a change was said to bring, in small portions.
Content ends_of(const Nat& nat, const NatChange& change, Instant now, std::set<NatEnd>& reasons) {
  Content ends;
  for (uint64_t from = 0; from != Nat::kEnd;)
    from = nat.visit_ends(change, from, 7, now, [&](const NatEndView& view) {
      reasons.insert(view.why);
      ends.bindings += view.is_binding ? 1u : 0u;
      if (view.session) ends.sessions.insert(text_of(*view.session));
      if (view.binding) ends.without_session.insert(text_of(*view.binding));
    });
  return ends;
}

// `ended` as the keeper of what ends hears of it.
struct Ended final : NatEventSink {
  void on(const NatEvent& event) noexcept override {
    if (event.kind == NatEvent::Kind::SessionEnded)
      sessions.insert(text_of(SessionView{event.protocol, event.inside, event.outside, event.remote, 0, 0}));
    if (event.kind == NatEvent::Kind::BindingEnded) ++bindings;
  }
  std::multiset<std::string> sessions;
  std::size_t bindings = 0;
};

TEST(NatEnd, WhatIsToldBeforehandIsWhatAChangeEnds) {
  RandomSource random(17);
  std::set<NatEnd> reasons;
  std::size_t ended_sessions = 0;
  for (int round = 0; round < 300; ++round) {
    const auto allocation = static_cast<PortAllocation>(round % 3);
    const auto workers = static_cast<uint16_t>(1 + round % 2);
    const auto now = Instant::from_nanoseconds(1'000'000'000);
    const NatSettings before = random_settings(allocation, random);
    Nat nat(before, random.next() | 1, 0, workers, now);
    for (int i = 0; i < 400; ++i) {
      const InsideEndpoint inside{
          {0x20010db800000000, random.below(16)}, {}, static_cast<uint16_t>(4096 + random.below(128))};
      const Ipv4Endpoint remote{Ipv4Address(203, 0, 113, static_cast<uint8_t>(random.below(3))), 53};
      Ipv4Endpoint outside;
      (void)nat.outbound({inside, remote, NatProtocol::Udp, 0}, now, outside);
    }
    const NatSettings after = random_settings(allocation, random);
    const NatChange change(before, after, 0, workers);
    const Content all(nat, now);
    const Content told = ends_of(nat, change, now, reasons);
    EXPECT_TRUE(change.changes_places() || told.bindings == 0);
    Ended ended;
    nat.set_event_sink(&ended);
    nat.change(after, now);
    EXPECT_EQ(told.sessions, ended.sessions) << round;
    EXPECT_EQ(told.bindings, ended.bindings) << round;
    // What was not told of is still there.
    const Content left(nat, now);
    EXPECT_EQ(left.sessions.size(), all.sessions.size() - told.sessions.size());
    for (const std::string& session : told.sessions) EXPECT_FALSE(left.sessions.contains(session));
    ended_sessions += told.sessions.size();
  }
  EXPECT_GT(ended_sessions, 1000u);
  EXPECT_EQ(reasons, (std::set{NatEnd::StaticBindingRemoved, NatEnd::PortOfStaticBinding,
                               NatEnd::MappingChanged, NatEnd::PortNotGivenOut}));
}

TEST(NatEnd, ARemovalEndsAll) {
  RandomSource random(5);
  NatSettings settings = random_settings(PortAllocation::Dynamic, random);
  settings.static_bindings = {{NatProtocol::Tcp, {0x20010db800000000, 1}, {}, 80, pool_address(0), 80}};
  const Instant now;
  Nat nat(settings, 1, 0, 1, now);
  Ipv4Endpoint outside;
  for (uint16_t port = 1; port <= 3; ++port)
    ASSERT_EQ(
        nat.outbound(
            {{{0x20010db800000000, 7}, {}, 9}, {Ipv4Address(203, 0, 113, 1), port}, NatProtocol::Udp, 0}, now,
            outside),
        DropReason::None);
  std::set<NatEnd> reasons;
  const Content told = ends_of(nat, NatChange::removal(), now, reasons);
  EXPECT_EQ(told.sessions.size(), 3u);
  EXPECT_EQ(told.bindings, 2u);
  EXPECT_EQ(told.without_session, Content(nat, now).without_session);
  EXPECT_EQ(reasons, std::set{NatEnd::NatRemoved});
  EXPECT_EQ(to_string(NatEnd::NatRemoved), "nat-removed");
}

}  // namespace
}  // namespace yonroku::share
