// Which queue a packet goes to, asked of the kernel (BPF_PROG_TEST_RUN).
#include "io/steering.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <vector>

#include "packet/headers.h"

namespace yonroku::io {
namespace {

using Octets = std::vector<std::byte>;

Octets ipv4_packet(uint32_t source, uint32_t destination, uint16_t fragment = 0) {
  Octets packet(sizeof(Ipv4Header) + 8);
  auto& ip = *reinterpret_cast<Ipv4Header*>(packet.data());
  ip.version_ihl = 0x45;
  ip.flags_fragment_offset = be16::from_host(fragment);
  ip.protocol = IpProtocol::Udp;
  ip.source_wire = be32::from_host(source);
  ip.destination_wire = be32::from_host(destination);
  return packet;
}

Octets ipv6_packet(uint64_t source, IpProtocol next, const Octets& payload) {
  Octets packet(sizeof(Ipv6Header));
  auto& ip = *reinterpret_cast<Ipv6Header*>(packet.data());
  ip.set_version_and_class(0);
  ip.next_header = next;
  ip.set_source({source, 1});
  ip.set_destination({0x20010db800000000, 2});
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

class SteeringTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!steering_.is_loaded()) GTEST_SKIP() << "BPF programs can't be loaded here";
  }
  // The number that the program answers with.
  [[nodiscard]] uint32_t queue_of(const Octets& packet) const {
    Octets frame(14);  // The test run wants a link header, which the program does not see.
    frame.insert(frame.end(), packet.begin(), packet.end());
    bpf_attr attributes{};
    attributes.test.prog_fd = static_cast<uint32_t>(steering_.program());
    attributes.test.data_in = reinterpret_cast<uint64_t>(frame.data());
    attributes.test.data_size_in = static_cast<uint32_t>(frame.size());
    EXPECT_EQ(::syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes), 0)
        << std::strerror(errno);
    return attributes.test.retval;
  }
  Steering steering_ = Steering::load();
};

TEST_F(SteeringTest, AnswersAreEven) {
  for (uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(queue_of(ipv4_packet(0xc0000200 + i, 0xcb007150)) % 2, 0U);
    EXPECT_EQ(queue_of(ipv6_packet(0x20010db800000000 + i, IpProtocol::Udp, Octets(8))) % 2, 0U);
  }
}

TEST_F(SteeringTest, FlowsSpreadOverFourWorkers) {
  std::set<uint32_t> ipv4, ipv6, inner;
  for (uint32_t i = 0; i < 64; ++i) {
    ipv4.insert(queue_of(ipv4_packet(0xc0000200 + i, 0xcb007150)) % 8);
    ipv6.insert(queue_of(ipv6_packet(0x20010db800000000 + (uint64_t{i} << 8), IpProtocol::Udp, Octets(8))) %
                8);
    inner.insert(queue_of(ipv6_packet(1, IpProtocol::Ipv4, ipv4_packet(0xc0000200, 0xcb007100 + i))) % 8);
  }
  EXPECT_EQ(ipv4.size(), 4U);
  EXPECT_EQ(ipv6.size(), 4U);
  EXPECT_EQ(inner.size(), 4U);
}

TEST_F(SteeringTest, FragmentsStayTogether) {
  const uint32_t first = queue_of(ipv4_packet(0xc0000201, 0xcb007150, 0x2000));
  EXPECT_EQ(queue_of(ipv4_packet(0xc0000201, 0xcb007150, 0x00b9)), first);
  const uint32_t outer = queue_of(ipv6_packet(1, IpProtocol::Fragment, Octets(64)));
  EXPECT_EQ(queue_of(ipv6_packet(1, IpProtocol::Fragment, Octets(200, std::byte{0x55}))), outer);
}

TEST_F(SteeringTest, CutShortPacketsGoSomewhere) {
  for (std::size_t size = 1; size < 60; ++size) {
    Octets packet = ipv6_packet(1, IpProtocol::Ipv4, ipv4_packet(0xc0000201, 0xcb007150));
    packet.resize(size);
    EXPECT_EQ(queue_of(packet) % 2, 0U);
  }
}

}  // namespace
}  // namespace yonroku::io
