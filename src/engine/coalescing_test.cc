#include "engine/coalescing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <vector>

#include "engine/segmentation.h"
#include "packet/test_packets.h"

namespace yonroku::engine {
namespace {

using test::Octets;

constexpr uint8_t kFin = 1, kSyn = 2, kPsh = 8, kAck = 16;

// Segments as they come out of a tunnel, each in a buffer that a super-packet fits into.
class CoalescingTest : public testing::Test {
 public:
  struct Out {
    Octets octets;
    Offload offload;
  };
  void add(const Octets& octets) {
    auto& buffer = buffers_.emplace_back(128 + 65'575);
    Packet packet(buffer, 128, octets.size());
    std::copy_n(reinterpret_cast<const std::byte*>(octets.data()), octets.size(), packet.data());
    coalescing_.add(packet, sink());
  }
  std::vector<Out>& flush() {
    coalescing_.flush(sink());
    return out_;
  }
  void clear() { out_.clear(); }
  [[nodiscard]] std::vector<std::size_t> sizes() {
    std::vector<std::size_t> sizes;
    for (const Out& out : flush()) sizes.push_back(out.octets.size());
    return sizes;
  }

 private:
  std::function<void(const Packet&)> sink() {
    return [this](const Packet& packet) {
      const auto view = test::octets_of(packet.bytes());
      out_.push_back({{view.begin(), view.end()}, packet.offload});
    };
  }
  std::deque<std::vector<std::byte>> buffers_;
  Coalescing coalescing_;
  std::vector<Out> out_;
};

Octets segment(uint32_t sequence, std::size_t size, uint8_t flags = kAck, const Octets& options = {}) {
  Octets packet =
      test::ipv4({.protocol = test::kTcp, .flags_and_offset = test::kDf},
                 test::tcp(test::counting(size, static_cast<uint8_t>(sequence)), flags, sequence, options));
  test::set_transport_checksum(packet);
  return packet;
}

TEST_F(CoalescingTest, WhatIsJoinedSegmentsBackIntoTheSame) {
  const std::vector<Octets> segments = {segment(1000, 500), segment(1500, 500), segment(2000, 500),
                                        segment(2500, 77, kAck | kPsh)};
  for (const Octets& each : segments) add(each);
  const auto& out = flush();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].offload.segment_size, 500);
  EXPECT_EQ(out[0].offload.segmentation, Offload::Segmentation::TcpIpv4);
  const auto seen = test::see(out[0].octets);
  EXPECT_TRUE(seen && seen->header_checksum_right && seen->total == 40 + 1577);

  Octets joined = out[0].octets;
  Packet packet(std::as_writable_bytes(std::span(joined)), 0, joined.size());
  packet.offload = out[0].offload;
  const auto cut = Segments::of(packet);
  ASSERT_TRUE(cut);
  ASSERT_EQ(cut->count(), segments.size());
  for (std::size_t i = 0; i < segments.size(); ++i) {
    std::vector<std::byte> buffer(cut->largest());
    const auto view = test::octets_of(std::span(buffer).first(cut->write(i, buffer)));
    Octets again(view.begin(), view.end());
    test::set_transport_checksum(again);
    // But for the identification, which means nothing under DF (RFC 6864 §4.1).
    Octets expected = segments[i];
    again[4] = again[5] = expected[4] = expected[5] = 0;
    test::set_header_checksum(again);
    test::set_header_checksum(expected);
    EXPECT_EQ(again, expected) << i;
  }
}

TEST_F(CoalescingTest, WhatDiffersStaysApartAndInOrder) {
  struct Row {
    const char* name;
    Octets second;
    std::vector<std::size_t> sizes;
  };
  const auto changed = [](Octets packet, std::size_t at, uint8_t value) {
    packet[at] = value;
    test::set_header_checksum(packet);
    test::set_transport_checksum(packet);
    return packet;
  };
  Octets damaged = segment(1500, 500);
  damaged.back() ^= 1;
  const Row rows[] = {
      {"the next one", segment(1500, 500), {1040}},
      {"a gap", segment(1501, 500), {540, 540}},
      {"an older one", segment(500, 500), {540, 540}},
      {"a larger one", segment(1500, 501), {540, 541}},
      {"an empty one", segment(1500, 0), {540, 40}},
      {"FIN", segment(1500, 500, kAck | kFin), {540, 540}},
      {"SYN", segment(1500, 500, kAck | kSyn), {540, 540}},
      {"options", segment(1500, 500, kAck, {1, 1, 1, 1}), {540, 544}},
      {"another window", changed(segment(1500, 500), 34, 9), {540, 540}},
      {"another acknowledgment", changed(segment(1500, 500), 31, 9), {540, 540}},
      {"another TOS", changed(segment(1500, 500), 1, 9), {540, 540}},
      {"another TTL", changed(segment(1500, 500), 8, 9), {540, 540}},
      {"no DF", changed(segment(1500, 500), 6, 0), {540, 540}},
      {"another connection", changed(segment(1500, 500), 21, 9), {540, 540}},
      {"a wrong checksum", damaged, {540, 540}},
  };
  for (const Row& row : rows) {
    clear();
    add(segment(1000, 500));
    add(row.second);
    EXPECT_EQ(sizes(), row.sizes) << row.name;
    EXPECT_EQ(flush()[0].octets[27], segment(1000, 500)[27]) << row.name;
  }
}

TEST_F(CoalescingTest, ASmallerOneOrPshEndsThePacket) {
  add(segment(1000, 500));
  add(segment(1500, 100));
  add(segment(1600, 500));
  add(segment(2100, 500, kAck | kPsh));
  add(segment(2600, 500));
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{640, 1040, 540}));
}

TEST_F(CoalescingTest, NothingGrowsBeyondWhatAnIpPacketHolds) {
  for (uint32_t i = 0; i < 60; ++i) add(segment(1000 + i * 1400, 1400));
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{40 + 46 * 1400, 40 + 14 * 1400}));
}

TEST_F(CoalescingTest, SeveralConnectionsAtATime) {
  for (uint32_t i = 0; i < 3; ++i)
    for (uint8_t connection = 0; connection < 12; ++connection) {
      Octets packet = segment(1000 + i * 100, 100);
      packet[21] = connection;
      test::set_transport_checksum(packet);
      add(packet);
    }
  std::size_t octets = 0;
  for (const std::size_t size : sizes()) octets += size - 40;
  EXPECT_EQ(octets, 3u * 12 * 100);
}

TEST_F(CoalescingTest, OtherPacketsPassAtOnce) {
  add(segment(1000, 500));
  add(test::ipv4({.protocol = test::kUdp}, test::udp(test::counting(20))));
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{48, 540}));
}

}  // namespace
}  // namespace yonroku::engine
