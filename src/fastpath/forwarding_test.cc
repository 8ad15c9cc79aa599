// What the programs make of packets, beside what the engine's own mechanisms make of them. Most packets do
// not travel: BPF_PROG_TEST_RUN shows one to a program as if it came by an interface, and the kernel's
// routing answers. Super-packets must travel, since the kernel cuts them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>

#include "fastpath/attachment.h"
#include "fastpath/instance_view.h"
#include "fastpath/programs.h"
#include "fastpath/table_memory.h"
#include "fastpath/test_programs.h"
#include "io/tun.h"
#include "io/virtio_header.h"
#include "mechanism/worker_state.h"
#include "packet/test_packets.h"

namespace yonroku::fastpath {
namespace {

using test::address4;
using test::address6;
using test::Ipv4Spec;
using test::Ipv6Spec;
using test::Octets;

constexpr uint8_t kIpip = 4, kDestinationOptions = 60;
const test::Address kBorder = address6({0x2001, 0xdb8, 0xffff}, 1);
const test::Address kCustomer = address6({0x2001, 0xdb8, 1, 0, 0, 0xc000, 0x0250, 1});
const test::Address kShared = address4(192, 0, 2, 80);  // one of its customers has ports 4096 to 8191
constexpr uint16_t kOwnPort = 5000, kAnotherPort = 80;
const Octets kEncapsulationLimit = {kIpip, 0, 4, 1, 4, 1, 1, 0};

// What a router does: one hop less.
Octets routed(Octets packet) {
  const bool is_ipv4 = packet.at(0) >> 4 == 4;
  --packet.at(is_ipv4 ? 8 : 7);
  if (is_ipv4) test::set_header_checksum(packet);
  return packet;
}

// Identifications of packets that may be fragmented are the programs' own.
Octets without_identification(Octets packet) {
  if (packet.at(0) >> 4 == 6 || (packet.at(6) & test::kDf >> 8) != 0) return packet;
  test::put16(packet, 4, 0);
  test::set_header_checksum(packet);
  return packet;
}

class Forwarding : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    programs_ = test_programs();
    ASSERT_NE(programs_, nullptr);
    before_ = io::FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    auto tun = io::open_tun("instance", 1);
    ASSERT_TRUE(tun) << tun.error().to_string();
    tun_ = std::move(*tun);
    ip("link set lo up\n"
       "link set instance mtu 3000 up\n"
       "link add wire mtu 3000 address 02:00:00:00:00:01 type veth peer far mtu 3000\n"
       "link set wire up\n"
       "link set far up\n"
       "route add 192.0.2.0/24 dev instance\n"
       "route add 2001:db8:ffff::/64 dev instance\n"
       "neigh add 198.18.0.1 lladdr 02:00:00:00:00:02 dev wire nud permanent\n"
       "neigh add fe80::1 lladdr 02:00:00:00:00:02 dev wire nud permanent\n"
       "route add 0.0.0.0/0 via 198.18.0.1 dev wire onlink\n"
       "route add ::/0 via fe80::1 dev wire onlink\n");
    write("/proc/sys/net/ipv4/ip_forward");
    write("/proc/sys/net/ipv6/conf/all/forwarding");
    wire_ = ::if_nametoindex("wire");
    // Test runs of XDP programs are for interfaces that have one.
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(wire_), programs_->xdp(), XDP_FLAGS_DRV_MODE, nullptr), 0);
    Device wire{};
    wire.use = Device::kXdpTarget;
    wire.mac[0] = 2;
    wire.mac[5] = 1;
    ASSERT_TRUE(programs_->set_device(wire_, wire));
    Device instance{};
    instance.use = Device::kInstance;
    instance_ = ::if_nametoindex("instance");
    ASSERT_TRUE(programs_->set_device(instance_, instance));
  }
  void TearDown() override {
    if (!before_.is_open()) return;
    programs_->remove_device(wire_);
    programs_->remove_device(instance_);
    EXPECT_EQ(::setns(before_.get(), CLONE_NEWNET), 0);
  }

  void serve(ServedOrNot served) {
    ASSERT_TRUE(served) << served.error();
    served->view.places = (1u << kPlaces) - 1;
    ASSERT_TRUE(programs_->set_instance(0, served->view));
    for (uint32_t i = 0; i < served->tables.size(); ++i)
      ASSERT_TRUE(programs_->set_table(table_number(0, i),
                                       memory_.map_of(served->tables[i].slots, served->tables[i].seed)));
  }

  // The IP packet that leaves; nothing: it passed, and untouched.
  std::optional<Octets> show(Place place, const Octets& packet) {
    const Octets frame = framed(packet);
    const bool is_tc = place == Place::Tc;
    __sk_buff skb{};
    skb.ifindex = wire_;
    xdp_md md{};
    md.ingress_ifindex = wire_;
    md.data_end = static_cast<uint32_t>(frame.size());
    Octets out(4000);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<uint32_t>(frame.size());
    options.data_out = out.data();
    options.data_size_out = static_cast<uint32_t>(out.size());
    options.ctx_in = is_tc ? static_cast<void*>(&skb) : &md;
    options.ctx_size_in = is_tc ? sizeof skb : sizeof md;
    options.repeat = 1;
    EXPECT_EQ(bpf_prog_test_run_opts(is_tc ? programs_->tc() : programs_->xdp(), &options), 0);
    out.resize(options.data_size_out);
    if (options.retval == static_cast<uint32_t>(is_tc ? TC_ACT_REDIRECT : XDP_REDIRECT))
      return Octets(out.begin() + 14, out.end());
    EXPECT_EQ(static_cast<int>(options.retval), is_tc ? TC_ACT_UNSPEC : XDP_PASS);
    EXPECT_EQ(out, frame) << "passed up, and changed";
    return std::nullopt;
  }

  struct Row {
    const char* name;
    Octets packet;
    bool is_forwarded;
  };
  // What leaves is what the engine makes of it with the kernel's routing before and behind it.
  template <class Mechanism>
  void compare(const Mechanism& mechanism, std::initializer_list<Row> rows) {
    for (const Row& row : rows)
      for (const Place place : {Place::Tc, Place::Xdp}) {
        SCOPED_TRACE(std::string(row.name) + (place == Place::Tc ? ", tc" : ", XDP"));
        const auto seen = show(place, row.packet);
        EXPECT_EQ(seen.has_value(), row.is_forwarded);
        if (!seen) continue;
        const Octets arriving = routed(row.packet);
        std::vector<std::byte> buffer(8192);
        std::memcpy(buffer.data() + 512, arriving.data(), arriving.size());
        Packet packet(buffer, 512, arriving.size());
        const Verdict verdict = mechanism.process(packet, state_);
        ASSERT_TRUE(verdict.action == Verdict::Action::ToIpv4 || verdict.action == Verdict::Action::ToIpv6);
        const test::View view = test::octets_of(packet.bytes());
        EXPECT_EQ(without_identification(*seen),
                  without_identification(routed(Octets(view.begin(), view.end()))));
      }
  }

  TableMemory memory_;
  mechanism::WorkerState state_{1};
  Programs* programs_ = nullptr;

  // A frame as it travels: a checksum to finish, segments to cut.
  struct Travelling {
    io::VirtioHeader todo{};
    Octets packet;  // behind the Ethernet header
  };
  // What leaves by the wire after this has arrived there, of version and protocol (or next header) as told;
  // ends when nothing more comes.
  std::vector<Travelling> send(const Travelling& arriving, uint8_t version, uint8_t protocol) {
    // It would see the packet first.
    EXPECT_EQ(bpf_xdp_detach(static_cast<int>(wire_), XDP_FLAGS_DRV_MODE, nullptr), 0);
    const auto attachment = Attachment::at_tc(wire_, programs_->tc());
    EXPECT_TRUE(attachment) << attachment.error().to_string();
    const io::FileDescriptor socket(
        ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, __builtin_bswap16(ETH_P_ALL)));
    const int on = 1;
    EXPECT_EQ(::setsockopt(socket.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on), 0);
    const timeval wait{.tv_sec = 0, .tv_usec = 300'000};
    EXPECT_EQ(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    sockaddr_ll far{};
    far.sll_family = AF_PACKET;
    far.sll_protocol = __builtin_bswap16(ETH_P_ALL);
    far.sll_ifindex = static_cast<int>(::if_nametoindex("far"));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&far), sizeof far), 0);
    Octets out(sizeof(io::VirtioHeader));
    std::memcpy(out.data(), &arriving.todo, sizeof arriving.todo);
    out = test::joined({out, framed(arriving.packet)});
    EXPECT_EQ(::send(socket.get(), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
    std::vector<Travelling> left;
    Octets in(70'000);
    for (ssize_t size = 0; (size = ::recv(socket.get(), in.data(), in.size(), 0)) > 0;) {
      Travelling each;
      constexpr std::size_t kFront = sizeof each.todo + ETH_HLEN;
      if (static_cast<std::size_t>(size) < kFront + sizeof(Ipv6Header)) continue;
      std::memcpy(&each.todo, in.data(), sizeof each.todo);
      each.packet.assign(in.begin() + kFront, in.begin() + size);
      if (each.packet[0] >> 4 == version && each.packet[version == 4 ? 9 : 6] == protocol)
        left.push_back(each);
    }
    return left;
  }
  static void ip(const char* lines) {
    std::FILE* const pipe = ::popen("ip -batch -", "w");
    ASSERT_NE(pipe, nullptr);
    std::fputs(lines, pipe);
    ASSERT_EQ(::pclose(pipe), 0);
  }

 private:
  static Octets framed(const Octets& packet) {
    return test::joined({{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9},
                         packet.at(0) >> 4 == 6 ? Octets{0x86, 0xdd} : Octets{0x08, 0x00},
                         packet});
  }
  static void write(const char* path) {
    std::FILE* const file = std::fopen(path, "w");
    ASSERT_NE(file, nullptr) << path;
    std::fputs("1", file);
    ASSERT_EQ(std::fclose(file), 0) << path;
  }

  io::FileDescriptor before_;
  io::TunDevice tun_;
  uint32_t wire_ = 0, instance_ = 0;  // interface indices
};

Ipv6Address ipv6_of(const test::Address& a) {
  return {uint64_t{test::get32(a, 0)} << 32 | test::get32(a, 4),
          uint64_t{test::get32(a, 8)} << 32 | test::get32(a, 12)};
}

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
                                          .unused = {}});
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

