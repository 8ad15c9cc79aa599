// What a NAT shows, counts and tells.
#include <string>
#include <utility>
#include <vector>

#include "share/nat/test_nat.h"

namespace yonroku::share {
namespace {

using testing::ElementsAre;

TEST_F(NatTest, ShowsBindingsSessionsSubscribersAndPorts) {
  settings_.static_bindings = {{NatProtocol::Tcp, host(7).ipv6, {}, 22, kPool, 5005}};
  settings_.subscriber_prefix_length = 64;
  ASSERT_EQ(out(host(1), kServer, NatProtocol::Tcp, kSyn), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, NatProtocol::Tcp, kSyn | kAck), DropReason::None);
  ASSERT_EQ(out(host(2), kServer), DropReason::None);
  ASSERT_EQ(out(host(2), kOtherServer), DropReason::None);
  pass(10);
  std::vector<SessionView> sessions;
  EXPECT_EQ(nat().visit_sessions(0, 100, now_, [&](const SessionView& v) { sessions.push_back(v); }),
            Nat::kEnd);
  ASSERT_EQ(sessions.size(), 3U);
  EXPECT_EQ(sessions[0].inside, host(1));
  EXPECT_EQ(sessions[0].outside, (Ipv4Endpoint{kPool, 5000}));
  EXPECT_EQ(sessions[0].remote, kServer);
  EXPECT_EQ(sessions[0].state_text(), "established");
  EXPECT_NEAR(sessions[0].seconds_left, 7430, 1);
  EXPECT_EQ(sessions[1].state_text(), "unanswered");
  EXPECT_EQ(sessions[2].remote, kOtherServer);

  std::vector<BindingView> bindings;
  EXPECT_EQ(nat().visit_bindings(0, 100, now_, [&](const BindingView& v) { bindings.push_back(v); }),
            Nat::kEnd);
  ASSERT_EQ(bindings.size(), 3U);
  EXPECT_TRUE(bindings[0].is_static);
  EXPECT_EQ(bindings[0].sessions, 0U);
  EXPECT_EQ(bindings[2].sessions, 2U);
  EXPECT_NEAR(bindings[2].seconds_left, 290, 1);

  std::vector<SubscriberView> subscribers;
  EXPECT_EQ(nat().visit_subscribers(0, 100, [&](const SubscriberView& v) { subscribers.push_back(v); }),
            Nat::kEnd);
  ASSERT_EQ(subscribers.size(), 1U);
  EXPECT_EQ(subscribers[0].ipv6, *Ipv6Prefix::parse("2001:db8::/64"));
  EXPECT_EQ(subscribers[0].outside, kPool);
  EXPECT_EQ(subscribers[0].bindings, 3U);
  EXPECT_EQ(subscribers[0].sessions, 3U);

