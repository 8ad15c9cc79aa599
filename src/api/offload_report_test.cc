#include "api/offload_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/metrics.h"

namespace yonroku::api {
namespace {

using fastpath::Miss;
using testing::HasSubstr;
using testing::Not;

// A NAT64 with flows, a SIIT with a table, and one that does without.
control::Status three_instances() {
  control::Status status;
  for (const char* name : {"plat", "dc", "home"}) {
    control::InstanceStatus& instance = status.instances.emplace_back();
    instance.name = name;
    instance.mechanism = instance.device = name;
    instance.mappings = 1'000;
    instance.mappings_memory = 98'765;
  }
  control::InstanceStatus& plat = status.instances[0];
  plat.offload.emplace().flows = {.capacity = 65'536, .at_start = {.kept = 12, .removed = 3}};
  plat.nat.emplace().counts.offloaded_sessions = 1'234;
  plat.nat->counts.refused_offloads = 5;
  fastpath::CountersView& tc = plat.offload->counters[static_cast<std::size_t>(fastpath::Place::Tc)];
  tc.forwarded[0][1] = {.packets = 7, .octets = 700};
  tc.misses[static_cast<std::size_t>(Miss::NoFlow)] = 9;
  status.instances[1].offload.emplace();
  return status;
}

TEST(OffloadReport, SaysHowFullItIs) {
  const auto json = *offload_json(three_instances(), "");
  const auto& flows = json["instances"][0]["flows"];
  EXPECT_EQ(flows["used"], 1'234);
  EXPECT_EQ(flows["capacity"], 65'536);
  EXPECT_EQ(flows["refused"], 5);
  EXPECT_EQ(flows["recovered"], 12);
  EXPECT_EQ(flows["ended"], 3);
  EXPECT_FALSE(json["instances"][0].contains("table"));
  EXPECT_EQ(json["instances"][1]["table"]["entries"], 1'000);
  EXPECT_EQ(json["instances"][1]["table"]["octets"], 98'765);
  EXPECT_EQ(json["instances"][2]["state"], "off");
  const std::string text = offload_text(json);
  EXPECT_THAT(text,
              HasSubstr("  flows 1,234 of 65,536 in use, 5 refused; at the start 12 recovered, 3 ended\n"));
  EXPECT_THAT(text, HasSubstr("  table 1,000 entries in 99 kB\n"));
}

TEST(OffloadReport, OfANatThatDoesNotAnswerItSaysWhatItKnows) {
  control::Status status = three_instances();
  status.instances[0].nat.reset();
  const auto json = *offload_json(status, "plat");
  EXPECT_TRUE(json["instances"][0]["flows"]["used"].is_null());
  EXPECT_THAT(offload_text(json),
              HasSubstr("flows ? of 65,536 in use, ? refused; at the start 12 recovered"));
  EXPECT_THAT(prometheus_text(status, {}), Not(HasSubstr("yonroku_offload_flows{")));
}

TEST(OffloadReport, MetricsHaveItToo) {
  const std::string text = prometheus_text(three_instances(), {});
  for (
      const char* line : {
          R"(yonroku_offload_packets_total{instance="plat",place="tc",direction="to-ipv6",protocol="udp"} 7)",
          R"(yonroku_offload_octets_total{instance="plat",place="tc",direction="to-ipv6",protocol="udp"} 700)",
          R"(yonroku_offload_packets_total{instance="plat",place="xdp",direction="to-ipv4",protocol="tcp"} 0)",
          R"(yonroku_offload_misses_total{instance="plat",place="tc",reason="no-flow"} 9)",
          R"(yonroku_offload_misses_total{instance="dc",place="xdp",reason="no-flow"} 0)",
          R"(yonroku_offload_flows{instance="plat"} 1234)",
          R"(yonroku_offload_max_flows{instance="plat"} 65536)",
          R"(yonroku_offload_refused_flows_total{instance="plat"} 5)",
          R"(yonroku_offload_recovered_sessions{instance="plat"} 12)",
          R"(yonroku_offload_ended_sessions{instance="plat"} 3)",
      })
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  EXPECT_THAT(text, Not(HasSubstr(R"(yonroku_offload_flows{instance="dc"})")));
  EXPECT_THAT(text, Not(HasSubstr(R"(_total{instance="home")")));
}

TEST(OffloadReport, WithoutAnOffloadThereAreNoMetrics) {
  control::Status status = three_instances();
  for (auto& instance : status.instances) instance.offload.reset();
  EXPECT_THAT(prometheus_text(status, {}), Not(HasSubstr("offload_packets")));
}

}  // namespace
}  // namespace yonroku::api
