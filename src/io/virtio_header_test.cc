#include "io/virtio_header.h"

#include <gtest/gtest.h>

#include <vector>

#include "packet/test_packets.h"

namespace yonroku::io {
namespace {

using Segmentation = Offload::Segmentation;

TEST(VirtioHeader, Decode) {
  struct Row {
    const char* name;
    VirtioHeader header;  // flags, segmentation, header size, segment size, checksum start, checksum offset
    bool good;
    Offload offload = {};
  };
  const Row rows[] = {
      // before a packet of 100 octets
      {"nothing", {0, 0, 0, 0, 0, 0}, true},
      {"data is valid", {2, 0, 0, 0, 0, 0}, true},
      {"checksum fields without the flag are ignored", {0, 0, 0, 0, 9999, 9999}, true},
      {"checksum",
       {1, 0, 0, 0, 20, 16},
       true,
       {.partial_checksum = true, .checksum_start = 20, .checksum_offset = 16}},
      {"checksum in the last octets",
       {1, 0, 0, 0, 82, 16},
       true,
       {.partial_checksum = true, .checksum_start = 82, .checksum_offset = 16}},
      {"checksum one octet behind", {1, 0, 0, 0, 83, 16}, false},
      {"checksum far behind", {1, 0, 0, 0, 65535, 65535}, false},
      {"TCP over IPv4", {1, 1, 40, 1448, 20, 16}, true, {Segmentation::TcpIpv4, false, true, 20, 16, 1448}},
      {"TCP over IPv6 with ECN",
       {1, 0x84, 60, 1428, 40, 16},
       true,
       {Segmentation::TcpIpv6, true, true, 40, 16, 1428}},
      {"UDP segmentation", {1, 5, 28, 1200, 20, 6}, true, {Segmentation::Udp, false, true, 20, 6, 1200}},
      {"segments of nothing", {1, 1, 40, 0, 20, 16}, false},
      {"UDP fragmentation, long gone", {1, 3, 28, 1200, 20, 6}, false},
      {"an unknown kind", {1, 2, 28, 1200, 20, 6}, false},
      {"ECN alone", {0, 0x80, 0, 0, 0, 0}, true},
  };
  for (const Row& row : rows) {
    const auto offload = decode(row.header, 100);
    ASSERT_EQ(offload.has_value(), row.good) << row.name;
    if (!offload) {
      EXPECT_EQ(offload.error(), DropReason::BadOffloadMetadata);
      continue;
    }
    EXPECT_EQ(offload->segmentation, row.offload.segmentation) << row.name;
    EXPECT_EQ(offload->ecn, row.offload.ecn) << row.name;
    EXPECT_EQ(offload->partial_checksum, row.offload.partial_checksum) << row.name;
    EXPECT_EQ(offload->checksum_start, row.offload.checksum_start) << row.name;
    EXPECT_EQ(offload->checksum_offset, row.offload.checksum_offset) << row.name;
    EXPECT_EQ(offload->segment_size, row.offload.segment_size) << row.name;
  }
}

TEST(VirtioHeader, Encode) {
  struct Row {
    const char* name;
    test::Octets packet;
    Offload offload;
    VirtioHeader header;
  };
  const test::Octets tcp =
      test::ipv4({.protocol = test::kTcp}, test::tcp(test::counting(100), 16, 1, {1, 1, 1, 1}));
  const test::Octets udp = test::ipv6({}, test::udp(test::counting(100)));
  const Row rows[] = {
      {"nothing", tcp, {}, {0, 0, 0, 0, 0, 0}},
      {"checksum", tcp, {Segmentation::None, false, true, 20, 16, 0}, {1, 0, 0, 0, 20, 16}},
      {"TCP: the hint covers the options",
       tcp,
       {Segmentation::TcpIpv4, false, true, 20, 16, 50},
       {1, 1, 44, 50, 20, 16}},
      {"TCP with ECN", tcp, {Segmentation::TcpIpv6, true, true, 20, 16, 50}, {1, 0x84, 44, 50, 20, 16}},
      {"UDP", udp, {Segmentation::Udp, true, true, 40, 6, 50}, {1, 5, 48, 50, 40, 6}},
  };
  for (const Row& row : rows) {
    test::Octets octets = row.packet;
    Packet packet(std::as_writable_bytes(std::span(octets)), 0, octets.size());
    packet.offload = row.offload;
    const VirtioHeader header = encode(packet);
    EXPECT_EQ(header.flags, row.header.flags) << row.name;
    EXPECT_EQ(header.segmentation, row.header.segmentation) << row.name;
    EXPECT_EQ(header.header_size, row.header.header_size) << row.name;
    EXPECT_EQ(header.segment_size, row.header.segment_size) << row.name;
    EXPECT_EQ(header.checksum_start, row.header.checksum_start) << row.name;
    EXPECT_EQ(header.checksum_offset, row.header.checksum_offset) << row.name;
  }
}

}  // namespace
}  // namespace yonroku::io
