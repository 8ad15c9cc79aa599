// What the programs make of packets, beside what the engine's own mechanisms make of them. Most packets do
// not travel: BPF_PROG_TEST_RUN shows one to a program as if it came by an interface, and the kernel's
// routing answers. Super-packets must travel, since the kernel cuts them.
#pragma once

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
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>

#include "fastpath/attachment.h"
#include "fastpath/instance_view.h"
#include "fastpath/programs.h"
#include "fastpath/table_memory.h"
#include "fastpath/test_programs.h"
#include "fastpath/test_routing.h"
#include "io/tun.h"
#include "io/virtio_header.h"
#include "mechanism/worker_state.h"
#include "packet/test_packets.h"

namespace yonroku::fastpath {

using test::Octets;

// Identifications of packets that may be fragmented are the programs' own.
inline Octets without_identification(Octets packet) {
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

}  // namespace yonroku::fastpath
