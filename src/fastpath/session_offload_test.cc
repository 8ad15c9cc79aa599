#include "fastpath/session_offload.h"

#include <gtest/gtest.h>

#include <vector>

#include "share/nat/nat.h"

namespace yonroku::fastpath {
namespace {

using share::Ipv4Endpoint;
using share::NatProtocol;
using share::OffloadedSession;

const Ipv6Address kNear(0x20010db800000000, 1), kFar(0x20010db8ffff0000, 2);
const Ipv4Endpoint kServer{Ipv4Address(203, 0, 113, 80), 443};

OffloadedSession session(NatProtocol protocol, const Ipv6Address& inside, Ipv4Address inside_ipv4) {
  return {protocol,
          {inside, inside_ipv4, 40000},
          {Ipv4Address(192, 0, 2, 1), 5000},
          {kServer.address, protocol == NatProtocol::Icmp ? uint16_t{0} : kServer.port},
          kNear,
          kFar};
}

TEST(FlowOffload, AFlowSaysAllOfItsSession) {
  const Ipv4Address host(192, 168, 1, 2);
  struct Row {
    FlowKind kind;
    Ipv6Address inside;
    Ipv4Address inside_ipv4;
  };
  for (const Row& row : {Row{FlowKind::Nat64, kNear, {}}, Row{FlowKind::DsLiteAftr, kNear, host},
                         Row{FlowKind::SoftwireNapt, {}, host}, Row{FlowKind::MapTCe, {}, host},
                         Row{FlowKind::Slb64, kNear, {}}})
    for (const auto& [protocol, number] :
         {std::pair{NatProtocol::Udp, 17}, {NatProtocol::Tcp, 6}, {NatProtocol::Icmp, 1}}) {
      OffloadedSession before = session(protocol, row.inside, row.inside_ipv4);
      before.is_answered = protocol != NatProtocol::Udp;
      before.far_port = row.kind == FlowKind::Slb64 ? 443 : 0;
      const FlowContent content = FlowOffload::content_of(before, row.kind, 63);
      EXPECT_EQ(content.kind, row.kind);
      EXPECT_EQ(content.instance, 63);
      EXPECT_EQ(content.protocol, number);
      EXPECT_EQ(content.is_one_way, before.is_answered ? 0 : 1);
      EXPECT_EQ(FlowOffload::session_of(content), before);
    }
}

TEST(FlowOffload, AServicesNumberIsNotKept) {
  const OffloadedSession before = session(NatProtocol::Tcp, kNear, Ipv4Address(7));
  const FlowContent content = FlowOffload::content_of(before, FlowKind::Slb64, 0);
  EXPECT_EQ(FlowOffload::session_of(content).inside.ipv4, Ipv4Address());
}

// A NAT, and memory that programs would read and write.
class OffloadedNat : public testing::Test {
 protected:
  OffloadedNat() : flows_(4), index_(4), offload_(table(), FlowKind::Nat64, 0) {
    settings_.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 1), 32)}, 5000, 5009}};
    settings_.max_sessions = 1000;
    settings_.offload_after = 0;
    nat_.emplace(settings_, 0, uint16_t{0}, uint16_t{1}, at(100));
    nat_->set_session_offload(&offload_);
  }
  FlowTable table() { return {flows_, 0, index_, hash_keys_of(1)}; }
  static Instant at(int64_t seconds) { return Instant() + Duration::seconds(seconds); }
  void converse(uint64_t host, Instant now) {
    const share::Nat::Outbound packet{{{0x20010db800000000, host}, {}, 40000}, kServer, NatProtocol::Udp, 0};
    Ipv4Endpoint outside;
    share::InsideEndpoint inside;
    ASSERT_EQ(nat_->outbound(packet, now, outside), DropReason::None);
    ASSERT_EQ(nat_->inbound({outside, kServer, NatProtocol::Udp, 0}, now, inside), DropReason::None);
    ASSERT_EQ(nat_->outbound(packet, now, outside), DropReason::None);
    ASSERT_TRUE(nat_->has_candidate());
    nat_->offload(packet.inside.ipv6, kFar);
    nat_->begin_offers();
  }
  std::vector<Flow> flows_;
  std::vector<FlowBucket> index_;
  FlowOffload offload_;
  share::NatSettings settings_;
  std::optional<share::Nat> nat_;
};

TEST_F(OffloadedNat, ASessionLastsAsLongAsProgramsSeePackets) {
  converse(1, at(100));
  ASSERT_EQ(offload_.table().used(), 1u);
  for (int64_t now = 101; now < 2000; ++now) {
    flows_[0].seen[now % 2] = static_cast<uint64_t>(at(now).nanoseconds());
    nat_->expire(at(now), 16);
    ASSERT_EQ(nat_->session_count(), 1u);
  }
  for (int64_t now = 2000; now < 1999 + 299; ++now) nat_->expire(at(now), 16);
  EXPECT_EQ(nat_->session_count(), 1u);
  for (int64_t now = 1999 + 299; now < 1999 + 302; ++now) nat_->expire(at(now), 16);
  EXPECT_EQ(nat_->session_count(), 0u);
  EXPECT_EQ(offload_.table().used(), 0u);
}

TEST_F(OffloadedNat, AnotherNatRecoversWhatIsItsOwn) {
  for (uint64_t host = 1; host <= 4; ++host) converse(host, at(100));
  flows_[1].content.kind = FlowKind::DsLiteAftr;  // as if the instance had been another
  flows_[2].content.instance = 1;
  FlowOffload offload(table(), FlowKind::Nat64, 0);
  share::Nat nat(settings_, 0, uint16_t{0}, uint16_t{1}, at(110));
  nat.set_session_offload(&offload);
  const auto recovered = offload.recover(
      nat, at(110), [](const share::OffloadedSession& session) { return session.near.low() != 4; });
  EXPECT_EQ(recovered.kept, 1u);
  EXPECT_EQ(recovered.removed, 3u);
  EXPECT_EQ(nat.session_count(), 1u);
  EXPECT_EQ(nat.counts().offloaded_sessions, 1u);
  EXPECT_EQ(FlowOffload::session_of(flows_[0].content).near.low(), 1u);
  EXPECT_EQ(flows_[0].sequence % 2, 0u);
  for (const unsigned removed : {1u, 2u, 3u}) EXPECT_EQ(flows_[removed].sequence % 2, 1u) << removed;
}

TEST_F(OffloadedNat, WhatHasNoRoomStaysWithTheNat) {
  for (uint64_t host = 1; host <= 6; ++host) converse(host, at(100));
  EXPECT_EQ(offload_.table().used(), 4u);
  EXPECT_EQ(nat_->counts().offloaded_sessions, 4u);
  EXPECT_EQ(nat_->counts().refused_offloads, 2u);
  EXPECT_EQ(nat_->session_count(), 6u);
}

}  // namespace
}  // namespace yonroku::fastpath
