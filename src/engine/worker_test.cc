// A worker on a real TUN device, in a network namespace of the test's own. Needs root; skipped otherwise.
#include "engine/worker.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "packet/test_packets.h"

namespace yonroku::engine {
namespace {

constexpr const char* kDevice = "worker-test";
constexpr int kPatience = 2000;  // milliseconds

// Everything is done in a thread that has left the host's network for an empty one.
template <class Body>
void in_own_namespace(Body&& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    body();
  }).join();
}

// Packets into and out of the device, as the kernel's routing would put and take them.
class Wire {
 public:
  Wire() : socket_(::socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL))) {
    const io::FileDescriptor control(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, kDevice, IFNAMSIZ - 1);
    EXPECT_EQ(::ioctl(control.get(), SIOCGIFINDEX, &request), 0);
    index_ = request.ifr_ifindex;
    request.ifr_flags = IFF_UP;
    EXPECT_EQ(::ioctl(control.get(), SIOCSIFFLAGS, &request), 0);
    sockaddr_ll address = address_of(0);
    address.sll_protocol = htons(ETH_P_ALL);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void put(const test::Octets& packet) {
    const sockaddr_ll address = address_of(packet[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
    EXPECT_EQ(::sendto(socket_.get(), packet.data(), packet.size(), 0,
                       reinterpret_cast<const sockaddr*>(&address), sizeof address),
              static_cast<ssize_t>(packet.size()));
  }
  // The next packet that came out of the device (not what went into it); empty when none does.
  test::Octets take() {
    pollfd poll{socket_.get(), POLLIN, 0};
    while (::poll(&poll, 1, kPatience) > 0) {
      test::Octets packet(65536);
      sockaddr_ll from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(socket_.get(), packet.data(), packet.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
      packet.resize(static_cast<std::size_t>(got));
      return packet;
    }
    return {};
  }

 private:
  [[nodiscard]] sockaddr_ll address_of(uint16_t protocol) const {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = index_;
    address.sll_protocol = htons(protocol);
    return address;
  }
  io::FileDescriptor socket_;
  int index_ = 0;
};

class WorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes a network namespace and a TUN device in it";
    if (::access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "there is no /dev/net/tun";
    install_wake_up_signal();
  }
  static std::unique_ptr<Snapshot> snapshot(const char* ipv6) {
    auto table = std::make_shared<share::EamTable>(1);
    EXPECT_EQ(table->add({*Ipv4Prefix::parse("192.0.2.80"), *Ipv6Prefix::parse(ipv6)}),
              share::EamTable::Refusal::None);
    mechanism::SiitSettings settings;
    settings.mapping.ipv4_side_prefix = settings.mapping.ipv6_side_prefix =
        share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
    const share::EamTable& eam_table = *table;
    return std::make_unique<Snapshot>(
        Snapshot{std::move(table), nullptr, nullptr, mechanism::Siit(settings, eam_table), {}, 1000});
  }
};

TEST_F(WorkerTest, TranslatesBothWaysUntilItIsStopped) {
  in_own_namespace([&] {
    auto device = io::open_tun(kDevice, 1);
    ASSERT_TRUE(device) << device.error().to_string();
    Wire wire;
    const auto first = snapshot("2001:db8:2::80");
    const auto second = snapshot("2001:db8:3::80");
    Worker worker(std::move(device->queues[0]), first.get(), 1, 0, 1);
    worker.prepare();
    worker.start();

    wire.put(test::ipv4({}, test::udp(test::counting(100))));
    test::Octets out = wire.take();
    ASSERT_EQ(out.size(), 148u);
    EXPECT_EQ(test::see(out)->destination, test::address6({0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x80}));
    EXPECT_TRUE(test::has_right_checksum(out));
    wire.put(test::ipv6({}, test::udp(test::counting(100))));
    out = wire.take();
    ASSERT_EQ(out.size(), 128u);
    EXPECT_EQ(test::see(out)->source, test::address4(192, 0, 2, 80));
    EXPECT_TRUE(test::has_right_checksum(out));

    // Another snapshot, from the next batch on.
    worker.use(second.get());
    worker.await_quiescence();
    wire.put(test::ipv4({}, test::udp(test::counting(100))));
    out = wire.take();
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(test::see(out)->destination, test::address6({0x2001, 0xdb8, 3, 0, 0, 0, 0, 0x80}));

    EXPECT_EQ(worker.failure(), 0);
    worker.stop();
    worker.stop();
    // The device brought up may itself have sent IPv6 packets of its own: those are dropped.
    EXPECT_EQ(worker.counters().translated[0][1].packets.value(), 2u);
    EXPECT_EQ(worker.counters().translated[1][1].packets.value(), 1u);
  });
}

TEST_F(WorkerTest, AnswersQuestionsAsleepAtWorkAndStopped) {
  in_own_namespace([&] {
    auto device = io::open_tun(kDevice, 1);
    ASSERT_TRUE(device) << device.error().to_string();
    Wire wire;
    const auto settings = snapshot("2001:db8:2::80");
    Worker worker(std::move(device->queues[0]), settings.get(), 1, 0, 1);
    std::thread::id answerer;
    const auto ask = [&] {
      return worker.ask([&](Pipeline&, Instant) { answerer = std::this_thread::get_id(); },
                        std::chrono::milliseconds(kPatience));
    };
    EXPECT_TRUE(ask());
    EXPECT_EQ(answerer, std::this_thread::get_id()) << "not started";
    worker.prepare();
    worker.start();
    for (int i = 0; i < 20; ++i) {
      if (i % 2 == 0) wire.put(test::ipv4({}, test::udp(test::counting(100))));
      EXPECT_TRUE(ask()) << i;
      EXPECT_NE(answerer, std::this_thread::get_id()) << i;
    }
    worker.stop();
    EXPECT_TRUE(ask());
    EXPECT_EQ(answerer, std::this_thread::get_id()) << "stopped";
  });
}

// How many packets the worker had received each time that a session was left to the offload.
class RecordingOffload final : public share::SessionOffload {
 public:
  uint32_t begin(const share::OffloadedSession& /*session*/) noexcept override {
    received_.push_back(counters_->received[1].value());
    return static_cast<uint32_t>(received_.size());
  }
  void end(uint32_t /*flow*/) noexcept override {}
  [[nodiscard]] Seen seen(uint32_t /*flow*/) const noexcept override { return {}; }
  [[nodiscard]] bool is_of(uint32_t /*flow*/,
                           const share::OffloadedSession& /*session*/) const noexcept override {
    return true;
  }
  const observe::Counters* counters_ = nullptr;
  std::vector<uint64_t> received_;
};

// What it forwards from then on would overtake packets of the session that wait for the worker.
TEST_F(WorkerTest, ASessionIsLeftToTheOffloadWhenNoPacketWaits) {
  in_own_namespace([&] {
    constexpr uint64_t kBurst = 300;
    auto device = io::open_tun(kDevice, 1);
    ASSERT_TRUE(device) << device.error().to_string();
    Wire wire;
    mechanism::Nat64Settings settings(*share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96")));
    settings.nat.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 1), 32)}, 1024, 65535}};
    settings.nat.max_sessions = 1000;
    settings.nat.offload_after = 4;
    const Snapshot snapshot{nullptr, nullptr, nullptr, mechanism::Nat64(settings), {}, 1000};
    Worker worker(std::move(device->queues[0]), &snapshot, 1, 0, 1);
    RecordingOffload offload;
    offload.counters_ = &worker.counters();
    worker.set_session_offload(&offload);
    worker.prepare();
    // One datagram after the other, none of them answered: 64 more are waited for.
    const auto packet =
        test::ipv6({.destination = test::address6({0x2001, 0xdb8, 0x64, 0, 0, 0, 0xc000, 0x0250})},
                   test::udp(test::counting(100)));
    for (uint64_t i = 0; i < kBurst; ++i) wire.put(packet);
    worker.start();
    for (int i = 0; i < kPatience && worker.counters().received[1].value() < kBurst; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(worker.ask([](Pipeline&, Instant) {}, std::chrono::milliseconds(kPatience)));
    worker.stop();
    ASSERT_EQ(offload.received_.size(), 1u);
    EXPECT_GE(offload.received_[0], kBurst);
  });
}

TEST_F(WorkerTest, ANameThatIsTakenIsAnErrorThatSaysSo) {
  in_own_namespace([&] {
    const auto device = io::open_tun(kDevice, 2);
    ASSERT_TRUE(device) << device.error().to_string();
    EXPECT_EQ(device->queues.size(), 2u);
    const auto again = io::open_tun(kDevice, 1);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().where, kDevice);
    EXPECT_NE(again.error().fix, "");
  });
}

}  // namespace
}  // namespace yonroku::engine
