#include "config/service_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "config/load.h"

namespace yonroku::config {
namespace {

using share::NatProtocol;

const std::string kWeb =
    "instances:\n  - name: web\n    mechanism: slb64\n    pools: [{addresses: 198.51.100.0/28}]\n    "
    "services:\n";

InstanceSettings instance_of(const std::string& services) {
  const auto loaded = parse_config(kWeb + services, "t.yaml", ".", MappingsFiles::Skip);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().to_string();
    return {};
  }
  for (const Warning& warning : loaded->warnings) ADD_FAILURE() << warning.to_string();
  return loaded->settings.instances.at(0);
}

// The defaults of schema.yaml are those of service_settings.h.
TEST(ReadServices, FillsInTheDefaults) {
  const InstanceSettings i =
      instance_of("      - {vip: '2001:db8::80', port: 80, servers: [{address: 192.0.2.10}], health: {}}\n");
  ASSERT_EQ(i.services.size(), 1u);
  ServiceSettings defaults;
  defaults.key = {*Ipv6Address::parse("2001:db8::80"), 80, NatProtocol::Tcp};
  defaults.servers = {{{Ipv4Address(192, 0, 2, 10), 80}}};
  defaults.health.emplace();
  EXPECT_EQ(i.services[0], defaults);
  EXPECT_EQ(i.translator_ipv6, defaults.key.vip);
  EXPECT_TRUE(translates(i.mechanism));
  EXPECT_TRUE(has_nat(i.mechanism));
  // Only servers answer, and the way back finds the server by the client's binding alone.
  EXPECT_EQ(i.nat.mapping, share::Dependence::EndpointIndependent);
  EXPECT_EQ(i.nat.filtering, share::Dependence::AddressAndPortDependent);
  EXPECT_EQ(i.nat.when_exhausted, share::WhenExhausted::Refuse);
  EXPECT_EQ(i.nat.allocation, share::PortAllocation::Dynamic);
}

TEST(ReadServices, ReadsEveryKey) {
  const InstanceSettings i = instance_of(
      "      - vip: 2001:db8::80\n        port: 443\n        protocol: tcp\n        affinity: address\n"
      "        proxy-protocol: v2\n        servers:\n          - {address: 192.0.2.10, port: 8443, weight: "
      "1000}\n"
      "          - {address: 192.0.2.10, port: 8444, weight: 0}\n"
      "        health: {check: http, interval: 3600, timeout: 60, rise: 100, fall: 1, path: '/a?b=c', "
      "expect: 204}\n"
      "      - {vip: '2001:db8::80', port: 443, protocol: udp, servers: [{address: 192.0.2.11}]}\n");
  ASSERT_EQ(i.services.size(), 2u);
  const ServiceSettings& s = i.services[0];
  EXPECT_EQ(s.affinity, share::Affinity::Address);
  EXPECT_EQ(s.proxy_protocol, share::ProxyProtocol::V2);
  EXPECT_EQ(s.servers, (std::vector<ServerSettings>{{{Ipv4Address(192, 0, 2, 10), 8443}, 1000},
                                                    {{Ipv4Address(192, 0, 2, 10), 8444}, 0}}));
  const HealthSettings health{HealthSettings::Check::Http, 3600, 60, 100, 1, "/a?b=c", 204};
  EXPECT_EQ(s.health, health);
  EXPECT_EQ(i.services[1].key.protocol, NatProtocol::Udp);
  EXPECT_FALSE(i.services[1].health);
}

}  // namespace
}  // namespace yonroku::config
