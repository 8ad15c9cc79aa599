#include "packet/ipv6_address.h"

#include <gtest/gtest.h>

#include "base/random_source.h"

namespace yonroku {
namespace {

static_assert(Ipv6Address(0x2001'0db8'0000'0000, 1).octets()[1] == 0x01);
static_assert(Ipv6Address(0, 1).octets()[15] == 1);
static_assert(Ipv6Address::from_octets(Ipv6Address(0x0102'0304'0506'0708, 0x090a'0b0c'0d0e'0f10).octets()) ==
              Ipv6Address(0x0102'0304'0506'0708, 0x090a'0b0c'0d0e'0f10));
static_assert(Ipv6Address(1, 0) > Ipv6Address(0, ~uint64_t{0}));

struct Form {
  const char* text;
  const char* canonical;
};

void expect_canonical(std::initializer_list<Form> forms) {
  for (const Form& form : forms) {
    const auto address = Ipv6Address::parse(form.text);
    ASSERT_TRUE(address) << form.text;
    EXPECT_EQ(address->to_string(), form.canonical) << form.text;
    EXPECT_EQ(Ipv6Address::parse(form.canonical), address) << form.text;
  }
}

TEST(Ipv6Address, Rfc4291Section2_2) {
  expect_canonical({{"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
                    {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
                    {"FF01:0:0:0:0:0:0:101", "ff01::101"},
                    {"0:0:0:0:0:0:0:1", "::1"},
                    {"0:0:0:0:0:0:0:0", "::"},
                    {"2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"},
                    {"FF01::101", "ff01::101"},
                    {"::1", "::1"},
                    {"::", "::"},
                    {"0:0:0:0:0:0:13.1.68.3", "::d01:4403"},
                    {"0:0:0:0:0:FFFF:129.144.52.38", "::ffff:8190:3426"},
                    {"::13.1.68.3", "::d01:4403"},
                    {"::FFFF:129.144.52.38", "::ffff:8190:3426"}});
}

TEST(Ipv6Address, Rfc5952Section1And2) {
  for (const char* text :
       {"2001:db8:0:0:1:0:0:1", "2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "2001:db8::0:1:0:0:1",
        "2001:0db8::1:0:0:1", "2001:db8:0:0:1::1", "2001:db8:0000:0:1::1", "2001:DB8:0:0:1::1"})
    expect_canonical({{text, "2001:db8::1:0:0:1"}});
  for (const char* text : {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:001",
                           "2001:db8:aaaa:bbbb:cccc:dddd:eeee:01", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"})
    expect_canonical({{text, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"}});
}

TEST(Ipv6Address, Rfc5952Section4) {
  expect_canonical({
      {"2001:0db8::0001", "2001:db8::1"},                // §4.1
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},         // §4.2.1
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // §4.2.2: one group is not shortened
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},   // nor kept when read
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // §4.2.3: the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // §4.2.3: the first of equals
      {"2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AaAa", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"},  // §4.3
      {"1::", "1::"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"1:0:0:4:5:6:0:0", "1::4:5:6:0:0"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
  });
}

TEST(Ipv6Address, RefusesEverythingElse) {
  struct Row {
    const char* name;
    const char* text;
  };
  const Row rows[] = {
      {"nothing", ""},
      {"one colon", ":"},
      {"three colons", ":::"},
      {"a single colon in front", ":1::2"},
      {"a single colon at the end", "1::2:"},
      {"a colon behind a gap", "1:::2"},
      {"a gap and a colon at the end", "1:2:3:4:5:6:7::8:"},
      {"two gaps", "1::2::3"},
      {"two gaps at the ends", "::1::"},
      {"seven groups", "1:2:3:4:5:6:7"},
      {"nine groups", "1:2:3:4:5:6:7:8:9"},
      {"a gap for no group", "1:2:3:4::5:6:7:8"},
      {"a gap behind eight groups", "1:2:3:4:5:6:7:8::"},
      {"a gap before eight groups", "::1:2:3:4:5:6:7:8"},
      {"a group of five digits", "12345::"},
      {"a group of five digits with a zero in front", "00001::"},
      {"no hexadecimal digit", "g::"},
      {"a zone", "fe80::1%eth0"},
      {"a length", "2001:db8::/32"},
      {"brackets", "[::1]"},
      {"a space", " ::1"},
      {"a space behind", "::1 "},
      {"dotted decimal with three parts", "::1.2.3"},
      {"dotted decimal with five parts", "::1.2.3.4.5"},
      {"dotted decimal in the middle", "::1.2.3.4:5"},
      {"dotted decimal behind seven groups", "1:2:3:4:5:6:7:1.2.3.4"},
      {"dotted decimal behind five groups", "1:2:3:4:5:1.2.3.4"},
      {"dotted decimal with 256", "::1.2.3.256"},
      {"dotted decimal in hexadecimal", "::a.2.3.4"},
      {"dotted decimal that fills a gap's room", "1:2:3:4:5:6::1.2.3.4"},
      {"an IPv4 address", "192.0.2.1"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(Ipv6Address::parse(row.text), std::nullopt) << row.name << ": " << row.text;
}

TEST(Ipv6Address, AnyAddressIsReadAsItWasWritten) {
  RandomSource random(5952);
  for (int i = 0; i < 20'000; ++i) {
    // Groups are mostly zero, so that runs of every length and place occur.
    uint64_t half[2] = {random.next(), random.next()};
    const uint64_t zeros = random.next();
    for (unsigned group = 0; group < 8; ++group)
      if ((zeros >> (2 * group) & 3) != 0) half[group / 4] &= ~(uint64_t{0xffff} << (48 - 16 * (group % 4)));
    const Ipv6Address address(half[0], half[1]);
    ASSERT_EQ(Ipv6Address::parse(address.to_string()), address) << address.to_string();
  }
}

}  // namespace
}  // namespace yonroku
