// Packets of NAT64's flows in the programs and in the engine: the same octets, or they are passed up
// untouched.
#include <ctime>
#include <thread>

#include "fastpath/test_flows.h"
#include "mechanism/nat64.h"

namespace yonroku::fastpath {
namespace {

const test::Address kHost = test::address6({0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x80});
const test::Address kServer6 = test::address6({0x2001, 0xdb8, 0x64}, 0xcb007107);

mechanism::Nat64Settings settings() {
  mechanism::Nat64Settings settings(
      *share::Pref64::create(Ipv6Prefix::holding({0x2001'0db8'0064'0000, 0}, 96)));
  settings.nat.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 24)}, 1024, 65535}};
  settings.nat.max_sessions = 1000;
  return settings;
}

class FlowsOfNat64 : public Flows {
 protected:
  void SetUp() override {
    Flows::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(network_.set_up(*programs_, {"192.0.2.0/24", "2001:db8:64::/96"}));
    auto table = programs_->add_flow_table(kTestFlows);
    ASSERT_TRUE(table) << table.error().to_string();
    table_.emplace(std::move(*table));
    nat64_.prepare(state_);
    serve_by([this](Packet& packet) { return nat64_.process(packet, state_); }, serve(settings()));
  }

  static Octets outward(uint8_t protocol, const Octets& payload, uint8_t traffic_class = 0) {
    return test::ipv6({kHost, kServer6, protocol, 64, traffic_class}, payload);
  }
  // The flow of a packet on the way out and what the engine made of it.
  static FlowContent flow_of(const Octets& out) {
    FlowContent flow{};
    flow.near_high = 0x2001'0db8'0002'0000;
    flow.near_low = 0x80;
    flow.far_high = 0x2001'0db8'0064'0000;
    flow.far_low = flow.remote = 0xcb00'7107;
    flow.outside = test::get32(out, 12);
    flow.protocol = out[9];
    flow.kind = FlowKind::Nat64;
    if (flow.protocol == test::kIcmp) {
      flow.inside_port = 77;
      flow.outside_port = static_cast<uint16_t>(test::get16(out, 24));
    } else {
      flow.inside_port = 4000;
      flow.outside_port = static_cast<uint16_t>(test::get16(out, 20));
      flow.remote_port = 80;
    }
    return flow;
  }

