#include "carry/rewrite/rewrite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "carry/translate/icmp_error.h"
#include "packet/test_packets.h"

namespace yonroku::carry {
namespace {

using test::Octets;
using Which = PortChange::Which;

constexpr Ipv4Address kServer(203, 0, 113, 7);
constexpr Ipv4Address kHost(192, 168, 1, 2);
constexpr Ipv4Address kPublic(192, 0, 2, 18);

// From the host to the server, and what becomes of it.
const test::Ipv4Spec kSpec{.source = test::address4(192, 168, 1, 2),
                           .destination = test::address4(203, 0, 113, 7)};
const Crossing4 kOut{kPublic, kServer, {Which::Source, 1232}};

struct Result {
  Verdict verdict;
  Octets octets;
};

Result rewritten(Octets octets, const Crossing4& crossing, const Offload& offload = {}) {
  Packet packet(std::as_writable_bytes(std::span(octets)), 0, octets.size());
  packet.offload = offload;
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) {
    ADD_FAILURE() << "no IPv4 packet";
    return {Verdict::drop(ip.error()), {}};
  }
  TransportPlan plan;
  const Verdict verdict = plan_rewrite(packet, 0, *ip, plan);
  if (verdict.action == Verdict::Action::ToIpv4) rewrite(packet.bytes(), plan, crossing);
  return {verdict, octets};
}

// The same packet, made from the beginning.
Octets as_made(const Octets& segment, uint8_t protocol, uint16_t port, std::size_t port_at = 0,
               Octets options = {}) {
  Octets changed = segment;
  test::put16(changed, port_at, port);
  test::Ipv4Spec spec = kSpec;
  spec.source = test::address4(192, 0, 2, 18);
  spec.protocol = protocol;
  spec.options = std::move(options);
  return test::ipv4(spec, changed);
}

Octets made(const Octets& segment, uint8_t protocol, Octets options = {}) {
  test::Ipv4Spec spec = kSpec;
  spec.protocol = protocol;
  spec.options = std::move(options);
  return test::ipv4(spec, segment);
}

TEST(Rewrite, IsWhatSomebodyElseWouldHaveSent) {
  for (std::size_t size = 0; size < 40; ++size) {
    const Octets data = test::counting(size, 0x5b);
    for (const Octets& options : {Octets{}, Octets{1, 1, 1, 1, 0x94, 4, 0, 0}}) {
      EXPECT_EQ(rewritten(made(test::udp(data), test::kUdp, options), kOut).octets,
                as_made(test::udp(data), test::kUdp, 1232, 0, options));
      EXPECT_EQ(rewritten(made(test::tcp(data), test::kTcp, options), kOut).octets,
                as_made(test::tcp(data), test::kTcp, 1232, 0, options));
      const Octets echo = test::icmp(8, 0, 0x0007'0001, data);
      EXPECT_EQ(rewritten(made(echo, test::kIcmp, options), kOut).octets,
                as_made(echo, test::kIcmp, 1232, 4, options));
    }
  }
}

TEST(Rewrite, TheDestinationPortOnTheWayIn) {
  test::Ipv4Spec spec;
  spec.source = test::address4(203, 0, 113, 7);
  spec.destination = test::address4(192, 0, 2, 18);
  test::Ipv4Spec inside = spec;
  inside.destination = test::address4(192, 168, 1, 2);
  const Octets data = test::counting(33);
  EXPECT_EQ(
      rewritten(test::ipv4(spec, test::udp(data, 53, 1232)), {kServer, kHost, {Which::Destination, 5001}})
          .octets,
      test::ipv4(inside, test::udp(data, 53, 5001)));
}

TEST(Rewrite, AWrongChecksumStaysWrongByAsMuch) {
  Octets packet = made(test::udp(test::counting(20)), test::kUdp);
  const uint32_t right = test::get16(packet, 26);
  test::put16(packet, 26, right ^ 0x0101);
  const Octets result = rewritten(packet, kOut).octets;
  const auto seen = test::see(result);
  const auto before = test::see(packet);
  EXPECT_EQ(test::transport_sum(result, *seen), test::transport_sum(packet, *before));
  EXPECT_FALSE(test::has_right_checksum(result));
}

TEST(Rewrite, UdpWithoutChecksumGetsNone) {
  Octets packet = made(test::udp(test::counting(20)), test::kUdp);
  test::put16(packet, 26, 0);
  const Octets result = rewritten(packet, kOut).octets;
  EXPECT_EQ(test::get16(result, 26), 0u);
  EXPECT_EQ(test::get16(result, 20), 1232u);
  EXPECT_TRUE(test::see(result)->header_checksum_right);
}

// RFC 768: one that is computed to be 0 is sent as all ones.
TEST(Rewrite, NoUdpChecksumBecomesZero) {
  int all_ones = 0;
  for (uint32_t word = 0; word <= 0xffff; ++word) {
    Octets data(2);
    test::put16(data, 0, word);
    const Octets result = rewritten(made(test::udp(data), test::kUdp), kOut).octets;
    ASSERT_NE(test::get16(result, 26), 0u) << word;
    if (!test::has_right_checksum(result)) FAIL() << word;
    all_ones += test::get16(result, 26) == 0xffff ? 1 : 0;
  }
  EXPECT_EQ(all_ones, 1);  // of the 65535 different sums
}

Offload partial(const Octets& packet) {
  const auto seen = *test::see(packet);
  Offload offload;
  offload.partial_checksum = true;
  offload.checksum_start = static_cast<uint16_t>(seen.transport);
  offload.checksum_offset = static_cast<uint16_t>(*test::checksum_offset(seen) - seen.transport);
  return offload;
}

// What the device will make of it.
Octets finished(Octets packet) {
  const auto seen = *test::see(packet);
  const auto at = *test::checksum_offset(seen);
  const auto sum = static_cast<uint16_t>(~test::ones_sum(test::View(packet).subspan(seen.transport)));
  test::put16(packet, at, sum == 0 && seen.protocol == test::kUdp ? 0xffff : sum);
  return packet;
}

TEST(Rewrite, APartialChecksumIsThePseudoHeaders) {
  for (const uint8_t protocol : {test::kUdp, test::kTcp}) {
    for (const std::size_t size : {0u, 1u, 20u, 1400u}) {
      const Octets data = test::counting(size);
      const Octets segment = protocol == test::kUdp ? test::udp(data) : test::tcp(data);
      Octets packet = made(segment, protocol);
      test::set_partial_checksum(packet);
      const Result result = rewritten(packet, kOut, partial(packet));
      ASSERT_EQ(result.verdict.action, Verdict::Action::ToIpv4);
      EXPECT_EQ(finished(result.octets), as_made(segment, protocol, 1232));
    }
  }
}

TEST(Rewrite, SuperPacketsStayWhole) {
  const Octets segment = test::tcp(test::counting(9000));
  Octets packet = made(segment, test::kTcp);
  test::set_partial_checksum(packet);
  Offload offload = partial(packet);
  offload.segmentation = Offload::Segmentation::TcpIpv4;
  offload.segment_size = 1400;
  const Result result = rewritten(packet, kOut, offload);
  ASSERT_EQ(result.verdict.action, Verdict::Action::ToIpv4);
  EXPECT_EQ(finished(result.octets), as_made(segment, test::kTcp, 1232));
}

TEST(Rewrite, APartialIcmpChecksumIsCompletedFirst) {
  Octets packet = made(test::icmp(8, 0, 7, test::counting(20)), test::kIcmp);
  EXPECT_EQ(rewritten(packet, kOut, partial(packet)).verdict.action, Verdict::Action::Segment);
}

TEST(Rewrite, RefusesWhatItCannotChange) {
  EXPECT_EQ(rewritten(made(Octets(7), test::kUdp), kOut).verdict.reason, DropReason::TruncatedHeader);
  EXPECT_EQ(rewritten(made(Octets(19), test::kTcp), kOut).verdict.reason, DropReason::TruncatedHeader);
  const Octets packet = made(test::udp({}), test::kUdp);
  Offload elsewhere = partial(packet);
  elsewhere.checksum_start = 24;
  EXPECT_EQ(rewritten(packet, kOut, elsewhere).verdict.reason, DropReason::BadOffloadMetadata);
}

// --- errors: what the quoted packet must look like is made from the beginning ---

Octets error_about(const Octets& quoted, std::size_t size, const test::Address& destination) {
  test::Ipv4Spec spec;
  spec.source = test::address4(198, 51, 100, 1);
  spec.destination = destination;
  spec.protocol = test::kIcmp;
  return test::ipv4(
      spec, test::icmp(3, 3, 0, Octets(quoted.begin(), quoted.begin() + static_cast<std::ptrdiff_t>(size))));
}

Octets rewritten_error(Octets octets, uint16_t port) {
  rewrite_error(std::as_writable_bytes(std::span(octets)), {Ipv4Address(198, 51, 100, 1), kHost},
                {kHost, kServer, {Which::Source, port}});
  return octets;
}

TEST(RewriteError, WhatIsQuotedIsWhatWasSent) {
  struct Row {
    uint8_t protocol;
    Octets segment;
    std::size_t port_at;
    uint16_t port;
  };
  const Octets data = test::counting(41);
  const Row rows[] = {{test::kUdp, test::udp(data), 0, 4000},
                      {test::kTcp, test::tcp(data), 0, 4000},
                      {test::kIcmp, test::icmp(8, 0, 0x0fa0'0001, data), 4, 4000}};
  for (const Row& row : rows) {
    const Octets sent = made(row.segment, row.protocol);
    const Octets left = as_made(row.segment, row.protocol, 1232, row.port_at);
    for (std::size_t size = 28; size <= sent.size(); ++size) {
      const Octets was = error_about(left, size, test::address4(192, 0, 2, 18));
      const Octets now = rewritten_error(was, row.port);
      // Of TCP's checksum, nothing or all is quoted here.
      if (row.protocol == test::kTcp && size == 20 + 17) continue;
      EXPECT_EQ(now, error_about(sent, size, test::address4(192, 168, 1, 2)))
          << int(row.protocol) << ' ' << size;
    }
  }
}

TEST(RewriteError, QuotedUdpWithoutChecksumHasNone) {
  Octets sent = made(test::udp(test::counting(20)), test::kUdp);
  Octets left = as_made(test::udp(test::counting(20)), test::kUdp, 1232);
  test::put16(sent, 26, 0);
  test::put16(left, 26, 0);
  EXPECT_EQ(rewritten_error(error_about(left, 48, test::address4(192, 0, 2, 18)), 4000),
            error_about(sent, 48, test::address4(192, 168, 1, 2)));
}

TEST(RewriteError, AQuoteWithOptionsIsReadBehindThem) {
  const Octets options{0x94, 4, 0, 0};
  const Octets segment = test::udp(test::counting(20));
  EXPECT_EQ(rewritten_error(error_about(as_made(segment, test::kUdp, 1232, 0, options), 52,
                                        test::address4(192, 0, 2, 18)),
                            4000),
            error_about(made(segment, test::kUdp, options), 52, test::address4(192, 168, 1, 2)));
}

TEST(RewriteError, OctetsBehindThePacketStay) {
  const Octets segment = test::udp(test::counting(20));
  Octets was = error_about(as_made(segment, test::kUdp, 1232), 48, test::address4(192, 0, 2, 18));
  Octets expected = error_about(made(segment, test::kUdp), 48, test::address4(192, 168, 1, 2));
  was.insert(was.end(), {1, 2, 3});
  expected.insert(expected.end(), {1, 2, 3});
  EXPECT_EQ(rewritten_error(was, 4000), expected);
}

}  // namespace
}  // namespace yonroku::carry
