#include "control/routes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/load.h"

namespace yonroku::control {
namespace {

using Texts = std::vector<std::string>;

template <class Prefix>
Texts texts(const std::vector<Prefix>& prefixes) {
  Texts all;
  for (const auto& prefix : prefixes) all.push_back(prefix.to_string());
  std::sort(all.begin(), all.end());
  return all;
}

config::InstanceSettings siit() {
  config::InstanceSettings settings;
  settings.name = "dc";
  settings.mechanism = config::Mechanism::Siit;
  settings.translator_ipv4 = Ipv4Address(192, 0, 0, 8);
  settings.pref64 = share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
  settings.mappings = {{*Ipv4Prefix::parse("198.51.100.0/25"), *Ipv6Prefix::parse("2001:db8:1::/120")},
                       {*Ipv4Prefix::parse("198.51.100.128/25"), *Ipv6Prefix::parse("2001:db8:2::/120")}};
  return settings;
}

config::InstanceSettings clat() {
  config::InstanceSettings settings;
  settings.name = "clat";
  settings.mechanism = config::Mechanism::Clat;
  settings.translator_ipv4 = Ipv4Address(192, 0, 0, 8);
  settings.plat_prefix = share::Pref64::create(*Ipv6Prefix::parse("64:ff9b::/96"));
  settings.clat_address = *Ipv6Address::parse("2001:db8::464");
  settings.clat_ipv4 = Ipv4Address(192, 0, 0, 1);
  return settings;
}

TEST(ImpliedRoutes, Siit) {
  auto settings = siit();
  const auto routes = implied_routes(settings);
  ASSERT_TRUE(routes);
  EXPECT_EQ(texts(routes->ipv4), (Texts{"198.51.100.0/25", "198.51.100.128/25"}));
  EXPECT_EQ(texts(routes->ipv6), (Texts{"2001:db8:64::/96"}));
  EXPECT_FALSE(routes->ipv4_options.metric);
  EXPECT_EQ(own_route(settings), Ipv4Prefix::parse("192.0.0.8/32"));

  settings.ipv4_routes = {*Ipv4Prefix::parse("198.51.0.0/16")};
  EXPECT_EQ(texts(implied_routes(settings)->ipv4), (Texts{"198.51.0.0/16"}));
  EXPECT_EQ(texts(implied_routes(settings)->ipv6), (Texts{"2001:db8:64::/96"}));
  settings.ipv6_routes = {*Ipv6Prefix::parse("2001:db8:64::/64")};
  EXPECT_EQ(texts(implied_routes(settings)->ipv6), (Texts{"2001:db8:64::/64"}));
  settings.routes = config::RouteMode::Manual;
  EXPECT_TRUE(implied_routes(settings)->ipv4.empty());
  EXPECT_TRUE(implied_routes(settings)->ipv6.empty());
  EXPECT_FALSE(own_route(settings));
}

TEST(ImpliedRoutes, Clat) {
  auto settings = clat();
  auto routes = implied_routes(settings);
  ASSERT_TRUE(routes);
  EXPECT_EQ(texts(routes->ipv4), (Texts{"0.0.0.0/0"}));
  EXPECT_EQ(texts(routes->ipv6), (Texts{"2001:db8::464/128"}));
  EXPECT_FALSE(own_route(settings)) << "its route leads everywhere";
  EXPECT_EQ(routes->ipv4_options.metric, 2048u) << "any other default route wins";
  EXPECT_EQ(routes->ipv4_options.advertised_mss, 1440u) << "fits an IPv6 MTU of 1500";
  settings.default_route = false;
  EXPECT_TRUE(implied_routes(settings)->ipv4.empty());
  settings.clat_address.reset();
  settings.clat_prefix = share::Pref64::create(*Ipv6Prefix::parse("2001:db8:aaaa::/96"));
  EXPECT_EQ(texts(implied_routes(settings)->ipv6), (Texts{"2001:db8:aaaa::/96"}));
}

TEST(ImpliedRoutes, Nat64) {
  config::InstanceSettings settings;
  settings.name = "plat";
  settings.mechanism = config::Mechanism::Nat64;
  settings.translator_ipv4 = Ipv4Address(192, 0, 0, 8);
  settings.pref64 = share::Pref64::create(*Ipv6Prefix::parse("64:ff9b::/96"));
  settings.nat.pools = {
      {.addresses = {*Ipv4Prefix::parse("198.51.100.0/28"), *Ipv4Prefix::parse("198.51.100.64")}},
      {.addresses = {*Ipv4Prefix::parse("203.0.113.0/24")}}};
  const auto routes = implied_routes(settings);
  ASSERT_TRUE(routes);
  EXPECT_EQ(texts(routes->ipv4), (Texts{"198.51.100.0/28", "198.51.100.64/32", "203.0.113.0/24"}));
  EXPECT_EQ(texts(routes->ipv6), (Texts{"64:ff9b::/96"}));
  EXPECT_FALSE(routes->ipv4_options.metric);
  EXPECT_EQ(own_route(settings), Ipv4Prefix::parse("192.0.0.8/32"));
  settings.ipv4_routes = {*Ipv4Prefix::parse("198.51.0.0/16")};
  EXPECT_EQ(texts(implied_routes(settings)->ipv4), (Texts{"198.51.0.0/16"}));
  settings.routes = config::RouteMode::Manual;
  EXPECT_TRUE(implied_routes(settings)->ipv4.empty());
}

TEST(ImpliedRoutes, Slb64) {
  config::InstanceSettings settings;
  settings.name = "web";
  settings.mechanism = config::Mechanism::Slb64;
  settings.nat.pools = {{.addresses = {*Ipv4Prefix::parse("198.51.100.0/28")}}};
  for (const auto& [vip, port] :
       {std::pair("2001:db8::80", uint16_t{80}), {"2001:db8::80", 443}, {"2001:db8::53", 53}})
    settings.services.emplace_back().key = {*Ipv6Address::parse(vip), port};
  const auto routes = implied_routes(settings);
  ASSERT_TRUE(routes);
  EXPECT_EQ(texts(routes->ipv4), (Texts{"198.51.100.0/28"}));
  EXPECT_EQ(texts(routes->ipv6), (Texts{"2001:db8::53/128", "2001:db8::80/128"}));
}

config::InstanceSettings read(const std::string& text) {
  const auto loaded = config::parse_config("instances:\n  - name: wan4\n" + text, "t.yaml", ".");
  if (!loaded) {
    ADD_FAILURE() << loaded.error().to_string();
    return {};
  }
  return loaded->settings.instances.at(0);
}

const std::string kRules =
    "    end-user-prefix: 2001:db8:12:3400::/56\n"
    "    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 6}]\n";

// The IPv4 Internet is behind the tunnel, whose end is this customer's own address.
void expect_customer_edge(const config::InstanceSettings& settings, const std::string& own_ipv6) {
  const auto routes = implied_routes(settings);
  ASSERT_TRUE(routes);
  EXPECT_EQ(texts(routes->ipv4), (Texts{"0.0.0.0/0"}));
  EXPECT_EQ(texts(routes->ipv6), (Texts{own_ipv6}));
}

TEST(ImpliedRoutes, MapECustomerEdge) {
  expect_customer_edge(read("    mechanism: map-e-ce\n    br-address: 2001:db8:ffff::1\n" + kRules),
                       "2001:db8:12:3400:0:c000:212:34/128");
}

TEST(ImpliedRoutes, MapTCustomerEdge) {
  expect_customer_edge(read("    mechanism: map-t-ce\n    dmr: 2001:db8:ffff::/64\n" + kRules),
                       "2001:db8:12:3400:0:c000:212:34/128");
}

TEST(ImpliedRoutes, LwB4) {
  expect_customer_edge(read("    mechanism: lwb4\n    b4-address: 2001:db8:b4::2\n"
                            "    aftr-address: 2001:db8:ffff::1\n    ipv4-address: 192.0.2.18\n"),
                       "2001:db8:b4::2/128");
}

TEST(ImpliedRoutes, DsLiteAftr) {
  const auto settings = read(
      "    mechanism: ds-lite-aftr\n    aftr-address: 2001:db8:ffff::1\n"
      "    pools: [{addresses: [198.51.100.0/28, 203.0.113.1]}]\n");
  const auto routes = implied_routes(settings);
  ASSERT_TRUE(routes);
  EXPECT_EQ(texts(routes->ipv4), (Texts{"198.51.100.0/28", "203.0.113.1/32"}));
  EXPECT_EQ(texts(routes->ipv6), (Texts{"2001:db8:ffff::1/128"}));
}

TEST(ImpliedRoutes, TooManyAreRefusedWithARemedy) {
  auto settings = siit();
  settings.mappings.clear();
  for (uint32_t i = 0; i <= kMostImpliedRoutes; ++i)  // one too many
    settings.mappings.push_back({Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + 2 * i), 32),
                                 Ipv6Prefix::holding({0x2001'0db8'0000'0000, i}, 128)});
  const auto refused = implied_routes(settings);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "dc");
  EXPECT_NE(refused.error().fix.find("ipv4-routes"), std::string::npos);
  settings.ipv4_routes = {*Ipv4Prefix::parse("10.0.0.0/8")};
  EXPECT_TRUE(implied_routes(settings));
}

}  // namespace
}  // namespace yonroku::control
