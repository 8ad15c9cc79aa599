// Packets of a load balancer's flows in the programs and in the engine: the same octets, or they are passed
// up untouched. The flows are the engine's own offers.
#include "fastpath/session_offload.h"
#include "fastpath/test_flows.h"
#include "mechanism/session_offer.h"
#include "mechanism/slb64.h"

namespace yonroku::fastpath {
namespace {

const test::Address kClient = test::address6({0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x80});
const test::Address kVip = test::address6({0x2001, 0xdb8, 0x80}, 1);

class FlowsOfSlb64 : public Flows {
 protected:
  void SetUp() override {
    Flows::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(network_.set_up(*programs_, {"192.0.2.0/28", "2001:db8:80::1/128"}));
    auto table = programs_->add_flow_table(kTestFlows);
    ASSERT_TRUE(table) << table.error().to_string();
    offload_.emplace(std::move(*table), FlowKind::Slb64, uint8_t{0});
    state_.session_offload = &*offload_;
  }
  // TCP and UDP port 80 of the virtual address are port 8080 of a server.
  void balance(share::ProxyProtocol proxy_protocol = share::ProxyProtocol::Off) {
    const share::Server server{{Ipv4Address(203, 0, 113, 10), 8080}};
    std::vector<share::Service> services;
    for (const auto protocol : {share::NatProtocol::Tcp, share::NatProtocol::Udp})
      services.emplace_back(share::ServiceKey{Ipv6Address(0x2001'0db8'0080'0000, 1), 80, protocol},
                            1 + static_cast<uint32_t>(protocol), share::Affinity::Flow, proxy_protocol,
                            std::span(&server, 1));
    mechanism::Slb64Settings settings;
    settings.nat.filtering = share::Dependence::AddressAndPortDependent;
    settings.nat.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 28)}, 1024, 65535}};
    settings.nat.max_sessions = 1000;
    settings.nat.offload_after = 0;
    settings.services = std::make_shared<const share::ServiceTable>(std::move(services));
    balancer_.emplace(settings);
    balancer_->prepare(state_);
    serve_by([this](Packet& packet) { return balancer_->process(packet, state_); }, serve(settings));
  }

  static Octets outward(uint8_t protocol, const Octets& payload, uint8_t traffic_class = 0) {
    return test::ipv6({kClient, kVip, protocol, 64, traffic_class}, payload);
  }
  static Octets outward_tcp(uint8_t flags, const Octets& data = {}) {
    return outward(test::kTcp, test::tcp(data, flags));
  }
  // Both sides talk. What left.
  Octets converse(const Octets& first, const Octets& answer, const Octets& next) {
    const Octets out = engine(first);
    if (out.empty()) return out;
    EXPECT_FALSE(engine(answer_to(out, answer)).empty());
    EXPECT_FALSE(engine(next).empty());
    return out;
  }
  Octets converse_by_udp() {
    const Octets packet = outward(test::kUdp, test::udp(test::counting(33)));
    return converse(packet, test::udp({}), packet);
  }
  Octets converse_by_tcp() {
    return converse(outward_tcp(kSyn), test::tcp({}, kSyn | kAck), outward_tcp(kAck));
  }

  std::optional<FlowOffload> offload_;
  std::optional<mechanism::Slb64> balancer_;
};

TEST_F(FlowsOfSlb64, ForwardUdp) {
  balance();
  const Octets out = converse_by_udp();
  ASSERT_EQ(offload_->table().used(), 1u);
  EXPECT_EQ(test::get16(out, 22), 8080u);
  expect_forwarded(outward(test::kUdp, test::udp(test::counting(33)), 0xb8));
  expect_forwarded(outward(test::kUdp, test::udp(test::counting(1300))));
  expect_forwarded(answer_to(out, test::udp(test::counting(21)), 0x2e));
  expect_forwarded(answer_to(out, test::udp(test::counting(1300))));
}

TEST_F(FlowsOfSlb64, ForwardTcp) {
  balance();
  const Octets out = converse_by_tcp();
  ASSERT_EQ(offload_->table().used(), 1u);
  expect_forwarded(outward_tcp(kAck));
  expect_forwarded(outward_tcp(kAck, test::counting(1400)));
  expect_forwarded(answer_to(out, test::tcp({}, kAck)));
  expect_forwarded(answer_to(out, test::tcp(test::counting(1200), kAck)));
}

TEST_F(FlowsOfSlb64, LeaveTheEndOfTcpToTheEngine) {
  balance();
  const Octets out = converse_by_tcp();
  for (const int flags : {kFin | kAck, kRst | kAck, int{kRst}, int{kSyn}}) {
    const Octets segment = test::tcp({}, static_cast<uint8_t>(flags));
    expect_passed_up(outward(test::kTcp, segment), Miss::TcpFlags);
    expect_passed_up(answer_to(out, segment), Miss::TcpFlags);
  }
}

TEST_F(FlowsOfSlb64, LeaveWhatIsNoFlowToTheEngine) {
  balance();
  const Octets packet = outward(test::kUdp, test::udp(test::counting(33)));
  expect_passed_up(packet, Miss::NoFlow);
  const Octets out = converse_by_udp();
  expect_forwarded(packet);
  // Each part of the key matters.
  expect_passed_up(outward(test::kUdp, test::udp({}, 4001, 80)), Miss::NoFlow);
  expect_passed_up(outward(test::kUdp, test::udp({}, 4000, 81)), Miss::NoFlow);
  expect_passed_up(outward(test::kUdp, test::udp({}, 4000, 8080)), Miss::NoFlow);
  expect_passed_up(outward_tcp(kAck), Miss::NoFlow);
  Octets from_another = answer_to(out, test::udp({}));
  ++from_another[21];
  expect_passed_up(from_another, Miss::NoFlow);
  expect_passed_up(outward(test::kIcmpv6, test::icmp(128, 0, 77 << 16 | 1, {})), Miss::NoFlow);
}

TEST_F(FlowsOfSlb64, LeaveConnectionsWithTheProxyProtocolToTheEngine) {
  balance(share::ProxyProtocol::V2);
  const Octets out = converse_by_tcp();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(offload_->table().used(), 0u);
  expect_passed_up(outward_tcp(kAck), Miss::NoFlow);
  expect_passed_up(answer_to(out, test::tcp({}, kAck)), Miss::NoFlow);
}

// Its numbers are shifted although the service has the protocol no longer.
TEST_F(FlowsOfSlb64, LeaveConnectionsThatBeganWithTheProxyProtocolToTheEngine) {
  balance(share::ProxyProtocol::V2);
  ASSERT_FALSE(converse_by_tcp().empty());
  balance();
  ASSERT_FALSE(engine(outward_tcp(kAck)).empty());
  EXPECT_EQ(offload_->table().used(), 0u);
}

TEST_F(FlowsOfSlb64, AreNotThereForThoseThatBeganWithTheProxyProtocolWhenTheProgramEnds) {
  balance(share::ProxyProtocol::V2);
  ASSERT_FALSE(converse_by_tcp().empty());
  balance();
  state_.nat->offload_all(mechanism::adder_of_ends(*balancer_, state_));
  EXPECT_EQ(offload_->table().used(), 0u);
}

}  // namespace
}  // namespace yonroku::fastpath
