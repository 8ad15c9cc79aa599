#include "engine/icmp_reply.h"

#include <gtest/gtest.h>

#include <vector>

#include "packet/test_packets.h"

namespace yonroku::engine {
namespace {

using test::Octets;

const IcmpReplySettings kSettings{true, Ipv4Address(192, 0, 0, 8),
                                  Ipv6Address(0x2001'0db8'0064'0000, 0xc000'0008), false};

Octets reply(Octets dropped, DropReason reason, uint32_t detail = 0,
             const IcmpReplySettings& settings = kSettings) {
  const Packet packet(std::as_writable_bytes(std::span(dropped)), 0, dropped.size());
  std::vector<std::byte> out(kLargestIcmpReply);
  const std::size_t size = make_icmp_reply(packet, Verdict::drop(reason, detail), settings, out);
  const auto octets = test::octets_of(std::span(out).first(size));
  return {octets.begin(), octets.end()};
}

const Octets kIpv4 = test::ipv4({}, test::udp(test::counting(20)));
const Octets kIpv6 = test::ipv6({}, test::udp(test::counting(20)));

TEST(IcmpReply, OutsideOfANat44TheAddressThatWasWrittenToAnswers) {
  IcmpReplySettings settings = kSettings;
  settings.nat_outside = NatOutside::Ipv4;
  const auto source = [&](DropReason reason) {
    const auto seen = test::see(reply(kIpv4, reason, 1400, settings));
    return seen ? seen->source : test::Address{};
  };
  EXPECT_EQ(source(DropReason::PacketTooBig), test::see(kIpv4)->destination);
  EXPECT_EQ(source(DropReason::UnsolicitedSyn), test::see(kIpv4)->destination);
  EXPECT_EQ(source(DropReason::DestinationNotMapped), test::address4(192, 0, 0, 8));
  settings.nat_outside = NatOutside::Ipv6;  // then these come from inside
  EXPECT_EQ(source(DropReason::PacketTooBig), test::address4(192, 0, 0, 8));
}

TEST(IcmpReply, OutsideOfANat44NobodyHearsOfItsTables) {
  IcmpReplySettings settings = kSettings;
  for (const DropReason reason : {DropReason::NoPort, DropReason::SubscriberLimit, DropReason::TableFull}) {
    settings.nat_outside = NatOutside::Ipv6;
    EXPECT_TRUE(reply(kIpv6, reason, 0, settings).empty()) << label(reason);
    settings.nat_outside = NatOutside::None;
    EXPECT_FALSE(reply(kIpv6, reason, 0, settings).empty()) << label(reason);
  }
}

TEST(IcmpReply, EachReasonHasItsTypeAndCode) {
  struct Row {
    DropReason reason;
    std::optional<std::pair<uint8_t, uint8_t>> ipv4, ipv6;
  };
  using Kind = std::pair<uint8_t, uint8_t>;
  const Row rows[] = {
      {DropReason::TtlExceeded, Kind{11, 0}, {}},
      {DropReason::HopLimitExceeded, {}, Kind{3, 0}},
      {DropReason::PacketTooBig, Kind{3, 4}, Kind{2, 0}},
      {DropReason::SourceRoute, Kind{3, 5}, {}},
      {DropReason::SegmentsLeft, {}, Kind{4, 0}},
      {DropReason::DestinationNotMapped, Kind{3, 13}, Kind{1, 1}},
      {DropReason::DeniedAddress, Kind{3, 13}, Kind{1, 1}},
      {DropReason::WellKnownPrefixNonGlobal, Kind{3, 13}, Kind{1, 1}},
      {DropReason::UdpZeroChecksum, Kind{3, 13}, {}},
      {DropReason::UdpZeroChecksumFragment, Kind{3, 13}, {}},
      {DropReason::ExtensionAfterFragment, {}, Kind{1, 1}},
      {DropReason::ProtocolNotTranslatable, Kind{3, 13}, Kind{1, 1}},
      {DropReason::IllegalSource, {}, {}},
      {DropReason::IllegalDestination, {}, {}},
      {DropReason::Ipv4HeaderChecksum, {}, {}},
      {DropReason::LengthMismatch, {}, {}},
      {DropReason::FragmentedIcmp, {}, {}},
      {DropReason::IcmpChecksum, {}, {}},
      {DropReason::Igmp, {}, {}},
      {DropReason::Ipv6UdpZeroChecksum, {}, {}},
      {DropReason::BadOffloadMetadata, {}, {}},
      {DropReason::NoBuffer, {}, {}},
  };
  for (const Row& row : rows) {
    for (const bool is_ipv4 : {true, false}) {
      const auto& kind = is_ipv4 ? row.ipv4 : row.ipv6;
      const Octets& dropped = is_ipv4 ? kIpv4 : kIpv6;
      const Octets error = reply(dropped, row.reason, 1400);
      ASSERT_EQ(!error.empty(), kind.has_value()) << label(row.reason) << (is_ipv4 ? " IPv4" : " IPv6");
      if (!kind) continue;
      const auto seen = *test::see(error);
      EXPECT_EQ(error[seen.transport], kind->first) << label(row.reason);
      EXPECT_EQ(error[seen.transport + 1], kind->second) << label(row.reason);
      EXPECT_TRUE(seen.header_checksum_right && test::has_right_checksum(error)) << label(row.reason);
      EXPECT_EQ(seen.destination, test::see(dropped)->source);
      EXPECT_EQ(seen.hop_limit, 64);
      EXPECT_EQ(Octets(error.begin() + static_cast<std::ptrdiff_t>(seen.transport) + 8, error.end()),
                dropped);
    }
  }
}

TEST(IcmpReply, Fields) {
  const Octets ipv4 = reply(kIpv4, DropReason::PacketTooBig, 1480);
  EXPECT_EQ(ipv4[1], 0xc0) << "RFC 1812 §4.3.2.5";
  EXPECT_EQ(test::get16(ipv4, 4), 0u);
  EXPECT_EQ(test::get16(ipv4, 6), 0x4000u);
  EXPECT_EQ(test::get32(ipv4, 24), 1480u);
  EXPECT_EQ(test::see(ipv4)->source, test::address4(192, 0, 0, 8));
  const Octets ipv6 = reply(kIpv6, DropReason::PacketTooBig, 1300);
  EXPECT_EQ(test::get32(ipv6, 0), 0x6000'0000u);
  EXPECT_EQ(test::get32(ipv6, 44), 1300u);
  EXPECT_EQ(test::get32(reply(kIpv6, DropReason::SegmentsLeft, 43), 44), 43u);
}

TEST(IcmpReply, Sizes) {
  struct Row {
    const char* name;
    std::size_t payload, ipv4, ipv6;
  };
  for (const Row& row :
       {Row{"small", 10, 20 + 8 + 28 + 10, 40 + 8 + 48 + 10}, Row{"as large as fits IPv4", 520, 576, 616},
        Row{"larger", 521, 576, 617}, Row{"as large as fits IPv6", 1184, 576, 1280},
        Row{"even larger", 1185, 576, 1280}, Row{"the largest", 65000, 576, 1280}}) {
    EXPECT_EQ(reply(test::ipv4({}, test::udp(Octets(row.payload))), DropReason::TtlExceeded).size(), row.ipv4)
        << row.name;
    EXPECT_EQ(reply(test::ipv6({}, test::udp(Octets(row.payload))), DropReason::HopLimitExceeded).size(),
              row.ipv6)
        << row.name;
  }
}

// RFC 1812 §4.3.2.7 and RFC 4443 §2.4 (e).
TEST(IcmpReply, NeverAboutThese) {
  struct Row {
    const char* name;
    Octets dropped;
    DropReason reason;
    bool replied = false;
  };
  const auto icmp4 = [](uint8_t type) {
    return test::ipv4({.protocol = test::kIcmp}, test::icmp(type, 0, 0, Octets(40)));
  };
  const auto icmp6 = [](uint8_t type) {
    return test::ipv6({.next_header = test::kIcmpv6}, test::icmp(type, 0, 0, Octets(40)));
  };
  const auto from4 = [](test::Address source) { return test::ipv4({.source = source}, test::udp({})); };
  const auto from6 = [](test::Address source) { return test::ipv6({.source = source}, test::udp({})); };
  const auto fragment6 = [](std::size_t offset) {
    return test::ipv6({.next_header = 44, .extensions = test::fragment_header(17, offset, true, 1)},
                      Octets(16));
  };
  const auto ttl = DropReason::TtlExceeded;
  const auto hops = DropReason::HopLimitExceeded;
  const auto unmapped = DropReason::DestinationNotMapped;
  Octets multicast4 = test::ipv4({.destination = test::address4(224, 0, 0, 5)}, test::udp({}));
  Octets multicast6 = test::ipv6({.destination = test::address6({0xff02}, 1)}, test::udp({}));
  const Row rows[] = {
      {"Destination Unreachable", icmp4(3), ttl},
      {"Source Quench", icmp4(4), ttl},
      {"Redirect", icmp4(5), ttl},
      {"Time Exceeded", icmp4(11), ttl},
      {"Parameter Problem", icmp4(12), ttl},
      {"Echo", icmp4(8), ttl, true},
      {"Timestamp", icmp4(13), ttl, true},
      {"an ICMPv6 error", icmp6(1), hops},
      {"an unknown ICMPv6 error", icmp6(127), hops},
      {"Echo Request in IPv6, hop limit", icmp6(128), hops, true},
      {"Echo Request in IPv6, no mapping (RFC 7915 §5.4)", icmp6(128), unmapped},
      {"UDP in IPv6, no mapping", kIpv6, unmapped, true},
      {"a first fragment", test::ipv4({.flags_and_offset = test::kMf}, Octets(16)), ttl, true},
      {"a later fragment", test::ipv4({.flags_and_offset = 5}, Octets(16)), ttl},
      {"a first fragment in IPv6", fragment6(0), hops, true},
      {"a later fragment in IPv6", fragment6(8), hops},
      {"from 0.0.0.0", from4(test::address4(0, 0, 0, 0)), ttl},
      {"from a loopback address", from4(test::address4(127, 0, 0, 1)), ttl},
      {"from multicast", from4(test::address4(224, 0, 0, 1)), ttl},
      {"from broadcast", from4(test::address4(255, 255, 255, 255)), ttl},
      {"from ::", from6({}), hops},
      {"from ::1", from6(test::address6({}, 1)), hops},
      {"from link-local", from6(test::address6({0xfe80}, 1)), hops},
      {"from multicast in IPv6", from6(test::address6({0xff02}, 1)), hops},
      {"to multicast", multicast4, ttl},
      {"to multicast in IPv6", multicast6, hops},
      {"a packet cut off", Octets(kIpv4.begin(), kIpv4.begin() + 30), ttl},
      {"nothing", {}, ttl},
  };
  for (const Row& row : rows) EXPECT_EQ(!reply(row.dropped, row.reason).empty(), row.replied) << row.name;
}

TEST(IcmpReply, OffMeansOff) {
  IcmpReplySettings off = kSettings;
  off.send = false;
  EXPECT_TRUE(reply(kIpv4, DropReason::TtlExceeded, 0, off).empty());
}

}  // namespace
}  // namespace yonroku::engine
