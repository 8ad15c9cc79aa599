#include "packet/prefix.h"

#include <gtest/gtest.h>

namespace yonroku {
namespace {

constexpr Ipv4Address kDocumentation(192, 0, 2, 0);
static_assert(Ipv4Prefix::create(kDocumentation, 24)->length() == 24);
static_assert(!Ipv4Prefix::create(kDocumentation, 22), "host bits");
static_assert(!Ipv4Prefix::create(kDocumentation, 33));
static_assert(Ipv4Prefix::create(Ipv4Address(), 0)->suffix_length() == 32);
static_assert(Ipv4Prefix::mask(0) == 0 && Ipv4Prefix::mask(1) == 0x8000'0000 &&
              Ipv4Prefix::mask(32) == 0xffff'ffff);
static_assert(Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 129), 25).address() == Ipv4Address(192, 0, 2, 128));
static_assert(Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 129), 200).length() == 32);
static_assert(Ipv4Prefix::holding(kDocumentation, 24).contains(Ipv4Address(192, 0, 2, 255)));
static_assert(!Ipv4Prefix::holding(kDocumentation, 24).contains(Ipv4Address(192, 0, 3, 0)));
static_assert(Ipv4Prefix().contains(Ipv4Address(255, 255, 255, 255)));

constexpr Ipv6Address kLow(0x2001'0db8'0000'0000, 0x8000'0000'0000'0000);
static_assert(Ipv6Prefix::create(kLow, 65) && !Ipv6Prefix::create(kLow, 64) &&
              !Ipv6Prefix::create(kLow, 129));
static_assert(Ipv6Prefix::mask_high(0) == 0 && Ipv6Prefix::mask_high(64) == ~uint64_t{0});
static_assert(Ipv6Prefix::mask_low(64) == 0 && Ipv6Prefix::mask_low(65) == uint64_t{1} << 63);
static_assert(Ipv6Prefix::mask_low(128) == ~uint64_t{0} && Ipv6Prefix::mask_high(1) == uint64_t{1} << 63);
static_assert(Ipv6Prefix::holding(kLow, 300).length() == 128);
static_assert(Ipv6Prefix::holding(kLow, 64).contains(kLow) &&
              !Ipv6Prefix::holding(kLow, 65).contains(Ipv6Address()));

template <class Prefix>
void expect_parsed(std::initializer_list<std::pair<const char*, const char*>> rows) {
  for (const auto& [text, written] : rows) {
    const auto prefix = Prefix::parse(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(prefix->to_string(), written) << text;
    EXPECT_EQ(Prefix::parse(written), prefix) << text;
  }
}

template <class Prefix>
void expect_refused(std::initializer_list<const char*> texts) {
  for (const char* text : texts) EXPECT_EQ(Prefix::parse(text), std::nullopt) << text;
}

TEST(Prefix, ReadsWhatItWrites) {
  expect_parsed<Ipv4Prefix>({{"192.0.2.0/24", "192.0.2.0/24"},
                             {"192.0.2.1", "192.0.2.1/32"},
                             {"0.0.0.0/0", "0.0.0.0/0"},
                             {"128.0.0.0/1", "128.0.0.0/1"},
                             {"192.0.2.254/31", "192.0.2.254/31"}});
  expect_parsed<Ipv6Prefix>({{"2001:DB8::/32", "2001:db8::/32"},
                             {"::1", "::1/128"},
                             {"::/0", "::/0"},
                             {"64:ff9b::/96", "64:ff9b::/96"},
                             {"2001:db8::8000:0:0:0/65", "2001:db8:0:0:8000::/65"},
                             {"::fffe/127", "::fffe/127"}});
}

TEST(Prefix, RefusesHostBitsAndBadLengths) {
  expect_refused<Ipv4Prefix>({"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/024",
                              "192.0.2.0/24 ", "192.0.2.0/ 24", "192.0.2.0/24/24", "/24", "",
                              "192.0.2.0/0x18", "192.0.2.0/4294967320", "192.0.2/24", "::/24",
                              "192.0.2.0/00"});
  expect_refused<Ipv6Prefix>({"2001:db8::1/64", "::/129", "::/", "::/00", "::/1000", "192.0.2.0/24", "::/+1",
                              "::%1/64", "/64", "2001:db8::8000:0:0:0/48"});
}

TEST(Prefix, ContainmentAtEveryLength) {
  const Ipv4Address a(0xdeadbeef);
  for (unsigned length = 0; length <= 32; ++length) {
    const auto prefix = Ipv4Prefix::holding(a, length);
    EXPECT_TRUE(prefix.contains(a)) << length;
    EXPECT_EQ(Ipv4Prefix::create(prefix.address(), length), prefix);
    if (length > 0) {
      EXPECT_FALSE(prefix.contains(Ipv4Address(a.value() ^ (uint32_t{1} << (32 - length))))) << length;
      EXPECT_TRUE(Ipv4Prefix::holding(a, length - 1).contains(prefix));
      EXPECT_FALSE(prefix.contains(Ipv4Prefix::holding(a, length - 1)));
    }
  }
  const Ipv6Address b(0xdeadbeef'01234567, 0x89abcdef'deadbeef);
  for (unsigned length = 0; length <= 128; ++length) {
    const auto prefix = Ipv6Prefix::holding(b, length);
    EXPECT_TRUE(prefix.contains(b)) << length;
    EXPECT_EQ(Ipv6Prefix::create(prefix.address(), length), prefix);
    if (length > 0) {
      const uint64_t bit = uint64_t{1} << (127 - (length - 1)) % 64;
      const Ipv6Address other(length <= 64 ? b.high() ^ bit : b.high(),
                              length <= 64 ? b.low() : b.low() ^ bit);
      EXPECT_FALSE(prefix.contains(other)) << length;
      EXPECT_TRUE(Ipv6Prefix::holding(b, length - 1).contains(prefix));
      EXPECT_FALSE(prefix.contains(Ipv6Prefix::holding(b, length - 1)));
    }
  }
}

}  // namespace
}  // namespace yonroku
