// A right transport checksum stays right and a wrong one stays wrong by as much; a checksum that the device
// completes later comes out as if it had been complete before.
#include <gtest/gtest.h>

#include "translator.h"

namespace yonroku::property {
namespace {

test::Octets any_packet(Generator& generator, int i) {
  return i % 2 == 0 ? generator.ipv4_packet() : generator.ipv6_packet();
}

TEST(Checksums, RightStaysRight) {
  Translator translate(settings());
  Generator generator(10);
  for (int i = 0; i < 400'000; ++i) {
    const test::Octets packet = any_packet(generator, i);
    const Result result = translate(packet);
    ASSERT_EQ(result.packets.size(), 1u) << i << ' ' << label(result.outcome.verdict.reason);
    const auto seen = test::see(result.packets[0]);
    ASSERT_TRUE(seen && seen->header_checksum_right && seen->total == result.packets[0].size()) << i;
    const auto sum = test::transport_sum(result.packets[0], *seen);
    ASSERT_TRUE(!sum || *sum == 0xffff) << i;
  }
}

TEST(Checksums, WrongStaysWrongByAsMuch) {
  Translator translate(settings());
  Generator generator(11);
  for (int i = 0; i < 300'000; ++i) {
    test::Octets packet = any_packet(generator, i);
    const auto at = test::checksum_offset(*test::see(packet));
    if (!at) continue;
    test::put16(packet, *at, static_cast<uint32_t>(1 + generator.below(0xffff)));  // UDP's zero means none
    const auto before = test::transport_sum(packet, *test::see(packet));
    const Result result = translate(packet);
    ASSERT_EQ(result.packets.size(), 1u) << i;
    ASSERT_EQ(test::transport_sum(result.packets[0], *test::see(result.packets[0])), before) << i;
  }
}

// RFC 7915 §4.5, "compute".
TEST(Checksums, AMissingUdpChecksumIsComputed) {
  Translator translate(settings());
  Generator generator(12);
  for (int i = 0; i < 100'000; ++i) {
    test::Octets packet = test::ipv4({.source = test::address4(9, generator.octet(), generator.octet(), 1)},
                                     test::udp(generator.octets(generator.size(1000))));
    test::put16(packet, 26, 0);
    const Result result = translate(packet);
    ASSERT_EQ(result.packets.size(), 1u);
    ASSERT_TRUE(test::has_right_checksum(result.packets[0])) << i;
    ASSERT_NE(test::get16(result.packets[0], 46), 0u);
  }
}

test::Octets completed(test::Octets packet) {
  test::set_transport_checksum(packet);
  return packet;
}

TEST(Checksums, PartialThenCompletedIsCompletedThenTranslated) {
  Translator partial(settings());
  Translator whole(settings());
  Generator generator(13);
  for (int i = 0; i < 200'000; ++i) {
    test::Octets packet = any_packet(generator, i);
    const auto seen = *test::see(packet);
    if (seen.protocol != test::kTcp && seen.protocol != test::kUdp) continue;
    const Result expected = whole(packet);
    Offload offload;
    offload.partial_checksum = true;
    offload.checksum_start = static_cast<uint16_t>(seen.transport);
    offload.checksum_offset = seen.protocol == test::kTcp ? 16 : 6;
    test::set_partial_checksum(packet);
    const Result result = partial(packet, offload);
    ASSERT_EQ(result.packets.size(), 1u) << i;
    ASSERT_TRUE(result.offloads[0].partial_checksum);
    const auto now = *test::see(result.packets[0]);
    ASSERT_EQ(result.offloads[0].checksum_start, now.transport);
    // The field holds the new pseudo-header's sum...
    test::Octets sums = result.packets[0];
    test::set_partial_checksum(sums);
    const std::size_t field = now.transport + offload.checksum_offset;
    ASSERT_EQ(test::get16(sums, field) % 0xffff, test::get16(result.packets[0], field) % 0xffff) << i;
    // ... and all the rest is the same.
    ASSERT_EQ(completed(result.packets[0]), completed(expected.packets[0])) << i;
    ASSERT_EQ(completed(expected.packets[0]), expected.packets[0]) << i;
  }
}

}  // namespace
}  // namespace yonroku::property
