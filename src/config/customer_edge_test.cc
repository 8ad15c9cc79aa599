// What a customer edge makes of its provider's rules, with the examples of RFC 7597 Appendix A.
#include "config/customer_edge.h"

#include <gtest/gtest.h>

#include <string>

#include "config/load.h"

namespace yonroku::config {
namespace {

InstanceSettings expect_good(const std::string& text) {
  auto loaded = parse_config("instances:\n  - name: ce\n" + text, "t.yaml", ".", MappingsFiles::Skip);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().to_string();
    return {};
  }
  return loaded->settings.instances.at(0);
}

std::string rules(const std::string& all, const std::string& mechanism = "map-e-ce",
                  const std::string& prefix = "2001:db8:12:3400::/56") {
  return "    mechanism: " + mechanism + "\n    end-user-prefix: " + prefix + "\n    " +
         (mechanism == "map-t-ce" ? "dmr: 2001:db8:ffff::/64" : "br-address: 2001:db8:ffff::1") +
         "\n    rules:\n" + all;
}

const std::string kExample =
    "      - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 6}\n";

TEST(CustomerEdge, Example1) {
  const InstanceSettings ce = expect_good(rules(kExample));
  EXPECT_EQ(ce.own.address.to_string(), "192.0.2.18");
  EXPECT_EQ(ce.own.psid, 0x34);
  ASSERT_EQ(ce.local_addresses.size(), 1u);
  EXPECT_EQ(ce.local_addresses[0], *Ipv6Address::parse("2001:db8:12:3400:0:c000:212:34"));
  ASSERT_EQ(ce.nat.pools.size(), 1u);
  ASSERT_TRUE(ce.nat.pools[0].port_set);
  EXPECT_EQ(ce.nat.pools[0].port_set->range(0), (share::PortSet::Range{1232, 1235}));
  EXPECT_EQ(ce.nat.pools[0].port_set->size(), 252u);
  // The rule, and one that leads to the border relay.
  ASSERT_EQ(ce.rules.size(), 2u);
  EXPECT_EQ(ce.rules[1].ipv4(), Ipv4Prefix());
  EXPECT_EQ(ce.rules[1].ipv6().address(), *Ipv6Address::parse("2001:db8:ffff::1"));
}

TEST(CustomerEdge, MapTHasNoRuleForTheInternet) {
  const InstanceSettings ce = expect_good(rules(kExample, "map-t-ce"));
  EXPECT_EQ(ce.local_addresses.at(0), *Ipv6Address::parse("2001:db8:12:3400:0:c000:212:34"));
  EXPECT_EQ(ce.rules.size(), 1u);
  EXPECT_TRUE(ce.report_spoofing);  // RFC 7599 §8.2
}

TEST(CustomerEdge, Example4HasAWholeAddress) {
  const InstanceSettings ce = expect_good(
      rules("      - {ipv6-prefix: '2001:db8:12:3400::/56', ipv4-prefix: 192.0.2.18, ea-length: 0}\n"));
  EXPECT_EQ(ce.own.address.to_string(), "192.0.2.18");
  EXPECT_FALSE(ce.nat.pools.at(0).port_set);
  EXPECT_EQ(ce.local_addresses.at(0), *Ipv6Address::parse("2001:db8:12:3400:0:c000:212:0"));
}

TEST(CustomerEdge, Example5HasAGivenPsid) {
  const InstanceSettings ce = expect_good(
      rules("      - {ipv6-prefix: '2001:db8:12:3400::/56', ipv4-prefix: 192.0.2.18, ea-length: 0, "
            "psid-offset: 6, psid-length: 8, psid: 52}\n"));
  EXPECT_EQ(ce.own.psid, 0x34);
  EXPECT_EQ(ce.nat.pools.at(0).port_set->range(0).first, 1232);
  EXPECT_EQ(ce.local_addresses.at(0), *Ipv6Address::parse("2001:db8:12:3400:0:c000:212:34"));
}

TEST(CustomerEdge, EaBitsMayMakeAPrefix) {
  const InstanceSettings ce =
      expect_good(rules("      - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 4}\n",
                        "map-e-ce", "2001:db8:10::/44"));
  EXPECT_EQ(ce.nat.pools.at(0).addresses, (std::vector{*Ipv4Prefix::parse("192.0.2.16/28")}));
  EXPECT_EQ(ce.own.address.to_string(), "192.0.2.16");
  EXPECT_FALSE(ce.nat.pools.at(0).port_set);
}

TEST(CustomerEdge, TheLongestRuleIsTheBasicOne) {
  const std::string longer =
      "      - {ipv6-prefix: '2001:db8:12::/48', ipv4-prefix: 198.51.100.7, ea-length: 8, psid-offset: 6}\n";
  for (const std::string& both : {kExample + longer, longer + kExample}) {
    const InstanceSettings ce = expect_good(rules(both));
    EXPECT_EQ(ce.basic_rule.ipv6().to_string(), "2001:db8:12::/48");
    EXPECT_EQ(ce.own.address.to_string(), "198.51.100.7");
    EXPECT_EQ(ce.own.psid, 0x34);
    EXPECT_EQ(ce.rules.size(), 3u);
  }
}

// RFC 7597 §5: a delegated prefix that is longer than the rule's end-user prefix has more subnets, no more.
TEST(CustomerEdge, TheDelegatedPrefixMayBeLonger) {
  const InstanceSettings ce = expect_good(rules(kExample, "map-e-ce", "2001:db8:12:3456::/64"));
  EXPECT_EQ(ce.own.psid, 0x34);
  EXPECT_EQ(ce.own.address.to_string(), "192.0.2.18");
}

TEST(CustomerEdge, ARuleMayBeForTheCustomerAlone) {
  const InstanceSettings ce = expect_good(rules(
      "      - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, fmr: false}\n"));
  EXPECT_EQ(ce.own.address.to_string(), "192.0.2.18");
  ASSERT_EQ(ce.rules.size(), 1u);
  EXPECT_EQ(ce.rules[0].ipv4(), Ipv4Prefix());
}

TEST(CustomerEdge, Draft03) {
  std::string text = rules(kExample);
  text.insert(text.find("    rules:"), "    format: draft-03\n");
  EXPECT_EQ(expect_good(text).local_addresses.at(0), *Ipv6Address::parse("2001:db8:12:3400:c0:2:1200:3400"));
}

TEST(CustomerEdge, OfSeveralBordersTheFirstIsSentTo) {
  std::string text = rules(kExample);
  text.replace(text.find("2001:db8:ffff::1"), 16, "['2001:db8:ffff::2', '2001:db8:ffff::1']");
  const InstanceSettings ce = expect_good(text);
  EXPECT_EQ(ce.remote_borders.size(), 2u);
  EXPECT_EQ(ce.rules.at(1).ipv6().address(), *Ipv6Address::parse("2001:db8:ffff::2"));
}

TEST(CustomerEdge, LwB4IsASoftwire) {
  const std::string ends =
      "    mechanism: lwb4\n    b4-address: 2001:db8:b4::2\n    aftr-address: 2001:db8:ffff::1\n"
      "    ipv4-address: 192.0.2.18\n";
  const InstanceSettings shared =
      expect_good(ends + "    psid-offset: 6\n    psid-length: 8\n    psid: 52\n");
  EXPECT_EQ(shared.local_addresses, (std::vector{*Ipv6Address::parse("2001:db8:b4::2")}));
  EXPECT_EQ(shared.nat.pools.at(0).port_set->range(0).first, 1232);
  ASSERT_EQ(shared.rules.size(), 1u);
  EXPECT_EQ(shared.rules[0].ipv6().address(), *Ipv6Address::parse("2001:db8:ffff::1"));
  const InstanceSettings whole = expect_good(ends);
  EXPECT_FALSE(whole.nat.pools.at(0).port_set);
  EXPECT_EQ(whole.nat.pools.at(0).first_port, 1024);
}

TEST(CustomerEdge, ItsNatHasItsOwnDefaults) {
  const InstanceSettings ce = expect_good(rules(kExample));
  EXPECT_EQ(ce.nat.when_exhausted, share::WhenExhausted::ReuseByDestination);
  EXPECT_EQ(ce.nat.port_rest, 0u);
  EXPECT_EQ(ce.nat.max_sessions, 65536u);
}

}  // namespace
}  // namespace yonroku::config
