// The kernel's routes, what is told of them, and what programs make of it.
#include "control/route_watcher.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>

#include "fastpath/instance_view.h"
#include "fastpath/programs.h"
#include "fastpath/table_memory.h"
#include "fastpath/test_network.h"
#include "io/file_descriptor.h"

namespace yonroku::control {
namespace {

using fastpath::TestNetwork;
using test::address4;
using test::Octets;
using Action = TestNetwork::Action;

// An instance has 10.0.0.0/8 on one side, and its customers behind 2001:db8:8000::/48 on the other.
class Routing : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    // What programs remember, each processor remembers for itself.
    ASSERT_EQ(::sched_getaffinity(0, sizeof processors_, &processors_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    before_ = io::FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(TestNetwork::enter());
    auto loaded = fastpath::Programs::load();
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    programs_.emplace(std::move(*loaded));
    ASSERT_TRUE(network_.set_up(*programs_, {"10.0.0.0/8"}));
    mechanism::SiitSettings settings;
    settings.mapping.ipv4_side_prefix = *share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
    settings.mapping.ipv6_side_prefix = *share::Pref64::create(*Ipv6Prefix::parse("2001:db8:8000::/96"));
    auto served = fastpath::serve(0, settings, table_);
    ASSERT_TRUE(served) << served.error();
    served->view.places = UINT32_MAX;
    ASSERT_TRUE(programs_->set_instance(0, served->view));
    for (uint32_t i = 0; i < served->tables.size(); ++i)
      ASSERT_TRUE(programs_->set_table(i, memory_.map_of(served->tables[i].slots, served->tables[i].seed)));
  }
  void TearDown() override {
    watcher_.reset();
    if (before_.is_open()) {
      EXPECT_EQ(::setns(before_.get(), CLONE_NEWNET), 0);
      EXPECT_EQ(::sched_setaffinity(0, sizeof processors_, &processors_), 0);
    }
  }

  void watch() {
    RouteWatcher::Listener listener;
    listener.routes_changed = [this] {
      programs_->forget_routes();
      ++changes_;
    };
    listener.interfaces_changed = [] {};
    listener.routing_depends_on_more = [this](bool depends) { depends_on_more_ = depends; };
    listener.blocks_are_right = [this] {
      programs_->trust_blocks();
      ++rounds_;
    };
    auto watcher = RouteWatcher::start(std::move(listener), programs_->whole_blocks());
    ASSERT_TRUE(watcher) << watcher.error().to_string();
    watcher_ = std::move(*watcher);
    const auto is_whole = [this] { return programs_->whole_blocks()[0] != 0; };
    ASSERT_TRUE(comes(is_whole)) << "no dump";
  }
  template <class Condition>
  static bool comes(Condition&& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) ::usleep(10'000);
    return condition();
  }
  static void ip(const std::string& command) {
    ASSERT_EQ(std::system(("ip " + command).c_str()), 0) << command;
  }
  // ... and the programs have heard of it.
  void ip_and_heard(const std::string& command) {
    const uint32_t before = changes_;
    ip(command);
    ASSERT_TRUE(comes([&] { return changes_ != before; })) << command;
  }

  // Whether what was remembered is void once the watcher has heard of it. What changes for the other
  // neighbour has it listen again; the first time it may not have heard all.
  bool voids(const std::string& command) {
    const auto other = [](const char* state) {
      return std::string("neigh replace 198.18.0.99 lladdr 02:00:00:00:00:99 dev wire nud ") + state;
    };
    const uint32_t changes = changes_, rounds = rounds_;
    ip(command);
    EXPECT_TRUE(comes([&] {
      ip(other("stale"));
      ip(other("reachable"));
      return rounds_ > rounds + 1;
    }));
    return changes_ != changes;
  }

  // From a remote host to 10.a.b.c; the last octet of the next hop's link-layer address, or nothing: passed.
  std::optional<uint8_t> next_hop(uint8_t a, uint8_t b, uint8_t c) {
    return next_hop_of(
        test::ipv4({address4(203, 0, 113, 7), address4(10, a, b, c)}, test::udp(test::counting(20))));
  }
  std::optional<uint8_t> next_hop_of(const Octets& packet) {
    const auto outcome =
        network_.run(TestNetwork::Hook::Xdp, programs_->xdp(), TestNetwork::frame_of(packet));
    EXPECT_NE(outcome.action, Action::Other);
    if (outcome.action != Action::Forwarded) return std::nullopt;
    return outcome.frame.at(5);
  }
  static constexpr std::optional<uint8_t> kPassed = std::nullopt, kGateway = 2;

  io::FileDescriptor before_;
  cpu_set_t processors_{};
  fastpath::TableMemory memory_;
  share::EamTable table_{1, &memory_};
  std::optional<fastpath::Programs> programs_;
  TestNetwork network_;
  std::unique_ptr<RouteWatcher> watcher_;
  std::atomic<uint32_t> changes_ = 0, rounds_ = 0;
  std::atomic<bool> depends_on_more_ = false;
};

// What nobody heard of shows what is remembered, and for what.
TEST_F(Routing, IsAskedOnceForAWholeBlock) {
  using Clock = std::chrono::steady_clock;
  for (const bool is_whole : {false, true}) {
    std::ranges::fill(programs_->whole_blocks(), is_whole ? ~uint64_t{0} : 0);
    std::optional<uint8_t> now;
    Clock::duration taken{};
    for (int attempts = 0; attempts < 10; ++attempts) {  // what is remembered is good for a second
      programs_->forget_routes();
      programs_->trust_blocks();
      const auto begin = Clock::now();
      EXPECT_EQ(next_hop(0, 0, 1), kGateway);
      ip("route add 10.0.0.2/32 via 198.18.0.1 dev wire onlink");
      now = next_hop(0, 0, 2);
      taken = Clock::now() - begin;
      ip("route del 10.0.0.2/32");
      if (taken < std::chrono::milliseconds(900)) break;
    }
    EXPECT_EQ(now, is_whole ? kGateway : kPassed) << (is_whole ? "whole" : "split");
  }
}

TEST_F(Routing, NobodyWatchesAndNoBlockIsTrusted) {
  std::ranges::fill(programs_->whole_blocks(), ~uint64_t{0});
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
  ip("route add 10.0.0.2/32 via 198.18.0.1 dev wire onlink");
  EXPECT_EQ(next_hop(0, 0, 2), kPassed);
}

TEST_F(Routing, APartOfABlockIsRoutedElsewhere) {
  watch();
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
  EXPECT_EQ(next_hop(1, 0, 200), kGateway);
  ip_and_heard("route add 10.0.0.2/32 via 198.18.0.1 dev wire onlink");
  ip_and_heard("route add 10.1.0.128/25 via 198.18.0.1 dev wire onlink");
  for (int i = 0; i < 3; ++i) {  // in turns: what is remembered of one is not taken for another
    EXPECT_EQ(next_hop(0, 0, 1), kGateway);
    EXPECT_EQ(next_hop(0, 0, 2), kPassed);
    EXPECT_EQ(next_hop(1, 0, 127), kGateway);
    EXPECT_EQ(next_hop(1, 0, 128), kPassed);
    EXPECT_EQ(next_hop(1, 1, 128), kGateway);
  }
  ip_and_heard("route del 10.0.0.2/32");
  ip_and_heard("route del 10.1.0.128/25");
  EXPECT_EQ(next_hop(0, 0, 2), kGateway);
  EXPECT_EQ(next_hop(1, 0, 128), kGateway);
}

TEST_F(Routing, ANextHopForAPartOfABlock) {
  watch();
  ip_and_heard("neigh add fe80::9 lladdr 02:00:00:00:00:09 dev wire nud permanent");
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
  ip_and_heard("route add 2001:db8:8000::a00:2/128 via fe80::9 dev wire");
  ip_and_heard("route add 2001:db8:8000::a00:80/122 via fe80::9 dev wire");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(next_hop(0, 0, 1), kGateway);
    EXPECT_EQ(next_hop(0, 0, 2), 9);
    EXPECT_EQ(next_hop(0, 0, 0x80), 9);
    EXPECT_EQ(next_hop(0, 0, 0xc0), kGateway);
  }
}

TEST_F(Routing, NeighboursOnALinkAreEachTheirOwn) {
  watch();
  ip_and_heard("route add 2001:db8:8000::/48 dev wire");
  ip_and_heard("neigh add 2001:db8:8000::a00:1 lladdr 02:00:00:00:00:11 dev wire nud permanent");
  ip_and_heard("neigh add 2001:db8:8000::a00:2 lladdr 02:00:00:00:00:12 dev wire nud permanent");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(next_hop(0, 0, 1), 0x11);
    EXPECT_EQ(next_hop(0, 0, 2), 0x12);
    EXPECT_EQ(next_hop(0, 0, 3), kPassed);  // not known: XDP can't
  }
}