  std::optional<FlowTable> table_;
  mechanism::Nat64 nat64_{settings()};
};

TEST_F(FlowsOfNat64, ForwardUdp) {
  const Octets packet = outward(test::kUdp, test::udp(test::counting(33)), 0xb8);
  const Octets out = engine(packet);
  ASSERT_NE(table_->install(flow_of(out)), FlowTable::kNone);
  expect_forwarded(packet);
  expect_forwarded(outward(test::kUdp, test::udp(test::counting(1300))));
  expect_forwarded(answer_to(out, test::udp(test::counting(21)), 0x2e));
}

TEST_F(FlowsOfNat64, LeaveTheFirstAnswerToTheEngine) {
  const Octets packet = outward(test::kUdp, test::udp(test::counting(33)));
  const Octets out = engine(packet);
  FlowContent flow = flow_of(out);
  flow.is_one_way = 1;
  const uint32_t number = table_->install(flow);
  expect_forwarded(packet);
  expect_passed_up(answer_to(out, test::udp(test::counting(21))), Miss::NoFlow);
  table_->remove(number);
  flow.is_one_way = 0;
  ASSERT_NE(table_->install(flow), FlowTable::kNone);
  expect_forwarded(answer_to(out, test::udp(test::counting(21))));
}

TEST_F(FlowsOfNat64, ForwardTcp) {
  const Octets out = engine(outward(test::kTcp, test::tcp({}, kSyn)));
  ASSERT_FALSE(engine(answer_to(out, test::tcp({}, kSyn | kAck))).empty());
  ASSERT_NE(table_->install(flow_of(out)), FlowTable::kNone);
  expect_forwarded(outward(test::kTcp, test::tcp({}, kAck)));
  expect_forwarded(outward(test::kTcp, test::tcp(test::counting(1400), kAck)));
  expect_forwarded(answer_to(out, test::tcp(test::counting(1200), kAck)));
}

TEST_F(FlowsOfNat64, ForwardEchoes) {
  const Octets out = engine(outward(test::kIcmpv6, test::icmp(128, 0, 77 << 16 | 1, test::counting(5))));
  ASSERT_NE(table_->install(flow_of(out)), FlowTable::kNone);
  expect_forwarded(outward(test::kIcmpv6, test::icmp(128, 0, 77 << 16 | 2, test::counting(56))));
  expect_forwarded(echo_reply_to(out, 2));
}

TEST_F(FlowsOfNat64, LeaveTheEndOfTcpToTheEngine) {
  const Octets out = engine(outward(test::kTcp, test::tcp({}, kSyn)));
  ASSERT_NE(table_->install(flow_of(out)), FlowTable::kNone);
  for (const int flags : {kFin | kAck, kRst | kAck, int{kRst}}) {
    const Octets segment = test::tcp({}, static_cast<uint8_t>(flags));
    expect_passed_up(outward(test::kTcp, segment), Miss::TcpFlags);
    expect_passed_up(answer_to(out, segment), Miss::TcpFlags);
  }
  expect_passed_up(outward(test::kTcp, test::tcp({}, kSyn)), Miss::TcpFlags);
}

TEST_F(FlowsOfNat64, LeaveWhatIsNoFlowToTheEngine) {
  const Octets packet = outward(test::kUdp, test::udp(test::counting(33)));
  const Octets out = engine(packet);
  expect_passed_up(packet, Miss::NoFlow);
  const uint32_t number = table_->install(flow_of(out));
  expect_forwarded(packet);
  // Each part of the key matters.
  expect_passed_up(outward(test::kUdp, test::udp({}, 4001, 80)), Miss::NoFlow);
  expect_passed_up(outward(test::kUdp, test::udp({}, 4000, 81)), Miss::NoFlow);
  expect_passed_up(outward(test::kTcp, test::tcp({})), Miss::NoFlow);
  expect_passed_up(test::ipv6({kServer6, kServer6}, test::udp({})), Miss::NoFlow);
  expect_passed_up(test::ipv6({kHost, test::address6({0x2001, 0xdb8, 0x64}, 0xcb007108)}, test::udp({})),
                   Miss::NoFlow);
  Octets as_tcp = out;
  as_tcp[9] = test::kTcp;
  expect_passed_up(answer_to(as_tcp, test::tcp({})), Miss::NoFlow);
  table_->remove(number);
  expect_passed_up(packet, Miss::NoFlow);
  expect_passed_up(answer_to(out, test::udp({})), Miss::NoFlow);
}

// On kernels that leave filters of a program that was killed where they are.
TEST_F(FlowsOfNat64, EndWithTheDaemonThatDoesNotKeepThemUp) {
  const Octets packet = outward(test::kUdp, test::udp(test::counting(33)));
  const Octets out = engine(packet);
  (void)table_->install(flow_of(out));
  programs_->follow_flows_for(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the programs' clock ticks
  expect_passed_up(packet, Miss::NoFlow);
  expect_passed_up(answer_to(out, test::udp({})), Miss::NoFlow);
  programs_->follow_flows_for(uint64_t{3600} * 1'000'000'000);
  expect_forwarded(packet);
}

TEST_F(FlowsOfNat64, LeaveFlowsThatAreBeingWrittenToTheEngine) {
  const Octets packet = outward(test::kUdp, test::udp(test::counting(33)));
  const uint32_t number = table_->install(flow_of(engine(packet)));
  expect_forwarded(packet);
  programs_->flows()[number].sequence++;
  expect_passed_up(packet, Miss::NoFlow);
  programs_->flows()[number].sequence++;
  expect_forwarded(packet);
}

TEST_F(FlowsOfNat64, SayWhenTheyWereSeen) {
  const Octets packet = outward(test::kUdp, test::udp({}));
  const Octets out = engine(packet);
  const uint32_t number = table_->install(flow_of(out));
  const auto now = [] {
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
  };
  const uint64_t before = now();
  expect_forwarded(packet);
  EXPECT_GE(table_->seen(number).out, before);
  EXPECT_LE(table_->seen(number).out, now());
  EXPECT_EQ(table_->seen(number).in, 0u);
  expect_forwarded(answer_to(out, test::udp({})));
  EXPECT_GE(table_->seen(number).in, before);
}

TEST_F(FlowsOfNat64, CountPackets) {
  const Octets packet = outward(test::kUdp, test::udp({}));
  ASSERT_NE(table_->install(flow_of(engine(packet))), FlowTable::kNone);
  programs_->clear_counters(0);
  (void)run(Hook::Xdp, packet);
  const auto counters = programs_->counters(0, Place::Xdp);
  EXPECT_EQ(counters->forwarded[1][1].packets, 1u);
  EXPECT_EQ(counters->forwarded[1][1].octets, packet.size());
}

// XDP sees every frame on the wire.
TEST_F(FlowsOfNat64, LeaveFramesForOtherStations) {
  const Octets packet = outward(test::kUdp, test::udp({}));
  ASSERT_NE(table_->install(flow_of(engine(packet))), FlowTable::kNone);
  expect_forwarded(packet);
  Octets frame = TestNetwork::frame_of(packet);
  frame[5] = 9;
  EXPECT_EQ(network_.run(Hook::Xdp, programs_->xdp(), frame).action, Action::PassedUp);
}

// Each worker has a part of its own, and what is given back is given out again.
TEST_F(FlowsOfNat64, TablesAreApart) {
  EXPECT_FALSE(programs_->add_flow_table(1));
  programs_->remove_flow_table(0);
  const auto first = programs_->add_flow_table(20);
  const auto second = programs_->add_flow_table(20);
  const auto third = programs_->add_flow_table(20);
  ASSERT_TRUE(first && second && third);
  EXPECT_EQ(first->first_number(), 0u);
  EXPECT_EQ(third->first_number(), 40u);
  programs_->remove_flow_table(20);
  EXPECT_EQ(programs_->add_flow_table(10)->first_number(), 20u);
  EXPECT_FALSE(programs_->add_flow_table(11));
}

}  // namespace
}  // namespace yonroku::fastpath
