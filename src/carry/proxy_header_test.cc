#include "carry/proxy_header.h"

#include <gtest/gtest.h>

#include <vector>

#include "packet/checksum.h"
#include "packet/headers.h"

namespace yonroku::carry {
namespace {

constexpr ProxiedConnection kConnection{{0x20010db800010000, 0xa}, {0x20010db800800000, 1}, 0xabcd, 443};

// Written from HAProxy's proxy-protocol.txt, field by field.
TEST(ProxyHeader, Octets) {
  constexpr uint8_t kExpected[] = {
      0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,  // signature
      0x21,                                                                    // version 2, PROXY
      0x21,                                                                    // AF_INET6, STREAM
      0x00, 0x24,                                                              // 36 octets follow
      0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00, 0,    0,    0,    0,    0, 0,    0,    0x0a, 0x20, 0x01,
      0x0d, 0xb8, 0x00, 0x80, 0x00, 0x00, 0,    0,    0,    0,    0,    0,    0, 0x01, 0xab, 0xcd, 0x01, 0xbb,
  };
  static_assert(sizeof kExpected == kProxyHeaderSize);
  const auto octets = proxy_header(kConnection);
  for (std::size_t i = 0; i < sizeof kExpected; ++i)
    EXPECT_EQ(static_cast<uint8_t>(octets[i]), kExpected[i]) << i;
}

std::vector<std::byte> syn(std::initializer_list<uint8_t> options) {
  std::vector<std::byte> tcp(sizeof(TcpHeader));
  for (const uint8_t octet : options) tcp.push_back(std::byte{octet});
  auto& header = *reinterpret_cast<TcpHeader*>(tcp.data());
  header.data_offset = static_cast<uint8_t>(tcp.size() / 4 << 4);
  header.flags = TcpHeader::kSyn | TcpHeader::kAck;
  OnesSum sum;
  sum.add(std::span<const std::byte>(tcp));
  header.checksum = sum.checksum();
  return tcp;
}

TEST(ProxyHeader, TheMssGoesDownByIt) {
  struct Row {
    const char* name;
    std::vector<std::byte> before, after;
  };
  const Row rows[] = {
      {"alone", syn({2, 4, 0x05, 0xb4}), syn({2, 4, 0x05, 0x80})},
      {"behind others", syn({1, 3, 3, 7, 2, 4, 0x05, 0xb4}), syn({1, 3, 3, 7, 2, 4, 0x05, 0x80})},
      {"at an odd place", syn({1, 2, 4, 0x05, 0xb4, 1, 1, 0}), syn({1, 2, 4, 0x05, 0x80, 1, 1, 0})},
      {"tiny", syn({2, 4, 0, 100}), syn({2, 4, 0, 64})},
      {"none", syn({1, 3, 3, 7}), syn({1, 3, 3, 7})},
      {"none, and an end", syn({0, 2, 4, 5}), syn({0, 2, 4, 5})},
      {"cut off", syn({1, 1, 2, 4}), syn({1, 1, 2, 4})},
      {"length zero", syn({3, 0, 2, 4, 5, 0xb4, 0, 0}), syn({3, 0, 2, 4, 5, 0xb4, 0, 0})},
  };
  for (const Row& row : rows) {
    auto tcp = row.before;
    lower_mss(tcp, kProxyHeaderSize, false);
    EXPECT_EQ(tcp, row.after) << row.name;
  }
}

}  // namespace
}  // namespace yonroku::carry
