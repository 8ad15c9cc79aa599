// Packets of the flows of NATs whose inside is IPv4, in the programs and in the engine: the same octets, or
// they are passed up untouched. The flows are the engine's own offers.
#include <net/if.h>

#include <ctime>

#include "fastpath/session_offload.h"
#include "fastpath/test_flows.h"
#include "mechanism/ds_lite_aftr.h"
#include "mechanism/map_t_ce.h"
#include "mechanism/softwire_napt.h"

namespace yonroku::fastpath {
namespace {

const test::Address kInside = test::address4(192, 168, 1, 2), kServer = test::address4(203, 0, 113, 7);
const test::Address kB4 = test::address6({0x2001, 0xdb8, 0x12, 0x34}, 0x56);
const test::Address kEnd = test::address6({0x2001, 0xdb8, 0xb4}, 2);  // this one of tunnels
const test::Address kBorder = test::address6({0x2001, 0xdb8, 0xffff}, 1);
const Octets kEncapsulationLimit = {kIpip, 0, 4, 1, 4, 1, 1, 0};

Octets with_another(Octets packet, std::size_t octet) {
  ++packet.at(octet);
  return packet;
}
// Of the IPv4 packet with a UDP header behind `front` octets.
Octets without_checksum(Octets packet, std::size_t front) {
  test::put16(packet, front + 26, 0);
  return packet;
}

class FlowsOfNat44 : public Flows {
 protected:
  void begin(FlowKind kind) {
    nat_.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 18), 32)}}};
    // RFC 7597 §5.1, with 6 bits of PSID offset and 8 of PSID.
    if (kind != FlowKind::DsLiteAftr) nat_.pools.front().port_set = share::PortSet::create({6, 8}, 0x34);
    nat_.max_sessions = 1000;
    nat_.offload_after = 0;
    is_aftr_ = kind == FlowKind::DsLiteAftr;
    is_tunnel_ = kind != FlowKind::MapTCe;
    ASSERT_TRUE(network_.set_up(*programs_, {is_aftr_ ? "192.0.2.18/32" : "203.0.113.0/24",
                                             is_tunnel_ ? "2001:db8:b4::2/128" : "2001:db8:12:3400::/56"}));
    auto table = programs_->add_flow_table(kTestFlows);
    ASSERT_TRUE(table) << table.error().to_string();
    offload_.emplace(std::move(*table), kind, uint8_t{0});
    state_.session_offload = &*offload_;
    if (kind == FlowKind::DsLiteAftr) begin_ds_lite_aftr();
    if (kind == FlowKind::SoftwireNapt) begin_softwire_napt();
    if (kind == FlowKind::MapTCe) begin_map_t_ce();
  }
  void begin_ds_lite_aftr() {
    mechanism::DsLiteAftrSettings settings;
    settings.encapsulate = encapsulate_;
    settings.own_address = ipv6_of(kEnd);
    settings.inside_prefixes = {Ipv4Prefix::holding(Ipv4Address(192, 168, 0, 0), 16)};
    settings.nat = nat_;
    serve_with(mechanism::DsLiteAftr(settings, path_mtus_), serve(0, settings, path_mtus_));
  }
  void begin_softwire_napt() {
    ASSERT_EQ(rules_.add(*share::MapRule::create(
                  {.ipv6 = Ipv6Prefix::holding(ipv6_of(kBorder), 128), .ipv4 = Ipv4Prefix()})),
              share::MapRuleTable::Refusal::None);
    mechanism::SoftwireNaptSettings settings;
    settings.encapsulate = encapsulate_;
    settings.own_address = ipv6_of(kEnd);
    settings.border_addresses = {ipv6_of(kBorder)};
    settings.nat = nat_;
    serve_with(mechanism::SoftwireNapt(settings, rules_, path_mtus_), serve(0, settings, path_mtus_));
  }
  void begin_map_t_ce() {
    mechanism::MapTCeSettings settings(
        *share::Pref64::create(Ipv6Prefix::holding({0x2001'0db8'ffff'0000, 0}, 64)));
    settings.rule = *share::MapRule::create({.ipv6 = Ipv6Prefix::holding({0x2001'0db8'0000'0000, 0}, 40),
                                             .ipv4 = Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 24),
                                             .ea_length = 16,
                                             .psid_offset = 6});
    settings.psid = 0x34;
    settings.nat = nat_;
    serve_with(mechanism::MapTCe(settings, rules_), serve(settings));
  }
  template <class Mechanism>
  void serve_with(const Mechanism& mechanism, const Served& served) {
    mechanism.prepare(state_);
    serve_by([this, mechanism](Packet& packet) { return mechanism.process(packet, state_); }, served);
  }

  // As it arrives from inside.
  [[nodiscard]] Octets sent(const Octets& ipv4, const test::Address& b4 = kB4) const {
    if (!is_aftr_) return ipv4;
    const bool has_limit = encapsulate_.encapsulation_limit.has_value();
    return test::ipv6({.source = b4,
                       .destination = kEnd,
                       .next_header = has_limit ? kDestinationOptions : kIpip,
                       .traffic_class = ipv4[1],
                       .extensions = has_limit ? kEncapsulationLimit : Octets{}},
                      ipv4);
  }
  [[nodiscard]] Octets outward(const Octets& transport, test::Ipv4Spec spec = {}) const {
    spec.source = kInside;
    spec.destination = kServer;
    return sent(test::ipv4(spec, transport));
  }
  [[nodiscard]] Octets outward_tcp(uint8_t flags, const Octets& data = {}) const {
    return outward(test::tcp(data, flags), {.protocol = test::kTcp});
  }
  [[nodiscard]] Octets outward_echo(uint16_t sequence) const {
    return outward(test::icmp(8, 0, 77u << 16 | sequence, test::counting(56)), {.protocol = test::kIcmp});
  }
  // Both sides talk until the engine has offered the session. What left.
  Octets converse(const Octets& first, const Octets& answer, const Octets& next) {
    Octets out = engine(first);
    if (out.empty()) return out;
    const std::size_t before = offload_->table().used();
    EXPECT_FALSE(engine(answer_to(out, answer)).empty());
    EXPECT_FALSE(engine(next).empty());
    EXPECT_EQ(offload_->table().used(), before + 1);
    return out;
  }
  Octets converse_by_udp() {
    const Octets packet = outward(test::udp(test::counting(33)));
    return converse(packet, test::udp({}), packet);
  }
  Octets converse_by_tcp() {
    return converse(outward_tcp(kSyn), test::tcp({}, kSyn | kAck), outward_tcp(kAck));
  }

  carry::EncapsulateSettings encapsulate_;
  share::NatSettings nat_;
  share::MapRuleTable rules_{share::MapRuleTable::Index::BothWays, 7, &memory_};
  carry::PathMtuTable path_mtus_{&memory_};
  std::optional<FlowOffload> offload_;
  bool is_aftr_ = false, is_tunnel_ = false;
};

std::string name_of(const testing::TestParamInfo<FlowKind>& kind) {
  return kind.param == FlowKind::DsLiteAftr     ? "DsLiteAftr"
         : kind.param == FlowKind::SoftwireNapt ? "SoftwireNapt"
                                                : "MapTCe";
}

class EachNat44 : public FlowsOfNat44, public testing::WithParamInterface<FlowKind> {
 protected:
  void expect_udp_forwarded() {
    const Octets out = converse_by_udp();
    ASSERT_FALSE(out.empty());
    expect_forwarded(outward(test::udp(test::counting(33)), {.tos = 0xb9}));
    expect_forwarded(outward(test::udp(test::counting(1300))));
    expect_forwarded(outward(test::udp(test::counting(34)), {.identification = 7, .flags_and_offset = 0}));
    expect_forwarded(outward(test::udp({}), {.ttl = 4}));
    expect_forwarded(answer_to(out, test::udp(test::counting(21)), 0xba));
    expect_forwarded(answer_to(out, test::udp(test::counting(1300))));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, EachNat44,
                         testing::Values(FlowKind::DsLiteAftr, FlowKind::SoftwireNapt, FlowKind::MapTCe),
                         name_of);

TEST_P(EachNat44, ForwardUdp) {
  begin(GetParam());
  expect_udp_forwarded();
}

TEST_P(EachNat44, ForwardTcp) {
  begin(GetParam());
  const Octets out = converse_by_tcp();
  ASSERT_FALSE(out.empty());
  expect_forwarded(outward_tcp(kAck));
  expect_forwarded(outward_tcp(kAck, test::counting(1400)));
  expect_forwarded(answer_to(out, test::tcp({}, kAck)));
  expect_forwarded(answer_to(out, test::tcp(test::counting(1200), kAck)));
}

TEST_P(EachNat44, ForwardEchoes) {
  begin(GetParam());
  const bool is_icmpv6 = !is_tunnel_;
  const Octets out =
      converse(outward_echo(1), test::icmp(is_icmpv6 ? 129 : 0, 0, 1, test::counting(56)), outward_echo(2));
  ASSERT_FALSE(out.empty());
  expect_forwarded(outward_echo(3));
  expect_forwarded(echo_reply_to(out, 3));
}

TEST_P(EachNat44, LeaveTheEndOfTcpToTheEngine) {
  begin(GetParam());
  const Octets out = converse_by_tcp();
  ASSERT_FALSE(out.empty());
  for (const int flags : {kFin | kAck, kRst | kAck, int{kRst}, int{kSyn}}) {
    expect_passed_up(outward_tcp(static_cast<uint8_t>(flags)), Miss::TcpFlags);
    expect_passed_up(answer_to(out, test::tcp({}, static_cast<uint8_t>(flags))), Miss::TcpFlags);
  }
}

// As when the program that had it was killed.
TEST_P(EachNat44, GoOnWhenTheDeviceIsGone) {
  begin(GetParam());
  const Octets out = converse_by_udp();
  ASSERT_FALSE(out.empty());
  programs_->remove_device(::if_nametoindex("instance"));
  expect_forwarded(outward(test::udp(test::counting(33))));
  expect_forwarded(answer_to(out, test::udp(test::counting(21))));
}

TEST_P(EachNat44, LeaveWhatIsNoFlowToTheEngine) {
  begin(GetParam());
  const Octets packet = outward(test::udp(test::counting(33)));
  expect_passed_up(packet, Miss::NoFlow);
  const Octets out = converse_by_udp();
  ASSERT_FALSE(out.empty());
  const Octets answer = answer_to(out, test::udp({}));
  expect_forwarded(packet);
  expect_forwarded(answer);
  // Each part of the key matters.
  expect_passed_up(outward(test::udp({}, 4001, 80)), Miss::NoFlow);
  expect_passed_up(outward(test::udp({}, 4000, 81)), Miss::NoFlow);
  expect_passed_up(outward_tcp(kAck), Miss::NoFlow);
  expect_passed_up(sent(test::ipv4({test::address4(192, 168, 1, 3), kServer}, test::udp({}))), Miss::NoFlow);
  expect_passed_up(sent(test::ipv4({kInside, test::address4(203, 0, 113, 8)}, test::udp({}))), Miss::NoFlow);
  if (is_aftr_)
    expect_passed_up(sent(innermost(packet), test::address6({0x2001, 0xdb8, 0x12, 0x34}, 0x57)),
                     Miss::NoFlow);
  else  // another one at the other end
    expect_passed_up(with_another(answer, 15), Miss::NoFlow);
  expect_passed_up(with_another(answer, answer.size() - 7), Miss::NoFlow);
  expect_passed_up(with_another(answer, answer.size() - 5), Miss::NoFlow);
  offload_->end(0);
  expect_passed_up(packet, Miss::NoFlow);
  expect_passed_up(answer, Miss::NoFlow);
}

class EachNat44OfTunnels : public EachNat44 {};
INSTANTIATE_TEST_SUITE_P(Kinds, EachNat44OfTunnels,
                         testing::Values(FlowKind::DsLiteAftr, FlowKind::SoftwireNapt), name_of);

TEST_P(EachNat44OfTunnels, ForwardAsSettingsSay) {
  encapsulate_.encapsulation_limit = 4;
  encapsulate_.flow_label = carry::FlowLabel::Hash;
  encapsulate_.traffic_class = 0x28;
  encapsulate_.hop_limit = 200;
  encapsulate_.dscp_to_ipv4 = true;
  begin(GetParam());
  expect_udp_forwarded();
}

// RFC 6438 §3: the label is of what the other end sees; an echo has its identifier there.
TEST_P(EachNat44OfTunnels, ForwardEchoesWithAFlowLabel) {
  encapsulate_.flow_label = carry::FlowLabel::Hash;
  begin(GetParam());
  const Octets out = converse(outward_echo(1), test::icmp(0, 0, 1, test::counting(56)), outward_echo(2));
  ASSERT_FALSE(out.empty());
  expect_forwarded(outward_echo(3));
  expect_forwarded(echo_reply_to(out, 3));
}

// RFC 768: what has no checksum gets none.
TEST_P(EachNat44OfTunnels, ForwardUdpWithoutChecksum) {
  begin(GetParam());
  const Octets out = converse_by_udp();
  ASSERT_FALSE(out.empty());
  expect_forwarded(without_checksum(outward(test::udp(test::counting(33))), is_aftr_ ? 40 : 0));
  expect_forwarded(without_checksum(answer_to(out, test::udp(test::counting(33))), is_aftr_ ? 0 : 40));
}

TEST_P(EachNat44OfTunnels, LeaveWhatDoesNotFitToTheEngine) {
  begin(GetParam());
  const Octets out = converse_by_udp();
  ASSERT_FALSE(out.empty());
  const auto into = [&](std::size_t size) {
    const Octets datagram = test::udp(test::counting(size - 28));
    return is_aftr_ ? answer_to(out, datagram) : outward(datagram);
  };
  expect_forwarded(into(1460));
  expect_passed_up(into(1461), Miss::TooBig);
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_MONOTONIC, &now), 0);
  state_.now = Instant::from_nanoseconds(now.tv_sec * 1'000'000'000 + now.tv_nsec);
  path_mtus_.learn(ipv6_of(is_aftr_ ? kB4 : kBorder), 1400, state_.now);
  expect_forwarded(into(1360));
  expect_passed_up(into(1361), Miss::TooBig);
}

TEST_P(EachNat44OfTunnels, LeaveOddTunnelPacketsToTheEngine) {
  begin(GetParam());
  const Octets out = converse_by_udp();
  ASSERT_FALSE(out.empty());
  const Octets packet = is_aftr_ ? outward(test::udp({})) : answer_to(out, test::udp({}));
  expect_forwarded(packet);
  Octets changed = packet;
  changed[1] |= 0x30;  // RFC 6040 §4.2: CE around what is not ECN-capable
  expect_passed_up(changed, Miss::Congestion);
  changed = packet;
  changed[7] = 1;
  expect_passed_up(changed, Miss::TimeToLive);
  changed = packet;
  changed[40 + 8] = 1;
  test::set_header_checksum(std::span(changed).subspan(40));
  expect_passed_up(changed, Miss::TimeToLive);
  changed = packet;
  changed[40 + 10] ^= 1;
  expect_passed_up(changed, Miss::Malformed);
  changed = packet;
  test::put16(changed, 4, 27);
  expect_passed_up(changed, Miss::Malformed);
  changed = packet;
  changed[40 + 6] |= 0x20;
  test::set_header_checksum(std::span(changed).subspan(40));
  expect_passed_up(changed, Miss::Fragment);
  changed = packet;
  changed[6] = kDestinationOptions;  // what follows is none
  expect_passed_up(changed, Miss::ExtensionHeader);
}

}  // namespace
}  // namespace yonroku::fastpath
