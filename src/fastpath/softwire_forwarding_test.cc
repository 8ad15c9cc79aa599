// Softwires: packets into tunnels and out of them, and super-packets in tunnels.
#include <sys/utsname.h>

#include <ctime>

#include "fastpath/test_forwarding.h"

namespace yonroku::fastpath {
namespace {

using test::address4;
using test::address6;
using test::Ipv4Spec;
using test::Ipv6Spec;

const test::Address kBorder = address6({0x2001, 0xdb8, 0xffff}, 1);
const test::Address kCustomer = address6({0x2001, 0xdb8, 1, 0, 0, 0xc000, 0x0250, 1});
const test::Address kShared = address4(192, 0, 2, 80);  // one of its customers has ports 4096 to 8191
constexpr uint16_t kOwnPort = 5000, kAnotherPort = 80;
const Octets kEncapsulationLimit = {kIpip, 0, 4, 1, 4, 1, 1, 0};

class SoftwireForwarding : public Forwarding {
 protected:
  void SetUp() override {
    Forwarding::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    settings_.border_addresses = {ipv6_of(kBorder)};
    const auto add = [&](const share::MapRule::Parts& parts) {
      ASSERT_EQ(rules_.add(*share::MapRule::create(parts)), share::MapRuleTable::Refusal::None);
    };
    // Of PSID offset 0 and PSID length 4, PSID 1.
    add({.ipv6 = Ipv6Prefix::holding(ipv6_of(kCustomer), 128),
         .ipv4 = Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 80), 32),
         .given_psid_length = 4,
         .given_psid = 1});
    // MAP-E: 192.0.2.128/25, the rest of the address and 4 bits of PSID in the EA bits.
    add({.ipv6 = Ipv6Prefix::holding({0x2001'0db8'0002'0000, 0}, 48),
         .ipv4 = Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 128), 25),
         .ea_length = 11,
         .psid_offset = 4});
  }
  void compare_all(std::initializer_list<Row> rows) {
    serve(fastpath::serve(0, settings_, rules_, path_mtus_));
    compare(mechanism::Softwire(settings_, rules_, path_mtus_), rows);
  }
  static Octets to_customer(Ipv4Spec spec = {},
                            Octets payload = test::udp(test::counting(40), 53, kOwnPort)) {
    return test::ipv4(spec, payload);
  }
  static Ipv4Spec from_customer_spec() {
    return {.source = kShared, .destination = address4(203, 0, 113, 7)};
  }
  static Octets from_customer(const Octets& inner, Ipv6Spec outer = {}) {
    outer.source = kCustomer;
    outer.destination = kBorder;
    outer.next_header = outer.extensions.empty() ? kIpip : kDestinationOptions;
    return test::ipv6(outer, inner);
  }

  mechanism::SoftwireSettings settings_;
  share::MapRuleTable rules_{share::MapRuleTable::Index::Ipv4Only, 7, &memory_};
  carry::PathMtuTable path_mtus_{&memory_};
};

TEST_F(SoftwireForwarding, IntoTheTunnel) {
  const Octets data = test::counting(40);
  compare_all({
      {"UDP", to_customer(), true},
      {"with padding behind it", test::joined({to_customer(), Octets(6)}), true},
      {"ECN and DSCP", to_customer({.tos = 0xb9}), true},
      {"may be fragmented", to_customer({.flags_and_offset = 0}), true},
      {"the last hop", to_customer({.ttl = 1}), false},
      {"two hops", to_customer({.ttl = 2}), true},
      {"a port of somebody else", to_customer({}, test::udp(data, 53, kAnotherPort)), false},
      {"TCP to a port that the rule gives to nobody",
       test::ipv4({.destination = address4(192, 0, 2, 200), .protocol = test::kTcp}, test::tcp(data)), false},
      {"UDP by MAP-E's rule",
       test::ipv4({.destination = address4(192, 0, 2, 200)}, test::udp(data, 53, 0x1234)), true},
      {"an echo by its identifier",
       to_customer({.protocol = test::kIcmp}, test::icmp(0, 0, uint32_t{kOwnPort} << 16 | 1, data)), true},
      {"an ICMP error", to_customer({.protocol = test::kIcmp}, test::icmp(3, 1, 0, to_customer())), false},
      {"a fragment", to_customer({.flags_and_offset = test::kMf}), false},
      {"options", to_customer({.options = {1, 1, 1, 1}}), false},
      {"GRE", to_customer({.protocol = 47}), false},
      {"of nobody", test::ipv4({.destination = address4(192, 0, 2, 5)}, test::udp(data)), false},
      {"from a multicast address", to_customer({.source = address4(224, 0, 0, 1)}), false},
      {"fits just", to_customer({}, test::udp(test::counting(1500 - 40 - 20 - 8), 53, kOwnPort)), true},
      {"too big", to_customer({}, test::udp(test::counting(1500 - 40 - 20 - 7), 53, kOwnPort)), false},
  });
  Octets no_checksum = to_customer();
  test::put16(no_checksum, 26, 0);
  compare_all({{"UDP without checksum", no_checksum, true}});
}

