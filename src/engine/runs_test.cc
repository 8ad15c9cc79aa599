#include "engine/runs.h"

#include <gtest/gtest.h>

#include "packet/test_packets.h"

namespace yonroku::engine {
namespace {

std::vector<std::byte> tcp_packet(uint16_t source_port, std::size_t payload) {
  std::vector<std::byte> packet(sizeof(Ipv4Header) + sizeof(TcpHeader) + payload);
  auto& ip = *reinterpret_cast<Ipv4Header*>(packet.data());
  ip.version_ihl = 0x45;
  ip.protocol = IpProtocol::Tcp;
  auto& tcp = *reinterpret_cast<TcpHeader*>(packet.data() + sizeof(Ipv4Header));
  tcp.source_port = be16::from_host(source_port);
  tcp.destination_port = be16::from_host(80);
  return packet;
}

TEST(Runs, AConnectionStaysInItsPlaceWhateverItSends) {
  const auto place = Runs::place_of(tcp_packet(1000, 60000));
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(Runs::place_of(tcp_packet(1000, 0)), place);
  EXPECT_NE(Runs::place_of(tcp_packet(1001, 0)), place);
}

TEST(Runs, OnlyTcpHasRuns) {
  auto packet = tcp_packet(1000, 100);
  reinterpret_cast<Ipv4Header*>(packet.data())->protocol = IpProtocol::Udp;
  EXPECT_FALSE(Runs::place_of(packet).has_value());
  packet.resize(sizeof(Ipv4Header) + 4);
  EXPECT_FALSE(Runs::place_of(packet).has_value());
}

TEST(Runs, SinglePacketsFollowForTenMilliseconds) {
  Runs runs;
  const Instant start = Instant::from_nanoseconds(5'000'000'000);
  EXPECT_FALSE(runs.is_under_way(7, start));
  runs.begin(7, start);
  EXPECT_TRUE(runs.is_under_way(7, start + Duration::milliseconds(9)));
  EXPECT_FALSE(runs.is_under_way(7, start + Duration::milliseconds(10)));
  EXPECT_FALSE(runs.is_under_way(8, start));
}

}  // namespace
}  // namespace yonroku::engine
