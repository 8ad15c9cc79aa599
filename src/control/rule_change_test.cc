#include "control/rule_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "config/map_rule_csv.h"
#include "config/softwire_csv.h"

namespace yonroku::control {
namespace {

using share::MapRule;
using share::MapRuleTable;
using testing::HasSubstr;

config::InstanceSettings settings_of(config::Mechanism mechanism) {
  config::InstanceSettings settings;
  settings.name = "br";
  settings.mechanism = mechanism;
  settings.local_addresses = {*Ipv6Address::parse("2001:db8:ffff::1"),
                              *Ipv6Address::parse("2001:db8:ffff::2")};
  return settings;
}

std::vector<MapRule> softwires(std::string_view csv) {
  const auto borders = settings_of(config::Mechanism::LwAftr).local_addresses;
  auto parsed = config::parse_softwire_csv(csv, "test", borders);
  EXPECT_TRUE(parsed) << parsed.error().to_string();
  return parsed ? std::move(parsed->rules) : std::vector<MapRule>{};
}

std::vector<MapRule> rules(const std::string& lines) {
  auto parsed = config::parse_map_rule_csv(
      "ipv6-prefix,ipv4-prefix,ea-length,psid-offset,psid-length,psid,border\n" + lines, "test");
  EXPECT_TRUE(parsed) << parsed.error().to_string();
  return parsed ? std::move(parsed->rules) : std::vector<MapRule>{};
}

struct Filled {
  Filled(config::Mechanism mechanism, const std::vector<MapRule>& present)
      : settings(settings_of(mechanism)) {
    for (const MapRule& rule : present) EXPECT_EQ(table.add(rule), MapRuleTable::Refusal::None);
    use = RuleUse(settings, table);
  }
  std::string refusal_of(const std::vector<MapRule>& added) const {
    const auto result = check_new_rules(settings, table, use, added, 1);
    return result ? "" : result.error().to_string();
  }
  config::InstanceSettings settings;
  MapRuleTable table{MapRuleTable::Index::Ipv4Only, 1};
  RuleUse use;
};

struct Row {
  const char* name;
  const char* added;
  const char* refusal;  // empty: none
};

TEST(RuleChange, SoftwiresGoWithThoseThere) {
  const Filled lwaftr(config::Mechanism::LwAftr, softwires("2001:db8:1::1,192.0.2.1,6,4,3\n"
                                                           "2001:db8:1::2,192.0.2.2\n"
                                                           "2001:db8:1::3,192.0.2.8/29\n"));
  for (const Row& row : std::initializer_list<Row>{
           {"another PSID", "2001:db8:2::1,192.0.2.1,6,4,4", ""},
           {"another address", "2001:db8:2::1,192.0.2.3", ""},
           {"the same B4 again", "2001:db8:1::1,192.0.2.1,6,4,4", ""},
           {"the same PSID", "2001:db8:2::1,192.0.2.1,6,4,3",
            "2001:db8:2::1 for 192.0.2.1 PSID 3: another softwire has the same IPv4 prefix and PSID "
            "(2001:db8:1::1 for 192.0.2.1 PSID 3); remove that one first, or use `softwires replace`"},
           {"the same address", "2001:db8:2::1,192.0.2.2", "another softwire has the same IPv4 prefix"},
           {"the same prefix", "2001:db8:2::1,192.0.2.8/29", "another softwire has the same IPv4 prefix"},
           {"a longer one inside", "2001:db8:2::1,192.0.2.9", ""},
           {"a PSID of a whole address", "2001:db8:2::1,192.0.2.2,6,4,3",
            "some ports are those of 2001:db8:1::2 for 192.0.2.2"},
           {"the whole of a shared address", "2001:db8:2::1,192.0.2.1",
            "some ports are those of 2001:db8:1::1 for 192.0.2.1 PSID 3"},
           {"half of a PSID", "2001:db8:2::1,192.0.2.1,6,5,6", "some ports are those of 2001:db8:1::1"},
           {"half of another PSID", "2001:db8:2::1,192.0.2.1,6,5,8", ""},
           {"twice", "2001:db8:2::1,192.0.2.4\n2001:db8:2::2,192.0.2.4", "another softwire has the same"},
           {"overlapping each other", "2001:db8:2::1,192.0.2.4\n2001:db8:2::2,192.0.2.4,6,4,3",
            "some ports are those of 2001:db8:2::"},
           {"this end", "2001:db8:ffff::2,192.0.2.4", "this end of the tunnel is inside of it"},
           {"another border", "2001:db8:2::1,192.0.2.4,,,,2001:db8:ffff::2", ""},
       }) {
    if (*row.refusal == '\0')
      EXPECT_EQ(lwaftr.refusal_of(softwires(row.added)), "") << row.name;
    else
      EXPECT_THAT(lwaftr.refusal_of(softwires(row.added)), HasSubstr(row.refusal)) << row.name;
  }
}

TEST(RuleChange, Public4over6HasNoPsids) {
  const Filled border(config::Mechanism::FourOverSix, {});
  EXPECT_THAT(border.refusal_of(softwires("2001:db8::1,192.0.2.1,0,2,1")),
              HasSubstr("a PSID in public 4over6"));
  EXPECT_EQ(border.refusal_of(softwires("2001:db8::1,192.0.2.1")), "");
}

TEST(RuleChange, RulesGoWithThoseThere) {
  const Filled relay(config::Mechanism::MapEBr, rules("2001:db8::/40,192.0.2.0/24,16\n"
                                                      "2001:db8:100::/56,198.51.100.1,0,6,8,1\n"));
  for (const Row& row : std::initializer_list<Row>{
           {"a domain more", "2001:db8:200::/40,198.51.100.0/24,16", ""},
           {"the same IPv4 prefix", "2001:db8:200::/40,192.0.2.0/24,16",
            "another rule has the same IPv4 prefix"},
           {"the same IPv6 prefix", "2001:db8::/40,198.51.100.0/24,16",
            "another rule has the same IPv6 prefix"},
           {"the same IPv6 prefix, both new",
            "2001:db8:200::/40,198.51.100.0/24,16\n2001:db8:200::/40,203.0.113.0/24,16",
            "another rule has the same IPv6 prefix"},
           {"a part inside", "2001:db8:200::/40,192.0.2.128/25,15", ""},
           {"another PSID length", "2001:db8:101::/56,198.51.100.1,0,6,4,9", "some ports are those of"},
           {"another PSID", "2001:db8:101::/56,198.51.100.1,0,6,8,2", ""},
           {"this end", "2001:db8:ffff::/48,198.51.100.0/24,16", "this end of the tunnel is inside of it"},
           {"no such border", "2001:db8:200::/40,198.51.100.0/24,16,6,,,2",
            "border 2 is none of the 2 br-addresses"},
       }) {
    if (*row.refusal == '\0')
      EXPECT_EQ(relay.refusal_of(rules(row.added)), "") << row.name;
    else
      EXPECT_THAT(relay.refusal_of(rules(row.added)), HasSubstr(row.refusal)) << row.name;
  }
}

TEST(RuleChange, ATranslatorTellsCustomersApartByTheirAddress) {
  const std::string one = "2001:db8::1/128,192.0.2.1,0,6,4,1\n";
  const std::string again = "2001:db8::1/128,192.0.2.1,0,6,4,2\n";
  EXPECT_EQ(Filled(config::Mechanism::MapEBr, rules(one)).refusal_of(rules(again)), "");
  EXPECT_THAT(Filled(config::Mechanism::MapTBr, rules(one)).refusal_of(rules(again)),
              HasSubstr("another rule has the same IPv6 prefix"));
}

TEST(RuleChange, TheSameIsSaidOfAWholeTable) {
  const auto settings = settings_of(config::Mechanism::LwAftr);
  EXPECT_TRUE(check_rule_table(settings, softwires("2001:db8::1,192.0.2.1\n2001:db8::1,192.0.2.2\n")));
  const auto twice =
      check_rule_table(settings, softwires("2001:db8::1,192.0.2.1,6,4,3\n2001:db8::2,192.0.2.1,6,4,3\n"));
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().to_string(),
              HasSubstr("the PSID 3 of 192.0.2.1 is another customer's as well, 2001:db8::1 for 192.0.2.1"));
  EXPECT_FALSE(check_rule_table(settings, softwires("2001:db8:ffff::1,192.0.2.1\n")));
}

TEST(RuleChange, KindsOfPsidsAreLimited) {
  std::vector<MapRule> present;
  std::vector<MapRule> added;
  for (uint8_t length = 0; length < 33; ++length) {
    const auto ipv4 = Ipv4Prefix::holding(Ipv4Address(10, 0, 0, 0), length);
    (length < 30 ? present : added)
        .push_back(*MapRule::create({.ipv6 = Ipv6Prefix::holding({1, length}, 128), .ipv4 = ipv4}));
  }
  for (uint8_t offset = 0; offset < 16; ++offset)
    for (uint8_t k = 1; k < 3 && offset + k <= 16; ++k)
      present.push_back(
          *MapRule::create({.ipv6 = Ipv6Prefix::holding({2, offset}, 128),
                            .ipv4 = Ipv4Prefix::holding(Ipv4Address(0x0b000000u + offset * 8 + k), 32),
                            .psid_offset = offset,
                            .given_psid_length = k}));
  const Filled lwaftr(config::Mechanism::LwAftr, present);
  EXPECT_EQ(lwaftr.refusal_of({added[0]}), "") << "61 of 64, and one";
  added.push_back(*MapRule::create({.ipv6 = Ipv6Prefix::holding({3, 1}, 128),
                                    .ipv4 = Ipv4Prefix::holding(Ipv4Address(12, 0, 0, 1), 32),
                                    .given_psid_length = 9}));
  EXPECT_THAT(lwaftr.refusal_of(added), HasSubstr("more than 64 different pairs"));
}

TEST(RuleChange, FindsWhatIsToBeRemoved) {
  const Filled lwaftr(config::Mechanism::LwAftr, softwires("2001:db8::1,192.0.2.1,6,4,3\n"
                                                           "2001:db8::2,192.0.2.1,6,5,3\n"
                                                           "2001:db8::3,192.0.2.1,6,5,4\n"
                                                           "2001:db8::4,192.0.2.2\n"));
  const auto find = [&](std::vector<RuleName> names) {
    return find_rules(lwaftr.settings, lwaftr.table, names);
  };
  const auto shared = *Ipv4Prefix::parse("192.0.2.1");
  const auto whole = *Ipv4Prefix::parse("192.0.2.2");
  const auto two = find({{whole, {}, {}}, {shared, 4, {}}, {whole, {}, {}}});
  ASSERT_TRUE(two) << two.error().to_string();
  EXPECT_EQ(two->size(), 2u) << "each once";
  EXPECT_TRUE(find({RuleName::of(softwires("2001:db8::1,192.0.2.1,6,4,3\n").front())}));
  const auto several = find({{shared, 3, {}}});
  ASSERT_FALSE(several);
  EXPECT_THAT(several.error().to_string(),
              HasSubstr("there are 2 for 192.0.2.1 PSID 3, with different PSID lengths"));
  const auto none = find({{whole, {}, {}}, {shared, {}, {}}});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().to_string(),
              HasSubstr("no softwire for 192.0.2.1; `yonroku softwires list` shows them; "
                        "where customers share an address, say the PSID too"));
}

