// For tests of the NAT: who talks, and a NAT whose random numbers are always 0.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "share/nat/nat.h"

namespace yonroku::share {

inline constexpr uint8_t kSyn = TcpHeader::kSyn, kAck = TcpHeader::kAck, kFin = TcpHeader::kFin,
                         kRst = TcpHeader::kRst;
inline const Ipv4Address kPool(192, 0, 2, 1);
inline const Ipv4Endpoint kServer{Ipv4Address(203, 0, 113, 80), 80};
inline const Ipv4Endpoint kOtherServer{Ipv4Address(203, 0, 113, 99), 80};

inline InsideEndpoint host(uint64_t number, uint16_t port = 40000) {
  return {{0x20010db800000000, number}, {}, port};
}

// A NAT with one address and few ports, a clock, and random numbers that are always 0: the lowest free port
// is taken.
class NatTest : public testing::Test {
 protected:
  NatTest() {
    settings_.pools = {{{Ipv4Prefix::holding(kPool, 32)}, 5000, 5009}};
    settings_.max_sessions = 1000;
    settings_.port_rest = 0;
  }
  Nat& nat() {
    if (!nat_) nat_.emplace(settings_, 0, 0, 1, now_);
    return *nat_;
  }
  void pass(int64_t seconds) {
    // In steps, as a worker does it.
    for (int64_t i = 0; i < seconds; ++i) {
      now_ = now_ + Duration::seconds(1);
      while (nat().expire(now_, 16)) {
      }
    }
  }
  DropReason out(const InsideEndpoint& inside, const Ipv4Endpoint& remote,
                 NatProtocol protocol = NatProtocol::Udp, uint8_t flags = 0) {
    return nat().outbound({inside, remote, protocol, flags}, now_, outside_);
  }
  DropReason in(const Ipv4Endpoint& outside, const Ipv4Endpoint& remote,
                NatProtocol protocol = NatProtocol::Udp, uint8_t flags = 0) {
    return nat().inbound({outside, remote, protocol, flags}, now_, inside_);
  }
  NatSettings settings_;
  std::optional<Nat> nat_;
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  Ipv4Endpoint outside_;   // of the last out()
  InsideEndpoint inside_;  // of the last in()
};

}  // namespace yonroku::share
