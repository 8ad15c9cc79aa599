#include "api/map_domain.h"

#include <gtest/gtest.h>

namespace yonroku::api {
namespace {

using share::InterfaceIdentifierFormat;
using share::MapRule;
using Identifier = MapAddressReading::Identifier;

MapRule make(const char* ipv6, const char* ipv4, uint8_t ea_length, uint8_t psid_offset = 6,
             InterfaceIdentifierFormat format = InterfaceIdentifierFormat::Rfc7597) {
  const auto rule = MapRule::create({.ipv6 = *Ipv6Prefix::parse(ipv6),
                                     .ipv4 = *Ipv4Prefix::parse(ipv4),
                                     .ea_length = ea_length,
                                     .psid_offset = psid_offset,
                                     .format = format});
  if (!rule) ADD_FAILURE() << describe(rule.error());
  return rule.value_or(MapRule());
}

MapDomain domain_of(std::vector<MapRule> rules) {
  auto domain =
      MapDomain::create(std::move(rules), [](std::size_t i) { return "rule " + std::to_string(i + 1); });
  if (!domain) ADD_FAILURE() << domain.error().to_string();
  return *std::move(domain);
}
MapDomain example() { return domain_of({make("2001:db8::/40", "192.0.2.0/24", 16)}); }

// RFC 7597 Appendix A, example 1.
TEST(MapDomain, CustomerEdgeOfTheExample) {
  const auto found = example().customer_edge(*Ipv6Prefix::parse("2001:db8:12:3400::/56"));
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->rule_number, 1u);
  EXPECT_EQ(found->ipv4().to_string(), "192.0.2.18/32");
  EXPECT_EQ(found->ports().psid(), 0x34);
  EXPECT_EQ(found->map_address().to_string(), "2001:db8:12:3400:0:c000:212:34");
  EXPECT_EQ(found->end_user_prefix().to_string(), "2001:db8:12:3400::/56");
  EXPECT_TRUE(found->notes.empty());
}

// RFC 7597 §5: the rule with the longest match is the Basic Mapping Rule.
TEST(MapDomain, TheLongestMatchIsTheBasicMappingRule) {
  const MapDomain domain =
      domain_of({make("2001:db8::/40", "192.0.2.0/24", 16), make("2001:db8:12::/48", "198.51.100.18/32", 8),
                 make("2001:db8:12:3456::/64", "203.0.113.1/32", 0)});
  struct Row {
    const char* prefix;
    std::size_t rule_number;
  };
  for (const Row& row : {Row{"2001:db8:11:3400::/56", 1}, Row{"2001:db8:12:3400::/56", 2},
                         Row{"2001:db8:12:3456::/64", 3}, Row{"2001:db8:12:3456::1", 3}}) {
    const auto found = domain.customer_edge(*Ipv6Prefix::parse(row.prefix));
    ASSERT_TRUE(found) << row.prefix << found.error().to_string();
    EXPECT_EQ(found->rule_number, row.rule_number) << row.prefix;
  }
}

TEST(MapDomain, DelegatedPrefixOfAnotherLength) {
  const MapDomain domain = example();
  // RFC 7597 §5.2: the rule's prefix and the EA bits must fit.
  const auto too_short = domain.customer_edge(*Ipv6Prefix::parse("2001:db8:12::/48"));
  ASSERT_FALSE(too_short);
  EXPECT_EQ(too_short.error().to_string(),
            "2001:db8:12::/48: is too short: the rule for 2001:db8::/40 gives each customer a /56; an "
            "End-user IPv6 "
            "prefix holds the rule's prefix and all EA bits (RFC 7597 §5.2)");
  // A line with one /64: fine while it is the first of its /56.
  const auto first = domain.customer_edge(*Ipv6Prefix::parse("2001:db8:12:3400::/64"));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->notes.empty());
  const auto another = domain.customer_edge(*Ipv6Prefix::parse("2001:db8:12:34ab::/64"));
  ASSERT_TRUE(another);
  EXPECT_EQ(another->map_address(), first->map_address());
  ASSERT_EQ(another->notes.size(), 1u);
  EXPECT_TRUE(another->notes[0].starts_with("the MAP address lies outside of 2001:db8:12:34ab::/64"));
  EXPECT_FALSE(domain.customer_edge(*Ipv6Prefix::parse("2001:db9::/56")));
}

