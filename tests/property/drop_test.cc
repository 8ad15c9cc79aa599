// Random octets and damaged packets: a dropped packet is untouched, every packet is in exactly one counter,
// and what comes out is well-formed.
#include <gtest/gtest.h>

#include "translator.h"

namespace yonroku::property {
namespace {

void expect_well_formed(const test::Octets& packet) {
  const auto seen = test::see(packet);
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->total, packet.size());
  ASSERT_TRUE(seen->header_checksum_right);
}

TEST(Dropped, PacketsAreUntouchedAndCountedOnce) {
  for (const bool compute : {true, false}) {
    config::InstanceSettings configuration = settings();
    configuration.udp_zero_checksum =
        compute ? config::UdpZeroChecksum::Compute : config::UdpZeroChecksum::Drop;
    configuration.denylist_ipv4 = {*Ipv4Prefix::parse("10.0.0.0/8")};
    Translator translate(configuration);
    Generator generator(20);
    uint64_t dropped = 0;
    for (int i = 0; i < 300'000; ++i) {
      test::Octets packet = i % 2 == 0 ? generator.ipv4_packet(200) : generator.ipv6_packet(200);
      // A few octets of headers go wrong, or the end is missing.
      for (uint64_t damage = generator.below(4); damage > 0; --damage)
        packet[generator.below(std::min<std::size_t>(packet.size(), 60))] = generator.octet();
      if (generator.below(8) == 0) packet.resize(generator.below(packet.size()));
      if (packet.size() >= 20 && packet[0] >> 4 == 4 && (packet[0] & 15) >= 5 &&
          packet.size() >= (packet[0] & 15u) * 4 && generator.below(4) != 0)
        test::set_header_checksum(packet);
      const Result result = translate(packet);
      if (result.is_dropped()) {
        ++dropped;
        ASSERT_EQ(result.left, packet) << i << ' ' << label(result.outcome.verdict.reason);
        ASSERT_EQ(result.packets.size(), result.outcome.replied ? 1u : 0u);
        ASSERT_NE(result.outcome.verdict.reason, DropReason::None);
      } else {
        ASSERT_FALSE(result.packets.empty());
      }
      for (const auto& out : result.packets) ASSERT_NO_FATAL_FAILURE(expect_well_formed(out)) << i;
      ASSERT_EQ(translate.counted(), static_cast<uint64_t>(i) + 1);
    }
    EXPECT_GT(dropped, 30'000u);
    EXPECT_EQ(translate.counters().received[0].value() + translate.counters().received[1].value(), 300'000u);
  }
}

TEST(Dropped, PureNoise) {
  Translator translate(settings());
  Generator generator(21);
  for (int i = 0; i < 300'000; ++i) {
    test::Octets packet = generator.octets(generator.below(100));
    if (!packet.empty() && i % 3 != 0)
      packet[0] = static_cast<uint8_t>((i % 3 == 1 ? 0x40 : 0x60) | (packet[0] & 15));
    const Result result = translate(packet);
    ASSERT_TRUE(result.is_dropped());
    ASSERT_EQ(result.left, packet);
  }
  EXPECT_EQ(translate.counted(), 300'000u);
}

}  // namespace
}  // namespace yonroku::property