TEST_F(Routing, ANeighbourThatIsConfirmedChangesNothing) {
  for (const char* family : {"ipv4", "ipv6"})  // asked for often: nobody answers
    std::ofstream(std::string("/proc/sys/net/") + family + "/neigh/wire/ucast_solicit")
        << "1000" << std::flush;
  // Nobody is there who would be a neighbour more, and the interfaces' addresses are found to be unique.
  std::ofstream("/proc/sys/net/ipv6/conf/far/disable_ipv6") << "1" << std::flush;
  watch();
  EXPECT_TRUE(comes([&] {
    const uint32_t before = changes_;
    ::usleep(2'500'000);
    return changes_ == before;
  }));
  EXPECT_TRUE(voids("neigh add 198.18.0.98 lladdr 02:00:00:00:00:98 dev wire nud permanent"));
  for (const std::string neighbour : {"198.18.0.1", "fe80::1"}) {
    for (const char* state : {"reachable", "stale", "delay", "probe", "permanent"})
      EXPECT_FALSE(voids("neigh replace " + neighbour + " lladdr 02:00:00:00:00:02 dev wire nud " + state))
          << state;
    EXPECT_TRUE(voids("neigh replace " + neighbour + " lladdr 02:00:00:00:00:0a dev wire nud reachable"));
    EXPECT_TRUE(voids("neigh change " + neighbour + " dev wire nud failed"));
    EXPECT_TRUE(voids("neigh replace " + neighbour + " lladdr 02:00:00:00:00:0a dev wire nud reachable"));
    EXPECT_TRUE(voids("neigh del " + neighbour + " dev wire"));
  }
}

