// What is offered to the offload is what packets of the session look like, whatever the mechanism.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "control/offload_view.h"
#include "control/snapshot_builder.h"
#include "engine/pipeline.h"
#include "packet/test_packets.h"

namespace yonroku::property {
namespace {

using share::NatProtocol;
using test::Octets;

class Recorder final : public share::SessionOffload {
 public:
  uint32_t begin(const share::OffloadedSession& session) noexcept override {
    offered_.push_back(session);
    return static_cast<uint32_t>(offered_.size());
  }
  void end(uint32_t) noexcept override { ++ended_; }
  [[nodiscard]] Seen seen(uint32_t) const noexcept override { return {}; }
  [[nodiscard]] bool is_of(uint32_t flow, const share::OffloadedSession& session) const noexcept override {
    return is_same_ && offered_.at(flow - 1) == session;
  }
  std::vector<share::OffloadedSession> offered_;
  int ended_ = 0;
  bool is_same_ = true;
};

class Instance {
 public:
  explicit Instance(const std::string& keys) : pipeline_(0) {
    const auto loaded =
        config::parse_config("instances:\n  - name: nat\n    offload-after: 0\n" + keys, "test.yaml", ".");
    if (!loaded) return;
    settings_ = loaded->settings.instances.at(0);
    snapshot_ = control::build_snapshot(settings_, *control::build_tables(settings_, 1));
    pipeline_.set_session_offload(&recorder_);
    prepare();
  }
  // Also again: as after a reload.
  void prepare() {
    std::visit(
        [&](const auto& mechanism) {
          pipeline_.prepare(mechanism, Instant());
          while (pipeline_.expire(*snapshot_, mechanism, Instant(), [](const Packet&) {})) {
          }
        },
        snapshot_->mechanism);
  }
  // The packet that results, or none.
  Octets operator()(const Octets& input) {
    std::vector<std::byte> buffer(engine::Pipeline::kHeadroom + input.size() + 128);
    Packet packet(buffer, engine::Pipeline::kHeadroom, input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
    Octets result;
    const auto emit = [&](const Packet& out) {
      const auto octets = test::octets_of(out.bytes());
      result.assign(octets.begin(), octets.end());
    };
    std::visit(
        [&](const auto& mechanism) { pipeline_.forward(*snapshot_, mechanism, packet, Instant(), emit); },
        snapshot_->mechanism);
    pipeline_.begin_offers();
    return result;
  }
  // Whether a session that was offloaded before this instance was there goes on with it.
  bool takes_over(share::OffloadedSession session) {
    control::identify(snapshot_->mechanism, session);
    return control::may_offload(snapshot_->mechanism, session) &&
           pipeline_.nat()->adopt(session, {}, 1, Instant());
  }
  Recorder recorder_;
  config::InstanceSettings settings_;
  std::unique_ptr<engine::Snapshot> snapshot_;
  engine::Pipeline pipeline_;
};

Ipv6Address ipv6(const test::Address& octets) {
  return {uint64_t{test::get32(octets, 0)} << 32 | test::get32(octets, 4),
          uint64_t{test::get32(octets, 8)} << 32 | test::get32(octets, 12)};
}
Ipv4Address ipv4(const test::Address& octets) { return Ipv4Address(test::get32(octets, 0)); }

struct Ends {
  test::Address source, destination;
  uint16_t source_port = 0, destination_port = 0;  // of ICMP the identifier, and 0
};
// Of the innermost packet.
Ends ends_of(test::View packet) {
  const auto seen = test::see(packet);
  if (!seen) return {};
  const test::View transport = packet.subspan(seen->transport);
  if (seen->protocol == 4) return ends_of(transport);
  if (seen->protocol == test::kIcmp || seen->protocol == test::kIcmpv6)
    return {seen->source, seen->destination, static_cast<uint16_t>(test::get16(transport, 4)), 0};
  return {seen->source, seen->destination, static_cast<uint16_t>(test::get16(transport, 0)),
          static_cast<uint16_t>(test::get16(transport, 2))};
}

// The answer to a packet: all addresses and ports exchanged, an echo request answered.
Octets answer_to(Octets packet) {
  const auto seen = test::see(packet);
  const std::size_t size = seen->version == 4 ? 4 : 16, at = seen->version == 4 ? 12 : 8;
  std::swap_ranges(packet.begin() + static_cast<std::ptrdiff_t>(at),
                   packet.begin() + static_cast<std::ptrdiff_t>(at + size),
                   packet.begin() + static_cast<std::ptrdiff_t>(at + size));
  const auto transport = static_cast<std::ptrdiff_t>(seen->transport);
  if (seen->protocol == 4) {
    const Octets inner = answer_to(Octets(packet.begin() + transport, packet.end()));
    std::ranges::copy(inner, packet.begin() + transport);
  } else if (seen->protocol == test::kIcmp) {
    packet[seen->transport] = 0;
  } else if (seen->protocol == test::kIcmpv6) {
    packet[seen->transport] = 129;
  } else {
    std::swap_ranges(packet.begin() + transport, packet.begin() + transport + 2,
                     packet.begin() + transport + 2);
  }
  test::set_transport_checksum(packet);
  return packet;
}

struct Row {
  std::string_view name;
  std::string keys;
  // Who sends to what, as in the packet; for a tunnel the ends of it in front.
  std::vector<test::Address> tunnel;
  test::Address inside, remote;
  unsigned version;
};

const test::Address kHost4 = test::address4(192, 168, 1, 2), kServer = test::address4(203, 0, 113, 80);
const test::Address kHost6 = test::address6({0x2001, 0xdb8, 0x12, 0x34}, 0x56);
const std::string kMapRule =
    "    rules:\n      - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, "
    "psid-offset: 6}\n    end-user-prefix: 2001:db8:12:3400::/56\n";

std::vector<Row> rows(const std::string& more = {}) {
  return {
      {"nat64",
       "    mechanism: nat64\n    pref64: 2001:db8:64::/48\n    translator-ipv4: 192.0.2.254\n"
       "    pools: [{addresses: 192.0.2.1}]\n" +
           more,
       {},
       kHost6,
       test::address6({0x2001, 0xdb8, 0x64, 0xcb00, 0x71, 0x5000}),  // RFC 6052 §2.2: 203.0.113.80
       6},
      {"ds-lite-aftr",
       "    mechanism: ds-lite-aftr\n    aftr-address: 2001:db8:0:2::1\n    pools: [{addresses: "
       "192.0.2.1}]\n" +
           more,
       {kHost6, test::address6({0x2001, 0xdb8, 0, 2}, 1)},
       kHost4,
       kServer,
       4},
      {"lwb4",
       "    mechanism: lwb4\n    b4-address: 2001:db8:b4::2\n    aftr-address: 2001:db8:ffff::1\n"
       "    ipv4-address: 192.0.2.18\n    psid-offset: 6\n    psid-length: 8\n    psid: 52\n" +
           more,
       {},
       kHost4,
       kServer,
       4},
      {"map-e-ce, to the border",
       "    mechanism: map-e-ce\n    br-address: 2001:db8:ffff::1\n" + kMapRule + more,
       {},
       kHost4,
       kServer,
       4},
      {"map-e-ce, to another customer",
       "    mechanism: map-e-ce\n    br-address: 2001:db8:ffff::1\n" + kMapRule + more,
       {},
       kHost4,
       test::address4(192, 0, 2, 99),
       4},
      {"map-t-ce, to the Internet",
       "    mechanism: map-t-ce\n    dmr: 2001:db8:ffff::/64\n" + kMapRule + more,
       {},
       kHost4,
       kServer,
       4},
      {"map-t-ce, to another customer",
       "    mechanism: map-t-ce\n    dmr: 2001:db8:ffff::/64\n" + kMapRule + more,
       {},
       kHost4,
       test::address4(192, 0, 2, 99),
       4},
  };
}

Octets packet_of(const Row& row, const Octets& transport, uint8_t protocol) {
  const Octets packet =
      row.version == 4
          ? test::ipv4({.source = row.inside, .destination = row.remote, .protocol = protocol}, transport)
          : test::ipv6({.source = row.inside, .destination = row.remote, .next_header = protocol}, transport);
  if (row.tunnel.empty()) return packet;
  return test::ipv6({.source = row.tunnel[0], .destination = row.tunnel[1], .next_header = 4}, packet);
}

Octets udp(uint16_t source, uint16_t destination) {
  return test::udp(test::counting(8), source, destination);
}
Octets tcp(uint16_t source, uint16_t destination, uint8_t flags) {
  Octets segment = test::tcp({}, flags);
  test::put16(segment, 0, source);
  test::put16(segment, 2, destination);
  return segment;
}

// As a packet of the session on its way out shows it, before and after.
void expect_shown(const share::OffloadedSession& session, const Octets& before, const Octets& after,
                  const Row& row) {
  const Octets& of_ipv6 = before[0] >> 4 == 6 ? before : after;
  const auto outer = test::see(of_ipv6);
  ASSERT_TRUE(outer) << row.name;
  EXPECT_EQ(session.near, ipv6(outer->source)) << row.name;
  EXPECT_EQ(session.far, ipv6(outer->destination)) << row.name;
  const Ends inside = ends_of(before), outside = ends_of(after);
  EXPECT_EQ(session.inside.port, inside.source_port) << row.name;
  EXPECT_EQ(session.inside.ipv4, row.version == 4 ? ipv4(inside.source) : Ipv4Address{}) << row.name;
  EXPECT_EQ(session.outside.port, outside.source_port) << row.name;
  EXPECT_EQ(session.remote.port, outside.destination_port) << row.name;
  if (test::see(after)->version == 6 && test::see(after)->protocol != 4) return;  // MAP-T
  EXPECT_EQ(session.outside.address, ipv4(outside.source)) << row.name;
  EXPECT_EQ(session.remote.address, ipv4(outside.destination)) << row.name;
}

TEST(OfferedSession, IsWhatItsPacketsShow) {
  for (const Row& row : rows()) {
    Instance instance(row.keys);
    ASSERT_TRUE(instance.snapshot_) << row.name;
    // Both UDP ports are those of a customer, who is reached without the border.
    const Octets there = packet_of(row, udp(40000, 1232), test::kUdp);
    const Octets out = instance(there);
    ASSERT_FALSE(out.empty()) << row.name;
    EXPECT_TRUE(instance.recorder_.offered_.empty()) << row.name << ": nobody has answered";
    ASSERT_FALSE(instance(answer_to(out)).empty()) << row.name;
    ASSERT_EQ(instance.recorder_.offered_.size(), 1u) << row.name;
    EXPECT_EQ(instance.recorder_.offered_[0].protocol, NatProtocol::Udp) << row.name;
    expect_shown(instance.recorder_.offered_[0], there, out, row);
    instance.prepare();
    EXPECT_EQ(instance.recorder_.ended_, 0) << row.name << ": a reload";
    instance.recorder_.is_same_ = false;
    instance.prepare();
    EXPECT_EQ(instance.recorder_.ended_, 1) << row.name << ": a reload with other ends";
    ASSERT_FALSE(instance(there).empty()) << row.name;
    EXPECT_EQ(instance.recorder_.offered_.size(), 2u) << row.name;
  }
}

TEST(OfferedSession, OfTcpAndOfPings) {
  for (const Row& row : rows()) {
    Instance instance(row.keys);
    ASSERT_TRUE(instance.snapshot_) << row.name;
    auto& offered = instance.recorder_.offered_;
    const Octets syn = packet_of(row, tcp(40000, 1232, 0x02), test::kTcp);
    const Octets syn_out = instance(syn);
    ASSERT_FALSE(syn_out.empty()) << row.name;
    ASSERT_FALSE(instance(answer_to(syn_out)).empty()) << row.name;
    const Octets ack = packet_of(row, tcp(40000, 1232, 0x10), test::kTcp);
    const Octets ack_out = instance(ack);
    ASSERT_EQ(offered.size(), 1u) << row.name;
    EXPECT_EQ(offered[0].protocol, NatProtocol::Tcp) << row.name;
    expect_shown(offered[0], ack, ack_out, row);
    ASSERT_FALSE(instance(answer_to(instance(packet_of(row, tcp(40000, 1232, 0x11), test::kTcp)))).empty())
        << row.name;
    EXPECT_EQ(instance.recorder_.ended_, 1) << row.name << ": FIN";

    if (row.name.ends_with("customer")) continue;  // has no identifiers of its own (RFC 7597 §8.2)
    const Octets echo = test::icmp(row.version == 4 ? 8 : 128, 0, 777u << 16, test::counting(8));
    const Octets ping = packet_of(row, echo, row.version == 4 ? test::kIcmp : test::kIcmpv6);
    const Octets ping_out = instance(ping);
    ASSERT_FALSE(ping_out.empty()) << row.name;
    ASSERT_FALSE(instance(answer_to(ping_out)).empty()) << row.name;
    ASSERT_FALSE(instance(ping).empty()) << row.name;
    ASSERT_EQ(offered.size(), 2u) << row.name;
    EXPECT_EQ(offered[1].protocol, NatProtocol::Icmp) << row.name;
    expect_shown(offered[1], ping, ping_out, row);
  }
}

TEST(OfferedSession, IsNeverOneThatAGatewayReads) {
  struct Channel {
    std::string_view name;
    uint8_t protocol;
    uint16_t source, destination;
    bool is_offered;
  };
  const Channel channels[] = {
      {"FTP server outside", test::kTcp, 40000, 21, false},
      {"FTP server inside", test::kTcp, 21, 40000, false},
      {"SIP server outside", test::kUdp, 40000, 5060, false},
      {"SIP server inside", test::kUdp, 5060, 40000, false},
      {"UDP to port 21", test::kUdp, 40000, 21, true},
      {"TCP to port 5060", test::kTcp, 40000, 5060, true},
  };
  for (const Row& row : rows("    alg: [ftp, sip]\n")) {
    if (row.name.ends_with("customer")) continue;  // has none of these ports
    for (const Channel& channel : channels) {
      Instance instance(row.keys);
      ASSERT_TRUE(instance.snapshot_) << row.name;
      const auto packet = [&](uint8_t flags) {
        return packet_of(row,
                         channel.protocol == test::kTcp ? tcp(channel.source, channel.destination, flags)
                                                        : udp(channel.source, channel.destination),
                         channel.protocol);
      };
      const Octets out = instance(packet(0x02));
      ASSERT_FALSE(out.empty()) << row.name << ", " << channel.name;
      ASSERT_FALSE(instance(answer_to(out)).empty()) << row.name << ", " << channel.name;
      for (int i = 0; i < 600; ++i) ASSERT_FALSE(instance(packet(0x10)).empty()) << row.name;
      EXPECT_EQ(instance.recorder_.offered_.size(), channel.is_offered ? 1u : 0u)
          << row.name << ", " << channel.name;
    }
  }
}

// --- load balancers: both ports are others, and who is inside is known by a service's number ---

const test::Address kVip = test::address6({0x2001, 0xdb8, 0x80}, 1);
const std::string kWeb =
    "      - {vip: '2001:db8:80::1', port: 80, servers: [{address: 203.0.113.80, port: 8080}]}\n";
const std::string kDns =
    "      - {vip: '2001:db8:80::1', port: 53, protocol: udp, servers: [{address: 203.0.113.53, port: "
    "5353}]}\n";
std::string balancer(const std::string& services, const std::string& pool = "192.0.2.1") {
  return "    mechanism: slb64\n    pools: [{addresses: " + pool + "}]\n    services:\n" + services;
}
Octets to_vip(const Octets& transport, uint8_t protocol) {
  return test::ipv6({.source = kHost6, .destination = kVip, .next_header = protocol}, transport);
}
// A connection to the one service and a query to the other.
std::vector<share::OffloadedSession> sessions_of_balancer(const std::string& keys) {
  Instance instance(keys);
  const Octets query = to_vip(udp(40000, 53), test::kUdp);
  (void)instance(answer_to(instance(query)));
  (void)instance(query);
  (void)instance(answer_to(instance(to_vip(tcp(40000, 80, 0x02), test::kTcp))));
  (void)instance(to_vip(tcp(40000, 80, 0x10), test::kTcp));
  return instance.recorder_.offered_;
}

TEST(OfferedSession, OfALoadBalancer) {
  const auto offered = sessions_of_balancer(balancer(kWeb + kDns));
  ASSERT_EQ(offered.size(), 2u);
  const Ipv4Address pool(192, 0, 2, 1);
  for (const share::OffloadedSession& session : offered) {
    const bool is_tcp = session.protocol == NatProtocol::Tcp;
    EXPECT_EQ(session.near, ipv6(kHost6));
    EXPECT_EQ(session.far, ipv6(kVip));
    EXPECT_EQ(session.far_port, is_tcp ? 80 : 53);
    EXPECT_EQ(session.inside.port, 40000);
    EXPECT_EQ(session.outside.address, pool);
    EXPECT_EQ(session.remote, (is_tcp ? share::Ipv4Endpoint{Ipv4Address(203, 0, 113, 80), 8080}
                                      : share::Ipv4Endpoint{Ipv4Address(203, 0, 113, 53), 5353}));
  }
}

// The engine counts the server's octets for the client.
TEST(OfferedSession, IsNeverOneWithTheProxyProtocol) {
  std::string with_proxy = kWeb;
  with_proxy.replace(with_proxy.find("servers:"), 0, "proxy-protocol: v2, ");
  const auto offered = sessions_of_balancer(balancer(with_proxy + kDns));
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].protocol, NatProtocol::Udp);
}

// --- after a restart ---

TEST(SessionLeftBehind, OfALoadBalancerAsksTheServicesOfToday) {
  const std::string other = "      - {vip: '2001:db8:80::2', port: 80, servers: [{address: 203.0.113.81}]}\n";
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  struct Today {
    std::string_view name;
    std::string keys;
    bool tcp_goes_on, udp_goes_on;
  };
  const Today rows_today[] = {
      {"as before", balancer(kWeb + kDns), true, true},
      {"in another order", balancer(other + kDns + kWeb), true, true},
      {"one is gone", balancer(other + kDns), false, true},
      {"another address", balancer(with(kWeb, "80::1", "80::3") + kDns), false, true},
      {"another port", balancer(with(kWeb, "port: 80,", "port: 81,") + kDns), false, true},
      {"another protocol", balancer(kWeb + with(kDns, "udp", "tcp")), true, false},
      {"a server more", balancer(with(kWeb, "[{", "[{address: 203.0.113.90}, {") + kDns), true, true},
      {"another server", balancer(with(kWeb, "8080", "8081") + kDns), false, true},
      {"drained", balancer(with(kWeb, "8080", "8080, weight: 0") + kDns), true, true},
      {"PROXY protocol", balancer(with(kWeb, "servers", "proxy-protocol: v2, servers") + kDns), false, true},
      {"another pool", balancer(kWeb + kDns, "192.0.2.2"), false, false}};
  for (const Today& row : rows_today) {
    Instance instance(row.keys);
    ASSERT_TRUE(instance.snapshot_) << row.name;
    for (const share::OffloadedSession& session : sessions_of_balancer(balancer(kWeb + kDns)))
      EXPECT_EQ(instance.takes_over(session),
                session.protocol == NatProtocol::Tcp ? row.tcp_goes_on : row.udp_goes_on)
          << row.name << ", " << to_string(session.protocol);
  }
}

// UDP, TCP and ICMP, as far as the other end can be reached with it.
std::vector<share::OffloadedSession> sessions_of(const Row& row) {
  const Octets echo = test::icmp(row.version == 4 ? 8 : 128, 0, 1232u << 16, test::counting(8));
  std::vector<Octets> packets = {packet_of(row, udp(40000, 1232), test::kUdp),
                                 packet_of(row, tcp(40000, 1232, 0x02), test::kTcp)};
  if (!row.name.ends_with("customer"))
    packets.push_back(packet_of(row, echo, row.version == 4 ? test::kIcmp : test::kIcmpv6));
  Instance instance(row.keys);
  for (const Octets& packet : packets) {
    (void)instance(answer_to(instance(packet)));
    (void)instance(packet);
  }
  (void)instance(packet_of(row, tcp(40000, 1232, 0x10), test::kTcp));
  EXPECT_EQ(instance.recorder_.offered_.size(), packets.size()) << row.name;
  return instance.recorder_.offered_;
}

TEST(SessionLeftBehind, GoesOnUnderTheSameSettings) {
  for (const Row& row : rows()) {
    Instance instance(row.keys);
    for (const share::OffloadedSession& session : sessions_of(row)) {
      share::OffloadedSession without_ends = session;
      without_ends.near = without_ends.far = {};
      const auto ends = control::ends_of(instance.snapshot_->mechanism, without_ends);
      ASSERT_TRUE(ends) << row.name;
      EXPECT_EQ(ends->source, session.near) << row.name;
      EXPECT_EQ(ends->destination, session.far) << row.name;
      EXPECT_TRUE(instance.takes_over(session)) << row.name << ", " << to_string(session.protocol);
      EXPECT_FALSE(instance.takes_over(session)) << row.name << ": twice";
    }
  }
}

TEST(SessionLeftBehind, AsksTheSettingsOfToday) {
  struct Change {
    std::string_view row, from, to;
    bool goes_on;
  };
  const Change changes[] = {
      {"nat64", "2001:db8:64::/48", "2001:db8:65::/48", false},
      {"nat64", "192.0.2.1}", "192.0.2.2}", false},
      {"nat64", "192.0.2.1}", "192.0.2.0/30}", true},
      {"nat64", "192.0.2.1}", "203.0.113.80}, {addresses: 192.0.2.1}", false},
      {"ds-lite-aftr", "2001:db8:0:2::1", "2001:db8:0:2::2", false},
      {"ds-lite-aftr", "pools:", "b4-prefixes: ['2001:db8:12::/48']\n    pools:", true},
      {"ds-lite-aftr", "pools:", "b4-prefixes: ['2001:db8:13::/48']\n    pools:", false},
      {"ds-lite-aftr", "pools:", "inside-prefixes: [192.168.0.0/16]\n    pools:", true},
      {"ds-lite-aftr", "pools:", "inside-prefixes: [10.0.0.0/8]\n    pools:", false},
      {"ds-lite-aftr", "pools:", "translator-ipv4: 203.0.113.80\n    pools:", false},
      {"ds-lite-aftr", "192.0.2.1}", "192.0.2.2}", false},
      {"ds-lite-aftr", "192.0.2.1}", "203.0.113.80}, {addresses: 192.0.2.1}", false},
      {"lwb4", "2001:db8:b4::2", "2001:db8:b4::3", false},
      {"lwb4", "2001:db8:ffff::1", "2001:db8:ffff::2", false},
      {"lwb4", "192.0.2.18", "192.0.2.19", false},
      {"lwb4", "psid: 52", "psid: 53", false},
      {"lwb4", "psid-length: 8", "psid-length: 7", false},
      {"map-e-ce, to the border", "2001:db8:ffff::1", "2001:db8:ffff::2", false},
      {"map-e-ce, to the border", "2001:db8:12:3400", "2001:db8:12:3500", false},
      {"map-e-ce, to the border", "2001:db8:12:3400", "2001:db8:13:3400", false},
      {"map-e-ce, to the border", "psid-offset: 6}",
       "psid-offset: 6}\n      - {ipv6-prefix: '2001:db9::/40', ipv4-prefix: 203.0.113.0/24, ea-length: 16, "
       "psid-offset: 6}",
       false},
      {"map-e-ce, to another customer", "2001:db8:ffff::1", "2001:db8:ffff::2", true},
      {"map-e-ce, to another customer", "2001:db8:12:3400", "2001:db8:12:3500", false},
      {"map-e-ce, to another customer", "psid-offset: 6}",
       "psid-offset: 6}\n      - {ipv6-prefix: '2001:db9::/40', ipv4-prefix: 192.0.2.64/26, ea-length: 14, "
       "psid-offset: 6}",
       false},
      {"map-t-ce, to the Internet", "2001:db8:ffff::/64", "2001:db8:fffe::/64", false},
      {"map-t-ce, to the Internet", "2001:db8:12:3400", "2001:db8:12:3500", false},
      {"map-t-ce, to the Internet", "psid-offset: 6}",
       "psid-offset: 6}\n      - {ipv6-prefix: '2001:db9::/40', ipv4-prefix: 203.0.113.0/24, ea-length: 16, "
       "psid-offset: 6}",
       false},
      {"map-t-ce, to another customer", "2001:db8:ffff::/64", "2001:db8:fffe::/64", true},
      {"map-t-ce, to another customer", "192.0.2.0/24", "198.51.100.0/24", false},
  };
  const std::vector<Row> all = rows();
  for (const Change& change : changes) {
    const auto row = std::ranges::find(all, change.row, &Row::name);
    ASSERT_NE(row, all.end()) << change.row;
    std::string keys = row->keys;
    const std::size_t at = keys.find(change.from);
    ASSERT_NE(at, std::string::npos) << change.row << ": " << change.from;
    keys.replace(at, change.from.size(), change.to);
    Instance instance(keys);
    ASSERT_TRUE(instance.snapshot_) << keys;
    for (const share::OffloadedSession& session : sessions_of(*row)) {
      EXPECT_EQ(instance.takes_over(session), change.goes_on)
          << change.row << ": " << change.to << ", " << to_string(session.protocol);
    }
  }
}

TEST(SessionLeftBehind, IsNoneThatTheMechanismWouldNotHave) {
  using Session = share::OffloadedSession;
  for (const Row& row : rows("    alg: [ftp, sip]\n")) {
    Instance instance(row.keys);
    ASSERT_TRUE(instance.snapshot_) << row.name;
    const auto refuses = [&](const char* what, void (*change)(Session&)) {
      for (Session session : sessions_of(row)) {
        change(session);
        EXPECT_FALSE(instance.takes_over(session)) << row.name << ": " << what;
      }
    };
    refuses("another end", [](Session& s) { s.far = {s.far.high() ^ 1, s.far.low()}; });
    refuses("a port that is not its own", [](Session& s) { s.outside.port = 1; });
    refuses("an address that is not its own",
            [](Session& s) { s.outside.address = Ipv4Address(192, 0, 3, 1); });
    refuses("to itself", [](Session& s) { s.remote.address = s.outside.address; });
    refuses("one that a gateway reads", [](Session& s) {
      s.protocol = NatProtocol::Tcp;
      s.remote.port = 21;
    });
    if (row.name == "nat64") continue;  // the host inside is the near end
    refuses("another near end", [](Session& s) { s.near = {s.near.high(), s.near.low() ^ 1}; });
    if (row.name != "ds-lite-aftr")
      refuses("from itself", [](Session& s) { s.inside.ipv4 = s.outside.address; });
  }
}

}  // namespace
}  // namespace yonroku::property
