// A super-packet that is translated whole and cut afterwards yields what its segments yield one by one.
#include <gtest/gtest.h>

#include "engine/segmentation.h"
#include "translator.h"

namespace yonroku::property {
namespace {

struct SuperPacket {
  test::Octets octets;
  Offload offload;
};

SuperPacket super_packet(Generator& generator, bool is_ipv4, std::size_t most) {
  SuperPacket super;
  const bool is_tcp = generator.below(2) == 0;
  const test::Octets data = generator.octets(1 + generator.below(most));
  const test::Octets segment = is_tcp ? test::tcp(data, static_cast<uint8_t>(generator.below(256) & ~2u),
                                                  static_cast<uint32_t>(generator.below(uint64_t{1} << 32)))
                                      : test::udp(data);
  const uint8_t protocol = is_tcp ? test::kTcp : test::kUdp;
  if (is_ipv4) {
    super.octets = test::ipv4({.protocol = protocol,
                               .tos = generator.octet(),
                               .identification = static_cast<uint16_t>(generator.below(65536)),
                               .flags_and_offset = generator.below(2) == 0 ? test::kDf : uint16_t{0}},
                              segment);
  } else {
    super.octets = test::ipv6({.next_header = protocol, .traffic_class = generator.octet()}, segment);
  }
  test::set_partial_checksum(super.octets);
  super.offload.partial_checksum = true;
  super.offload.checksum_start = is_ipv4 ? 20 : 40;
  super.offload.checksum_offset = is_tcp ? 16 : 6;
  super.offload.segment_size = static_cast<uint16_t>(1 + generator.below(1400));
  super.offload.segmentation = !is_tcp   ? Offload::Segmentation::Udp
                               : is_ipv4 ? Offload::Segmentation::TcpIpv4
                                         : Offload::Segmentation::TcpIpv6;
  return super;
}

std::vector<test::Octets> cut(test::Octets octets, const Offload& offload) {
  Packet packet(std::as_writable_bytes(std::span(octets)), 0, octets.size());
  packet.offload = offload;
  std::vector<test::Octets> pieces;
  const auto segments = engine::Segments::of(packet);
  for (std::size_t i = 0; segments && i < segments->count(); ++i) {
    std::vector<std::byte> out(segments->largest());
    const std::size_t size = segments->write(i, out);
    const auto piece = test::octets_of(std::span(out).first(size));
    pieces.emplace_back(piece.begin(), piece.end());
    test::set_transport_checksum(pieces.back());  // the device finishes what is partial
  }
  return pieces;
}

// Documented exception: identifications of packets that get one from the translator.
test::Octets without_identification(test::Octets packet) {
  if (packet[0] >> 4 == 4) {
    test::put16(packet, 4, 0);
    test::set_header_checksum(packet);
  } else if (packet[6] == test::kFragmentHeader) {
    test::put32(packet, 44, 0);
  }
  return packet;
}

void run(bool is_ipv4, uint16_t ipv4_mtu, uint16_t ipv6_mtu, int count, uint64_t seed) {
  config::InstanceSettings configuration = settings();
  configuration.ipv4_mtu = ipv4_mtu;
  configuration.ipv6_mtu = ipv6_mtu;
  configuration.icmp_errors = config::IcmpErrors::Off;
  Translator whole(configuration);
  Translator one_by_one(configuration);
  Generator generator(seed);
  int translated_whole = 0;
  for (int i = 0; i < count; ++i) {
    const SuperPacket super = super_packet(generator, is_ipv4, 4000);
    std::vector<test::Octets> expected;
    for (const test::Octets& segment : cut(super.octets, super.offload))
      for (const auto& out : one_by_one(segment).packets) expected.push_back(without_identification(out));

    const Result result = whole(super.octets, super.offload);
    std::vector<test::Octets> got;
    for (std::size_t j = 0; j < result.packets.size(); ++j) {
      if (!result.offloads[j].is_super_packet()) {
        test::Octets packet = result.packets[j];
        if (result.offloads[j].partial_checksum) test::set_transport_checksum(packet);
        got.push_back(without_identification(packet));
        continue;
      }
      ++translated_whole;
      for (const auto& out : cut(result.packets[j], result.offloads[j])) {
        ASSERT_TRUE(test::has_right_checksum(out)) << i;
        got.push_back(without_identification(out));
      }
    }
    if (result.outcome.verdict.reason == DropReason::PacketTooBig) {
      // Refused whole. Of its segments only the last may be small enough to pass, or to be fragmented.
      ASSERT_TRUE(expected.size() <= 1 || test::see(expected[0])->is_fragment()) << i;
      continue;
    }
    // DF of a super-packet's segments follows from the largest of them.
    if (!is_ipv4 && got.size() == expected.size()) {
      for (std::size_t j = 0; j < got.size(); ++j) {
        if (j + 1 == got.size()) expected[j][6] = got[j][6];
        test::set_header_checksum(expected[j]);
      }
    }
    ASSERT_EQ(got.size(), expected.size()) << i;
    for (std::size_t j = 0; j < got.size(); ++j) ASSERT_EQ(got[j], expected[j]) << i << " segment " << j;
  }
  EXPECT_GT(translated_whole, count / 4);
}

TEST(SuperPackets, Ipv4) { run(true, 1500, 1500, 10'000, 30); }
TEST(SuperPackets, Ipv4ThroughASmallIpv6Link) { run(true, 1500, 1280, 10'000, 31); }
TEST(SuperPackets, Ipv6) { run(false, 1500, 1500, 10'000, 32); }
TEST(SuperPackets, Ipv6ThroughASmallIpv4Link) { run(false, 600, 1500, 10'000, 33); }

}  // namespace
}  // namespace yonroku::property
