#include "share/mapping/rfc6052.h"

#include <gtest/gtest.h>

#include "base/random_source.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::share {
namespace {

constexpr Pref64 prefix(uint64_t high, uint64_t low, unsigned length) {
  return *Pref64::create(*Ipv6Prefix::create({high, low}, length));
}

// RFC 6052 §2.4, Table 1, as constants: 2001:db8::/32 and so on with 192.0.2.33.
constexpr Ipv4Address kExample(192, 0, 2, 33);
static_assert(prefix(0x2001'0db8'0000'0000, 0, 32).embed(kExample) == Ipv6Address(0x2001'0db8'c000'0221, 0));
static_assert(prefix(0x2001'0db8'0100'0000, 0, 40).embed(kExample) ==
              Ipv6Address(0x2001'0db8'01c0'0002, 0x0021'0000'0000'0000));
static_assert(prefix(0x2001'0db8'0122'0000, 0, 48).embed(kExample) ==
              Ipv6Address(0x2001'0db8'0122'c000, 0x0002'2100'0000'0000));
static_assert(prefix(0x2001'0db8'0122'0300, 0, 56).embed(kExample) ==
              Ipv6Address(0x2001'0db8'0122'03c0, 0x0000'0221'0000'0000));
static_assert(prefix(0x2001'0db8'0122'0344, 0, 64).embed(kExample) ==
              Ipv6Address(0x2001'0db8'0122'0344, 0x00c0'0002'2100'0000));
static_assert(prefix(0x2001'0db8'0122'0344, 0, 96).embed(kExample) ==
              Ipv6Address(0x2001'0db8'0122'0344, 0x0000'0000'c000'0221));
// Table 2.
static_assert(prefix(0x0064'ff9b'0000'0000, 0, 96).embed(kExample) ==
              Ipv6Address(0x0064'ff9b'0000'0000, 0xc000'0221));
static_assert(prefix(0x0064'ff9b'0000'0000, 0, 96).is_well_known());
static_assert(!prefix(0x0064'ff9b'0001'0000, 0, 96).is_well_known() &&
              !prefix(0x0064'ff9b'0000'0000, 0, 64).is_well_known());

TEST(Rfc6052, Section2_4AsText) {
  struct Row {
    const char* prefix;
    const char* address;
  };
  for (const Row& row :
       {Row{"2001:db8::/32", "2001:db8:c000:221::"}, Row{"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
        Row{"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
        Row{"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
        Row{"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
        Row{"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
        Row{"64:ff9b::/96", "64:ff9b::192.0.2.33"}}) {
    const auto pref64 = Pref64::create(*Ipv6Prefix::parse(row.prefix));
    ASSERT_TRUE(pref64) << row.prefix;
    EXPECT_EQ(pref64->embed(kExample), Ipv6Address::parse(row.address)) << row.prefix;
    EXPECT_EQ(pref64->extract(*Ipv6Address::parse(row.address)), kExample) << row.prefix;
  }
}

TEST(Rfc6052, OnlySixLengths) {
  for (unsigned length = 0; length <= 128; ++length) {
    const bool good =
        length == 32 || length == 40 || length == 48 || length == 56 || length == 64 || length == 96;
    EXPECT_EQ(Pref64::create(Ipv6Prefix::holding(Ipv6Address(0x2001'0db8'0000'0000, 0), length)).has_value(),
              good)
        << length;
  }
  EXPECT_FALSE(Pref64::create(*Ipv6Prefix::parse("2001:db8::100:0:0:0/96"))) << "octet 8 must be zero";
  EXPECT_TRUE(Pref64::create(*Ipv6Prefix::parse("2001:db8::ff:ffff:0:0/96")));
}

TEST(Rfc6052, ThereAndBackWithAnySuffix) {
  RandomSource random(6052);
  for (const unsigned length : {32u, 40u, 48u, 56u, 64u, 96u}) {
    for (int i = 0; i < 5'000; ++i) {
      const Ipv6Address base(random.next(), random.next() & 0x00ff'ffff'ffff'ffff);
      const Pref64 pref64 = *Pref64::create(Ipv6Prefix::holding(base, length));
      const Ipv4Address ipv4(static_cast<uint32_t>(random.next()));
      const Ipv6Address address = pref64.embed(ipv4);
      ASSERT_EQ(pref64.extract(address), ipv4);
      ASSERT_TRUE(pref64.prefix().contains(address));
      ASSERT_EQ(address.octets()[8], 0) << "the u octet";
      if (length == 96) continue;
      // RFC 6052 §2.2: the suffix is ignored, the u octet is not.
      const unsigned suffix = 128 - (length + 40);
      const Ipv6Address with_suffix(address.high(),
                                    address.low() | (random.next() & ((uint64_t{1} << suffix) - 1)));
      ASSERT_EQ(pref64.extract(with_suffix), ipv4) << length;
      const Ipv6Address with_u(address.high(), address.low() | (1 + random.below(255)) << 56);
      ASSERT_EQ(pref64.extract(with_u), std::nullopt) << length;
    }
  }
}

TEST(Rfc6052, OutsideThePrefixNothingIsExtracted) {
  const Pref64 pref64 = *Pref64::create(*Ipv6Prefix::parse("2001:db8:122:344::/64"));
  Ipv4Address untouched(1, 2, 3, 4);
  EXPECT_FALSE(pref64.extract(*Ipv6Address::parse("2001:db8:122:345:c0:2:2100::"), untouched));
  EXPECT_EQ(untouched, Ipv4Address(1, 2, 3, 4));
}

TEST(SpecialAddresses, WhatARouterForwards) {
  struct Row {
    const char* first;
    const char* last;
    bool forwarded;
  };
  for (const Row& row :
       {Row{"0.0.0.0", "0.255.255.255", false}, Row{"1.0.0.0", "126.255.255.255", true},
        Row{"127.0.0.0", "127.255.255.255", false}, Row{"128.0.0.0", "169.253.255.255", true},
        Row{"169.254.0.0", "169.254.255.255", false}, Row{"169.255.0.0", "223.255.255.255", true},
        Row{"224.0.0.0", "255.255.255.255", false}}) {
    EXPECT_EQ(may_be_forwarded(*Ipv4Address::parse(row.first)), row.forwarded) << row.first;
    EXPECT_EQ(may_be_forwarded(*Ipv4Address::parse(row.last)), row.forwarded) << row.last;
  }
  for (const Row& row : {Row{"::", "::1", false}, Row{"::2", "fe7f:ffff::", true},
                         Row{"fe80::", "febf:ffff::1", false}, Row{"fec0::", "feff:ffff::1", true},
                         Row{"ff00::", "ffff::1", false}, Row{"fc00::1", "fdff::1", true}}) {
    EXPECT_EQ(may_be_forwarded(*Ipv6Address::parse(row.first)), row.forwarded) << row.first;
    EXPECT_EQ(may_be_forwarded(*Ipv6Address::parse(row.last)), row.forwarded) << row.last;
  }
}

// RFC 6890 §2.2.2: both ends of each range and their neighbours.
TEST(SpecialAddresses, WhatTheWellKnownPrefixCarries) {
  for (const char* text : {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                           "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
                           "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"}) {
    const auto range = *Ipv4Prefix::parse(text);
    const uint32_t first = range.address().value();
    const uint32_t last = first | ~Ipv4Prefix::mask(range.length());
    EXPECT_FALSE(is_global(Ipv4Address(first))) << text;
    EXPECT_FALSE(is_global(Ipv4Address(last))) << text;
    if (first != 0 && first != 0xf000'0000) {
      EXPECT_TRUE(is_global(Ipv4Address(first - 1))) << text;
    }
    if (last != 0xffff'ffff && last != 0xefff'ffff) {
      EXPECT_TRUE(is_global(Ipv4Address(last + 1))) << text;
    }
  }
}

}  // namespace
}  // namespace yonroku::share
