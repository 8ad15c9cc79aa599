#include "engine/segmentation.h"

#include <gtest/gtest.h>

#include <vector>

#include "packet/test_packets.h"

namespace yonroku::engine {
namespace {

using test::Octets;
using Segmentation = Offload::Segmentation;

// A packet as a device hands it over: with partial checksum, to be cut into segments of `segment_size` octets
// of data.
class Device {
 public:
  Device(Octets octets, Segmentation segmentation, uint16_t segment_size) : octets_(std::move(octets)) {
    test::set_partial_checksum(octets_);
    packet_ = Packet(std::as_writable_bytes(std::span(octets_)), 0, octets_.size());
    const auto seen = *test::see(octets_);
    packet_.offload.segmentation = segmentation;
    packet_.offload.segment_size = segment_size;
    packet_.offload.partial_checksum = true;
    packet_.offload.checksum_start = static_cast<uint16_t>(seen.transport);
    packet_.offload.checksum_offset =
        static_cast<uint16_t>(test::checksum_offset(seen).value_or(seen.transport + 16) - seen.transport);
  }
  Packet& packet() { return packet_; }
  // Every segment; each one checked to be well-formed and to have right checksums, the transport's a partial
  // one.
  std::vector<Octets> segments() {
    std::vector<Octets> all;
    const auto segments = Segments::of(packet_);
    if (!segments) return all;
    for (std::size_t i = 0; i < segments->count(); ++i) {
      std::vector<std::byte> out(segments->largest());
      const std::size_t size = segments->write(i, out);
      const auto octets = test::octets_of(std::span(out).first(size));
      all.emplace_back(octets.begin(), octets.end());
      const auto seen = test::see(all.back());
      EXPECT_TRUE(seen && seen->total == size && seen->header_checksum_right) << i;
      Octets partial = all.back();
      test::set_partial_checksum(partial);
      EXPECT_EQ(all.back(), partial) << i;
      test::set_transport_checksum(all.back());  // as the device will
    }
    return all;
  }