TEST_F(SoftwireForwarding, IntoTheTunnelAsSettingsSay) {
  settings_.encapsulate.encapsulation_limit = 4;
  settings_.encapsulate.flow_label = carry::FlowLabel::Hash;
  settings_.encapsulate.traffic_class = 0x28;
  settings_.encapsulate.hop_limit = 200;
  settings_.own_prefixes = {Ipv4Prefix::holding(Ipv4Address(203, 0, 113, 0), 24)};
  settings_.inbound_icmp = mechanism::InboundIcmp::Errors;
  compare_all({
      {"all", to_customer({.tos = 0xb9}), true},
      {"not from our prefix", to_customer({.source = address4(198, 51, 100, 1)}), false},
      {"an echo",
       to_customer({.protocol = test::kIcmp}, test::icmp(0, 0, uint32_t{kOwnPort} << 16, test::counting(8))),
       false},
  });
}

TEST_F(SoftwireForwarding, IntoATunnelOfWhichAnMtuWasLearned) {
  const Octets large = to_customer({}, test::udp(test::counting(1400 - 40 - 20 - 8), 53, kOwnPort));
  const Octets larger = to_customer({}, test::udp(test::counting(1400 - 40 - 20 - 7), 53, kOwnPort));
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_MONOTONIC, &now), 0);
  state_.now = Instant::from_nanoseconds(now.tv_sec * 1'000'000'000 + now.tv_nsec);
  compare_all({{"nothing is known", larger, true}});
  path_mtus_.learn(ipv6_of(kCustomer), 1400, state_.now);
  compare_all({{"fits", large, true}, {"does not", larger, false}});
  settings_.path_mtu_discovery = mechanism::PathMtuDiscovery::Ignore;
  compare_all({{"nobody asks", larger, true}});
}