TEST(RuleUse, CountsTheUsersOfARoute) {
  auto settings = settings_of(config::Mechanism::LwAftr);
  const auto some =
      softwires("2001:db8::1,192.0.2.1,0,4,3\n2001:db8::2,192.0.2.1,0,4,4\n2001:db8::3,192.0.2.2\n");
  MapRuleTable table(MapRuleTable::Index::Ipv4Only, 1);
  for (const MapRule& rule : some) EXPECT_EQ(table.add(rule), MapRuleTable::Refusal::None);
  RuleUse use(settings, table);
  EXPECT_TRUE(use.has_routes());
  EXPECT_EQ(use.users_of(some[0].ipv4()), 2u);
  use.remove(some[0]);
  EXPECT_EQ(use.users_of(some[0].ipv4()), 1u);
  use.remove(some[1]);
  EXPECT_EQ(use.users_of(some[0].ipv4()), 0u);
  use.add(some[0]);
  EXPECT_EQ(use.users_of(some[0].ipv4()), 1u);
  settings.ipv4_routes = std::vector<Ipv4Prefix>{};
  EXPECT_FALSE(RuleUse(settings, table).has_routes()) << "summed up by the configuration";
}

// The check of a change must not look at the whole table, nor at all PSIDs when all have one length.
TEST(RuleChange, AMillionThereDoNotSlowAChangeDown) {
  MapRuleTable table(MapRuleTable::Index::Ipv4Only, 1);
  constexpr uint32_t kCount = 1'000'000;
  table.reserve(kCount);
  const auto softwire = [](uint32_t i) {
    return *MapRule::create({.ipv6 = Ipv6Prefix::holding({0x20010db800000000u + i, 1}, 128),
                             .ipv4 = Ipv4Prefix::holding(Ipv4Address(0x0a000000 + i / 64), 32),
                             .psid_offset = 6,
                             .given_psid_length = 6,
                             .given_psid = static_cast<uint16_t>(i % 64)});
  };
  for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(table.add(softwire(i)), MapRuleTable::Refusal::None);
  auto settings = settings_of(config::Mechanism::LwAftr);
  settings.ipv4_routes = std::vector<Ipv4Prefix>{};
  const RuleUse use(settings, table);
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = kCount; i < kCount + 10'000; ++i) {
    const std::vector<MapRule> one = {softwire(i)};
    ASSERT_TRUE(check_new_rules(settings, table, use, one, 1));
    ASSERT_EQ(table.add(one.front()), MapRuleTable::Refusal::None);
  }
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 3) << "generous, for slow and sanitized builds; a plain build takes some 0.02 s";
}

}  // namespace
}  // namespace yonroku::control
