// Which of several workers has a subscriber's bindings.
#include <gtest/gtest.h>

#include "base/random_source.h"
#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

TEST(NatOwner, StaticBindingsBelongToTheirSubscribersWorker) {
  constexpr uint16_t kWorkers = 4;
  NatSettings settings;
  settings.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 28)}, 1024, 65535}};
  settings.max_sessions = 1000;
  RandomSource random(5);
  // In no order: neither of addresses nor of ports.
  for (uint16_t i = 0; i < 500; ++i)
    settings.static_bindings.push_back({i % 2 == 0 ? NatProtocol::Tcp : NatProtocol::Udp,
                                        {0x20010db800000000, random.below(100)},
                                        {},
                                        static_cast<uint16_t>(1000 + i),
                                        Ipv4Address(static_cast<uint32_t>(0xc0000200 + random.below(16))),
                                        static_cast<uint16_t>(2000 + i * 61 % 500)});
  const NatSettings none = [&] {
    NatSettings without = settings;
    without.static_bindings.clear();
    return without;
  }();
  const Nat ports_alone(none, 0, 0, kWorkers, Instant());
  std::size_t elsewhere = 0;
  for (uint16_t worker = 0; worker < kWorkers; ++worker) {
    const Nat nat(settings, 0, worker, kWorkers, Instant());
    for (const StaticBinding& b : settings.static_bindings) {
      const Ipv4Endpoint outside{b.outside, b.outside_port};
      const uint16_t owner = nat.owner_of(InsideEndpoint{b.inside, {}, b.inside_port});
      EXPECT_EQ(nat.owner_of(outside, b.protocol), owner);
      const uint16_t ports_owner = ports_alone.owner_of(outside, NatProtocol::Icmp);
      EXPECT_EQ(nat.owner_of(outside, NatProtocol::Icmp), ports_owner);
      elsewhere += owner != ports_owner ? 1u : 0u;
    }
  }
  EXPECT_GT(elsewhere, 500U);
}

}  // namespace
}  // namespace yonroku::share