TEST_F(SoftwireForwarding, OutOfTheTunnel) {
  const Octets data = test::counting(40);
  const Octets inner = test::ipv4(from_customer_spec(), test::udp(data, kOwnPort, 53));
  const auto spoofed = [&](test::Address source) {
    return test::ipv6({.source = source, .destination = kBorder, .next_header = kIpip}, inner);
  };
  const auto to = [&](test::Address destination, uint16_t port) {
    return from_customer(
        test::ipv4({.source = kShared, .destination = destination}, test::udp(data, kOwnPort, port)));
  };
  const auto marked = [&](uint8_t inner_tos, uint8_t outer_class) {
    Ipv4Spec spec = from_customer_spec();
    spec.tos = inner_tos;
    return from_customer(test::ipv4(spec, test::udp(data, kOwnPort, 53)), {.traffic_class = outer_class});
  };
  const auto hops = [&](uint8_t inner_ttl, uint8_t outer_hops) {
    Ipv4Spec spec = from_customer_spec();
    spec.ttl = inner_ttl;
    return from_customer(test::ipv4(spec, test::udp(data, kOwnPort, 53)), {.hop_limit = outer_hops});
  };
  const auto with_payload_length = [&](uint16_t length, Octets extensions) {
    Octets packet = from_customer(inner, {.extensions = std::move(extensions)});
    test::put16(packet, 4, length);
    return packet;
  };
  Octets broken = inner;
  broken[10] ^= 1;
  compare_all({
      {"UDP", from_customer(inner), true},
      {"the smallest", from_customer(test::ipv4(from_customer_spec(), test::udp({}, kOwnPort, 53))), true},
      {"with padding behind it", test::joined({from_customer(inner), Octets(9)}), true},
      {"with padding inside", from_customer(test::joined({inner, Octets(9)})), true},
      {"an encapsulation limit", from_customer(inner, {.extensions = kEncapsulationLimit}), true},
      {"an outer length that ends in the option", with_payload_length(4, kEncapsulationLimit), false},
      {"an outer length that ends before the inner packet does", with_payload_length(60, {}), false},
      {"an outer length of none", with_payload_length(0, {}), false},
      {"other options", from_customer(inner, {.extensions = {kIpip, 0, 1, 4, 0, 0, 0, 0}}), false},
      {"ECT(0), met congestion", marked(0xba, 0x03), true},
      {"ECT(0), marked ECT(1)", marked(0xba, 0x01), true},
      {"not ECT, met congestion", marked(0xb8, 0x03), false},
      {"the last inner hop", hops(1, 64), false},
      {"the last outer hop", hops(64, 1), false},
      {"two hops each", hops(2, 2), true},
      {"another customer's source", spoofed(address6({0x2001, 0xdb8, 1}, 2)), false},
      {"a source that no router forwards", spoofed(address6({0xfe80}, 2)), false},
      {"another customer's port",
       from_customer(test::ipv4(from_customer_spec(), test::udp(data, kAnotherPort, 53))), false},
      {"an inner checksum that is wrong", from_customer(broken), false},
      {"to another customer", to(address4(192, 0, 2, 200), 0x1234), false},
      {"to a port that nobody has", to(kShared, kAnotherPort), false},
      {"to a neighbour who is no customer", to(address4(192, 0, 99, 1), kAnotherPort), true},
      {"to a multicast address", to(address4(224, 0, 0, 1), 53), false},
      {"a ping to this end",
       test::ipv6({.source = kCustomer, .destination = kBorder, .next_header = test::kIcmpv6},
                  test::icmp(128, 0, 0, data)),
       false},
  });
  settings_.encapsulate.dscp_to_ipv4 = true;
  settings_.hairpinning = mechanism::SoftwireHairpinning::Off;
  compare_all({{"the outer DSCP", marked(0xba, 0x29), true}});
  settings_.own_prefixes = {Ipv4Prefix::holding(Ipv4Address(198, 51, 100, 0), 24)};
  compare_all({{"not to our prefix", from_customer(inner), false}});
}

// 4000 octets of TCP, of which the device shall make segments of 1400.
Octets tcp_with_partial_checksum(test::Address source, test::Address destination, uint16_t source_port,
                                 uint16_t destination_port) {
  Octets segment = test::tcp(test::counting(4000));
  test::put16(segment, 0, source_port);
  test::put16(segment, 2, destination_port);
  Octets packet = test::ipv4({.source = source, .destination = destination, .protocol = test::kTcp}, segment);
  test::set_partial_checksum(packet);
  return packet;
}
io::VirtioHeader to_finish(uint16_t transport, uint16_t segment_size) {
  io::VirtioHeader todo{};
  todo.flags = io::VirtioHeader::kNeedsChecksum;
  todo.checksum_start = static_cast<uint16_t>(ETH_HLEN + transport);
  todo.checksum_offset = 16;
  if (segment_size == 0) return todo;
  todo.segmentation = io::VirtioHeader::kTcpIpv4;
  todo.segment_size = segment_size;
  todo.header_size = static_cast<uint16_t>(todo.checksum_start + 20);
  return todo;
}

TEST_F(SoftwireForwarding, SuperPacketsGoIntoTheTunnelWhole) {
  serve(fastpath::serve(0, settings_, rules_, path_mtus_));
  const Octets packet = tcp_with_partial_checksum(address4(203, 0, 113, 7), kShared, 4000, kOwnPort);
  const auto left = send({to_finish(20, 1400), packet}, 6, kIpip);
  ASSERT_EQ(left.size(), 1u);
  const Octets expected = test::ipv6(
      {.source = kBorder, .destination = kCustomer, .next_header = kIpip, .hop_limit = 63}, routed(packet));
  EXPECT_EQ(left[0].packet, expected);
  EXPECT_EQ(left[0].todo.segmentation & ~io::VirtioHeader::kEcn, io::VirtioHeader::kTcpIpv4);
  EXPECT_EQ(left[0].todo.segment_size, 1400);
  EXPECT_EQ(left[0].todo.checksum_start, ETH_HLEN + 40 + 20);

  // The size of segments counts, with the tunnel's headers.
  EXPECT_EQ(send({to_finish(20, 1420), packet}, 6, kIpip).size(), 1u);
  EXPECT_EQ(send({to_finish(20, 1421), packet}, 6, kIpip).size(), 0u);
}

