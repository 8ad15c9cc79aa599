#include "api/map_report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <nlohmann/json.hpp>

namespace yonroku::api {
namespace {

using share::MapRule;

MapRule make(const char* ipv6, const char* ipv4, uint8_t ea_length, uint8_t psid_offset = 6) {
  return MapRule::create({.ipv6 = *Ipv6Prefix::parse(ipv6),
                          .ipv4 = *Ipv4Prefix::parse(ipv4),
                          .ea_length = ea_length,
                          .psid_offset = psid_offset})
      .value_or(MapRule());
}
const MapCustomer kExample{
    1, make("2001:db8::/40", "192.0.2.0/24", 16), {Ipv4Address(192, 0, 2, 18), 0x34}, {}};

TEST(MapReport, Rfc7597AppendixAExample1) {
  EXPECT_EQ(to_text(kExample, Ranges::Some),
            "rule              1: 2001:db8::/40, 192.0.2.0/24, 16 EA bits\n"
            "End-user prefix   2001:db8:12:3400::/56\n"
            "IPv4 address      192.0.2.18, shared by 256 customers\n"
            "PSID              0x34 (52), 8 bits behind an offset of 6\n"
            "MAP address       2001:db8:12:3400:0:c000:212:34\n"
            "ports             252 in 63 ranges of 4\n"
            "                  1232-1235 2256-2259 3280-3283 4304-4307 ... 63696-63699 64720-64723\n");
  const nlohmann::ordered_json json = to_json(kExample);
  EXPECT_EQ(json["rule"]["ea-length"], 16);
  EXPECT_EQ(json["end-user-prefix"], "2001:db8:12:3400::/56");
  EXPECT_EQ(json["ipv4"], "192.0.2.18");
  EXPECT_EQ(json["psid"], 0x34);
  EXPECT_EQ(json["sharing-ratio"], 256);
  EXPECT_EQ(json["map-address"], "2001:db8:12:3400:0:c000:212:34");
  EXPECT_EQ(json["ports"], 252);
  ASSERT_EQ(json["port-ranges"].size(), 63u);
  EXPECT_EQ(json["port-ranges"][62], nlohmann::ordered_json({64720, 64723}));
}

TEST(MapReport, AllRangesInLinesOfReadableWidth) {
  const std::string text = to_text(kExample, Ranges::All);
  EXPECT_EQ(text.find("..."), text.npos);
  EXPECT_NE(text.find(" 5328-5331 "), text.npos);
  std::size_t ranges = 0;
  for (std::size_t start = text.find("\n       "), end = 0; start != text.npos; start = end) {
    end = text.find('\n', start + 1);
    EXPECT_LE(end - start - 1, 100u);
    const std::string line = text.substr(start, end - start);
    ranges += static_cast<std::size_t>(std::count(line.begin(), line.end(), '-'));
    if (end + 1 >= text.size()) break;
  }
  EXPECT_EQ(ranges, 63u);
}

TEST(MapReport, PrefixOfACustomer) {
  const MapCustomer customer{
      3, make("2001:db8::/40", "192.0.2.0/24", 4), {Ipv4Address(192, 0, 2, 95), 0}, {"mind the gap"}};
  EXPECT_EQ(to_text(customer, Ranges::Some),
            "rule              3: 2001:db8::/40, 192.0.2.0/24, 4 EA bits\n"
            "End-user prefix   2001:db8:50::/44\n"
            "IPv4 prefix       192.0.2.80/28, not shared\n"
            "MAP address       2001:db8:50::c000:250:0\n"
            "translated        192.0.2.95 is 2001:db8:50::c000:25f:0\n"
            "ports             all\n"
            "note              mind the gap\n");
  const nlohmann::ordered_json json = to_json(customer);
  EXPECT_FALSE(json.contains("psid"));
  EXPECT_EQ(json["host-address"], "2001:db8:50::c000:25f:0");
  EXPECT_EQ(json["notes"][0], "mind the gap");
}

TEST(MapReport, OnePort) {
  const MapCustomer customer{
      1, make("2001::/16", "0.0.0.0/0", 48, 0), {Ipv4Address(192, 0, 2, 18), 1232}, {}};
  const std::string text = to_text(customer, Ranges::Some);
  EXPECT_NE(text.find("192.0.2.18, shared by 65536 customers\n"), text.npos) << text;
  EXPECT_NE(text.find("ports             one\n                  1232\n"), text.npos) << text;
}

TEST(MapReport, AddressReading) {
  MapAddressReading reading{kExample, kExample.map_address(), MapAddressReading::Identifier::MapAddress};
  EXPECT_TRUE(to_text(reading, Ranges::Some)
                  .ends_with("this address      agrees with the EA bits: this is the MAP address\n"));
  EXPECT_EQ(to_json(reading)["interface-identifier"], "map-address");
  reading.identifier = MapAddressReading::Identifier::OtherFormat;
  EXPECT_TRUE(to_text(reading, Ranges::Some).ends_with("has the form draft-03 and not rfc7597\n"));
  reading.identifier = MapAddressReading::Identifier::Other;
  EXPECT_TRUE(to_text(reading, Ranges::Some).ends_with("not the MAP address\n"));
  EXPECT_EQ(to_json(reading)["interface-identifier"], "other");
}

TEST(MapReport, PortSets) {
  struct Row {
    const char* name;
    PortSetQuestion question;
    const char* text;
  };
  for (const Row& row :
       {Row{"overview",
            {{6, 8}, std::nullopt, std::nullopt},
            "customers         256, with PSIDs from 0x00 to 0xff (255)\n"
            "ports each        252 in 63 ranges of 4\n"
            "left out          0-1023\n"
            "PSID 0x00         1024-1027 2048-2051 3072-3075 4096-4099 ... 63488-63491 64512-64515\n"
            "PSID 0x01         1028-1031 2052-2055 3076-3079 4100-4103 ... 63492-63495 64516-64519\n"
            "...\n"
            "PSID 0xff (255)   2044-2047 3068-3071 4092-4095 5116-5119 ... 64508-64511 65532-65535\n"},
        Row{"few customers, and a port",
            {{0, 2}, std::nullopt, 20000},
            "customers         4, with PSIDs from 0x0 to 0x3\n"
            "ports each        16384 in one range\n"
            "left out          none\n"
            "PSID 0x0          0-16383\n"
            "PSID 0x1          16384-32767\n"
            "PSID 0x2          32768-49151\n"
            "PSID 0x3          49152-65535\n"
            "port 20000        of PSID 0x1\n"},
        Row{"nobody shares",
            {{6, 0}, std::nullopt, 80},
            "customers         one, who has the whole address\n"
            "ports each        all\n"
            "port 80           of the one customer\n"},
        Row{"one customer",
            {{4, 12}, 0x345, 80},
            "PSID              0x345 (837), 12 bits behind an offset of 4\n"
            "ports             15 single ones\n"
            "                  4933 9029 13125 17221 ... 58181 62277\n"
            "port 80           nobody's, not in this set\n"},
        Row{"a port of the customer",
            {{0, 16}, 1232, 1232},
            "PSID              0x04d0 (1232), 16 bits behind an offset of 0\n"
            "ports             one\n"
            "                  1232\n"
            "port 1232         of PSID 0x04d0 (1232), in this set\n"}}) {
    ASSERT_TRUE(row.question.check()) << row.name;
    EXPECT_EQ(to_text(row.question, Ranges::Some), row.text) << row.name;
  }
}

TEST(MapReport, PortSetsAsJson) {
  const nlohmann::ordered_json all = to_json(PortSetQuestion{{6, 8}, std::nullopt, 80});
  EXPECT_EQ(all["customers"], 256);
  EXPECT_EQ(all["ports"], 252);
  EXPECT_EQ(all["first-port"], 1024);
  EXPECT_TRUE(all["port-psid"].is_null());
  EXPECT_FALSE(all.contains("port-ranges"));
  const nlohmann::ordered_json one = to_json(PortSetQuestion{{6, 8}, 0x34, 1232});
  EXPECT_EQ(one["port-psid"], 0x34);
  EXPECT_EQ(one["port-ranges"].size(), 63u);
}

TEST(MapReport, ImpossiblePortSets) {
  EXPECT_EQ((PortSetQuestion{{6, 11}, std::nullopt, std::nullopt}.check().error().to_string()),
            "an offset of 6 and a PSID of 11 bits do not fit the 16 bits of a port; make the offset 5 or "
            "less (RFC 7597 "
            "§5.1)");
  EXPECT_EQ((PortSetQuestion{{6, 8}, 256, std::nullopt}.check().error().to_string()),
            "the PSID 256 has more than 8 bits; write one from 0 to 255");
}

TEST(MapReport, Rules) {
  const std::vector<MapRule> rules = {make("2001:db8::/40", "192.0.2.0/24", 16),
                                      make("2001:db8:12:3400::/56", "192.0.2.18/32", 0)};
  EXPECT_EQ(rules_text(rules),
            "rule  IPv6 prefix            IPv4 prefix    EA  End-user  addresses  customers  shared by  "
            "ports each\n"
            "   1  2001:db8::/40          192.0.2.0/24   16       /56        256      65536        256       "
            "  252\n"
            "   2  2001:db8:12:3400::/56  192.0.2.18/32   0       /56          1          1          -       "
            "  all\n"
            "2 rules: 256 IPv4 addresses, 65537 customers\n");
  const nlohmann::ordered_json json = rules_json(rules);
  EXPECT_EQ(json["addresses"], 256);
  EXPECT_EQ(json["customers"], 65537);
  EXPECT_EQ(json["rules"][0]["sharing-ratio"], 256);
  const std::vector<MapRule> many(150, rules[1]);
  EXPECT_NE(rules_text(many).find("and 50 more rules\n150 rules: 1 IPv4 address, 150 customers\n"),
            std::string::npos);
}

}  // namespace
}  // namespace yonroku::api
