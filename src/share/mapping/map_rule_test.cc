#include "share/mapping/map_rule.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random_source.h"
#include "share/mapping/map_rule_table.h"

namespace yonroku::share {
namespace {

using Format = InterfaceIdentifierFormat;
using Refusal = MapRule::Refusal;

constexpr Ipv4Prefix v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, unsigned length) {
  return *Ipv4Prefix::create(Ipv4Address(a, b, c, d), length);
}
constexpr Ipv6Prefix v6(uint64_t high, unsigned length) { return *Ipv6Prefix::create({high, 0}, length); }

// RFC 7597 Appendix A, examples 1 to 3; RFC 7599 Appendix A has the same.
constexpr MapRule kExample1 = *MapRule::create(
    {.ipv6 = v6(0x2001'0db8'0000'0000, 40), .ipv4 = v4(192, 0, 2, 0, 24), .ea_length = 16, .psid_offset = 6});
constexpr AddressAndPsid kCustomer{Ipv4Address(192, 0, 2, 18), 0x34};
constexpr Ipv6Address kCustomerAddress{0x2001'0db8'0012'3400, 0x0000'c000'0212'0034};
static_assert(kExample1.suffix_length() == 8 && kExample1.ports() == PortParameters{6, 8});
static_assert(kExample1.end_user_prefix_length() == 56 && kExample1.customer_prefix_length() == 32);
static_assert(kExample1.address_of(kCustomer) == kCustomerAddress);
static_assert(kExample1.host_address_of(kCustomer) == kCustomerAddress);
static_assert(kExample1.customer_of(kCustomerAddress) == kCustomer);
static_assert(kExample1.customer_of({0x2001'0db8'0012'3400, 0}) ==
              kCustomer);  // the End-user IPv6 prefix says all
static_assert(kExample1.end_user_prefix_of(kCustomer) == v6(0x2001'0db8'0012'3400, 56));
// Example 2: the port of a packet from outside is the customer's.
static_assert(kExample1.ports().gives_out(1232) && kExample1.ports().psid_of(1232) == kCustomer.psid);

// Example 4: no EA bits and no sharing. RFC 7599 has 192.0.2.1 in the rule and 192.0.2.18 in the result, and
// mixes both in the address; this is what the rules of RFC 7597 §6 make of the one of RFC 7597.
constexpr MapRule kExample4 =
    *MapRule::create({.ipv6 = v6(0x2001'0db8'0012'3400, 56), .ipv4 = v4(192, 0, 2, 18, 32)});
static_assert(!kExample4.is_shared());
static_assert(kExample4.address_of({Ipv4Address(192, 0, 2, 18), 0}) ==
              Ipv6Address(0x2001'0db8'0012'3400, 0x0000'c000'0212'0000));
static_assert(kExample4.customer_of({0x2001'0db8'0012'3400, 0}) ==
              AddressAndPsid{Ipv4Address(192, 0, 2, 18), 0});

// Example 5: the PSID is given. RFC 7599 says 0x20 and calculates with 0x34.
constexpr MapRule kExample5 = *MapRule::create({.ipv6 = v6(0x2001'0db8'0012'3400, 56),
                                                .ipv4 = v4(192, 0, 2, 18, 32),
                                                .psid_offset = 6,
                                                .given_psid_length = 8,
                                                .given_psid = 0x34});
static_assert(kExample5.is_shared() && kExample5.has_given_psid());
static_assert(kExample5.address_of(kCustomer) == kCustomerAddress);
static_assert(kExample5.customer_of({0x2001'0db8'0012'3400, 0}) == kCustomer);

// A softwire of RFC 7596 or RFC 7040: the customer's address is any address.
constexpr MapRule kSoftwire =
    *MapRule::create({.ipv6 = *Ipv6Prefix::create({0x2001'0db8'0000'0001, 0x1234}, 128),
                      .ipv4 = v4(192, 0, 2, 18, 32),
                      .given_psid_length = 8,
                      .given_psid = 0x34});
static_assert(kSoftwire.is_single_address());
static_assert(kSoftwire.address_of(kCustomer) == Ipv6Address(0x2001'0db8'0000'0001, 0x1234));
static_assert(kSoftwire.customer_of({0x2001'0db8'0000'0001, 0x1234}) == kCustomer);

static_assert(MapRule().address_of({}) == Ipv6Address());

struct Row {
  const char* name;
  const char* ipv6;
  const char* ipv4;
  uint8_t ea_length;
  uint8_t psid_offset;
  Format format;
  const char* end_user_prefix;
  const char* customer;  // an address or a prefix
  uint16_t psid;
  uint8_t psid_length;
  const char* address;
  const char* host_address;  // of the last address of the customer's prefix, where that differs
};

class MapRuleExamples : public testing::TestWithParam<Row> {};

TEST_P(MapRuleExamples, AreReproduced) {
  const Row& row = GetParam();
  const auto rule = MapRule::create({.ipv6 = *Ipv6Prefix::parse(row.ipv6),
                                     .ipv4 = *Ipv4Prefix::parse(row.ipv4),
                                     .ea_length = row.ea_length,
                                     .psid_offset = row.psid_offset,
                                     .format = row.format});
  ASSERT_TRUE(rule);
  const Ipv6Prefix delegated = *Ipv6Prefix::parse(row.end_user_prefix);
  const Ipv4Prefix expected = *Ipv4Prefix::parse(row.customer);
  EXPECT_EQ(rule->ports().psid_length, row.psid_length);
  EXPECT_EQ(rule->customer_prefix_length(), expected.length());
  EXPECT_EQ(rule->end_user_prefix_length(), delegated.length());

  const AddressAndPsid customer = rule->customer_of(delegated.address());
  EXPECT_EQ(Ipv4Prefix::holding(customer.address, rule->customer_prefix_length()), expected);
  EXPECT_EQ(customer.psid, row.psid);
  EXPECT_EQ(rule->address_of(customer).to_string(), row.address);
  EXPECT_EQ(rule->end_user_prefix_of(customer), delegated);

  const AddressAndPsid host{Ipv4Address(expected.address().value() | ~Ipv4Prefix::mask(expected.length())),
                            row.psid};
  const Ipv6Address host_address = rule->host_address_of(host);
  EXPECT_EQ(host_address.to_string(), row.host_address ? row.host_address : row.address);
  EXPECT_EQ(rule->customer_of(host_address), host);
}

INSTANTIATE_TEST_SUITE_P(
    MapRule, MapRuleExamples,
    testing::Values(
        Row{"Rfc7597AppendixAExample1", "2001:db8::/40", "192.0.2.0/24", 16, 6, Format::Rfc7597,
            "2001:db8:12:3400::/56", "192.0.2.18", 0x34, 8, "2001:db8:12:3400:0:c000:212:34", nullptr},
        Row{"Rfc7597AppendixAExample4", "2001:db8:12:3400::/56", "192.0.2.18/32", 0, 6, Format::Rfc7597,
            "2001:db8:12:3400::/56", "192.0.2.18", 0, 0, "2001:db8:12:3400:0:c000:212:0", nullptr},
        Row{"Draft03", "2001:db8::/40", "192.0.2.0/24", 16, 4, Format::Draft03, "2001:db8:12:3400::/56",
            "192.0.2.18", 0x34, 8, "2001:db8:12:3400:c0:2:1200:3400", nullptr},
        Row{"EndsAtBit64", "2001:db8:1:2000::/52", "203.0.113.0/24", 12, 4, Format::Rfc7597,
            "2001:db8:1:2345::/64", "203.0.113.52", 5, 4, "2001:db8:1:2345:0:cb00:7134:5", nullptr},
        Row{"EndsAtBit64Draft03", "2001:db8:1:2000::/52", "203.0.113.0/24", 12, 4, Format::Draft03,
            "2001:db8:1:2345::/64", "203.0.113.52", 5, 4, "2001:db8:1:2345:cb:71:3400:500", nullptr},
        Row{"FullAddress", "2001:db8::/40", "192.0.2.0/24", 8, 6, Format::Rfc7597, "2001:db8:12::/48",
            "192.0.2.18", 0, 0, "2001:db8:12::c000:212:0", nullptr},
        Row{"Ipv4Prefix", "2001:db8::/40", "192.0.2.0/24", 4, 6, Format::Rfc7597, "2001:db8:50::/44",
            "192.0.2.80/28", 0, 0, "2001:db8:50::c000:250:0", "2001:db8:50::c000:25f:0"},
        Row{"Ipv4PrefixDraft03", "2001:db8::/40", "192.0.2.0/24", 4, 6, Format::Draft03, "2001:db8:50::/44",
            "192.0.2.80/28", 0, 0, "2001:db8:50:0:c0:2:5000:0", "2001:db8:50:0:c0:2:5f00:0"},
        Row{"Ipv4PrefixOfTheRuleItself", "2001:db8:50::/44", "192.0.2.80/28", 0, 6, Format::Rfc7597,
            "2001:db8:50::/44", "192.0.2.80/28", 0, 0, "2001:db8:50::c000:250:0", "2001:db8:50::c000:25f:0"},
        Row{"OnePortAndTheWholeAddressInTheEaBits", "2001::/16", "0.0.0.0/0", 48, 0, Format::Rfc7597,
            "2001:c000:212:4d0::/64", "192.0.2.18", 1232, 16, "2001:c000:212:4d0:0:c000:212:4d0", nullptr},
        Row{"EaBitsBeyondBit64", "2001:db8::/48", "192.0.2.0/24", 20, 4, Format::Rfc7597,
            "2001:db8:0:1234:5000::/68", "192.0.2.18", 0x345, 12, "2001:db8:0:1234:5000:c000:212:345",
            nullptr},
        Row{"EaBitsBeyondBit64Draft03", "2001:db8::/48", "192.0.2.0/24", 20, 4, Format::Draft03,
            "2001:db8:0:1234:5000::/68", "192.0.2.18", 0x345, 12, "2001:db8:0:1234:50c0:2:1203:4500",
            nullptr},
        Row{"EaBitsInTheInterfaceIdentifierOnly", "2001:db8:0:1::/64", "192.0.2.0/24", 16, 6, Format::Rfc7597,
            "2001:db8:0:1:1234::/80", "192.0.2.18", 0x34, 8, "2001:db8:0:1:1234:c000:212:34", nullptr},
        Row{"EaBitsUpToBit128", "2001:db8:0:1::/80", "0.0.0.0/0", 48, 0, Format::Rfc7597,
            "2001:db8:0:1:0:c000:212:4d0/128", "192.0.2.18", 1232, 16, "2001:db8:0:1:0:c000:212:4d0",
            nullptr}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(MapRule, ImpossibleOnesAreRefused) {
  const MapRule::Parts good{
      .ipv6 = v6(0x2001'0db8'0000'0000, 40), .ipv4 = v4(192, 0, 2, 0, 24), .ea_length = 16, .psid_offset = 6};
  struct Refused {
    const char* name;
    Refusal refusal;
    void (*spoil)(MapRule::Parts&);
  };
  for (const Refused& row : {
           Refused{"49 EA bits", Refusal::EaTooLong, [](auto& p) { p.ea_length = 49; }},
           Refused{"past the end of the address", Refusal::EndUserTooLong,
                   [](auto& p) { p.ipv6 = Ipv6Prefix::holding(p.ipv6.address(), 113); }},
           Refused{"a PSID of 17 bits", Refusal::PsidTooLong, [](auto& p) { p.ea_length = 25; }},
           Refused{"a given PSID of 17 bits", Refusal::PsidTooLong,
                   [](auto& p) { p.ea_length = 8, p.given_psid_length = 17; }},
           Refused{"offset 16", Refusal::OffsetTooLong, [](auto& p) { p.psid_offset = 16; }},
           Refused{"offset 9 and 8 bits of PSID", Refusal::OffsetTooLong, [](auto& p) { p.psid_offset = 9; }},
           Refused{"the EA bits have a PSID, and one is given", Refusal::PsidTwice,
                   [](auto& p) { p.given_psid_length = 4; }},
           Refused{"a PSID is given to an IPv4 prefix", Refusal::PsidTwice,
                   [](auto& p) { p.ea_length = 4, p.given_psid_length = 4; }},
           Refused{"the given PSID has more bits", Refusal::PsidOutOfRange,
                   [](auto& p) { p.ea_length = 8, p.given_psid_length = 4, p.given_psid = 16; }},
           Refused{"a PSID of no bits", Refusal::PsidOutOfRange, [](auto& p) { p.given_psid = 1; }},
       }) {
    MapRule::Parts parts = good;
    row.spoil(parts);
    const auto rule = MapRule::create(parts);
    ASSERT_FALSE(rule) << row.name;
    EXPECT_EQ(rule.error(), row.refusal) << row.name;
    EXPECT_FALSE(describe(rule.error()).empty()) << row.name;
  }
}

// Any rule that create() lets pass, most of them odd.
MapRule random_rule(RandomSource& random) {
  while (true) {
    const Ipv6Address ipv6(random.next(), random.next());
    const Ipv4Address ipv4(static_cast<uint32_t>(random.next()));
    MapRule::Parts parts;
    parts.ipv6 = Ipv6Prefix::holding(ipv6, static_cast<unsigned>(random.below(129)));
    parts.ipv4 = Ipv4Prefix::holding(ipv4, static_cast<unsigned>(random.below(33)));
    parts.ea_length = static_cast<uint8_t>(random.below(49));
    parts.psid_offset = static_cast<uint8_t>(random.below(16));
    if (random.below(2) == 0) parts.format = Format::Draft03;
    if (random.below(4) == 0) {
      parts.given_psid_length = static_cast<uint8_t>(random.below(17));
      parts.given_psid = static_cast<uint16_t>(random.below(uint64_t{1} << parts.given_psid_length));
    }
    parts.border = static_cast<uint8_t>(random.below(256));
    if (const auto rule = MapRule::create(parts)) return *rule;
  }
}

AddressAndPsid random_host(const MapRule& rule, RandomSource& random) {
  const auto host = static_cast<uint32_t>(random.next()) & ~Ipv4Prefix::mask(rule.ipv4().length());
  const uint64_t psid_count = uint64_t{1} << rule.ports().psid_length;
  return {Ipv4Address(rule.ipv4().address().value() | host),
          rule.has_given_psid() ? rule.parts().given_psid : static_cast<uint16_t>(random.below(psid_count))};
}

// Where the last bit of the IPv4 address lies in the interface identifier.
unsigned end_of_address(Format format) { return format == Format::Draft03 ? 104 : 112; }

TEST(MapRule, AddressesOfRandomRulesLeadBack) {
  RandomSource random(7597);
  unsigned beyond_bit_64 = 0;
  unsigned hosts_overwritten = 0;
  for (int i = 0; i < 200'000; ++i) {
    const MapRule rule = random_rule(random);
    const AddressAndPsid host = random_host(rule, random);
    const unsigned customer_length = rule.customer_prefix_length();
    const AddressAndPsid customer{Ipv4Address(host.address.value() & Ipv4Prefix::mask(customer_length)),
                                  host.psid};
    const Ipv6Address address = rule.address_of(host);
    const Ipv6Address host_address = rule.host_address_of(host);
    const Ipv6Prefix end_user = rule.end_user_prefix_of(host);
    ASSERT_TRUE(rule.ipv6().contains(end_user));
    ASSERT_TRUE(end_user.contains(address) && end_user.contains(host_address));
    ASSERT_EQ(address, rule.address_of(customer)) << "host bits play no part";

    const auto customer_part = [&](AddressAndPsid who) {
      who.address = Ipv4Address(who.address.value() & Ipv4Prefix::mask(customer_length));
      return who;
    };
    // Everything about the customer is in the EA bits: any address of the End-user prefix leads back.
    const Ipv6Address any(address.high() | (random.next() & ~Ipv6Prefix::mask_high(end_user.length())),
                          address.low() | (random.next() & ~Ipv6Prefix::mask_low(end_user.length())));
    for (const Ipv6Address& each : {address, host_address, any, end_user.address()})
      ASSERT_EQ(customer_part(rule.customer_of(each)), customer) << i;

    // The host bits of an IPv4 prefix are in the interface identifier, where the End-user prefix may
    // overwrite them.
    if (customer_length == 32 ||
        end_user.length() <= end_of_address(rule.parts().format) - (32 - customer_length))
      ASSERT_EQ(rule.customer_of(host_address), host) << i;
    else
      ++hosts_overwritten;

    if (end_user.length() > 64) {
      ++beyond_bit_64;
    } else {
      ASSERT_EQ(address.high() & ~Ipv6Prefix::mask_high(end_user.length()), 0u)
          << "the first subnet, RFC 7597 §5.2";
      const uint64_t identifier = uint64_t{customer.address.value()} << 16 | customer.psid;
      ASSERT_EQ(address.low(), rule.parts().format == Format::Draft03 ? identifier << 8 : identifier);
    }
  }
  EXPECT_GT(beyond_bit_64, 10'000u);
  EXPECT_GT(hosts_overwritten, 100u);
}

// Different customers have different End-user prefixes, and those of one address different ports.
TEST(MapRule, CustomersAreToldApart) {
  RandomSource random(7599);
  for (int i = 0; i < 50'000; ++i) {
    const MapRule rule = random_rule(random);
    const AddressAndPsid one = random_host(rule, random);
    const AddressAndPsid other = random_host(rule, random);
    const auto same_customer =
        Ipv4Prefix::holding(one.address, rule.customer_prefix_length()).contains(other.address) &&
        one.psid == other.psid;
    if (rule.parts().ea_length == 0) {
      ASSERT_EQ(rule.end_user_prefix_of(one), rule.ipv6());
      continue;
    }
    ASSERT_EQ(rule.end_user_prefix_of(one) == rule.end_user_prefix_of(other), same_customer) << i;
  }
}

TEST(MapRule, SurvivesTheWordsOfTheTable) {
  RandomSource random(1);
  for (int i = 0; i < 100'000; ++i) {
    const MapRule rule = random_rule(random);
    ASSERT_EQ(MapRuleTraits::value(MapRuleTraits::words(rule)), rule) << i;
    ASSERT_TRUE(MapRuleByIpv4::matches(MapRuleTraits::words(rule), MapRuleKey::of(rule)));
    ASSERT_TRUE(MapRuleByIpv6::matches(MapRuleTraits::words(rule), rule.ipv6()));
  }
}

}  // namespace
}  // namespace yonroku::share