TEST_F(SoftwireForwarding, TheKernelCutsWhatIsInTheTunnel) {
  for (const bool has_limit : {false, true}) {
    SCOPED_TRACE(has_limit ? "behind an encapsulation limit" : "behind the IPv6 header");
    if (has_limit) settings_.encapsulate.encapsulation_limit = 4;
    serve(fastpath::serve(0, settings_, rules_, path_mtus_));
    ip("link set dev wire gso_max_size 2000\n");  // less than the packet: the device takes segments only
    const Octets packet = tcp_with_partial_checksum(address4(203, 0, 113, 7), kShared, 4000, kOwnPort);
    const auto left = send({to_finish(20, 1400), packet}, 6, has_limit ? kDestinationOptions : kIpip);
    ASSERT_EQ(left.size(), 3u);
    const std::size_t front = has_limit ? 48 : 40;
    Octets data;
    for (const Travelling& each : left) {
      EXPECT_EQ(each.todo.segmentation, io::VirtioHeader::kNone);
      EXPECT_EQ(test::get16(each.packet, 4) + 40, each.packet.size());
      Octets inner(each.packet.begin() + static_cast<std::ptrdiff_t>(front), each.packet.end());
      const auto seen = test::see(inner);
      ASSERT_TRUE(seen);
      EXPECT_EQ(seen->total, inner.size());
      EXPECT_EQ(seen->hop_limit, 63);
      EXPECT_TRUE(seen->header_checksum_right);
      if ((each.todo.flags & io::VirtioHeader::kNeedsChecksum) != 0)
        EXPECT_EQ(each.todo.checksum_start, ETH_HLEN + front + 20);
      else
        EXPECT_TRUE(test::has_right_checksum(inner));
      data.insert(data.end(), inner.begin() + 40, inner.end());
    }
    EXPECT_EQ(data, test::counting(4000));
  }
}

TEST_F(SoftwireForwarding, UdpSuperPacketsGoIntoTheTunnelToo) {
  utsname system{};
  ASSERT_EQ(::uname(&system), 0);
  if (std::string_view(system.release).starts_with("6.1.")) GTEST_SKIP() << "packet sockets know none";
  for (const bool has_limit : {false, true}) {
    SCOPED_TRACE(has_limit ? "behind an encapsulation limit" : "behind the IPv6 header");
    if (has_limit) settings_.encapsulate.encapsulation_limit = 4;
    serve(fastpath::serve(0, settings_, rules_, path_mtus_));
    Octets packet = test::ipv4({.source = address4(203, 0, 113, 7), .destination = kShared},
                               test::udp(test::counting(4000), 4000, kOwnPort));
    test::set_partial_checksum(packet);
    io::VirtioHeader todo = to_finish(20, 1400);
    todo.checksum_offset = 6;
    todo.segmentation = io::VirtioHeader::kUdpSegmentation;
    todo.header_size = static_cast<uint16_t>(todo.checksum_start + sizeof(UdpHeader));
    const uint8_t next_header = has_limit ? kDestinationOptions : kIpip;
    const std::size_t front = has_limit ? 48 : 40;

    ip("link set dev wire gso_max_size 65536\n");
    auto left = send({todo, packet}, 6, next_header);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].todo.segmentation, io::VirtioHeader::kUdpSegmentation);
    EXPECT_EQ(left[0].todo.segment_size, 1400);
    EXPECT_EQ(Octets(left[0].packet.begin() + static_cast<std::ptrdiff_t>(front), left[0].packet.end()),
              routed(packet));

    ip("link set dev wire gso_max_size 2000\n");  // less than the packet: the device takes segments only
    left = send({todo, packet}, 6, next_header);
    ASSERT_EQ(left.size(), 3u);
    Octets data;
    for (const Travelling& each : left) {
      EXPECT_EQ(each.todo.segmentation, io::VirtioHeader::kNone);
      EXPECT_EQ(test::get16(each.packet, 4) + 40, each.packet.size());
      const Octets inner(each.packet.begin() + static_cast<std::ptrdiff_t>(front), each.packet.end());
      const auto seen = test::see(inner);
      ASSERT_TRUE(seen);
      EXPECT_EQ(seen->total, inner.size());
      EXPECT_TRUE(seen->header_checksum_right);
      EXPECT_EQ(test::get16(inner, 24), inner.size() - 20);
      if ((each.todo.flags & io::VirtioHeader::kNeedsChecksum) != 0)
        EXPECT_EQ(each.todo.checksum_start, ETH_HLEN + front + 20);
      else
        EXPECT_TRUE(test::has_right_checksum(inner));
      data.insert(data.end(), inner.begin() + 28, inner.end());
    }
    EXPECT_EQ(data, test::counting(4000));
  }
}

