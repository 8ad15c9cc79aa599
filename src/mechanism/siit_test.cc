// What the golden corpus cannot show of Siit: choices at random, notes for explain, and prefetching from any
// octets.
#include "mechanism/siit.h"

#include <gtest/gtest.h>

#include <map>

#include "packet/test_packets.h"

namespace yonroku::mechanism {
namespace {

using test::Octets;

class SiitTest : public testing::Test {
 public:
  SiitTest() {
    EXPECT_EQ(table.add({*Ipv4Prefix::parse("192.0.2.80"), *Ipv6Prefix::parse("2001:db8:2::80")}),
              share::EamTable::Refusal::None);
    settings.mapping.ipv4_side_prefix = settings.mapping.ipv6_side_prefix =
        share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
  }
  // The result, or nothing when it was dropped.
  Octets run(const Octets& input, WorkerState& state) {
    std::vector<std::byte> buffer(128 + input.size() + 1500);
    Packet packet(buffer, 128, input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
    verdict = Siit(settings, table).process(packet, state);
    if (verdict.action == Verdict::Action::Drop) return {};
    const auto octets = test::octets_of(packet.bytes());
    return {octets.begin(), octets.end()};
  }
  share::EamTable table{1};
  SiitSettings settings;
  Verdict verdict;
};

// An error from a router that has no IPv4 address, about a packet from an IPv4 host to the mapped one.
Octets error_from_a_router() {
  const Octets quoted = test::ipv6({.source = test::address6({0x2001, 0xdb8, 0x64}, 0xcb007107),
                                    .destination = test::address6({0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x80})},
                                   test::udp(test::counting(8)));
  return test::ipv6({.source = test::address6({0x2001, 0xdb8, 0xffff}, 1), .next_header = test::kIcmpv6},
                    test::icmp(3, 0, 0, quoted));
}

// RFC 6791 §3.1: any address of the pool, and no other.
TEST_F(SiitTest, EveryAddressOfThePoolIsUsed) {
  settings.untranslatable_source = UntranslatableSource::Pool;
  settings.icmpv6_source_pool = {*Ipv4Prefix::parse("198.51.100.240/30"), *Ipv4Prefix::parse("198.51.100.1")};
  WorkerState state(6791);
  std::map<test::Address, int> seen;
  for (int i = 0; i < 400; ++i) {
    const Octets out = run(error_from_a_router(), state);
    ASSERT_FALSE(out.empty()) << label(verdict.reason);
    ++seen[test::see(out)->source];
  }
  EXPECT_EQ(seen.size(), 5u);
  for (uint8_t last = 240; last < 244; ++last) EXPECT_TRUE(seen.contains(test::address4(198, 51, 100, last)));
  EXPECT_TRUE(seen.contains(test::address4(198, 51, 100, 1)));
}

TEST_F(SiitTest, AnEmptyPoolFallsBackToTheDummyAddress) {
  settings.untranslatable_source = UntranslatableSource::Pool;
  WorkerState state(0);
  const Octets out = run(error_from_a_router(), state);
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(test::see(out)->source, test::address4(192, 0, 0, 8));
}

TEST_F(SiitTest, ATraceChangesNothing) {
  for (const Octets& input :
       {test::ipv4({}, test::udp(test::counting(8))), test::ipv6({}, test::udp(test::counting(8))),
        test::ipv4({.destination = test::address4(224, 0, 0, 1)}, test::udp({})), error_from_a_router()}) {
    WorkerState plain(0);
    WorkerState traced(0);
    Trace trace;
    traced.trace = &trace;
    const Octets expected = run(input, plain);
    const Verdict expected_verdict = verdict;
    EXPECT_EQ(run(input, traced), expected);
    EXPECT_EQ(verdict.action, expected_verdict.action);
    EXPECT_EQ(verdict.reason, expected_verdict.reason);
    EXPECT_FALSE(trace.notes().empty());
  }
}

TEST_F(SiitTest, PrefetchTakesAnyOctets) {
  for (uint32_t i = 0; i < 5'000; ++i)  // enough that it does something
    ASSERT_EQ(
        table.add({Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + i), 32), Ipv6Prefix::holding({1, i}, 128)}),
        share::EamTable::Refusal::None);
  const Siit siit(settings, table);
  for (const uint8_t first : Octets{0x00, 0x45, 0x60, 0xff}) {
    for (std::size_t size = 0; size < 60; ++size) {
      const Octets octets(size, first);
      siit.prefetch(std::as_bytes(std::span(octets)));
    }
  }
}

TEST_F(SiitTest, WorkersOfOneInstanceUseDifferentIdentifications) {
  WorkerState first(1, 0, 2);
  WorkerState second(2, 1, 2);
  const Octets input = test::ipv6({}, test::udp(test::counting(8)));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(test::see(run(input, first))->identification % 2, 0u);
    EXPECT_EQ(test::see(run(input, second))->identification % 2, 1u);
  }
}

}  // namespace
}  // namespace yonroku::mechanism
