// IPv4 to IPv6 and back to IPv4, and the other way round: what RFC 7915 preserves comes back.
#include <gtest/gtest.h>

#include "translator.h"

namespace yonroku::property {
namespace {

// The IPv4 side's own hosts are reached by RFC 6052, those of the IPv6 side by their mappings: a translated
// packet put into a second, equal translator comes back as it went.
TEST(ThereAndBack, Ipv4) {
  Translator forth(settings());
  Translator back(settings());
  Generator generator(1);
  for (int i = 0; i < 300'000; ++i) {
    const test::Octets packet = generator.ipv4_packet();
    const Result there = forth(packet);
    ASSERT_EQ(there.packets.size(), 1u) << i;
    const Result again = back(there.packets[0]);
    ASSERT_EQ(again.packets.size(), 1u) << i << ' ' << label(again.outcome.verdict.reason);
    test::Octets expected = packet;
    expected[8] = static_cast<uint8_t>(packet[8] - 2);
    // DF and identification follow RFC 7915 §5.1: they are not carried across.
    const test::Octets& result = again.packets[0];
    std::copy_n(result.begin() + 4, 4, expected.begin() + 4);
    test::set_header_checksum(expected);
    ASSERT_EQ(result, expected) << i;
    ASSERT_FALSE(test::see(result)->dont_fragment);
  }
}

TEST(ThereAndBack, Ipv6) {
  Translator forth(settings());
  Translator back(settings());
  Generator generator(2);
  for (int i = 0; i < 300'000; ++i) {
    const test::Octets packet = generator.ipv6_packet();
    const Result there = forth(packet);
    ASSERT_EQ(there.packets.size(), 1u) << i << ' ' << label(there.outcome.verdict.reason);
    const Result again = back(there.packets[0]);
    ASSERT_EQ(again.packets.size(), 1u) << i << ' ' << label(again.outcome.verdict.reason);
    test::Octets expected = packet;
    expected[7] = static_cast<uint8_t>(packet[7] - 2);
    // The flow label does not cross (RFC 7915 §4.1).
    expected[1] &= 0xf0;
    expected[2] = expected[3] = 0;
    ASSERT_EQ(again.packets[0], expected) << i;
  }
}

// Fragments keep their place, and their identification's 16 low bits.
TEST(ThereAndBack, Fragments) {
  Translator forth(settings());
  Translator back(settings());
  Generator generator(3);
  for (int i = 0; i < 100'000; ++i) {
    const std::size_t size = 8 * (1 + generator.below(100));
    const auto offset = static_cast<uint16_t>(1 + generator.below(8000));
    const bool more = generator.below(2) == 0;
    const auto identification = static_cast<uint16_t>(generator.below(65536));
    const uint8_t protocol = generator.below(2) == 0 ? test::kUdp : test::kTcp;
    const test::Octets packet =
        test::ipv4({.protocol = protocol,
                    .identification = identification,
                    .flags_and_offset = static_cast<uint16_t>(offset | (more ? test::kMf : 0))},
                   generator.octets(size));
    const Result there = forth(packet);
    ASSERT_EQ(there.packets.size(), 1u) << label(there.outcome.verdict.reason);
    const Result again = back(there.packets[0]);
    ASSERT_EQ(again.packets.size(), 1u) << label(again.outcome.verdict.reason);
    test::Octets expected = packet;
    expected[8] = 62;
    test::set_header_checksum(expected);
    ASSERT_EQ(again.packets[0], expected) << i;
  }
}

// ICMP errors: the quoted packet comes back too, with what RFC 7915 §4.3 lets change.
TEST(ThereAndBack, IcmpErrors) {
  Translator forth(settings());
  Translator back(settings());
  Generator generator(4);
  struct Kind {
    uint8_t type, code;
  };
  for (int i = 0; i < 100'000; ++i) {
    // A mapped host's packet to an IPv4 host, which some router there complains about.
    test::Ipv4Spec quoted_spec{.source = test::address4(192, 0, 2, 80),
                               .destination = test::address4(203, 0, 113, 7)};
    quoted_spec.flags_and_offset = 0;
    const test::Octets quoted = test::ipv4(quoted_spec, generator.segment(true, quoted_spec.protocol, 200));
    test::Octets with_protocol = quoted;
    with_protocol[9] = quoted_spec.protocol;
    test::set_header_checksum(with_protocol);
    test::set_transport_checksum(with_protocol);
    const Kind kind =
        std::initializer_list<Kind>{{3, 1}, {3, 3}, {11, 0}, {11, 1}}.begin()[generator.below(4)];
    const std::size_t kept = std::min(with_protocol.size(), 28 + generator.below(300));
    const test::Octets error = test::ipv4(
        {.source = test::address4(5, 6, 7, 8), .protocol = test::kIcmp},
        test::icmp(kind.type, kind.code, 0,
                   {with_protocol.begin(), with_protocol.begin() + static_cast<std::ptrdiff_t>(kept)}));
    const Result there = forth(error);
    ASSERT_EQ(there.packets.size(), 1u) << i << ' ' << label(there.outcome.verdict.reason);
    ASSERT_TRUE(test::has_right_checksum(there.packets[0])) << i;
    // Back in: from the IPv6 side it is an error from an IPv4-embedded router to a mapped host.
    const Result again = back(there.packets[0]);
    ASSERT_EQ(again.packets.size(), 1u) << i << ' ' << label(again.outcome.verdict.reason);
    const test::Octets& result = again.packets[0];
    ASSERT_TRUE(test::has_right_checksum(result)) << i;
    ASSERT_EQ(result[20], kind.type);
    ASSERT_EQ(result[21], kind.code);
    test::Octets expected(error.begin() + 28, error.end());
    test::Octets quote(result.begin() + 28, result.end());
    // Of the quote, DF and identification may change, and the header checksum with them.
    std::copy_n(quote.begin() + 4, 4, expected.begin() + 4);
    std::copy_n(quote.begin() + 10, 2, expected.begin() + 10);
    ASSERT_EQ(quote, expected) << i;
    ASSERT_EQ(test::ones_sum(test::View(quote).first(20)), 0xffffu) << i;
  }
}

}  // namespace
}  // namespace yonroku::property