TEST_F(SoftwireForwarding, ChecksumsThatAreYetToFinishComeOutOfTheTunnel) {
  serve(fastpath::serve(0, settings_, rules_, path_mtus_));
  Octets inner =
      test::ipv4({.source = kShared, .destination = address4(203, 0, 113, 7), .protocol = test::kTcp},
                 test::tcp(test::counting(40)));
  test::put16(inner, 20, kOwnPort);
  test::set_partial_checksum(inner);
  for (const bool has_limit : {false, true}) {
    SCOPED_TRACE(has_limit ? "behind an encapsulation limit" : "behind the IPv6 header");
    const Octets packet = from_customer(inner, {.extensions = has_limit ? kEncapsulationLimit : Octets{}});
    const auto left = send({to_finish(has_limit ? 68 : 60, 0), packet}, 4, test::kTcp);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].packet, routed(inner));
    EXPECT_EQ(left[0].todo.flags & io::VirtioHeader::kNeedsChecksum, io::VirtioHeader::kNeedsChecksum);
    EXPECT_EQ(left[0].todo.checksum_start, ETH_HLEN + 20);
  }
}

// A customer edge's NAT changes what is left to the device, or to be cut, as it is: 192.168.1.2 behind
// kShared.
TEST_F(SoftwireForwarding, ANatChangesChecksumsThatAreYetToFinish) {
  mechanism::SoftwireNaptSettings settings;
  settings.encapsulate = settings_.encapsulate;
  serve(fastpath::serve(0, settings, path_mtus_));
  auto flows = programs_->add_flow_table(1);
  ASSERT_TRUE(flows) << flows.error().to_string();
  const test::Address inside = address4(192, 168, 1, 2), server = address4(203, 0, 113, 7);
  const Ipv6Address near = ipv6_of(kBorder), far = ipv6_of(kCustomer);
  const uint32_t number = flows->install({.near_high = near.high(),
                                          .near_low = near.low(),
                                          .far_high = far.high(),
                                          .far_low = far.low(),
                                          .inside = test::get32(inside, 0),
                                          .outside = test::get32(kShared, 0),
                                          .remote = test::get32(server, 0),
                                          .inside_port = 4000,
                                          .outside_port = kOwnPort,
                                          .remote_port = 80,
                                          .protocol = test::kTcp,
                                          .instance = 0,
                                          .kind = FlowKind::SoftwireNapt,
                                          .is_one_way = 0,
                                          .far_port = 0});
  ASSERT_NE(number, FlowTable::kNone);
  auto left = send({to_finish(20, 1400), tcp_with_partial_checksum(inside, server, 4000, 80)}, 6, kIpip);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].packet,
            test::ipv6({.source = kBorder, .destination = kCustomer, .next_header = kIpip, .hop_limit = 63},
                       routed(tcp_with_partial_checksum(kShared, server, kOwnPort, 80))));
  EXPECT_EQ(left[0].todo.segment_size, 1400);
  EXPECT_EQ(left[0].todo.checksum_start, ETH_HLEN + 40 + 20);

  Octets segment = test::tcp(test::counting(40));
  test::put16(segment, 0, 80);
  test::put16(segment, 2, kOwnPort);
  Octets inner = test::ipv4({.source = server, .destination = kShared, .protocol = test::kTcp}, segment);
  test::set_partial_checksum(inner);
  test::put16(segment, 2, 4000);
  Octets expected = test::ipv4({.source = server, .destination = inside, .protocol = test::kTcp}, segment);
  test::set_partial_checksum(expected);
  left = send({to_finish(60, 0),
               test::ipv6({.source = kCustomer, .destination = kBorder, .next_header = kIpip}, inner)},
              4, test::kTcp);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].packet, routed(expected));
  EXPECT_EQ(left[0].todo.flags & io::VirtioHeader::kNeedsChecksum, io::VirtioHeader::kNeedsChecksum);
  EXPECT_EQ(left[0].todo.checksum_start, ETH_HLEN + 20);
  flows->remove(number);
  programs_->remove_flow_table(flows->first_number());
}

}  // namespace
}  // namespace yonroku::fastpath
