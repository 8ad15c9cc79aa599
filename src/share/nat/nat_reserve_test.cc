#include <gtest/gtest.h>

#include <optional>

#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

const Ipv4Endpoint kServer{Ipv4Address(203, 0, 113, 80), 20};
const InsideEndpoint kHost{{0x20010db800000000, 1}, {}, 40000};
constexpr uint8_t kSyn = TcpHeader::kSyn, kAck = TcpHeader::kAck;

class ReserveTest : public testing::Test {
 protected:
  ReserveTest() {
    settings_.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 1), 32)}, 5000, 5063}};
    settings_.max_sessions = 1000;
    settings_.port_rest = 0;
  }
  Nat& nat() {
    if (!nat_) nat_.emplace(settings_, 7, 0, 1, now_);
    return *nat_;
  }
  DropReason reserve(NatProtocol protocol = NatProtocol::Tcp, const InsideEndpoint& inside = kHost) {
    return nat().reserve({inside, kServer, protocol, 0}, now_, outside_);
  }
  DropReason in(const Ipv4Endpoint& remote, NatProtocol protocol = NatProtocol::Tcp, uint8_t flags = kSyn) {
    return nat().inbound({outside_, remote, protocol, flags}, now_, inside_);
  }
  void pass(int64_t seconds) {
    for (int64_t i = 0; i < seconds; ++i) {
      now_ = now_ + Duration::seconds(1);
      while (nat().expire(now_, 16)) {
      }
    }
  }
  NatSettings settings_;
  std::optional<Nat> nat_;
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  Ipv4Endpoint outside_;
  InsideEndpoint inside_;
};

TEST_F(ReserveTest, Rfc6384Section72TheServerConnectsToIt) {
  ASSERT_EQ(reserve(), DropReason::None);
  ASSERT_EQ(in(kServer), DropReason::None);
  EXPECT_EQ(inside_, kHost);
  Ipv4Endpoint answer_from;
  ASSERT_EQ(nat().outbound({kHost, kServer, NatProtocol::Tcp, kSyn | kAck}, now_, answer_from),
            DropReason::None);
  EXPECT_EQ(answer_from, outside_);
  EXPECT_EQ(nat().counts().sessions[1][static_cast<std::size_t>(TcpState::Established)], 1u);
}

TEST_F(ReserveTest, AConnectionThatNobodyAnswersIsNotEstablished) {
  ASSERT_EQ(reserve(), DropReason::None);
  ASSERT_EQ(in(kServer), DropReason::None);
  EXPECT_EQ(nat().counts().sessions[1][static_cast<std::size_t>(TcpState::OutsideInit)], 1u);
  pass(300);
  EXPECT_EQ(nat().binding_count(), 0u);
}

TEST_F(ReserveTest, FilteringLetsInTheExpectedOneAndNobodyElse) {
  struct Row {
    Dependence filtering;
    const char* name;
    Ipv4Endpoint from;
    DropReason result;
  };
  const Ipv4Endpoint other_port{kServer.address, 2020};
  const Ipv4Endpoint other{Ipv4Address(203, 0, 113, 81), 20};
  constexpr auto kAddress = Dependence::AddressDependent, kPort = Dependence::AddressAndPortDependent,
                 kAll = Dependence::EndpointIndependent;
  const Row rows[] = {
      {kAll, "the server", kServer, DropReason::None},
      {kAll, "another host", other, DropReason::None},
      {kAddress, "the server", kServer, DropReason::None},
      {kAddress, "the server from another port", other_port, DropReason::None},
      {kAddress, "another host", other, DropReason::UnsolicitedSyn},
      {kPort, "the server", kServer, DropReason::None},
      {kPort, "the server from another port", other_port, DropReason::UnsolicitedSyn},
      {kPort, "another host", other, DropReason::UnsolicitedSyn},
  };
  for (const Row& row : rows) {
    settings_.filtering = row.filtering;
    nat_.reset();
    ASSERT_EQ(reserve(), DropReason::None);
    EXPECT_EQ(in(row.from), row.result) << row.name << ", filtering " << static_cast<int>(row.filtering);
  }
}

TEST_F(ReserveTest, Rfc6384Section12ItLastsThirtySecondsAtLeast) {
  settings_.timeouts.tcp_opening = 4;
  ASSERT_EQ(reserve(), DropReason::None);
  pass(29);
  EXPECT_EQ(nat().binding_count(), 1u);
  pass(3);
  EXPECT_EQ(nat().binding_count(), 0u);
}

TEST_F(ReserveTest, TheSamePortAgainIsTheSameBinding) {
  ASSERT_EQ(reserve(), DropReason::None);
  const Ipv4Endpoint first = outside_;
  ASSERT_EQ(reserve(), DropReason::None);
  EXPECT_EQ(outside_, first);
  EXPECT_EQ(nat().binding_count(), 1u);
  EXPECT_EQ(nat().session_count(), 1u);
}

TEST_F(ReserveTest, LimitsHold) {
  settings_.ports_per_subscriber = 1;
  ASSERT_EQ(reserve(), DropReason::None);
  InsideEndpoint second = kHost;
  ++second.port;
  EXPECT_EQ(reserve(NatProtocol::Tcp, second), DropReason::SubscriberLimit);
}

TEST_F(ReserveTest, Rfc3550PairsAreNeighbours) {
  for (const PortAllocation allocation : {PortAllocation::Dynamic, PortAllocation::Blocks}) {
    settings_.allocation = allocation;
    settings_.block_size = 16;
    nat_.reset();
    for (uint16_t port = 40000; port < 40016; port += 2) {
      Ipv4Endpoint above;
      const InsideEndpoint rtp{kHost.ipv6, {}, port};
      ASSERT_EQ(nat().reserve_pair({rtp, kServer, NatProtocol::Udp, 0}, now_, outside_, above),
                DropReason::None);
      EXPECT_EQ(outside_.port % 2, 0) << port;
      EXPECT_EQ(above.port, outside_.port + 1) << port;
      ASSERT_EQ(in(kServer, NatProtocol::Udp), DropReason::None);
      EXPECT_EQ(inside_.port, port);
    }
    EXPECT_EQ(nat().binding_count(), 16u);
    pass(600);
    EXPECT_EQ(nat().binding_count(), 0u);
    EXPECT_EQ(nat().counts().used_ports[0], 0u);
  }
}

TEST_F(ReserveTest, WithoutNeighboursThereAreTwoPorts) {
  settings_.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 1), 32)}, 5001, 5002}};
  Ipv4Endpoint above;
  ASSERT_EQ(nat().reserve_pair({kHost, kServer, NatProtocol::Udp, 0}, now_, outside_, above),
            DropReason::None);
  EXPECT_EQ(outside_.port, 5002);
  EXPECT_EQ(above.port, 5001);
}

}  // namespace
}  // namespace yonroku::share