TEST_F(Routing, ANeighbourGetsAnotherAddress) {
  watch();
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
  ip_and_heard("neigh replace fe80::1 lladdr 02:00:00:00:00:0a dev wire nud permanent");
  EXPECT_EQ(next_hop(0, 0, 1), 0x0a);
  ip_and_heard("neigh del fe80::1 dev wire");
  EXPECT_EQ(next_hop(0, 0, 1), kPassed);
}

// Without net.ipv4.nexthop_compat_mode the kernel says nothing of the routes that have it.
TEST_F(Routing, ANextHopThatRoutesHaveInCommonChanges) {
  std::ofstream("/proc/sys/net/ipv4/nexthop_compat_mode") << "0" << std::flush;
  ip("neigh add fe80::9 lladdr 02:00:00:00:00:09 dev wire nud permanent");
  ip("nexthop add id 1 via fe80::1 dev wire");
  ip("route add 2001:db8:8000::/48 nhid 1");
  watch();
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
  ip_and_heard("nexthop replace id 1 via fe80::9 dev wire");
  EXPECT_EQ(next_hop(0, 0, 1), 9);
  ip_and_heard("nexthop del id 1");  // and its route
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
}

TEST_F(Routing, TheHostsOwnAddressesAreNotTheInstances) {
  watch();
  EXPECT_EQ(next_hop(0, 0, 2), kGateway);
  ip_and_heard("addr add 10.0.0.2/32 dev wire");
  EXPECT_EQ(next_hop(0, 0, 1), kGateway);
  EXPECT_EQ(next_hop(0, 0, 2), kPassed);
}

TEST_F(Routing, ManyRoutesAtOnce) {
  watch();
  EXPECT_EQ(next_hop(7, 7, 7), kGateway);
  std::string lines;
  for (int i = 0; i < 20'000; ++i)
    lines += "route add 10.7." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "/32 dev wire\n";
  std::FILE* const pipe = ::popen("ip -batch -", "w");
  ASSERT_NE(pipe, nullptr);
  std::fwrite(lines.data(), 1, lines.size(), pipe);
  ASSERT_EQ(::pclose(pipe), 0);
  EXPECT_TRUE(comes([&] { return next_hop(7, 79, 249) == kPassed; }));
  EXPECT_EQ(next_hop(7, 7, 7), kPassed);
  EXPECT_EQ(next_hop(7, 7, 251), kGateway);
}

TEST_F(Routing, DependsOnTrafficClasses) {
  watch();
  EXPECT_FALSE(depends_on_more_);
  ip_and_heard("route add 10.0.0.0/24 tos 0x10 via 198.18.0.1 dev wire onlink");
  EXPECT_TRUE(comes([&] { return depends_on_more_.load(); }));
}

}  // namespace
}  // namespace yonroku::control
