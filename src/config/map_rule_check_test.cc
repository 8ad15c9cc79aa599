#include "config/map_rule_check.h"

#include <gtest/gtest.h>

#include "config/map_rule_csv.h"

namespace yonroku::config {
namespace {

struct Row {
  const char* name;
  std::string rules;  // lines of CSV from line 2 on
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

class MapRuleCheck : public testing::TestWithParam<Row> {};

TEST_P(MapRuleCheck, Finds) {
  const Row& row = GetParam();
  const auto table = parse_map_rule_csv(
      "ipv6-prefix,ipv4-prefix,ea-length,psid-offset,psid-length,psid\n" + row.rules, "r.csv");
  ASSERT_TRUE(table) << table.error().to_string();
  const MapRuleFindings found = check_map_rules(table->rules);
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  for (const MapRuleFinding& each : found.findings) {
    const Diagnostic told =
        to_diagnostic(each, [&](std::size_t i) { return Place{"r.csv", {table->lines.at(i), 1}}; });
    (each.is_error() ? errors : warnings).push_back(told.to_string());
    if (!each.is_error()) {
      EXPECT_EQ(warnings.size() + errors.size(), static_cast<std::size_t>(&each - found.findings.data()) + 1);
    }
  }
  EXPECT_EQ(errors, row.errors);
  EXPECT_EQ(warnings, row.warnings);
  EXPECT_EQ(found.has_errors(), !row.errors.empty());
}

INSTANTIATE_TEST_SUITE_P(
    MapRules, MapRuleCheck,
    testing::Values(
        Row{"GoodDomain",
            "2001:db8::/40,192.0.2.0/24,16,6\n2001:db8:100::/40,198.51.100.0/24,16,6\n",
            {},
            {}},
        Row{"SoftwiresOfOneAddress",
            "2001:db8:1::1,192.0.2.18,0,6,8,0\n2001:db8:2::1,192.0.2.18,0,6,8,1\n2001:db8:3::1,192.0.2.18,0,"
            "6,8,2\n",
            {},
            {}},
        Row{"SameIpv4",
            "2001:db8::/40,192.0.2.0/24,16\n2001:db8:100::/40,192.0.2.0/24,16\n",
            {"r.csv:3:1: 192.0.2.0/24 is the IPv4 prefix of another rule as well, in line 2; give each rule "
             "a prefix "
             "of its own, or longer ones inside of it"},
            {}},
        Row{"SamePsid",
            "2001:db8:1::1,192.0.2.18,0,6,8,3\n2001:db8:2::1,192.0.2.18,0,6,8,4\n2001:db8:3::1,192.0.2.18,0,"
            "6,8,3\n",
            {"r.csv:4:1: the PSID 3 of 192.0.2.18 is another customer's as well, in line 2; give each "
             "customer a PSID "
             "of their own"},
            {}},
        Row{"SameIpv6",
            "2001:db8::/40,192.0.2.0/24,16\n2001:db8::/40,198.51.100.0/24,16\n",
            {"r.csv:3:1: 2001:db8::/40 is the IPv6 prefix of another rule as well, in line 2; give each rule "
             "a prefix "
             "of its own: the longest match could not choose (RFC 7597 §5)"},
            {}},
        Row{"SameIpv6Address",
            "2001:db8:1::1,192.0.2.18,0,6,8,3\n2001:db8:1::1,192.0.2.18,0,6,8,4\n",
            {},
            {"r.csv:3:1: 2001:db8:1::1 is another customer's address as well, in line 2; tunnels can do "
             "that, "
             "translation cannot"}},
        Row{"NestedOnBothSides",
            "2001:db8:12:3400::/56,192.0.2.18,0\n2001:db8::/40,192.0.2.0/24,16\n",
            {},
            {"r.csv:2:1: 2001:db8:12:3400::/56 lies inside 2001:db8::/40, in line 3; customers there have "
             "the longer "
             "prefix's rule (RFC 7597 §5); fine if meant as an exception",
             "r.csv:2:1: 192.0.2.18/32 lies inside 192.0.2.0/24, in line 3; these addresses have no PSID and "
             "a = 6, "
             "k = 8: fine only if the other has no customers there (RFC 7597 §5.1)"}},
        Row{"NestedIpv4OfOneKind",
            "2001:db8::/40,192.0.2.0/24,16\n2001:db8:100::/40,192.0.2.128/25,15\n",
            {},
            {"r.csv:3:1: 192.0.2.128/25 lies inside 192.0.2.0/24, in line 2; packets go by the longer prefix "
             "(RFC "
             "7597 §5); fine if the other has no customers there"}},
        Row{"NestedInOneCustomer",
            "2001:db8::/40,192.0.2.0/24,16\n2001:db8:12:3456::/64,198.51.100.1,0\n",
            {},
            {"r.csv:3:1: 2001:db8:12:3456::/64 lies inside 2001:db8::/40, in line 2; it takes a part of one "
             "customer's /56"}},
        Row{"DifferentLengthsThatOverlap",
            "2001:db8:1::1,192.0.2.18,0,6,8,4\n2001:db8:2::1,192.0.2.18,0,6,7,2\n",
            {"r.csv:2:1: the port 1040 of 192.0.2.18 is another customer's as well, in line 3; give all "
             "customers of "
             "an address the same psid-offset and psid-length (RFC 7597 §5.1)"},
            {}},
        Row{"DifferentLengthsOfMapRules",
            "2001:db8:1::/64,192.0.2.18,0,6,8,4\n2001:db8:2::/64,192.0.2.18,0,6,7,3\n",
            {"r.csv:2:1: 192.0.2.18 is shared by a = 6, k = 8 and by a = 6, k = 7, in line 3; MAP needs one "
             "psid-offset and psid-length for all customers of an address (RFC 7597 §5.1)"},
            {}},
        Row{"DifferentLengthsOfSoftwires",
            "2001:db8:1::1,192.0.2.18,0,6,8,4\n2001:db8:2::1,192.0.2.18,0,6,7,3\n",
            {},
            {"r.csv:2:1: 192.0.2.18 is shared by a = 6, k = 8 and by a = 6, k = 7, in line 3; MAP needs one "
             "psid-offset and psid-length for all customers of an address (RFC 7597 §5.1)"}},
        Row{"WholeAddressAndAPsid",
            "2001:db8:1::/64,192.0.2.18,0,6,8,4\n2001:db8:2::/64,192.0.2.18,0\n",
            {"r.csv:2:1: the port 1040 of 192.0.2.18 is another customer's as well, in line 3; give all "
             "customers of "
             "an address the same psid-offset and psid-length (RFC 7597 §5.1)"},
            {}},
        Row{"PsidInTheEaBitsAndAGivenOne",
            "2001:db8:1::/64,192.0.2.0/24,8,6,8,4\n2001:db8:200::/40,192.0.2.0/24,16,6\n",
            {"r.csv:2:1: the port 1040 of 192.0.2.0/24 is another customer's as well, in line 3; give all "
             "customers "
             "of an address the same psid-offset and psid-length (RFC 7597 §5.1)"},
            {"r.csv:2:1: End-user IPv6 prefixes of /72 are longer than a subnet; make ipv6-prefix /56 or "
             "shorter, "
             "unless customers have less than a /64"}},
        Row{"LongEndUserPrefix",
            "2001:db8::/48,192.0.2.0/24,20,4\n",
            {},
            {"r.csv:2:1: End-user IPv6 prefixes of /68 are longer than a subnet; make ipv6-prefix /44 or "
             "shorter, "
             "unless customers have less than a /64"}},
        Row{"HostBitsJustFit",
            "2001:db8::/104,192.0.2.0/24,4\n",
            {},
            {"r.csv:2:1: End-user IPv6 prefixes of /108 are longer than a subnet; make ipv6-prefix /60 or "
             "shorter, "
             "unless customers have less than a /64"}},
        Row{"HostBitsOverwritten",
            "2001:db8::/105,192.0.2.0/24,4\n",
            {},
            {"r.csv:2:1: End-user IPv6 prefixes of /109 are longer than a subnet; make ipv6-prefix /60 or "
             "shorter, "
             "unless customers have less than a /64",
             "r.csv:2:1: an IPv6 prefix of /109 leaves no room for the 4 host bits of a customer's IPv4 "
             "prefix; this "
             "rule can serve tunnels, but not translation (RFC 7599 §6)"}},
        Row{"SystemPorts",
            "2001:db8::/40,192.0.2.0/24,16,0\n2001:db8:100::/40,198.51.100.0/24,14,0\n2001:db8:200::/40,"
            "203.0.113.0/24,16,8\n2001:db8:1::1,192.0.0.1,0,0,8,3\n2001:db8:1::2,192.0.0.1,0,0,8,4\n",
            {},
            {"r.csv:2:1: the PSIDs 0 to 3 have the system ports; make psid-offset 1 to 6, or do not give "
             "these out "
             "(RFC 7597 §5.1)",
             "r.csv:3:1: the PSID 0 has the system ports; make psid-offset 1 to 6, or do not give these out "
             "(RFC 7597 "
             "§5.1)",
             "r.csv:4:1: the system ports 256 to 1023 are given out; make psid-offset 1 to 6, or do not give "
             "these "
             "out (RFC 7597 §5.1)",
             "r.csv:5:1: the PSID 3 has system ports (from 768 on); make psid-offset 1 to 6, or do not give "
             "these out "
             "(RFC 7597 §5.1)"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(MapRuleCheck, NothingAndOneRule) {
  EXPECT_TRUE(check_map_rules({}).findings.empty());
  const share::MapRule one;
  EXPECT_TRUE(check_map_rules({&one, 1}).findings.empty());
}

// A customer of a tunnel may have a prefix behind one address, and several addresses behind one.
TEST(MapRuleCheck, TunnelsNeedNoRoomForHostBits) {
  const auto table = parse_map_rule_csv(
      "ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::1,192.0.2.64/29,0\n2001:db8::1,192.0.2.1,0\n", "r.csv");
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(check_map_rules(table->rules, MapRuleUse::Any).findings.size(), 2u);
  EXPECT_TRUE(check_map_rules(table->rules, MapRuleUse::Tunnels).findings.empty());
}

TEST(MapRuleCheck, FindingsAreLimited) {
  std::string csv = "ipv6-prefix,ipv4-prefix,ea-length\n";
  for (int i = 0; i < 30; ++i) csv += "2001:db8:" + std::to_string(i) + "::/56,192.0.2.1,0\n";
  const auto table = parse_map_rule_csv(csv, "r.csv");
  ASSERT_TRUE(table);
  const MapRuleFindings found = check_map_rules(table->rules);
  EXPECT_EQ(found.findings.size(), kMaxRuleFindings);
  EXPECT_EQ(found.omitted_errors, 9u);
  EXPECT_EQ(found.omitted_warnings, 0u);
}

}  // namespace
}  // namespace yonroku::config
