#include "config/mapping_csv.h"

#include <gtest/gtest.h>

#include "config/mapping_conflicts.h"

namespace yonroku::config {
namespace {

TEST(MappingCsv, Reads) {
  const auto table = parse_mapping_csv(
      "\xef\xbb\xbf# comment\r\n\r\n IPv4 , IPv6 \r\n192.0.2.1,2001:db8:aaaa::\r\n  192.0.2.16/28 "
      ",\t2001:db8:cccc::/124 # web\n"
      "\n192.0.2.128/26,2001:db8:dddd::/64",
      "t.csv");
  ASSERT_TRUE(table) << table.error().to_string();
  ASSERT_EQ(table->mappings.size(), 3u);
  EXPECT_EQ(table->mappings[0].ipv4.to_string(), "192.0.2.1/32");
  EXPECT_EQ(table->mappings[1].ipv6.to_string(), "2001:db8:cccc::/124");
  EXPECT_EQ(table->mappings[2].ipv6.to_string(), "2001:db8:dddd::/64");
  EXPECT_EQ(table->lines, (std::vector<uint32_t>{4, 5, 7}));
}

TEST(MappingCsv, EmptyTablesAreFine) {
  for (const char* text : {"", "\n", "# nothing\n", "ipv4,ipv6\n", "\r\n\r\n"}) {
    const auto table = parse_mapping_csv(text, "t.csv");
    ASSERT_TRUE(table) << text;
    EXPECT_TRUE(table->mappings.empty()) << text;
  }
}

TEST(MappingCsv, TheHeaderStandsFirstOrNowhere) {
  const auto table = parse_mapping_csv("192.0.2.1,2001:db8::1\nipv4,ipv6\n", "t.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().errors[0].position, (Position{2, 1}));
}

TEST(MappingCsv, ReportsTwentyErrorsAndCountsTheRest) {
  std::string text;
  for (int i = 0; i < 25; ++i) text += "x\n";
  const auto table = parse_mapping_csv(text, "t.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().errors.size(), 20u);
  EXPECT_EQ(table.error().omitted, 5u);
  EXPECT_TRUE(table.error().to_string().ends_with("\nand 5 more errors"));
}

TEST(MappingCsv, TheTableOfJoolIsRecognised) {
  const auto table = parse_mapping_csv("IPv6 Prefix,IPv4 Prefix\n2001:db8::1/128,192.0.2.1/32\n", "t.csv");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().to_string(),
            "t.csv:1:1: this is the table of jool_siit; convert it with `yonroku import jool`\n"
            "t.csv:2:1: IPv6 stands before IPv4; write 192.0.2.1/32,2001:db8::1/128");
}

TEST(MappingCsv, WhatIsWrittenIsReadAgain) {
  const auto table = parse_mapping_csv(
      "192.0.2.1,2001:db8:aaaa::\n192.0.2.16/28,2001:db8:cccc::/124\n0.0.0.0/0,2001:db8::/96\n", "t.csv");
  ASSERT_TRUE(table);
  const auto again = parse_mapping_csv(write_mapping_csv(table->mappings), "t.csv");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->mappings, table->mappings);
}

MappingConflicts conflicts_of(std::string_view csv) {
  const auto table = parse_mapping_csv(csv, "t.csv");
  if (!table) {
    ADD_FAILURE() << table.error().to_string();
    return {};
  }
  return find_mapping_conflicts(table->mappings,
                                [&](std::size_t i) { return Place{"t.csv", {table->lines[i], 1}}; });
}

TEST(MappingConflicts, Rfc7757ExampleTableHasNone) {
  const auto conflicts = conflicts_of(
      "192.0.2.1,2001:db8:aaaa::\n192.0.2.2/32,2001:db8:bbbb::b/128\n192.0.2.16/28,2001:db8:cccc::/124\n"
      "192.0.2.128/26,2001:db8:dddd::/64\n192.0.2.192/29,2001:db8:eeee:8::/62\n192.0.2.224/31,64:ff9b::/"
      "127\n");
  EXPECT_TRUE(conflicts.identical.errors.empty());
  EXPECT_TRUE(conflicts.overlapping.empty());
}

TEST(MappingConflicts, Rfc7757Figures2And3) {
  const auto figure2 = conflicts_of("0.0.0.0/0,2001:db8:ff00::/40\n198.51.100.64/32,2001:db8::abcd/128\n");
  EXPECT_TRUE(figure2.identical.errors.empty());
  ASSERT_EQ(figure2.overlapping.size(), 1u);
  EXPECT_EQ(figure2.overlapping[0].position.line, 2u);
  const auto figure3 = conflicts_of("198.51.100.8/32,2001:db8::1/128\n198.51.100.9/32,2001:db8::1/128\n");
  ASSERT_EQ(figure3.identical.errors.size(), 1u);
  EXPECT_EQ(figure3.identical.errors[0].to_string(),
            "t.csv:2:1: 2001:db8::1/128 is mapped already, in line 1; keep the right one of the two");
}

TEST(MappingConflicts, AreFoundInAnyOrderAndOnAnyLevel) {
  const auto conflicts = conflicts_of(
      "10.0.0.1,2001:db8:9::1\n10.0.0.0/8,2001:db8:8::/96\n10.0.0.0/24,2001:db8:7::/96\n10.1.0.0/"
      "24,2001:db8:6::/96\n");
  ASSERT_EQ(conflicts.overlapping.size(), 3u);
  EXPECT_EQ(conflicts.overlapping[0].what, "10.0.0.1/32 lies inside 10.0.0.0/24 in line 3");
  EXPECT_EQ(conflicts.overlapping[1].what, "10.0.0.0/24 lies inside 10.0.0.0/8 in line 2");
  EXPECT_EQ(conflicts.overlapping[2].what, "10.1.0.0/24 lies inside 10.0.0.0/8 in line 2");
}

TEST(MappingConflicts, OverlapsThatAgreeAreHarmless) {
  EXPECT_EQ(conflicts_of("10.0.0.0/8,2001:db8::/96\n10.1.0.0/16,2001:db8::1:0:0/104\n").overlapping.size(),
            1u);
  EXPECT_TRUE(
      conflicts_of("10.0.0.0/24,2001:db8::/120\n10.0.0.64/26,2001:db8::40/122\n").overlapping.empty());
}

TEST(MappingConflicts, AreLimited) {
  std::string csv;
  for (int i = 0; i < 30; ++i) csv += "10.0.0.1,2001:db8::" + std::to_string(i) + "\n";
  const auto conflicts = conflicts_of(csv);
  EXPECT_EQ(conflicts.identical.errors.size(), kMaxConflicts);
  EXPECT_EQ(conflicts.identical.omitted, 9u);
}

}  // namespace
}  // namespace yonroku::config