class MapTForwarding : public Forwarding {
 protected:
  void SetUp() override {
    Forwarding::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto rule = share::MapRule::create({.ipv6 = Ipv6Prefix::holding({0x2001'0db8'0000'0000, 0}, 40),
                                              .ipv4 = Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 24),
                                              .ea_length = 16,
                                              .psid_offset = 6});
    ASSERT_TRUE(rule);
    ASSERT_EQ(rules_.add(*rule), share::MapRuleTable::Refusal::None);
    ASSERT_EQ(mappings_.add({Ipv4Prefix::holding(Ipv4Address(198, 51, 100, 9), 32),
                             Ipv6Prefix::holding({0x2001'0db8'ffff'0001, 9}, 128)}),
              share::EamTable::Refusal::None);
  }
  void compare_all(std::initializer_list<Row> rows) {
    serve(fastpath::serve(0, settings_, mappings_, rules_));
    compare(mechanism::MapT(settings_, mappings_, rules_), rows);
  }

  mechanism::MapTSettings settings_{
      *share::Pref64::create(Ipv6Prefix::holding({0x2001'0db8'ffff'0000, 0}, 64))};
  share::MapRuleTable rules_{share::MapRuleTable::Index::BothWays, 7, &memory_};
  share::EamTable mappings_{8, &memory_};
};

TEST_F(MapTForwarding, ToIpv6) {
  const Octets data = test::counting(40);
  const Octets echo = test::icmp(8, 0, uint32_t{1232} << 16 | 1, data);
  const test::Address customer = address4(192, 0, 2, 18);
  compare_all({
      {"UDP", test::ipv4({.destination = customer}, test::udp(data, 53, 1232)), true},
      {"from a mapped host",
       test::ipv4({.source = address4(198, 51, 100, 9), .destination = customer}, test::udp(data, 53, 1232)),
       true},
      {"an echo", test::ipv4({.destination = customer, .protocol = test::kIcmp}, echo), true},
      {"a port that nobody has", test::ipv4({.destination = customer}, test::udp(data, 53, 80)), false},
      {"three hops", test::ipv4({.destination = customer, .ttl = 3}, test::udp(data, 53, 1232)), false},
      {"four hops", test::ipv4({.destination = customer, .ttl = 4}, test::udp(data, 53, 1232)), true},
  });
}

TEST_F(MapTForwarding, ToIpv4) {
  const Octets data = test::counting(40);
  const auto from = [&](test::Address source, uint16_t port, test::Address destination) {
    return test::ipv6({.source = source, .destination = destination}, test::udp(data, port, 53));
  };
  // PSID 0x34 of 192.0.2.18, and the Internet's 203.0.113.7 in the default mapping rule's prefix.
  const test::Address customer = address6({0x2001, 0xdb8, 0x0012, 0x3400, 0x0000, 0xc000, 0x0212, 0x0034});
  const test::Address internet = address6({0x2001, 0xdb8, 0xffff, 0, 0x00cb, 0x0071, 0x0700});
  compare_all({
      {"UDP", from(customer, 1232, internet), true},
      {"another customer's port", from(customer, 1236, internet), false},
      {"an address that its own bits do not make",
       from(address6({0x2001, 0xdb8, 0x0012, 0x3400, 0x0000, 0xc000, 0x0213, 0x0034}), 1232, internet),
       false},
      {"a host with a mapping", from(address6({0x2001, 0xdb8, 0xffff, 1}, 9), 1232, internet), true},
      {"of no rule", from(address6({0x2001, 0xdb9}, 9), 1232, internet), false},
      {"not in the prefix", from(customer, 1232, address6({0x2001, 0xdb8, 0xffff, 0, 0x0100})), false},
  });
}

}  // namespace
}  // namespace yonroku::fastpath
