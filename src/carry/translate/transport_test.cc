#include "carry/translate/transport.h"

#include <gtest/gtest.h>

#include "packet/test_packets.h"

namespace yonroku::carry {
namespace {

using test::Octets;
using Segmentation = Offload::Segmentation;

TEST(CheckOffload, WhatADeviceMayAsk) {
  struct Row {
    const char* name;
    Offload offload;
    IpProtocol protocol;
    ChecksumState state;
  };
  const auto asked = [](uint16_t start, uint16_t offset, Segmentation segmentation = Segmentation::None,
                        uint16_t size = 0) {
    return Offload{.segmentation = segmentation,
                   .partial_checksum = true,
                   .checksum_start = start,
                   .checksum_offset = offset,
                   .segment_size = size};
  };
  const auto complete = ChecksumState::Complete;
  const auto partial = ChecksumState::Partial;
  const auto senseless = ChecksumState::Senseless;
  const Row rows[] = {
      // a packet of 100 octets whose transport header begins at 20
      {"nothing", {}, IpProtocol::Tcp, complete},
      {"TCP's checksum", asked(20, 16), IpProtocol::Tcp, partial},
      {"UDP's checksum", asked(20, 6), IpProtocol::Udp, partial},
      {"TCP's in UDP", asked(20, 16), IpProtocol::Udp, senseless},
      {"UDP's in TCP", asked(20, 6), IpProtocol::Tcp, senseless},
      {"before the transport header", asked(19, 6), IpProtocol::Udp, senseless},
      {"the last two octets", asked(92, 6), IpProtocol::Ipv4, complete},
      {"one octet behind the packet", asked(93, 6), IpProtocol::Ipv4, senseless},
      {"far behind it", asked(65535, 65535), IpProtocol::Tcp, senseless},
      {"inside a tunnel's payload", asked(60, 6), IpProtocol::Ipv4, complete},
      {"TCP segments", asked(20, 16, Segmentation::TcpIpv4, 50), IpProtocol::Tcp, partial},
      {"UDP segments", asked(20, 6, Segmentation::Udp, 50), IpProtocol::Udp, partial},
      {"UDP segments of TCP", asked(20, 16, Segmentation::Udp, 50), IpProtocol::Tcp, senseless},
      {"TCP segments of UDP", asked(20, 6, Segmentation::TcpIpv6, 50), IpProtocol::Udp, senseless},
      {"segments of nothing", asked(20, 16, Segmentation::TcpIpv4, 0), IpProtocol::Tcp, senseless},
      {"segments with whole checksums",
       {.segmentation = Segmentation::TcpIpv4, .segment_size = 50},
       IpProtocol::Tcp,
       senseless},
      {"segments inside a tunnel", asked(60, 16, Segmentation::TcpIpv4, 50), IpProtocol::Ipv4, senseless},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(check_offload(row.offload, 100, 20, row.protocol), row.state) << row.name;
  }
}

// The options of a SYN before and after a clamp to 1220 octets, 0x04c4.
TEST(ClampMss, Options) {
  struct Row {
    const char* name;
    Octets before, after;
  };
  const Row rows[] = {
      {"larger", {2, 4, 0x05, 0xb4}, {2, 4, 0x04, 0xc4}},
      {"equal", {2, 4, 0x04, 0xc4}, {2, 4, 0x04, 0xc4}},
      {"smaller", {2, 4, 0x02, 0x18}, {2, 4, 0x02, 0x18}},
      {"the largest", {2, 4, 0xff, 0xff}, {2, 4, 0x04, 0xc4}},
      {"at an odd offset", {1, 2, 4, 0x05, 0xb4, 1, 1, 1}, {1, 2, 4, 0x04, 0xc4, 1, 1, 1}},
      {"behind others",
       {3, 3, 7, 1, 4, 2, 2, 4, 0x05, 0xb4, 0, 0},
       {3, 3, 7, 1, 4, 2, 2, 4, 0x04, 0xc4, 0, 0}},
      {"twice", {2, 4, 0x05, 0xb4, 2, 4, 0x23, 0x00}, {2, 4, 0x04, 0xc4, 2, 4, 0x04, 0xc4}},
      {"behind the end", {0, 2, 4, 0x05, 0xb4, 0, 0, 0}, {0, 2, 4, 0x05, 0xb4, 0, 0, 0}},
      {"length 3", {2, 3, 0x05, 0xb4}, {2, 3, 0x05, 0xb4}},
      {"length 0 ends the walk", {8, 0, 2, 4, 0x05, 0xb4, 1, 1}, {8, 0, 2, 4, 0x05, 0xb4, 1, 1}},
      {"length 1 ends the walk", {8, 1, 2, 4, 0x05, 0xb4, 1, 1}, {8, 1, 2, 4, 0x05, 0xb4, 1, 1}},
      {"length behind the header", {1, 1, 2, 5}, {1, 1, 2, 5}},
      {"kind without length", {1, 1, 1, 2}, {1, 1, 1, 2}},
      {"none", {}, {}},
  };
  for (const Row& row : rows) {
    Octets before = test::ipv4({.protocol = test::kTcp}, test::tcp({9, 9}, 2, 1000, row.before));
    const Octets after = test::ipv4({.protocol = test::kTcp}, test::tcp({9, 9}, 2, 1000, row.after));
    const auto segment = std::as_writable_bytes(std::span(before)).subspan(20);
    ChecksumDelta delta;
    clamp_mss(segment, 1220, delta);
    auto& checksum = reinterpret_cast<TcpHeader*>(segment.data())->checksum;
    checksum = delta.apply(checksum);
    EXPECT_EQ(before, after) << row.name;
  }
}

TEST(ClampMss, AHeaderLongerThanThePacketIsReadToThePacketsEnd) {
  Octets segment = test::tcp({}, 2, 1000, {2, 4, 0x05, 0xb4});
  segment[12] = 0xf0;
  ChecksumDelta delta;
  clamp_mss(std::as_writable_bytes(std::span(segment)), 1220, delta);
  EXPECT_EQ(test::get16(segment, 22), 0x04c4u);
  segment.resize(22);
  clamp_mss(std::as_writable_bytes(std::span(segment)), 100, delta);
}

}  // namespace
}  // namespace yonroku::carry