TEST(MapDomain, OwnersOfAddressesAndPorts) {
  const MapDomain domain =
      domain_of({make("2001:db8::/40", "192.0.2.0/24", 16), make("2001:db8:100::/40", "198.51.100.0/24", 4)});
  const auto customer = domain.owner(Ipv4Address(192, 0, 2, 18), 1232);
  ASSERT_TRUE(customer);
  EXPECT_EQ(customer->map_address().to_string(), "2001:db8:12:3400:0:c000:212:34");
  const auto prefix = domain.owner(Ipv4Address(198, 51, 100, 95), std::nullopt);
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->rule_number, 2u);
  EXPECT_EQ(prefix->ipv4().to_string(), "198.51.100.80/28");
  EXPECT_EQ(prefix->host.address, Ipv4Address(198, 51, 100, 95));

  EXPECT_EQ(domain.owner(Ipv4Address(192, 0, 2, 18), std::nullopt).error().what,
            "is shared, and no port is given");
  EXPECT_EQ(domain.owner(Ipv4Address(192, 0, 2, 18), 80).error().what, "the port 80 is nobody's");
  EXPECT_EQ(domain.owner(Ipv4Address(203, 0, 113, 1), 80).error().what, "lies in no rule's IPv4 prefix");
}

TEST(MapDomain, ReadsAddresses) {
  struct Row {
    const char* address;
    Identifier identifier;
  };
  const MapDomain domain =
      domain_of({make("2001:db8::/40", "192.0.2.0/24", 16), make("2001:db8:100::/40", "198.51.100.0/24", 4),
                 make("2001:db8:200::/40", "203.0.113.0/24", 16, 4, InterfaceIdentifierFormat::Draft03)});
  for (const Row& row : {Row{"2001:db8:12:3400:0:c000:212:34", Identifier::MapAddress},
                         Row{"2001:db8:12:3400:c0:2:1200:3400", Identifier::OtherFormat},
                         Row{"2001:db8:12:3400:0:c000:212:35", Identifier::Other},
                         Row{"2001:db8:12:3401:0:c000:212:34", Identifier::Other},  // another subnet
                         Row{"2001:db8:150::c633:6450:0", Identifier::MapAddress},
                         Row{"2001:db8:150::c633:645f:0", Identifier::Host},
                         Row{"2001:db8:150::c633:6460:0", Identifier::Other},  // a host of the next customer
                         Row{"2001:db8:212:3400:cb:71:1200:3400", Identifier::MapAddress},
                         Row{"2001:db8:212:3400:0:cb00:7112:34", Identifier::OtherFormat}}) {
    const auto reading = domain.read(*Ipv6Address::parse(row.address));
    ASSERT_TRUE(reading) << row.address;
    EXPECT_EQ(reading->identifier, row.identifier) << row.address;
  }
  EXPECT_FALSE(domain.read(Ipv6Address()));
}

TEST(MapDomain, RulesThatExcludeOneAnother) {
  const auto domain = MapDomain::create(
      {make("2001:db8::/40", "192.0.2.0/24", 16), make("2001:db8:100::/40", "192.0.2.0/24", 16)},
      [](std::size_t i) { return "rule " + std::to_string(i + 1); });
  ASSERT_FALSE(domain);
  EXPECT_EQ(domain.error().to_string(),
            "rule 2: another rule has the same IPv4 prefix and PSID; `yonroku map rules` says which");
}

}  // namespace
}  // namespace yonroku::api