 private:
  Octets octets_;
  Packet packet_;
};

Octets data_of(const Octets& packet, std::size_t front) {
  return {packet.begin() + static_cast<std::ptrdiff_t>(front), packet.end()};
}

constexpr uint8_t kFin = 1, kSyn = 2, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128;

TEST(Segments, TcpOverIpv4) {
  const Octets data = test::counting(250);
  Device device(test::ipv4({.protocol = test::kTcp, .identification = 0xfffe, .flags_and_offset = 0},
                           test::tcp(data, kAck | kPsh | kFin | kCwr | kEce, 0xffff'ffc0, {1, 1, 1, 1})),
                Segmentation::TcpIpv4, 100);
  const auto segments = device.segments();
  ASSERT_EQ(segments.size(), 3u);
  struct Row {
    std::size_t size;
    uint16_t identification;
    uint32_t sequence;
    uint8_t flags;
  };
  const Row rows[] = {{144, 0xfffe, 0xffff'ffc0, kAck | kCwr | kEce},
                      {144, 0xffff, 0x0000'0024, kAck | kEce},
                      {94, 0x0000, 0x0000'0088, kAck | kPsh | kFin | kEce}};
  Octets gathered;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(segments[i].size(), rows[i].size) << i;
    EXPECT_EQ(test::see(segments[i])->identification, rows[i].identification) << i;
    EXPECT_EQ(test::get32(segments[i], 24), rows[i].sequence) << i;
    EXPECT_EQ(segments[i][33], rows[i].flags) << i;
    gathered = test::joined({gathered, data_of(segments[i], 44)});
  }
  EXPECT_EQ(gathered, data);
}

TEST(Segments, TcpOverIpv6BehindExtensionHeaders) {
  const Octets data = test::counting(64);
  Octets options(8);
  options[0] = test::kTcp;
  Device device(test::ipv6({.next_header = 60, .extensions = options}, test::tcp(data, kAck | kUrg)),
                Segmentation::TcpIpv6, 32);
  const auto segments = device.segments();
  ASSERT_EQ(segments.size(), 2u);
  for (const Octets& segment : segments) {
    EXPECT_EQ(segment.size(), 40u + 8 + 20 + 32);
    EXPECT_EQ(segment[61], kAck | kUrg);
  }
  EXPECT_EQ(test::get32(segments[1], 48 + 4), 1032u);
}

TEST(Segments, Udp) {
  const Octets data = test::counting(70);
  for (const bool is_ipv4 : {true, false}) {
    const Octets packet =
        is_ipv4 ? test::ipv4({.identification = 7}, test::udp(data)) : test::ipv6({}, test::udp(data));
    Device device(packet, Segmentation::Udp, 32);
    const auto segments = device.segments();
    ASSERT_EQ(segments.size(), 3u);
    const std::size_t front = is_ipv4 ? 28 : 48;
    Octets gathered;
    for (const Octets& segment : segments) {
      EXPECT_EQ(test::get16(segment, front - 4), segment.size() - front + 8) << "UDP length";
      gathered = test::joined({gathered, data_of(segment, front)});
    }
    EXPECT_EQ(segments[2].size(), front + 6);
    EXPECT_EQ(gathered, data);
  }
}

TEST(Segments, SizesAtTheEdges) {
  struct Row {
    const char* name;
    std::size_t data;
    uint16_t segment_size;
    std::size_t count, last;
  };
  for (const Row& row :
       {Row{"no data", 0, 100, 1, 0}, Row{"one octet", 1, 100, 1, 1}, Row{"exactly one", 100, 100, 1, 100},
        Row{"one more", 101, 100, 2, 1}, Row{"exactly two", 200, 100, 2, 100},
        Row{"single octets", 5, 1, 5, 1}, Row{"the largest", 65495, 1448, 46, 335},
        Row{"a segment size beyond the packet", 10, 65535, 1, 10}}) {
    Device device(test::ipv4({.protocol = test::kTcp}, test::tcp(test::counting(row.data))),
                  Segmentation::TcpIpv4, row.segment_size);
    const auto segments = device.segments();
    ASSERT_EQ(segments.size(), row.count) << row.name;
    EXPECT_EQ(segments.back().size(), 40 + row.last) << row.name;
  }
}

TEST(Segments, PaddingIsLeftOut) {
  Octets padded = test::joined({test::ipv4({}, test::udp(test::counting(4))), Octets(14, 0xee)});
  Device device(padded, Segmentation::Udp, 100);
  const auto segments = device.segments();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].size(), 32u);
}

TEST(Segments, AComputedUdpChecksumOfZeroIsSentAsOnes) {
  // The last word is chosen so that everything sums up to ones.
  Octets packet = test::ipv4({}, test::udp(Octets(2)));
  test::put16(packet, 28, test::get16(packet, 26));
  Device device(packet, Segmentation::Udp, 100);
  const auto segments = device.segments();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(test::get16(segments[0], 26), 0xffffu);
}

TEST(Segments, RefusesRequestsThatThePacketDoesNotBear) {
  using Change = void (*)(Packet&);
  struct Row {
    const char* name;
    Change change;
  };
  const Octets tcp = test::ipv4({.protocol = test::kTcp}, test::tcp(test::counting(100)));
  const Row rows[] = {
      {"no super-packet", [](Packet& p) { p.offload.segmentation = Segmentation::None; }},
      {"no partial checksum", [](Packet& p) { p.offload.partial_checksum = false; }},
      {"segments of nothing", [](Packet& p) { p.offload.segment_size = 0; }},
      {"UDP segmentation of TCP", [](Packet& p) { p.offload.segmentation = Segmentation::Udp; }},
      {"checksum before the transport header", [](Packet& p) { p.offload.checksum_start = 0; }},
      {"checksum behind the transport header", [](Packet& p) { p.offload.checksum_start = 24; }},
      {"UDP's checksum field in TCP", [](Packet& p) { p.offload.checksum_offset = 6; }},
      {"a field behind the packet", [](Packet& p) { p.offload.checksum_offset = 4000; }},
      {"a data offset of 4", [](Packet& p) { p.data()[32] = std::byte{0x40}; }},
      {"a data offset behind the packet", [](Packet& p) { p.truncate(40), p.data()[3] = std::byte{40}; }},
      {"a fragment", [](Packet& p) { p.data()[6] = std::byte{0x20}; }},
      {"no packet", [](Packet& p) { p.truncate(0); }},
      {"a packet cut off", [](Packet& p) { p.truncate(60); }},
  };
  for (const Row& row : rows) {
    Device device(tcp, Segmentation::TcpIpv4, 50);
    ASSERT_TRUE(Segments::of(device.packet()));
    row.change(device.packet());
    if (device.packet().size() >= 20) {
      test::set_header_checksum({reinterpret_cast<uint8_t*>(device.packet().data()), device.packet().size()});
    }
    if (row.name == std::string_view("a data offset behind the packet"))
      device.packet().data()[32] = std::byte{0xf0};
    EXPECT_FALSE(Segments::of(device.packet())) << row.name;
  }
  Device short_udp(test::ipv6({}, Octets(7)), Segmentation::Udp, 4);
  EXPECT_FALSE(Segments::of(short_udp.packet())) << "a UDP header cut off";
  Device gre(test::ipv4({.protocol = 47}, Octets(40)), Segmentation::TcpIpv4, 8);
  EXPECT_FALSE(Segments::of(gre.packet())) << "neither TCP nor UDP";
}

}  // namespace
}  // namespace yonroku::engine
