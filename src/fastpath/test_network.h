// A network namespace in which programs run for tests and benchmarks: an instance's device, a link to
// everybody else, and the kernel's own routing. No packet travels: BPF_PROG_TEST_RUN shows one to a program.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <span>
#include <string>

#include "fastpath/programs.h"
#include "packet/test_packets.h"

namespace yonroku::fastpath {

// What the device says of a packet's checksum.
enum class Sum : uint8_t {
  None,
  Complete,  // it tells the sum of all octets (CHECKSUM_COMPLETE); the kernel looks whether it is still right
};

class TestNetwork {
 public:
  static constexpr uint8_t kOwnMac[6] = {2, 0, 0, 0, 0, 1};
  static constexpr uint8_t kNextHopMac[6] = {2, 0, 0, 0, 0, 2};

  // Moves the calling thread to a network namespace that ends with it, before there are interfaces.
  // `to_instance` are the prefixes that are routed to instance 0. False when something failed.
  static bool enter() {
    const auto write = [](const char* path) {
      std::ofstream out(path);
      out << "1" << std::flush;
      return bool(out);
    };
    return ::unshare(CLONE_NEWNET) == 0 && write("/proc/sys/net/ipv4/ip_forward") &&
           write("/proc/sys/net/ipv6/conf/all/forwarding");
  }
  bool set_up(Programs& programs, std::initializer_list<const char*> to_instance) {
    std::string lines = R"(link set lo up
link add instance type veth peer name engine
link add wire address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02
link set far up
link set wire up
link set engine up
link set instance up
neigh add 198.18.0.1 lladdr 02:00:00:00:00:02 dev wire nud permanent
neigh add fe80::1 lladdr 02:00:00:00:00:02 dev wire nud permanent
route add default via 198.18.0.1 dev wire onlink
route add default via fe80::1 dev wire onlink
)";
    for (const char* prefix : to_instance) lines += std::string("route add ") + prefix + " dev instance\n";
    std::FILE* const pipe = ::popen("ip -batch -", "w");
    if (pipe == nullptr) return false;
    std::fwrite(lines.data(), 1, lines.size(), pipe);
    if (::pclose(pipe) != 0) return false;
    link_ = ::if_nametoindex("wire");
    Device link{};
    link.use = Device::kXdpTarget;
    std::memcpy(link.mac, kOwnMac, sizeof kOwnMac);
    Device instance{};
    instance.use = Device::kInstance;
    // Test runs of XDP programs are for interfaces that have one.
    return bpf_xdp_attach(static_cast<int>(link_), programs.xdp(), XDP_FLAGS_DRV_MODE, nullptr) == 0 &&
           programs.set_device(link_, link) && programs.set_device(::if_nametoindex("instance"), instance);
  }

  // BPF_F_TEST_SKB_CHECKSUM_COMPLETE, which older headers do not have.
  static constexpr uint32_t kWithSum = 1u << 2;
  // Whether the kernel makes test runs with Sum::Complete (Linux 6.11), at tc.
  static bool knows_sums(int tc_program) {
    const test::Octets frame = frame_of(test::ipv4({}, test::udp({})));
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<uint32_t>(frame.size());
    options.repeat = 1;
    options.flags = kWithSum;
    return bpf_prog_test_run_opts(tc_program, &options) != -EINVAL;
  }

  // An IP packet as it arrives on the wire.
  static test::Octets frame_of(test::View packet) {
    test::Octets frame(kOwnMac, kOwnMac + sizeof kOwnMac);
    frame.insert(frame.end(), kNextHopMac, kNextHopMac + sizeof kNextHopMac);
    const bool is_ipv4 = packet[0] >> 4 == 4;
    frame.push_back(is_ipv4 ? 0x08 : 0x86);
    frame.push_back(is_ipv4 ? 0x00 : 0xdd);
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
  }

  enum class Hook : uint8_t { Tc, Xdp };
  enum class Action : uint8_t { Forwarded, PassedUp, Other };
  struct Outcome {
    Action action = Action::Other;
    test::Octets frame;     // as the program left it
    uint32_t duration = 0;  // nanoseconds of one run
    bool is_sum_right = true;
  };
  Outcome run(Hook hook, int program, test::View frame, int repeat = 1, Sum sum = Sum::None) const {
    const bool is_tc = hook == Hook::Tc;
    __sk_buff skb{};
    skb.ifindex = link_;
    xdp_md md{};
    md.ingress_ifindex = link_;
    md.data_end = static_cast<uint32_t>(frame.size());
    Outcome outcome;
    outcome.frame.resize(4096);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<uint32_t>(frame.size());
    options.data_out = outcome.frame.data();
    options.data_size_out = static_cast<uint32_t>(outcome.frame.size());
    options.ctx_in = is_tc ? static_cast<void*>(&skb) : &md;
    options.ctx_size_in = is_tc ? sizeof skb : sizeof md;
    options.repeat = repeat;
    if (sum == Sum::Complete) options.flags = kWithSum;
    const int error = bpf_prog_test_run_opts(program, &options);
    outcome.is_sum_right = error != -EBADMSG;
    if (error != 0) return outcome;
    outcome.frame.resize(options.data_size_out);
    outcome.duration = options.duration;
    const int returned = static_cast<int>(options.retval);
    if (returned == (is_tc ? TC_ACT_REDIRECT : XDP_REDIRECT)) outcome.action = Action::Forwarded;
    if (returned == (is_tc ? TC_ACT_UNSPEC : XDP_PASS)) outcome.action = Action::PassedUp;
    return outcome;
  }

 private:
  uint32_t link_ = 0;  // interface index
};

}  // namespace yonroku::fastpath
