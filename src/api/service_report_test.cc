#include "api/service_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace yonroku::api {
namespace {

control::Status balancer() {
  control::InstanceStatus web;
  web.name = "web";
  const share::ServiceKey key{{0x20010db800800000, 1}, 80, share::NatProtocol::Tcp};
  control::HealthReport well;
  well.checks = 1200;
  control::HealthReport ill = well;
  ill.is_up = false;
  ill.failures = 3;
  ill.last_failure = "Couldn't connect to server";
  web.services = {{key,
                   1,
                   {{{key, Ipv4Address(192, 0, 2, 10), 8080}, 2, 1234, well},
                    {{key, Ipv4Address(192, 0, 2, 11), 8080}, 1, 7, ill},
                    {{key, Ipv4Address(192, 0, 2, 12), 8080}, 0, 0, std::nullopt}}}};
  control::Status status;
  status.instances.push_back(web);
  status.instances.emplace_back().name = "plat";
  return status;
}

TEST(ServiceReport, Text) {
  EXPECT_EQ(
      services_text(*services_json(balancer(), "")),
      "web: tcp [2001:db8:80::1]:80\n"
      "  192.0.2.10:8080        weight 2     up              1,234 flows  1,200 checks, 0 failed\n"
      "  192.0.2.11:8080        weight 1     down                7 flows  1,200 checks, 3 failed: Couldn't "
      "connect to server\n"
      "  192.0.2.12:8080        weight 0     drained             0 flows  not checked\n");
  EXPECT_EQ(services_text(*services_json(balancer(), "plat")), "there are no services\n");
}

TEST(ServiceReport, Json) {
  const auto json = *services_json(balancer(), "web");
  const auto& servers = json["services"][0]["servers"];
  EXPECT_EQ(servers.size(), 3u);
  EXPECT_EQ(servers[0]["flows"], 1234);
  EXPECT_TRUE(servers[0]["failure"].is_null());
  EXPECT_EQ(servers[1]["up"], false);
  EXPECT_EQ(servers[1]["failure"], "Couldn't connect to server");
  EXPECT_FALSE(servers[2].contains("checks"));
  EXPECT_FALSE(services_json(balancer(), "no"));
}

}  // namespace
}  // namespace yonroku::api
