#include "carry/fragmentation.h"

#include <gtest/gtest.h>

#include <vector>

#include "packet/test_packets.h"

namespace yonroku::carry {
namespace {

using test::Octets;

std::vector<Octets> fragments(const Cuts& cuts, std::size_t size) {
  std::vector<Octets> all;
  for (std::size_t i = 0; i < cuts.count(); ++i) {
    std::vector<std::byte> out(size);
    const auto octets = test::octets_of(std::span(out).first(cuts.write(i, out)));
    all.emplace_back(octets.begin(), octets.end());
  }
  return all;
}

// Puts them together in the order of their offsets, and checks them on the way.
Octets reassembled(const std::vector<Octets>& fragments, std::size_t size, std::size_t begin, bool more) {
  Octets payload;
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    const auto seen = test::see(fragments[i]);
    EXPECT_TRUE(seen && seen->header_checksum_right && seen->total == fragments[i].size());
    EXPECT_LE(fragments[i].size(), size);
    EXPECT_EQ(seen->fragment_offset, begin + payload.size());
    EXPECT_EQ(seen->more_fragments, more || i + 1 < fragments.size());
    if (i + 1 < fragments.size()) {
      EXPECT_EQ((seen->total - seen->transport) % 8, 0u);
      EXPECT_GT(fragments[i].size() + 8, size) << "as large as they may be";
    }
    payload.insert(payload.end(), fragments[i].begin() + static_cast<std::ptrdiff_t>(seen->transport),
                   fragments[i].end());
  }
  return payload;
}

struct Row {
  const char* name;
  std::size_t payload, size, count;
};

TEST(Cuts, Ipv4) {
  for (const Row& row :
       {Row{"fits", 96, 120, 1}, Row{"one octet too much", 97, 120, 2}, Row{"4000 on 1500", 4000, 1500, 3},
        Row{"an odd rest", 1481, 1500, 2}, Row{"the smallest MTU", 200, 68, 5},
        Row{"a single octet behind", 1481, 1500, 2}, Row{"eight octets each", 80, 28, 10},
        Row{"sizes that are no multiple of 8", 100, 35, 13}, Row{"the largest", 65515, 576, 119}}) {
    const Octets payload = test::counting(row.payload);
    const Octets packet = test::ipv4({.protocol = 50, .identification = 77, .flags_and_offset = 0}, payload);
    const auto pieces = fragments(Cuts::of_ipv4(std::as_bytes(std::span(packet)), row.size), row.size);
    EXPECT_EQ(pieces.size(), row.count) << row.name;
    EXPECT_EQ(reassembled(pieces, row.size, 0, false), payload) << row.name;
    for (const Octets& piece : pieces) {
      EXPECT_EQ(test::see(piece)->identification, 77u);
      EXPECT_EQ(test::see(piece)->source, test::see(packet)->source);
      EXPECT_FALSE(test::see(piece)->dont_fragment);
    }
  }
}

TEST(Cuts, Ipv6) {
  for (const Row& row :
       {Row{"fits", 96, 148, 1}, Row{"one octet too much", 97, 148, 2}, Row{"4000 on 1280", 4000, 1280, 4},
        Row{"the smallest size", 24, 56, 3}, Row{"the largest", 65515, 1280, 54}}) {
    const Octets payload = test::counting(row.payload);
    const Octets packet = test::ipv6(
        {.next_header = test::kFragmentHeader, .extensions = test::fragment_header(50, 0, false, 0xdeadbeef)},
        payload);
    const auto pieces = fragments(Cuts::of_ipv6(std::as_bytes(std::span(packet)), row.size), row.size);
    EXPECT_EQ(pieces.size(), row.count) << row.name;
    EXPECT_EQ(reassembled(pieces, row.size, 0, false), payload) << row.name;
    for (const Octets& piece : pieces) {
      EXPECT_EQ(test::see(piece)->identification, 0xdeadbeefu);
      EXPECT_EQ(test::see(piece)->protocol, 50);
    }
  }
}

TEST(Cuts, AFragmentMayBeCutAgain) {
  const Octets payload = test::counting(1000);
  for (const bool more : {true, false}) {
    const Octets ipv4 = test::ipv4(
        {.identification = 5, .flags_and_offset = static_cast<uint16_t>(185 | (more ? test::kMf : 0))},
        payload);
    auto pieces = fragments(Cuts::of_ipv4(std::as_bytes(std::span(ipv4)), 300), 300);
    EXPECT_EQ(pieces.size(), 4u);
    EXPECT_EQ(reassembled(pieces, 300, 1480, more), payload);
    const Octets ipv6 = test::ipv6({.next_header = test::kFragmentHeader,
                                    .extensions = test::fragment_header(test::kUdp, 1480, more, 5)},
                                   payload);
    pieces = fragments(Cuts::of_ipv6(std::as_bytes(std::span(ipv6)), 400), 400);
    EXPECT_EQ(reassembled(pieces, 400, 1480, more), payload);
  }
}

}  // namespace
}  // namespace yonroku::carry
