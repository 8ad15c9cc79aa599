#include "engine/pipeline.h"

#include <gtest/gtest.h>

#include <thread>

#include "packet/test_packets.h"

namespace yonroku::engine {
namespace {

using test::Octets;
using Segmentation = Offload::Segmentation;

struct Result {
  Verdict verdict;
  std::vector<Octets> packets;
  std::vector<Offload> offloads;
};

class PipelineTest : public testing::Test {
 public:
  PipelineTest() : table(std::make_shared<share::EamTable>(1)) {
    EXPECT_EQ(table->add({*Ipv4Prefix::parse("192.0.2.80"), *Ipv6Prefix::parse("2001:db8:2::80")}),
              share::EamTable::Refusal::None);
    settings.mapping.ipv4_side_prefix = settings.mapping.ipv6_side_prefix =
        share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
    icmp = {true, Ipv4Address(192, 0, 0, 8), *Ipv6Address::parse("2001:db8:64::c000:8"), false};
  }
  Result run(const Octets& input, const Offload& offload = {}, int64_t now = 1'000'000'000) {
    const Snapshot snapshot{table, nullptr, nullptr, mechanism::Siit(settings, *table), icmp, rate};
    std::vector<std::byte> buffer(Pipeline::kHeadroom + Pipeline::kLargestPacket);
    Packet packet(buffer, Pipeline::kHeadroom, input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
    packet.offload = offload;
    Result result;
    result.verdict = pipeline
                         .process(snapshot, std::get<mechanism::Siit>(snapshot.mechanism), packet,
                                  Instant::from_nanoseconds(now),
                                  [&](const Packet& out) {
                                    const auto octets = test::octets_of(out.bytes());
                                    result.packets.emplace_back(octets.begin(), octets.end());
                                    result.offloads.push_back(out.offload);
                                  })
                         .verdict;
    return result;
  }
  // As the kernel hands a super-packet over.
  Result run_super(Octets packet, Segmentation segmentation, uint16_t segment_size) {
    test::set_partial_checksum(packet);
    const auto seen = *test::see(packet);
    return run(packet, {segmentation, false, true, static_cast<uint16_t>(seen.transport),
                        static_cast<uint16_t>(seen.protocol == test::kTcp ? 16 : 6), segment_size});
  }
  static Octets tcp4(std::size_t data, uint16_t flags_and_offset = test::kDf, uint8_t flags = 0x10,
                     const Octets& options = {}) {
    return test::ipv4({.protocol = test::kTcp, .flags_and_offset = flags_and_offset},
                      test::tcp(test::counting(data), flags, 1000, options));
  }
  static Octets tcp6(std::size_t data) {
    return test::ipv6({.next_header = test::kTcp}, test::tcp(test::counting(data)));
  }

  std::shared_ptr<share::EamTable> table;
  mechanism::SiitSettings settings;
  IcmpReplySettings icmp;
  uint32_t rate = 1000;
  Pipeline pipeline{0};
};

TEST_F(PipelineTest, ASuperPacketThatFitsCrossesWhole) {
  Result result = run_super(tcp4(40'000), Segmentation::TcpIpv4, 1440);
  ASSERT_EQ(result.packets.size(), 1u);
  EXPECT_EQ(result.packets[0].size(), 40'060u);
  EXPECT_EQ(result.offloads[0].segmentation, Segmentation::TcpIpv6);
  EXPECT_EQ(result.offloads[0].segment_size, 1440);
  EXPECT_EQ(result.offloads[0].checksum_start, 40);
  result = run_super(tcp6(40'000), Segmentation::TcpIpv6, 1440);
  ASSERT_EQ(result.packets.size(), 1u);
  EXPECT_EQ(result.offloads[0].segmentation, Segmentation::TcpIpv4);
  EXPECT_EQ(result.offloads[0].checksum_start, 20);
  EXPECT_EQ(pipeline.counters().segmented.value(), 0u);
}

TEST_F(PipelineTest, SegmentsTooBigForTheLinkAreRefusedWhole) {
  Result result = run_super(tcp4(40'000), Segmentation::TcpIpv4, 1460);  // 1520 octets in IPv6
  EXPECT_EQ(result.verdict.reason, DropReason::PacketTooBig);
  ASSERT_EQ(result.packets.size(), 1u);
  EXPECT_EQ(result.packets[0][20], 3);
  EXPECT_EQ(result.packets[0][21], 4);
  EXPECT_EQ(test::get32(result.packets[0], 24), 1480u);
  settings.translate.ipv4_mtu = 1400;
  result = run_super(tcp6(40'000), Segmentation::TcpIpv6, 1440);
  EXPECT_EQ(result.verdict.reason, DropReason::PacketTooBig);
  ASSERT_EQ(result.packets.size(), 1u);
  EXPECT_EQ(result.packets[0][40], 2);
  EXPECT_EQ(test::get32(result.packets[0], 44), 1420u);
  EXPECT_EQ(pipeline.counters().too_big_sent[0].value(), 1u);
  EXPECT_EQ(pipeline.counters().too_big_sent[1].value(), 1u);
}

TEST_F(PipelineTest, WithoutDfSegmentsAreFragmented) {
  const Result result = run_super(tcp4(5'000, 0), Segmentation::TcpIpv4, 1460);
  EXPECT_EQ(pipeline.counters().segmented.value(), 1u);
  EXPECT_EQ(pipeline.counters().segments.value(), 4u);
  ASSERT_EQ(result.packets.size(), 7u);  // three of 1480 octets in two fragments each, and the rest
  std::size_t payload = 0;
  for (const Octets& packet : result.packets) {
    const auto seen = *test::see(packet);
    EXPECT_LE(packet.size(), 1280u);
    payload += seen.total - seen.transport;
  }
  EXPECT_EQ(payload, 5'000u + 4 * 20);
  Octets last = result.packets[6];
  test::set_partial_checksum(last);
  EXPECT_EQ(result.packets[6], last) << "the device finishes it";
  EXPECT_EQ(pipeline.counters().received[0].value(), 1u);
  EXPECT_EQ(pipeline.counters().translated[0][0].packets.value(), 4u);
}

TEST_F(PipelineTest, APartialChecksumIsCompletedBeforeItIsCut) {
  const Result result =
      run_super(test::ipv4({.flags_and_offset = 0}, test::udp(test::counting(3'000))), Segmentation::None, 0);
  ASSERT_EQ(result.packets.size(), 3u);
  Octets whole(result.packets[0].begin(), result.packets[0].begin() + 40);
  for (const Octets& fragment : result.packets)
    whole.insert(whole.end(), fragment.begin() + 48, fragment.end());
  whole[6] = test::kUdp;
  test::put16(whole, 4, static_cast<uint32_t>(whole.size() - 40));
  EXPECT_TRUE(test::has_right_checksum(whole));
  for (const Offload& offload : result.offloads) EXPECT_FALSE(offload.partial_checksum);
}

// Whatever made them so, ICMP messages that lack their checksums get it.
TEST_F(PipelineTest, EchoWithPartialChecksum) {
  for (const bool is_ipv4 : {true, false}) {
    Octets echo =
        is_ipv4 ? test::ipv4({.protocol = test::kIcmp}, test::icmp(8, 0, 0x10001, test::counting(31)))
                : test::ipv6({.next_header = test::kIcmpv6}, test::icmp(128, 0, 0x10001, test::counting(31)));
    test::set_partial_checksum(echo);
    const Result result = run(echo, {.partial_checksum = true,
                                     .checksum_start = is_ipv4 ? uint16_t{20} : uint16_t{40},
                                     .checksum_offset = 2});
    ASSERT_EQ(result.packets.size(), 1u);
    EXPECT_TRUE(test::has_right_checksum(result.packets[0])) << is_ipv4;
    EXPECT_FALSE(result.offloads[0].partial_checksum);
  }
}

TEST_F(PipelineTest, MssIsClampedUnderAPartialChecksum) {
  settings.translate.mss_clamp = 1220;
  Octets syn = tcp4(0, test::kDf, 2, {2, 4, 0x05, 0xb4});
  const Octets plain = run(syn).packets.at(0);
  EXPECT_EQ(test::get16(plain, 62), 1220u);
  EXPECT_TRUE(test::has_right_checksum(plain));
  const Result partial = run_super(syn, Segmentation::None, 0);
  ASSERT_EQ(partial.packets.size(), 1u);
  ASSERT_TRUE(partial.offloads[0].partial_checksum);
  Octets expected = plain;
  test::set_partial_checksum(expected);
  EXPECT_EQ(partial.packets[0], expected) << "only the pseudo-header's sum stands in the field";
  EXPECT_EQ(test::get16(run(tcp4(4, test::kDf, 0x10, {2, 4, 0x05, 0xb4})).packets.at(0), 62), 1460u)
      << "no SYN";
}

TEST_F(PipelineTest, ErrorsAreLimitedApartFromPathMtuDiscovery) {
  rate = 2;
  const Octets unmapped =
      test::ipv6({.destination = test::address6({0x2001, 0xdb8, 0xffff}, 1)}, test::udp({}));
  unsigned replies = 0;
  for (int i = 0; i < 10; ++i) replies += static_cast<unsigned>(run(unmapped).packets.size());
  EXPECT_EQ(replies, 2u);
  EXPECT_EQ(pipeline.counters().icmp_errors_limited.value(), 8u);
  EXPECT_EQ(pipeline.counters().icmp_errors_sent[1].value(), 2u);
  EXPECT_EQ(pipeline.counters().too_big_sent[1].value(), 0u);
  EXPECT_EQ(run(tcp4(1460)).packets.size(), 1u) << "Packet Too Big has a limit of its own";
  EXPECT_EQ(run(unmapped, {}, 1'500'000'000).packets.size(), 1u) << "half a second later";
}

TEST_F(PipelineTest, CountsDirectionAndProtocol) {
  using observe::Direction;
  using observe::Protocol;
  const auto count = [&](Direction direction, Protocol protocol) {
    return pipeline.counters()
        .translated[static_cast<std::size_t>(direction)][static_cast<std::size_t>(protocol)]
        .packets.value();
  };
  (void)run(tcp4(10));
  (void)run(test::ipv4({}, test::udp({})));
  (void)run(test::ipv4({.protocol = test::kIcmp}, test::icmp(8, 0, 1, {})));
  (void)run(test::ipv4({.protocol = 50}, Octets(20)));
  (void)run(test::ipv4({.flags_and_offset = test::kMf}, test::joined({test::udp({}), Octets(8)})));
  (void)run(tcp6(10));
  // RFC 7757 §4: from one host behind a mapping to the IPv4 address of another.
  (void)run(test::ipv6({.destination = test::address6({0x2001, 0xdb8, 0x64}, 0xc0000250)}, test::udp({})));
  EXPECT_EQ(count(Direction::ToIpv6, Protocol::Tcp), 1u);
  EXPECT_EQ(count(Direction::ToIpv6, Protocol::Udp), 1u) << "the fragment's checksum was zero";
  EXPECT_EQ(count(Direction::ToIpv6, Protocol::Icmp), 1u);
  EXPECT_EQ(count(Direction::ToIpv6, Protocol::Other), 1u);
  EXPECT_EQ(count(Direction::ToIpv4, Protocol::Tcp), 1u);
  EXPECT_EQ(count(Direction::Hairpin, Protocol::Udp), 1u);
  EXPECT_EQ(pipeline.counters().received[0].value(), 5u);
  EXPECT_EQ(pipeline.counters().received[1].value(), 2u);
}

TEST_F(PipelineTest, CountsWhatIsDroppedByDirectionAndProtocol) {
  using observe::Direction;
  using observe::Protocol;
  const auto count = [&](DropReason reason, Direction direction, Protocol protocol) {
    return pipeline.counters()
        .dropped[static_cast<std::size_t>(reason)]
        .by_kind[{direction, protocol}]
        .value();
  };
  const auto unmapped = test::address6({0x2001, 0xdb8, 0xffff}, 1);
  (void)run(test::ipv4({.ttl = 1}, test::udp({})));
  (void)run(test::ipv4({.ttl = 1}, test::udp({})));
  (void)run(test::ipv4({.protocol = test::kTcp, .ttl = 1}, test::tcp({})));
  (void)run(test::ipv6({.destination = unmapped}, test::udp({})));
  (void)run(test::ipv6({.destination = unmapped, .next_header = test::kIcmpv6}, test::icmp(128, 0, 1, {})));
  (void)run(tcp4(10));
  (void)run(Octets(7, 0x45));
  EXPECT_EQ(count(DropReason::TtlExceeded, Direction::ToIpv6, Protocol::Udp), 2u);
  EXPECT_EQ(count(DropReason::TtlExceeded, Direction::ToIpv6, Protocol::Tcp), 1u);
  const auto& drops = pipeline.counters().dropped;
  EXPECT_EQ(drops[static_cast<std::size_t>(DropReason::TtlExceeded)].value(), 3u);
  const auto sum = [&](Direction direction, Protocol protocol) {
    uint64_t all = 0;
    for (const auto& reason : drops) all += reason.by_kind[{direction, protocol}].value();
    return all;
  };
  EXPECT_EQ(sum(Direction::ToIpv4, Protocol::Udp), 1u);
  EXPECT_EQ(sum(Direction::ToIpv4, Protocol::Icmp), 1u);
  EXPECT_EQ(sum(Direction::ToIpv4, Protocol::Tcp), 0u);
  EXPECT_EQ(sum(Direction::ToIpv6, Protocol::Other), 1u) << "what is too short";
}

TEST_F(PipelineTest, CountsOthersMessagesThatAPacketIsTooBig) {
  const auto count = [&](observe::Direction direction) {
    return pipeline.counters().too_big_forwarded[static_cast<std::size_t>(direction)].value();
  };
  const auto host4 = test::address4(192, 0, 2, 80), peer4 = test::address4(203, 0, 113, 7);
  const auto host6 = test::address6({0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x80});
  const auto peer6 = test::address6({0x2001, 0xdb8, 0x64}, 0xcb007107);
  const Octets sent4 = test::ipv4({.source = host4, .destination = peer4}, test::udp(test::counting(8)));
  const Octets sent6 = test::ipv6({.source = peer6, .destination = host6}, test::udp(test::counting(8)));
  ASSERT_EQ(run(test::ipv4({.protocol = test::kIcmp}, test::icmp(3, 4, 1300, sent4))).packets.size(), 1u);
  ASSERT_EQ(run(test::ipv4({.protocol = test::kIcmp}, test::icmp(3, 3, 0, sent4))).packets.size(), 1u);
  EXPECT_EQ(count(observe::Direction::ToIpv6), 1u);
  EXPECT_EQ(count(observe::Direction::ToIpv4), 0u);
  ASSERT_EQ(run(test::ipv6({.next_header = test::kIcmpv6}, test::icmp(2, 0, 1400, sent6))).packets.size(),
            1u);
  EXPECT_EQ(count(observe::Direction::ToIpv4), 1u);
  EXPECT_EQ(pipeline.counters().too_big_sent[0].value(), 0u) << "they are not our own";
}

// In place of a mechanism: wants every fragment put together.
struct Gatherer {
  [[nodiscard]] Verdict process(const Packet& packet, const mechanism::WorkerState&) const {
    const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.data());
    return header.version() == 4 && header.is_fragment() ? Verdict::reassemble(0) : Verdict::drop(reason);
  }
  DropReason reason = DropReason::NoBinding;
  static constexpr bool ends_tunnels() { return false; }
};

TEST_F(PipelineTest, CountsFragmentsThatWereWaitedForInVainAsWhatTheyWere) {
  const Snapshot snapshot{table, nullptr, nullptr, mechanism::Siit(settings, *table), icmp, 0};
  std::vector<std::byte> buffer(Pipeline::kHeadroom + Pipeline::kLargestPacket);
  const auto take = [&](const Octets& input, int64_t seconds) {
    Packet packet(buffer, Pipeline::kHeadroom, input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
    (void)pipeline.process(snapshot, Gatherer{}, packet, Instant() + Duration::seconds(seconds),
                           [](const Packet&) {});
  };
  const auto first = [](uint8_t protocol, uint16_t id) {
    return test::ipv4({.protocol = protocol, .identification = id, .flags_and_offset = test::kMf},
                      Octets(16));
  };
  take(first(test::kUdp, 1), 0);
  take(first(test::kTcp, 2), 0);
  take(first(test::kUdp, 3), 0);
  take(first(test::kUdp, 4), 61);  // RFC 1122 §3.3.2: at least 60 seconds
  const auto& lost = pipeline.counters().dropped[static_cast<std::size_t>(DropReason::ReassemblyTimeout)];
  using observe::Direction;
  using observe::Protocol;
  const auto of = [&](Direction direction, Protocol protocol) {
    return lost.by_kind[{direction, protocol}].value();
  };
  EXPECT_EQ(of(Direction::ToIpv6, Protocol::Udp), 2u);
  EXPECT_EQ(of(Direction::ToIpv6, Protocol::Tcp), 1u);
  EXPECT_EQ(lost.value(), 3u);
}

TEST_F(PipelineTest, RemembersWhoFailsTheCheckOfTheSource) {
  const Snapshot snapshot{table, nullptr, nullptr, mechanism::Siit(settings, *table), icmp, 0};
  std::vector<std::byte> buffer(Pipeline::kHeadroom + Pipeline::kLargestPacket);
  const auto take = [&](const Octets& input, DropReason reason) {
    Packet packet(buffer, Pipeline::kHeadroom, input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
    (void)pipeline.process(snapshot, Gatherer{reason}, packet, Instant() + Duration::seconds(7),
                           [](const Packet&) {});
  };
  const auto from = [](uint32_t host) {
    return test::ipv6({.source = test::address6({0x2001, 0xdb8, 0xbad}, host), .next_header = 4}, Octets(28));
  };
  take(from(1), DropReason::SourceSpoofed);
  take(from(1), DropReason::SourceSpoofed);
  take(from(2), DropReason::B4NotAllowed);
  take(from(3), DropReason::HopLimitExceeded);
  take(test::ipv4({}, test::udp({})), DropReason::SourceSpoofed);
  const auto sources = pipeline.spoofers().all();
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].address, *Ipv6Address::parse("2001:db8:bad::1"));
  EXPECT_EQ(sources[0].packets, 2u);
  EXPECT_EQ(sources[0].last, Instant() + Duration::seconds(7));
  EXPECT_EQ(sources[1].address, *Ipv6Address::parse("2001:db8:bad::2"));
}

// What `yonroku mappings` does while packets flow.
TEST_F(PipelineTest, MappingsChangeUnderneathWithoutLosingAPacket) {
  const Snapshot snapshot{table, nullptr, nullptr, mechanism::Siit(settings, *table), icmp, rate};
  const auto& siit = std::get<mechanism::Siit>(snapshot.mechanism);
  std::atomic<bool> done = false;
  std::atomic<uint64_t> lost = 0, sent = 0;
  std::thread worker([&] {
    std::vector<std::byte> buffer(Pipeline::kHeadroom + 2048);
    const Octets input = test::ipv4({}, test::udp(test::counting(8)));
    while (!done.load(std::memory_order_relaxed) || sent < 1000) {
      Packet packet(buffer, Pipeline::kHeadroom, input.size());
      std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
      const auto outcome = pipeline.process(snapshot, siit, packet, Instant(), [](const Packet&) {});
      if (outcome.verdict.action != Verdict::Action::ToIpv6) ++lost;
      ++sent;
    }
  });
  std::vector<share::EamTable::Retired> retired;
  const auto other = [](uint32_t i) {
    return share::EamMapping{Ipv4Prefix::holding(Ipv4Address(0x6440'0000 + i), i % 2 == 0 ? 32 : 31),
                             Ipv6Prefix::holding({0x2001'0db8'1111'0000, i}, i % 2 == 0 ? 128 : 127)};
  };
  for (uint32_t i = 0; i < 20'000; ++i) {
    (void)table->add(other(i));
    if (i % 2 == 1) (void)table->remove(other(i - 1).ipv4);
    if (auto each = table->take_retired(); !each.empty()) retired.push_back(std::move(each));
  }
  done = true;
  worker.join();
  EXPECT_EQ(lost.load(), 0u);
  EXPECT_GT(retired.size(), 0u);
}

}  // namespace
}  // namespace yonroku::engine
