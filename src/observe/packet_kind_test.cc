#include "observe/packet_kind.h"

#include <gtest/gtest.h>

#include "packet/test_packets.h"

namespace yonroku::observe {
namespace {

using test::Octets;

static_assert(protocol_of(IpProtocol::Tcp) == Protocol::Tcp && protocol_of(IpProtocol::Udp) == Protocol::Udp);
static_assert(protocol_of(IpProtocol::Icmp) == Protocol::Icmp &&
              protocol_of(IpProtocol::Icmpv6) == Protocol::Icmp);
static_assert(protocol_of(IpProtocol::EncapsulatingSecurityPayload) == Protocol::Other);
static_assert(std::size(kDirectionLabels) == kDirections && std::size(kProtocolLabels) == kProtocols);

PacketKind kind(const Octets& packet) { return kind_of(std::as_bytes(std::span(packet))); }

Octets ipv6(uint8_t next_header, const Octets& payload) {
  return test::ipv6({.next_header = next_header}, payload);
}

// RFC 8200 §4.2: next header, length in units of 8 octets behind the first, options that pad.
Octets options(uint8_t next_header) { return {next_header, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}; }
Octets fragment(uint8_t next_header, uint16_t offset_more) {
  return {next_header, 0, static_cast<uint8_t>(offset_more >> 8), static_cast<uint8_t>(offset_more), 0, 0,
          0,           1};
}

TEST(PacketKind, IsWhereItGoesAndWhatItCarries) {
  constexpr uint8_t kHopByHop = 0, kIpIp = 4, kIpv6Fragment = 44, kEsp = 50, kDestination = 60;
  const Octets inner = test::ipv4({.protocol = test::kTcp}, test::tcp(test::counting(4)));
  struct Row {
    const char* name;
    Octets packet;
    Direction direction;
    Protocol protocol;
  };
  const Row rows[] = {
      {"UDP", test::ipv4({}, test::udp({})), Direction::ToIpv6, Protocol::Udp},
      {"TCP", inner, Direction::ToIpv6, Protocol::Tcp},
      {"ICMP", test::ipv4({.protocol = test::kIcmp}, test::icmp(8, 0, 1, {})), Direction::ToIpv6,
       Protocol::Icmp},
      {"ESP", test::ipv4({.protocol = kEsp}, Octets(20)), Direction::ToIpv6, Protocol::Other},
      {"a later fragment of IPv4", test::ipv4({.flags_and_offset = 185}, Octets(20)), Direction::ToIpv6,
       Protocol::Udp},
      {"UDP in IPv6", ipv6(test::kUdp, test::udp({})), Direction::ToIpv4, Protocol::Udp},
      {"ICMPv6", ipv6(test::kIcmpv6, test::icmp(128, 0, 1, {})), Direction::ToIpv4, Protocol::Icmp},
      {"behind options",
       ipv6(kHopByHop, test::joined({options(kDestination), options(test::kTcp), Octets(20)})),
       Direction::ToIpv4, Protocol::Tcp},
      {"a first fragment", ipv6(kIpv6Fragment, test::joined({fragment(test::kUdp, 1), test::udp({})})),
       Direction::ToIpv4, Protocol::Udp},
      {"a later one", ipv6(kIpv6Fragment, test::joined({fragment(test::kUdp, 1480), Octets(16)})),
       Direction::ToIpv4, Protocol::Udp},
      {"a tunnel (RFC 2473)", ipv6(kIpIp, inner), Direction::ToIpv4, Protocol::Tcp},
      {"a tunnel with its limit", ipv6(kDestination, test::joined({{kIpIp, 0, 4, 1, 4, 1, 0, 0}, inner})),
       Direction::ToIpv4, Protocol::Tcp},
      {"a tunnel's first fragment", ipv6(kIpv6Fragment, test::joined({fragment(kIpIp, 1), inner})),
       Direction::ToIpv4, Protocol::Tcp},
      {"a later one, whatever is in it", ipv6(kIpv6Fragment, test::joined({fragment(kIpIp, 1480), inner})),
       Direction::ToIpv4, Protocol::Other},
      {"no packet", {}, Direction::ToIpv6, Protocol::Other},
      {"no IP", Octets(60, 0x10), Direction::ToIpv6, Protocol::Other},
  };
  for (const Row& row : rows) {
    const PacketKind found = kind(row.packet);
    EXPECT_EQ(found.direction, row.direction) << row.name;
    EXPECT_EQ(found.protocol, row.protocol) << row.name;
  }
}

// RFC 792, RFC 1191 §4; RFC 4443 §3.2.
TEST(PacketKind, KnowsThatAPacketIsTooBig) {
  constexpr uint8_t kIpIp = 4;
  const auto icmp4 = [](uint8_t type, uint8_t code, uint16_t offset = 0) {
    return test::ipv4({.protocol = test::kIcmp, .flags_and_offset = offset},
                      test::icmp(type, code, 1300, Octets(28)));
  };
  const auto icmp6 = [](uint8_t type) { return ipv6(test::kIcmpv6, test::icmp(type, 0, 1400, Octets(48))); };
  struct Row {
    const char* name;
    Octets packet;
    bool is_too_big;
  };
  Octets cut = icmp4(3, 4);
  cut.resize(27);
  const Row rows[] = {
      {"fragmentation needed", icmp4(3, 4), true},
      {"port unreachable", icmp4(3, 3), false},
      {"time exceeded", icmp4(11, 4), false},
      {"a later fragment", icmp4(3, 4, 185), false},
      {"not whole", cut, false},
      {"packet too big", icmp6(2), true},
      {"time exceeded of IPv6", icmp6(3), false},
      {"in a tunnel", ipv6(kIpIp, icmp4(3, 4)), true},
      {"other in a tunnel", ipv6(kIpIp, icmp4(3, 1)), false},
      {"UDP that looks like it", test::ipv4({}, {3, 4, 0, 0, 0, 8, 0, 0}), false},
      {"nothing", {}, false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(says_too_big(std::as_bytes(std::span(row.packet))), row.is_too_big) << row.name;
}

TEST(PacketKind, NothingIsReadBehindTheEnd) {
  constexpr uint8_t kIpIp = 4, kDestination = 60;
  const Octets whole =
      ipv6(kDestination, test::joined({options(kIpIp), test::ipv4({.protocol = test::kTcp}, test::tcp({}))}));
  const std::size_t inner = 40 + 16;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));  // asan sees its end
    const bool is_told = size >= inner + 20;
    EXPECT_EQ(kind(part).protocol, is_told ? Protocol::Tcp : Protocol::Other) << size;
  }
}

TEST(PacketKind, ChainsWithoutAnEndEnd) {
  constexpr uint8_t kDestination = 60;
  Octets chain;
  for (int i = 0; i < 100; ++i) chain = test::joined({chain, options(kDestination)});
  EXPECT_EQ(kind(ipv6(kDestination, chain)).protocol, Protocol::Other);
}

}  // namespace
}  // namespace yonroku::observe
