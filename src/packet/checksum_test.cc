#include "packet/checksum.h"

#include <gtest/gtest.h>

#include "base/random_source.h"
#include "packet/test_packets.h"

namespace yonroku {
namespace {

std::span<const std::byte> bytes(const test::Octets& octets) { return std::as_bytes(std::span(octets)); }

constexpr be16 apply(uint16_t checksum, uint16_t was, uint16_t now) {
  ChecksumDelta delta;
  delta.replace(be16::from_host(was), be16::from_host(now));
  return delta.apply(be16::from_host(checksum));
}

// RFC 1624 §4: a header with HC 0xDD2F, whose field goes from 0x5555 to 0x3285. RFC 1141 would give 0xFFFF.
static_assert(apply(0xdd2f, 0x5555, 0x3285).host() == 0x0000);

TEST(Checksum, Rfc1071Section3) {
  OnesSum sum;
  sum.add(bytes({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}));
  EXPECT_EQ(sum.folded(), 0xddf2);
  EXPECT_EQ(sum.checksum().host(), 0x220d);
}

// The order of additions, and where the data is cut at even offsets, is of no matter.
TEST(Checksum, EverySizeAgreesWithTheSlowWay) {
  RandomSource random(1071);
  for (std::size_t size = 0; size < 300; ++size) {
    test::Octets data(size + 1);
    for (auto& octet : data) octet = static_cast<uint8_t>(random.next());
    for (std::size_t skew = 0; skew < 2; ++skew) {  // misaligned memory
      const test::View part = test::View(data).subspan(skew, size - (size > 0 ? skew : 0));
      OnesSum sum;
      sum.add(std::as_bytes(part));
      ASSERT_EQ(sum.folded() % 0xffff, test::ones_sum(part) % 0xffff) << size;
      const std::size_t cut = random.below(part.size() + 1) & ~std::size_t{1};
      OnesSum back;
      back.add(std::as_bytes(part.subspan(cut)));
      OnesSum front;
      front.add(std::as_bytes(part.first(cut)));
      back.add(front);
      ASSERT_EQ(back.folded() % 0xffff, sum.folded() % 0xffff) << size << " cut at " << cut;
    }
  }
}

TEST(Checksum, LargeBuffersDoNotOverflow) {
  struct Row {
    const char* name;
    std::size_t size;
    uint8_t octet;
  };
  for (const Row& row : {Row{"64 KiB of ones", 65536, 0xff}, Row{"64 KiB less one, of ones", 65535, 0xff},
                         Row{"16 MiB of ones", std::size_t{1} << 24, 0xff}, Row{"zeros", 65536, 0},
                         Row{"odd and large", 1'000'001, 0xab}}) {
    const test::Octets data(row.size, row.octet);
    OnesSum sum;
    sum.add(bytes(data));
    EXPECT_EQ(sum.folded(), test::ones_sum(data)) << row.name;
  }
}

TEST(Checksum, ZeroIsOnlyTheSumOfZeros) {
  EXPECT_EQ(OnesSum().folded(), 0);
  OnesSum sum;
  sum.add(uint32_t{0xffff});
  EXPECT_EQ(sum.folded(), 0xffff);
  sum.add(uint32_t{0xffff'ffff});
  EXPECT_EQ(sum.folded(), 0xffff);
}

TEST(Checksum, SubtractingUndoesAdding) {
  RandomSource random(7);
  for (int i = 0; i < 10'000; ++i) {
    const auto word = static_cast<uint16_t>(random.next());
    const Ipv4Address ipv4(static_cast<uint32_t>(random.next()));
    const Ipv6Address ipv6(random.next(), random.next());
    OnesSum sum;
    sum.add(uint32_t{word} | 1);
    OnesSum same = sum;
    same.add(ipv4);
    same.add(ipv6);
    same.add(be16::from_host(word));
    same.add(uint32_t{0xdeadbeef});
    same.subtract(ipv6);
    same.subtract(uint32_t{0xdeadbeef});
    same.subtract(ipv4);
    same.subtract(be16::from_host(word));
    ASSERT_EQ(same.folded(), sum.folded());
  }
}

TEST(Checksum, AddressesCountAsTheirOctets) {
  const Ipv6Address ipv6(0x2001'0db8'ffff'fffe, 0x8765'4321'0fed'cba9);
  OnesSum by_value;
  by_value.add(ipv6);
  by_value.add(Ipv4Address(192, 0, 2, 33));
  const auto octets = ipv6.octets();
  EXPECT_EQ(by_value.folded(), test::ones_sum(test::Octets{192, 0, 2, 33}, test::ones_sum(octets)));
}

TEST(Checksum, Ipv4HeaderShortcut) {
  RandomSource random(20);
  for (int i = 0; i < 1000; ++i) {
    test::Octets header(20);
    for (auto& octet : header) octet = static_cast<uint8_t>(random.next());
    OnesSum quick;
    quick.add_ipv4_header(bytes(header).data());
    ASSERT_EQ(quick.folded(), test::ones_sum(header));
  }
  OnesSum ones;
  ones.add_ipv4_header(bytes(test::Octets(20, 0xff)).data());
  EXPECT_EQ(ones.folded(), 0xffff);
}

// RFC 1624 §3 says that an update equals a computation anew, whatever was there before.
TEST(ChecksumDelta, EqualsComputingAnew) {
  RandomSource random(1624);
  for (int i = 0; i < 20'000; ++i) {
    test::Octets data(40);
    for (auto& octet : data) octet = static_cast<uint8_t>(random.next());
    const auto checksum = static_cast<uint16_t>(~test::ones_sum(data));
    const std::size_t at = random.below(20) * 2;
    const auto was = static_cast<uint16_t>(test::get16(data, at));
    const auto now = static_cast<uint16_t>(random.next());
    test::put16(data, at, now);
    ASSERT_EQ(apply(checksum, was, now).host(), static_cast<uint16_t>(~test::ones_sum(data)));
  }
}

TEST(ChecksumDelta, PartialChecksumsAreNotComplemented) {
  // The field holds a sum: what is added to the pseudo-header is added to it.
  ChecksumDelta delta;
  delta.removed(Ipv4Address(192, 0, 2, 1));
  delta.added(Ipv6Address(0x2001'0db8'0000'0000, 1));
  const uint32_t was = test::ones_sum(test::Octets{192, 0, 2, 1, 0x12, 0x34});
  const auto octets = Ipv6Address(0x2001'0db8'0000'0000, 1).octets();
  EXPECT_EQ(delta.apply_to_partial(be16::from_host(static_cast<uint16_t>(was))).host(),
            test::ones_sum(octets, 0x1234));
}

TEST(ChecksumDelta, NoChangeChangesNothing) {
  for (uint32_t value = 0; value < 0xffff; ++value) {  // 0xffff is the other zero
    const be16 checksum = be16::from_host(static_cast<uint16_t>(value));
    ASSERT_EQ(ChecksumDelta().apply(checksum), checksum) << value;
  }
}

}  // namespace
}  // namespace yonroku
