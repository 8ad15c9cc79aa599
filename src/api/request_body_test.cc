#include "api/request_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yonroku::api {
namespace {

using testing::HasSubstr;

TEST(RequestBody, PrefixesOneALine) {
  const auto prefixes = parse_prefixes_body(
      "ipv4\n192.0.2.1\n  192.0.2.0/28 # a comment\r\n\n# more\n10.0.0.0/8,2001:db8::/96");
  ASSERT_TRUE(prefixes) << prefixes.error().to_string();
  ASSERT_EQ(prefixes->size(), 3u);
  EXPECT_EQ((*prefixes)[0].to_string(), "192.0.2.1/32");
  EXPECT_EQ((*prefixes)[1].to_string(), "192.0.2.0/28");
  EXPECT_EQ((*prefixes)[2].to_string(), "10.0.0.0/8");
  EXPECT_TRUE(parse_prefixes_body("")->empty());
}

TEST(RequestBody, BadPrefixesAreShown) {
  struct Row {
    const char* body;
    const char* said;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"192.0.2.1\n192.0.2.256\n", "x.txt:2: \"192.0.2.256\" is no IPv4"},
                                  {"2001:db8::1", "\"2001:db8::1\" is no IPv4"},
                                  {"192.0.2.1/24", "192.0.2.1/24"},
                                  {"\x01\xff\n", "\"??\""}}) {
    const auto prefixes = parse_prefixes_body(row.body, "x.txt");
    ASSERT_FALSE(prefixes) << row.body;
    EXPECT_THAT(prefixes.error().to_string(), HasSubstr(row.said));
  }
}

TEST(RequestBody, EveryBadMappingIsInTheError) {
  const auto mappings = parse_mappings_body("192.0.2.1,2001:db8::1\n192.0.2.300,x\n192.0.2.2\n", "a.csv");
  ASSERT_FALSE(mappings);
  EXPECT_THAT(mappings.error().to_string(), HasSubstr("a.csv:2"));
  EXPECT_THAT(mappings.error().to_string(), HasSubstr("a.csv:3"));
}

control::RuleWords words() {
  return {{*Ipv6Address::parse("2001:db8:ffff::1")}, share::InterfaceIdentifierFormat::Draft03};
}

TEST(RequestBody, RulesAndSoftwiresAreReadAsInFiles) {
  const auto softwires =
      parse_rules_body("2001:db8::1,192.0.2.1,6,4,3\n", control::TableKind::Softwires, words());
  ASSERT_TRUE(softwires) << softwires.error().to_string();
  EXPECT_EQ(softwires->front().parts().given_psid, 3);
  const auto rules = parse_rules_body("ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::/40,192.0.2.0/24,16\n",
                                      control::TableKind::Rules, words());
  ASSERT_TRUE(rules) << rules.error().to_string();
  EXPECT_EQ(rules->front().parts().format, share::InterfaceIdentifierFormat::Draft03)
      << "that of the instance";
  const auto bad =
      parse_rules_body("2001:db8::1,192.0.2.1,6,4,99\n", control::TableKind::Softwires, words(), "a.csv");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().to_string(), HasSubstr("a.csv:1:1: the PSID does not fit its length"));
}

TEST(RequestBody, NamesOfRulesToRemove) {
  struct Row {
    const char* name;
    const char* body;
    std::size_t count;
    std::optional<uint16_t> psid;  // of the last
    bool has_parameters;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"nothing", "# no\n\n", 0, {}, false},
           {"addresses and prefixes", "192.0.2.1\n192.0.2.8/29 # these\r\n", 2, {}, false},
           {"a PSID", "ipv4,psid\n192.0.2.1, 0x1f\n", 1, 31, false},
           {"what list prints", "b4-address,ipv4,psid-offset\n2001:db8::1,192.0.2.1,6,4,3\n", 1, 3, true},
           {"lines of it", "2001:db8::1,192.0.2.1\n2001:db8::1,192.0.2.1,6,4,3\n", 2, 3, true}}) {
    const auto names = parse_rule_names_body(row.body, control::TableKind::Softwires, words());
    ASSERT_TRUE(names) << row.name << ": " << names.error().to_string();
    ASSERT_EQ(names->size(), row.count) << row.name;
    if (names->empty()) continue;
    EXPECT_EQ(names->back().psid, row.psid) << row.name;
    EXPECT_EQ(names->back().given.has_value(), row.has_parameters) << row.name;
  }
  const auto rules =
      parse_rule_names_body("ipv4-prefix,ipv6-prefix,ea-length\n192.0.2.0/24,2001:db8::/40,16\n",
                            control::TableKind::Rules, words());
  ASSERT_TRUE(rules) << rules.error().to_string();
  EXPECT_EQ(rules->front().ipv4.to_string(), "192.0.2.0/24");
  for (const char* bad : {"192.0.2.1,x\n", "192.0.2.256\n", "192.0.2.1,3,4\n", "192.0.2.1,65536"})
    EXPECT_FALSE(parse_rule_names_body(bad, control::TableKind::Softwires, words())) << bad;
}

}  // namespace
}  // namespace yonroku::api
