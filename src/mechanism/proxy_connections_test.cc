#include "mechanism/proxy_connections.h"

#include <gtest/gtest.h>

#include "carry/proxy_header.h"

namespace yonroku::mechanism {
namespace {

using share::Ipv4Endpoint;
using share::NatProtocol;

constexpr Ipv4Endpoint kServer{Ipv4Address(203, 0, 113, 80), 8080};
constexpr uint32_t kSize = carry::kProxyHeaderSize;

class ProxyConnectionsTest : public testing::Test {
 protected:
  static share::NatSettings settings() {
    share::NatSettings settings;
    settings.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 28)}, 1024, 65535}};
    settings.max_sessions = 1000;
    return settings;
  }

  // A client's SYN opens a session, and is told of.
  Ipv4Endpoint opens(uint16_t port) {
    Ipv4Endpoint outside;
    EXPECT_EQ(
        nat_.outbound(
            {{{0x20010db800000000, 2}, Ipv4Address(1), port}, kServer, NatProtocol::Tcp, TcpHeader::kSyn},
            now_, outside),
        DropReason::None);
    EXPECT_TRUE(connections_.open(outside, kServer, port * 1000u, nat_));
    return outside;
  }

  Instant now_;
  share::Nat nat_{settings(), 1, 0, 1, now_};
  ProxyConnections connections_{1000, 1, std::pmr::get_default_resource()};
};

TEST_F(ProxyConnectionsTest, EachHasItsOwn) {
  const Ipv4Endpoint one = opens(1);
  const Ipv4Endpoint two = opens(2);
  EXPECT_EQ(connections_.find(one)->first, 1001u);
  EXPECT_EQ(connections_.find(two)->first, 2001u);
  EXPECT_EQ(connections_.find({Ipv4Address(192, 0, 2, 0), 1}), nullptr);
}

TEST_F(ProxyConnectionsTest, ASynBeginsAnew) {
  const Ipv4Endpoint outside = opens(1);
  connections_.find(outside)->is_delivered = true;
  EXPECT_TRUE(connections_.open(outside, kServer, 1000, nat_));
  EXPECT_FALSE(connections_.find(outside)->is_delivered);
  EXPECT_EQ(connections_.size(), 1u);
}

TEST_F(ProxyConnectionsTest, NumbersBeforeAndAfterTheHeader) {
  ProxyConnection* const connection = connections_.find(opens(1));
  EXPECT_EQ(connection->shift().to_receiver(1001), 1001u) << "carries the header";
  EXPECT_EQ(connection->shift().to_receiver(1002), 1002 + kSize);
  EXPECT_EQ(connection->shift().to_sender(1001 + kSize - 1), 1001u) << "not even the header is whole";
  connection->is_delivered = true;
  EXPECT_EQ(connection->shift().to_receiver(1001), 1001 + kSize);
  EXPECT_EQ(connection->shift().to_sender(1001 + kSize), 1001u);
  // However much was sent since.
  for (const uint32_t far : {0x40000000u, 0x80000000u, 0xc0000000u})
    EXPECT_EQ(connection->shift().to_receiver(1001 + far), 1001 + far + kSize);
}

TEST_F(ProxyConnectionsTest, WhatIsOverIsForgotten) {
  for (int round = 0; round < 20; ++round) {
    for (uint16_t port = 1; port <= 500; ++port) opens(port);
    EXPECT_LE(connections_.size(), 1000u);
    now_ = now_ + Duration::seconds(300);
    while (nat_.expire(now_, 1000)) {
    }
    EXPECT_EQ(nat_.session_count(), 0u);
  }
}

}  // namespace
}  // namespace yonroku::mechanism