  const NatCounts counts = nat().counts();
  EXPECT_EQ(counts.ports, 10U);
  EXPECT_EQ(counts.used_ports, (std::array<uint64_t, 3>{1, 2, 0}));
  EXPECT_EQ(counts.sessions_of(NatProtocol::Udp), 2U);
}

// --- what only grows ---

using Ends = std::array<uint64_t, kSessionEndCount>;
using Refusals = std::array<uint64_t, kNatRefusalCount>;

TEST_F(NatTest, CountsWhySessionsEnd) {
  constexpr auto tcp = NatProtocol::Tcp;
  const Ipv4Endpoint resolver{Ipv4Address(203, 0, 113, 53), 53};
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  ASSERT_EQ(out(host(2), resolver), DropReason::None);
  ASSERT_EQ(out(host(3), {kServer.address, 0}, NatProtocol::Icmp), DropReason::None);
  ASSERT_EQ(out(host(4), kServer, tcp, kSyn), DropReason::None);  // nobody answers
  ASSERT_EQ(out(host(5), kServer, tcp, kSyn), DropReason::None);  // closed
  ASSERT_EQ(in(outside_, kServer, tcp, kSyn | kAck), DropReason::None);
  ASSERT_EQ(out(host(5), kServer, tcp, kFin | kAck), DropReason::None);
  ASSERT_EQ(in(outside_, kServer, tcp, kFin | kAck), DropReason::None);
  ASSERT_EQ(out(host(6), kServer, tcp, kSyn), DropReason::None);  // left alone
  ASSERT_EQ(in(outside_, kServer, tcp, kSyn | kAck), DropReason::None);
  EXPECT_EQ(nat().counts().created_sessions(tcp), 3U);
  EXPECT_EQ(nat().counts().created_bindings(NatProtocol::Udp), 2U);
  pass(8000);
  const NatCounts counts = nat().counts();
  EXPECT_EQ(counts.ended_sessions[0], (Ends{1, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(counts.ended_sessions[1], (Ends{0, 0, 0, 1, 1, 1, 0, 0}));
  EXPECT_EQ(counts.ended_sessions[2], (Ends{0, 0, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(counts.ended_bindings, (std::array<uint64_t, 3>{2, 3, 1}));
  EXPECT_EQ(counts.created_sessions(tcp), 3U) << "nothing is there any more, and it still counts";
}

TEST_F(NatTest, CountsSessionsThatAReloadEnds) {
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  settings_.pools = {{{Ipv4Prefix::holding(kPool, 32)}, 6000, 6009}};
  nat().change(settings_, now_);
  EXPECT_EQ(nat().counts().ended_sessions[0], (Ends{0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST_F(NatTest, CountsWhatWasRefusedByTheLimitThatRefusedIt) {
  settings_.ports_per_subscriber = 2;
  settings_.sessions_per_subscriber = 3;
  for (uint16_t port = 1; port <= 2; ++port) ASSERT_EQ(out(host(1, port), kServer), DropReason::None);
  EXPECT_EQ(out(host(1, 3), kServer), DropReason::SubscriberLimit);
  EXPECT_EQ(nat().counts().refusals[0], (Refusals{1, 0, 0, 0, 0}));
  ASSERT_EQ(out(host(1, 1), kOtherServer), DropReason::None);
  EXPECT_EQ(out(host(1, 2), kOtherServer), DropReason::SubscriberLimit);
  EXPECT_EQ(nat().counts().refusals[0], (Refusals{1, 1, 0, 0, 0}));
}

TEST_F(NatTest, CountsRefusalsByRateForPortsAndForRoom) {
  settings_.new_sessions_per_second = 1;
  ASSERT_EQ(out(host(1, 1), kServer), DropReason::None);
  EXPECT_EQ(out(host(1, 2), kServer), DropReason::SubscriberLimit);
  EXPECT_EQ(nat().counts().refusals[0], (Refusals{0, 0, 1, 0, 0}));

  settings_.new_sessions_per_second = 0;
  settings_.max_sessions = 12;
  nat_.reset();
  for (uint64_t i = 1; i <= 10; ++i) ASSERT_EQ(out(host(i), kServer), DropReason::None);
  EXPECT_EQ(out(host(11), kServer), DropReason::NoPort);
  EXPECT_EQ(nat().counts().refusals[0], (Refusals{0, 0, 0, 1, 0}));
  for (uint64_t i = 1; i <= 2; ++i) ASSERT_EQ(out(host(i), kOtherServer), DropReason::None);
  EXPECT_EQ(out(host(3), kOtherServer), DropReason::TableFull);
  EXPECT_EQ(nat().counts().refusals[0], (Refusals{0, 0, 0, 1, 1}));
}

// What a NAT tells, in words.
class Told final : public NatEventSink {
 public:
  void on(const NatEvent& event) noexcept override {
    std::string words(to_string(event.kind));
    if (event.kind >= NatEvent::Kind::PortsExhausted) words += ' ' + std::string(to_string(event.limit));
    if (event.outside.address != Ipv4Address{})
      words += ' ' + event.outside.address.to_string() + ' ' + std::to_string(event.outside.port) + '-' +
               std::to_string(event.last_port);
    words_.push_back(words);
  }
  // Those since the last call.
  std::vector<std::string> take() { return std::exchange(words_, {}); }

 private:
  std::vector<std::string> words_;
};

TEST_F(NatTest, TellsWhichLimitRefusedWhatAndWhere) {
  Told told;
  const std::string pool = kPool.to_string();
  settings_.ports_per_subscriber = 2;
  settings_.sessions_per_subscriber = 3;
  for (uint16_t port = 1; port <= 2; ++port) ASSERT_EQ(out(host(1, port), kServer), DropReason::None);
  nat().set_event_sink(&told);
  ASSERT_EQ(out(host(1, 3), kServer), DropReason::SubscriberLimit);
  EXPECT_THAT(told.take(), ElementsAre("subscriber-limit subscriber-ports"));
  ASSERT_EQ(out(host(1, 1), kOtherServer), DropReason::None);
  told.take();
  ASSERT_EQ(out(host(1, 2), kOtherServer), DropReason::SubscriberLimit);
  EXPECT_THAT(told.take(), ElementsAre("subscriber-limit subscriber-sessions"));

  settings_.ports_per_subscriber = settings_.sessions_per_subscriber = 0;
  settings_.new_sessions_per_second = 1;
  nat_.reset();
  ASSERT_EQ(out(host(1, 1), kServer), DropReason::None);
  nat().set_event_sink(&told);
  ASSERT_EQ(out(host(1, 2), kServer), DropReason::SubscriberLimit);
  EXPECT_THAT(told.take(), ElementsAre("subscriber-limit subscriber-session-rate"));

  settings_.new_sessions_per_second = 0;
  settings_.max_sessions = 12;
  nat_.reset();
  for (uint64_t i = 1; i <= 10; ++i) ASSERT_EQ(out(host(i), kServer), DropReason::None);
  nat().set_event_sink(&told);
  ASSERT_EQ(out(host(11), kServer), DropReason::NoPort);
  EXPECT_THAT(told.take(), ElementsAre("ports-exhausted ports-exhausted " + pool + " 0-0"));
  for (uint64_t i = 1; i <= 2; ++i) ASSERT_EQ(out(host(i), kOtherServer), DropReason::None);
  told.take();
  ASSERT_EQ(out(host(3), kOtherServer), DropReason::TableFull) << "a further session of a binding";
  EXPECT_THAT(told.take(), ElementsAre("table-full table-full"));
}

TEST_F(NatTest, TellsTheWholeBlock) {
  Told told;
  settings_.pools[0] = {{Ipv4Prefix::holding(kPool, 32)}, 5000, 5079};
  settings_.allocation = PortAllocation::Blocks;
  settings_.block_size = 16;
  settings_.block_rest = 0;
  nat().set_event_sink(&told);
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  const std::string block = ' ' + kPool.to_string() + " 5000-5015";
  EXPECT_THAT(told.take(), testing::Contains("port-block-taken" + block));
  pass(8000);
  EXPECT_THAT(told.take(), testing::Contains("port-block-returned" + block));
}

TEST_F(NatTest, CountsBlocksAndWhatRests) {
  settings_.pools[0] = {{Ipv4Prefix::holding(kPool, 32)}, 5000, 5079};
  settings_.allocation = PortAllocation::Blocks;
  settings_.block_size = 16;
  settings_.port_rest = 120;
  ASSERT_EQ(out(host(1), kServer), DropReason::None);
  ASSERT_EQ(out(host(2), kServer, NatProtocol::Icmp), DropReason::None);
  EXPECT_EQ(nat().counts().blocks, 5U);
  EXPECT_EQ(nat().counts().used_blocks, 2U);
  std::vector<SubscriberView> subscribers;
  (void)nat().visit_subscribers(0, 100, [&](const SubscriberView& v) { subscribers.push_back(v); });
  ASSERT_EQ(subscribers.size(), 2U);
  ASSERT_EQ(subscribers[1].block_count, 1U);
  EXPECT_EQ(subscribers[1].blocks[0].first_port, 5016);
  EXPECT_EQ(subscribers[1].blocks[0].last_port, 5031);
  EXPECT_EQ(subscribers[1].blocks[0].used, 1U);
  pass(305);
  EXPECT_EQ(nat().counts().resting_ports, 1U);
  EXPECT_EQ(nat().counts().resting_blocks, 1U) << "that of the query is over";
  EXPECT_EQ(nat().counts().used_blocks, 1U);
  EXPECT_EQ(nat().counts().used_ports[0], 1U);
  pass(130);
  EXPECT_EQ(nat().counts().used_blocks, 0U);
  EXPECT_EQ(nat().counts().used_ports[0], 0U);
}

}  // namespace
}  // namespace yonroku::share
