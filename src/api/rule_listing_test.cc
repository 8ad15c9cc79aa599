#include "api/rule_listing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/request_body.h"

namespace yonroku::api {
namespace {

using control::TableKind;

std::string whole(const control::RuleList& list, TableKind kind, bool is_csv) {
  RuleListing listing(list, kind, is_csv);
  std::string text;
  for (std::string piece = listing.next_piece(); !piece.empty(); piece = listing.next_piece()) text += piece;
  return text;
}

control::RuleList softwires(uint32_t count) {
  control::RuleList list;
  list.words.borders = {*Ipv6Address::parse("2001:db8:ffff::1"), *Ipv6Address::parse("2001:db8:ffff::2")};
  for (uint32_t i = 0; i < count; ++i)
    list.rules.push_back(
        *share::MapRule::create({.ipv6 = Ipv6Prefix::holding({0x20010db800000000u + i, 1}, 128),
                                 .ipv4 = Ipv4Prefix::holding(Ipv4Address(0x0a000000 + i), 32),
                                 .psid_offset = static_cast<uint8_t>(i % 2 * 6),
                                 .given_psid_length = static_cast<uint8_t>(i % 5),
                                 .given_psid = static_cast<uint16_t>(i % 5 == 0 ? 0 : 1),
                                 .border = static_cast<uint8_t>(i % 2)}));
  return list;
}

TEST(RuleListing, WhatIsListedCanBeReadBack) {
  const control::RuleList list = softwires(50'000);
  const auto back =
      parse_rules_body(whole(list, TableKind::Softwires, true), TableKind::Softwires, list.words);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, list.rules);
  const auto json = nlohmann::json::parse(whole(list, TableKind::Softwires, false));
  EXPECT_EQ(json["softwires"].size(), list.rules.size());
}

TEST(RuleListing, Rules) {
  control::RuleList list;
  list.words.borders = {*Ipv6Address::parse("2001:db8:ffff::1")};
  list.rules = {*share::MapRule::create({.ipv6 = *Ipv6Prefix::parse("2001:db8::/40"),
                                         .ipv4 = *Ipv4Prefix::parse("192.0.2.0/24"),
                                         .ea_length = 16,
                                         .psid_offset = 6})};
  const auto back = parse_rules_body(whole(list, TableKind::Rules, true), TableKind::Rules, list.words);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, list.rules);
  EXPECT_EQ(nlohmann::json::parse(whole(list, TableKind::Rules, false)), nlohmann::json::parse(R"({"rules":[
    {"ipv6-prefix":"2001:db8::/40","ipv4-prefix":"192.0.2.0/24","ea-length":16,"format":"rfc7597",
     "psid-offset":6,"br-address":"2001:db8:ffff::1"}]})"));
}

TEST(RuleListing, AnEmptyTable) {
  EXPECT_EQ(whole({}, TableKind::Softwires, false), "{\"softwires\":[]}\n");
  EXPECT_EQ(whole({}, TableKind::Softwires, true),
            "b4-address,ipv4,psid-offset,psid-length,psid,br-address\n");
}

}  // namespace
}  // namespace yonroku::api
