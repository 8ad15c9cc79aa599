#include "config/map_rule_csv.h"

#include <gtest/gtest.h>

#include "config/map_rule_text.h"

namespace yonroku::config {
namespace {

using share::InterfaceIdentifierFormat;

TEST(MapRuleCsv, Reads) {
  const auto table = parse_map_rule_csv(
      "\xef\xbb\xbf# a domain\r\n ipv6-prefix , "
      "ipv4-prefix,ea-length,psid-offset,psid-length,psid,format,border\r\n"
      "2001:db8::/40,192.0.2.0/24,16,6,,,,\r\n"
      "\n2001:db8:100::/40, 198.51.100.0/24 ,16 # the offset is the custom of the form\n"
      "2001:db8:1:2000::/52,203.0.113.0/24,12,4,4,,draft-03\n"
      "2001:db8:200:1::/64,192.0.2.18,0,6,8,0x34,rfc7597,2",
      "r.csv");
  ASSERT_TRUE(table) << table.error().to_string();
  ASSERT_EQ(table->rules.size(), 4u);
  EXPECT_EQ(table->lines, (std::vector<uint32_t>{3, 5, 6, 7}));
  EXPECT_EQ(table->rules[0].ipv6().to_string(), "2001:db8::/40");
  EXPECT_EQ(table->rules[0].ports(), (share::PortParameters{6, 8}));
  EXPECT_EQ(table->rules[1].ports(), (share::PortParameters{6, 8}));
  EXPECT_EQ(table->rules[2].parts().format, InterfaceIdentifierFormat::Draft03);
  EXPECT_FALSE(table->rules[2].has_given_psid())
      << "psid-length only said how long the one in the EA bits is";
  EXPECT_EQ(table->rules[3].ipv4().to_string(), "192.0.2.18/32");
  EXPECT_EQ(table->rules[3].parts().given_psid, 0x34);
  EXPECT_EQ(table->rules[3].parts().border, 2);
}

TEST(MapRuleCsv, ColumnsMayStandInAnyOrder) {
  const auto table = parse_map_rule_csv("ea-length,ipv4-prefix,ipv6-prefix\n16,192.0.2.0/24,2001:db8::/40\n",
                                        "r.csv", InterfaceIdentifierFormat::Draft03);
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(table->rules.at(0).parts().ea_length, 16);
  EXPECT_EQ(table->rules.at(0).parts().format, InterfaceIdentifierFormat::Draft03);
  EXPECT_EQ(table->rules.at(0).parts().psid_offset, 4) << "the custom with that form";
}

TEST(MapRuleCsv, EmptyTablesAreFine) {
  for (const char* text : {"", "\n", "# nothing\n", "ipv6-prefix,ipv4-prefix,ea-length\n", "\r\n\r\n"}) {
    const auto table = parse_map_rule_csv(text, "r.csv");
    ASSERT_TRUE(table) << text;
    EXPECT_TRUE(table->rules.empty()) << text;
  }
}

struct Row {
  const char* name;
  std::string_view csv;
  const char* errors;
};

class BrokenMapRuleCsv : public testing::TestWithParam<Row> {};

TEST_P(BrokenMapRuleCsv, SaysWhereAndHowToFixIt) {
  const auto table = parse_map_rule_csv(GetParam().csv, "r.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().to_string(), GetParam().errors);
}

INSTANTIATE_TEST_SUITE_P(
    MapRuleCsv, BrokenMapRuleCsv,
    testing::Values(
        Row{"NoHeader", "2001:db8::/40,192.0.2.0/24,16\n2001:db8::/40,x,16\n",
            "r.csv:1:1: the first line does not name the columns; write ipv6-prefix,ipv4-prefix,ea-length "
            "above "
            "it, with further columns where needed"},
        Row{"SlipInTheHeader",
            "ipv6-prefix,ipv4-prefix,ea-length,psid_offset\n2001:db8::/40,192.0.2.0/24,x,6\n",
            "r.csv:1:35: \"psid_offset\" is no column of this table; did you mean psid-offset?\n"
            "r.csv:2:28: \"x\" is not an integer; write a decimal number from 0 to 48"},
        Row{"MissingColumns", "ipv6-prefix,psid,psid\nx,y\n",
            "r.csv:1:18: the column psid stands here twice; remove one of the two\n"
            "r.csv:1:1: there is no column ipv4-prefix; add it\n"
            "r.csv:1:1: there is no column ea-length; add it"},
        Row{"AllErrorsOfALine",
            "ipv6-prefix,ipv4-prefix,ea-length,format\n192.0.2.0/24,2001:db8::/40,49,rfc\n",
            "r.csv:2:1: \"192.0.2.0/24\" is not an IPv6 prefix; this is IPv4; write an IPv6 address such as "
            "2001:db8::1\n"
            "r.csv:2:14: \"2001:db8::/40\" is not an IPv4 prefix; this is IPv6; write an IPv4 address such "
            "as "
            "192.0.2.1\n"
            "r.csv:2:28: 49 is outside 0 to 48; write a number from 0 to 48\n"
            "r.csv:2:31: \"rfc\" is no form of the interface identifier; write rfc7597 or draft-03"},
        Row{"EmptyCells", "ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::/40,,16\n2001:db8::/40\n",
            "r.csv:2:1: there is no ipv4-prefix; add it\n"
            "r.csv:3:1: there is no ipv4-prefix; add it"},
        Row{"TooManyCells", "ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::/40,192.0.2.0/24,16,6\n",
            "r.csv:2:31: more than the 3 columns that the first line names; remove what is too much"},
        Row{"EndUserPrefixTooLong", "ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::/120,192.0.2.0/24,16\n",
            "r.csv:2:29: 2001:db8::/120 and 16 EA bits make 136 bits of an address that has 128; make "
            "ea-length 8 "
            "or less, or ipv6-prefix /112 or shorter (RFC 7597 §5.2)"},
        Row{"PsidTooLong", "ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::/40,192.0.2.0/24,25\n",
            "r.csv:2:28: 25 EA bits behind 192.0.2.0/24 leave 17 to the PSID; a port has 16; make ea-length "
            "24 or "
            "less (RFC 7597 §5.2)"},
        Row{"DefaultOffsetTooLong", "ipv6-prefix,ipv4-prefix,ea-length\n2001::/16,0.0.0.0/0,48\n",
            "r.csv:2:1: an offset of 6 and a PSID of 16 bits do not fit the 16 bits of a port; make "
            "psid-offset 0 "
            "(RFC 7597 §5.1)"},
        Row{"OffsetTooLong",
            "ipv6-prefix,ipv4-prefix,ea-length,psid-offset\n2001:db8::/40,192.0.2.0/24,16,9\n",
            "r.csv:2:31: an offset of 9 and a PSID of 8 bits do not fit the 16 bits of a port; make "
            "psid-offset 8 "
            "or less (RFC 7597 §5.1)"},
        Row{"PsidTwice",
            "ipv6-prefix,ipv4-prefix,ea-length,psid-length,psid\n2001:db8::/40,192.0.2.0/24,16,8,1\n",
            "r.csv:2:31: a PSID is given, but the EA bits hold one of 8 bits; leave psid and psid-length "
            "out, or "
            "make ea-length 8 (RFC 7597 §5.2)"},
        Row{"PsidOfAPrefix",
            "ipv6-prefix,ipv4-prefix,ea-length,psid-length,psid\n2001:db8::/40,192.0.2.0/24,4,8,1\n",
            "r.csv:2:30: a PSID is given, but the customer has a /28 of IPv4 addresses; leave psid and "
            "psid-length "
            "out, or make ea-length 8 (RFC 7598 §4.5)"},
        Row{"PsidOutOfRange",
            "ipv6-prefix,ipv4-prefix,ea-length,psid-length,psid\n2001:db8::/64,192.0.2.1,0,4,0x10\n",
            "r.csv:2:29: the PSID 16 has more than 4 bits; write a PSID from 0 to 15, or a longer "
            "psid-length"},
        Row{"PsidWithoutLength",
            "ipv6-prefix,ipv4-prefix,ea-length,psid\n2001:db8::/64,192.0.2.1,0,0xfffff\n"
            "2001:db8::/64,192.0.2.1,0,3\n",
            "r.csv:2:27: \"0xfffff\" is not a PSID; write a number from 0x0 to 0xffff\n"
            "r.csv:3:27: a PSID without its length; add psid-length, or leave psid out"},
        Row{"LengthWithoutPsid",
            "ipv6-prefix,ipv4-prefix,ea-length,psid-length\n2001:db8::/64,192.0.2.1,0,4\n"
            "2001:db8::/40,192.0.2.0/24,16,4\n",
            "r.csv:2:27: a PSID length without a PSID, and the EA bits hold none; add psid, or leave "
            "psid-length "
            "out\n"
            "r.csv:3:31: the EA bits leave 8 bits to the PSID, not 4; leave psid-length out, or make "
            "ea-length 12 "
            "(RFC 7597 §5.2)"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(MapRuleCsv, ReportsTwentyErrorsAndCountsTheRest) {
  std::string text = "ipv6-prefix,ipv4-prefix,ea-length\n";
  for (int i = 0; i < 25; ++i) text += "2001:db8::/40,192.0.2.0/24,x\n";
  const auto table = parse_map_rule_csv(text, "r.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().errors.size(), kMaxCsvErrors);
  EXPECT_EQ(table.error().omitted, 5u);
}

TEST(MapRuleCsv, WhatIsWrittenIsReadAgain) {
  const auto table = parse_map_rule_csv(
      "ipv6-prefix,ipv4-prefix,ea-length,psid-offset,psid-length,psid,format,border\n"
      "2001:db8::/40,192.0.2.0/24,16,6,,,draft-03,3\n2001:db8:200:1::1,192.0.2.18,0,0,8,52,,255\n"
      "2001::/16,0.0.0.0/0,48,0\n",
      "r.csv");
  ASSERT_TRUE(table) << table.error().to_string();
  const auto again = parse_map_rule_csv(write_map_rule_csv(table->rules), "r.csv");
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->rules, table->rules);
}

TEST(MapRuleCsv, MissingFile) {
  const auto table = load_map_rule_csv("/no/such/rules.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().errors.at(0).position.line, 0u);
}

TEST(MapRuleWords, ReadsShortAndLongNames) {
  for (const char* words :
       {"ipv6=2001:db8::/40,ipv4=192.0.2.0/24,ea=16,offset=6",
        "ea-length=16,psid-offset=6,ipv4-prefix=192.0.2.0/24,ipv6-prefix=2001:db8::/40"}) {
    const auto text = parse_map_rule_words(words, InterfaceIdentifierFormat::Rfc7597);
    ASSERT_TRUE(text) << text.error().what;
    const auto rule = text->rule();
    ASSERT_TRUE(rule) << rule.error().complaint.what;
    EXPECT_EQ(rule->end_user_prefix_length(), 56u);
  }
}

TEST(MapRuleWords, SaysWhatIsWrong) {
  struct Words {
    const char* words;
    const char* what;
    const char* fix;
  };
  for (const Words& row :
       {Words{"", "\"\" has no value", "write name=value with a comma between, as in ipv6=2001:db8::/40"},
        Words{"ipv6=2001:db8::/40,", "\"\" has no value",
              "write name=value with a comma between, as in ipv6=2001:db8::/40"},
        Words{"ipv7=x", "\"ipv7\" is no part of a rule", "did you mean ipv6?"},
        Words{"frobnicate=1", "\"frobnicate\" is no part of a rule",
              "use ipv6, ipv4, ea, offset, psid-length, psid, format and border"},
        Words{"ea=1,ea-length=1", "ea-length is said twice", "remove one of the two"},
        Words{"ea=x", "ea: \"x\" is not an integer", "write a decimal number from 0 to 48"}}) {
    const auto text = parse_map_rule_words(row.words, InterfaceIdentifierFormat::Rfc7597);
    ASSERT_FALSE(text) << row.words;
    EXPECT_EQ(text.error().what, row.what);
    EXPECT_EQ(text.error().fix, row.fix);
  }
}

}  // namespace
}  // namespace yonroku::config
