#include "share/mapping/eam.h"

#include <gtest/gtest.h>

#include <bitset>

#include "base/random_source.h"
#include "share/mapping/eam_table.h"

namespace yonroku::share {
namespace {

EamMapping mapping(const char* ipv4, const char* ipv6) {
  return {*Ipv4Prefix::parse(ipv4), *Ipv6Prefix::parse(ipv6)};
}

// RFC 7757 §3.1, Figure 1: the table of the document's examples.
const EamMapping kFigure1[] = {
    mapping("192.0.2.1", "2001:db8:aaaa::"),           mapping("192.0.2.2/32", "2001:db8:bbbb::b/128"),
    mapping("192.0.2.16/28", "2001:db8:cccc::/124"),   mapping("192.0.2.128/26", "2001:db8:dddd::/64"),
    mapping("192.0.2.192/29", "2001:db8:eeee:8::/62"), mapping("192.0.2.224/31", "64:ff9b::/127"),
};

// RFC 7757 §3.3.1, 192.0.2.18 becomes 2001:db8:cccc::2.
static_assert(EamMapping{*Ipv4Prefix::create({192, 0, 2, 16}, 28),
                         *Ipv6Prefix::create({0x2001'0db8'cccc'0000, 0}, 124)}
                  .to_ipv6({192, 0, 2, 18}) == Ipv6Address(0x2001'0db8'cccc'0000, 2));

TEST(Eam, Rfc7757Section3) {
  EamTable table(1);
  for (const EamMapping& each : kFigure1) EXPECT_EQ(table.add(each), EamTable::Refusal::None);
  struct Row {
    const char* ipv4;
    const char* ipv6;
  };
  // The first and the last address of every row of the figure.
  for (const Row& row :
       {Row{"192.0.2.1", "2001:db8:aaaa::"}, Row{"192.0.2.2", "2001:db8:bbbb::b"},
        Row{"192.0.2.16", "2001:db8:cccc::"}, Row{"192.0.2.24", "2001:db8:cccc::8"},
        Row{"192.0.2.31", "2001:db8:cccc::f"}, Row{"192.0.2.128", "2001:db8:dddd::"},
        Row{"192.0.2.152", "2001:db8:dddd:0:6000::"}, Row{"192.0.2.183", "2001:db8:dddd:0:dc00::"},
        Row{"192.0.2.191", "2001:db8:dddd:0:fc00::"}, Row{"192.0.2.192", "2001:db8:eeee:8::"},
        Row{"192.0.2.195", "2001:db8:eeee:9:8000::"}, Row{"192.0.2.199", "2001:db8:eeee:b:8000::"},
        Row{"192.0.2.224", "64:ff9b::"}, Row{"192.0.2.225", "64:ff9b::1"}}) {
    const auto ipv4 = *Ipv4Address::parse(row.ipv4);
    const auto ipv6 = *Ipv6Address::parse(row.ipv6);
    const auto forth = table.find(ipv4);
    ASSERT_TRUE(forth) << row.ipv4;
    EXPECT_EQ(forth->to_ipv6(ipv4).to_string(), ipv6.to_string()) << row.ipv4;
    const auto back = table.find(ipv6);
    ASSERT_TRUE(back) << row.ipv6;
    EXPECT_EQ(back->to_ipv4(ipv6).to_string(), ipv4.to_string()) << row.ipv6;
  }
  for (const char* text :
       {"192.0.2.0", "192.0.2.3", "192.0.2.32", "192.0.2.127", "192.0.2.200", "192.0.2.226"})
    EXPECT_FALSE(table.find(*Ipv4Address::parse(text))) << text;
  for (const char* text : {"2001:db8:aaaa::1", "2001:db8:bbbb::a", "2001:db8:cccc::10",
                           "2001:db8:dddd:1::", "2001:db8:eeee:c::", "2001:db8:eeee:7:ffff::", "64:ff9b::2"})
    EXPECT_FALSE(table.find(*Ipv6Address::parse(text))) << text;
}

// RFC 7757 §3.3.2: what follows the mapped bits is ignored.
TEST(Eam, TheRestOfAnIpv6AddressIsIgnored) {
  const auto one = mapping("192.0.2.128/26", "2001:db8:dddd::/64");
  EXPECT_EQ(one.to_ipv4(*Ipv6Address::parse("2001:db8:dddd:0:63ff:ffff:ffff:ffff")),
            Ipv4Address(192, 0, 2, 152));
  const auto host = mapping("192.0.2.1", "2001:db8::/64");
  EXPECT_EQ(host.to_ipv4(*Ipv6Address::parse("2001:db8::ffff:ffff:ffff:ffff")), Ipv4Address(192, 0, 2, 1));
}

TEST(Eam, TheIpv4SuffixIsNeverTheLonger) {
  EXPECT_TRUE(mapping("192.0.2.0/24", "2001:db8::/120").is_valid());
  EXPECT_FALSE(mapping("192.0.2.0/24", "2001:db8::/121").is_valid());
  EXPECT_TRUE(mapping("0.0.0.0/0", "::/0").is_valid());
  EXPECT_TRUE(mapping("0.0.0.0/0", "2001:db8::/96").is_valid());
  EXPECT_FALSE(mapping("0.0.0.0/0", "2001:db8::/97").is_valid());
}

// Bit by bit, as RFC 7757 §3.3 describes it.
Ipv6Address to_ipv6_slowly(const EamMapping& m, Ipv4Address address) {
  std::bitset<128> bits;  // bit 0 of the address is bit 127 here
  for (unsigned i = 0; i < 128; ++i)
    bits[127 - i] = (i < 64 ? m.ipv6.address().high() >> (63 - i) : m.ipv6.address().low() >> (127 - i)) & 1;
  for (unsigned i = 0; i < m.ipv4.suffix_length(); ++i)
    bits[127 - m.ipv6.length() - i] = address.value() >> (31 - m.ipv4.length() - i) & 1;
  const std::bitset<128> low_mask(~uint64_t{0});
  return {(bits >> 64 & low_mask).to_ullong(), (bits & low_mask).to_ullong()};
}

TEST(Eam, EveryPairOfLengths) {
  RandomSource random(7757);
  for (unsigned ipv4_length = 0; ipv4_length <= 32; ++ipv4_length) {
    for (unsigned ipv6_length = 0; ipv6_length <= 128; ++ipv6_length) {
      const EamMapping m{Ipv4Prefix::holding(Ipv4Address(static_cast<uint32_t>(random.next())), ipv4_length),
                         Ipv6Prefix::holding({random.next(), random.next()}, ipv6_length)};
      ASSERT_EQ(m.is_valid(), 32 - ipv4_length <= 128 - ipv6_length);
      if (!m.is_valid()) continue;
      for (int i = 0; i < 4; ++i) {
        const Ipv4Address address(m.ipv4.address().value() |
                                  (static_cast<uint32_t>(random.next()) & ~Ipv4Prefix::mask(ipv4_length)));
        const Ipv6Address there = m.to_ipv6(address);
        ASSERT_EQ(there, to_ipv6_slowly(m, address)) << m.ipv4.to_string() << ' ' << m.ipv6.to_string();
        ASSERT_TRUE(m.ipv6.contains(there));
        ASSERT_EQ(m.to_ipv4(there), address) << m.ipv4.to_string() << ' ' << m.ipv6.to_string();
      }
    }
  }
}

}  // namespace
}  // namespace yonroku::share
