#include "api/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/json.h"

namespace yonroku::api {
namespace {

using std::chrono::system_clock;
using testing::HasSubstr;
using testing::Not;

constexpr auto kStart = system_clock::time_point(std::chrono::seconds(1'700'000'000));

control::Status two_instances() {
  control::Status status;
  status.version = "1.2.3";
  status.process_id = 77;
  status.since = kStart;
  for (const char* name : {"dc", "home"}) {
    control::InstanceStatus& instance = status.instances.emplace_back();
    instance.name = name;
    instance.mechanism = "siit";
    instance.device = name;
    instance.workers = 2;
    instance.mappings = 1'234'567;
    instance.mappings_memory = 98'765'432;
    instance.routes = {"192.0.2.0/24", "2001:db8:64::/96"};
    instance.since = kStart;
  }
  return status;
}

TEST(StatusReport, TablesHaveTheirNames) {
  control::Status status = two_instances();
  status.instances[0].mechanism = "lwaftr";
  status.instances[0].table = control::TableKind::Softwires;
  status.instances[0].mappings = 1;
  status.instances[1].mechanism = "map-e-br";
  status.instances[1].table = control::TableKind::Rules;
  const auto json = to_json(status);
  EXPECT_EQ(json["instances"][0]["softwires"], 1);
  EXPECT_EQ(json["instances"][0]["mappings"], 1) << "for those who knew it before";
  EXPECT_EQ(json["instances"][1]["rules"], 1'234'567);
  EXPECT_FALSE(to_json(two_instances())["instances"][0].contains("rules"));
  const auto text = status_report(json, kStart);
  EXPECT_THAT(text, HasSubstr("  1 softwire in 99 MB\n"));
  EXPECT_THAT(text, HasSubstr("  1,234,567 rules in 99 MB\n"));
  EXPECT_THAT(text, Not(HasSubstr("explicit mapping")));
}

TEST(StatusReport, ANatSaysHowFullItIs) {
  control::Status status = two_instances();
  status.instances.resize(1);
  status.instances[0].mechanism = "nat64";
  status.instances[0].table = control::TableKind::Fixed;
  control::NatStatus& nat = status.instances[0].nat.emplace();
  nat.counts.bindings = {1000, 200, 1};
  nat.counts.sessions[0] = {5, 1500};
  nat.counts.sessions[2] = {1};
  nat.counts.subscribers = 12;
  nat.counts.ports = 10'000;
  nat.counts.used_ports = {9000, 200, 1};
  nat.max_sessions = 2000;
  nat.addresses = 1;
  std::string text = status_report(to_json(status), kStart);
  EXPECT_THAT(text, HasSubstr("all is well"));
  EXPECT_THAT(
      text,
      HasSubstr("  1,506 sessions: udp 1,505, icmp 1 (2,000 at most), 1,201 bindings of 12 subscribers\n"
                "  10,000 ports on 1 address, in use: udp 90 %, tcp 2 %, icmp <1 %\n"));
  EXPECT_THAT(text, Not(HasSubstr("mapping")));
  EXPECT_THAT(text, Not(HasSubstr("gateways")));

  nat.alg = {.rewritten = 1234, .not_understood = 5, .refused = 6};
  EXPECT_THAT(status_report(to_json(status), kStart),
              HasSubstr("  application level gateways: 1,234 rewritten, 5 not understood, 6 refused\n"));
  nat.counts.used_ports[0] = 9001;
  nat.counts.blocks = 100;
  nat.counts.used_blocks = 95;
  nat.max_sessions = 1600;
  text = status_report(to_json(status), kStart);
  EXPECT_THAT(text,
              HasSubstr(": works, but 3 things are wrong\n"
                        "! dc is short of ports for udp: 9,001 of 10,000 are taken: add addresses to its "
                        "pools, or limit ports-per-subscriber\n"
                        "! dc is short of blocks of ports: 95 of 100 are taken: add addresses to its pools, "
                        "or make block-size smaller\n"
                        "! dc is short of room for sessions: 1,506 of 1,600 are there: raise max-sessions, "
                        "or limit sessions-per-subscriber\n"));
}

TEST(StatusReport, FixedTunnelsHaveNoTable) {
  control::Status status = two_instances();
  status.instances[0].mechanism = "ds-lite-b4";
  status.instances[0].table = control::TableKind::Fixed;
  status.instances.resize(1);
  EXPECT_THAT(status_report(to_json(status), kStart), Not(HasSubstr("mapping")));
}

TEST(StatusReport, AllIsWell) {
  const auto text = status_report(to_json(two_instances()), kStart + std::chrono::hours(76));
  EXPECT_EQ(text.substr(0, text.find('\n')), "yonroku 1.2.3, process 77, up for 3 days 4 h: all is well");
  EXPECT_THAT(text, HasSubstr("\ndc: siit on device dc, 2 workers: works, for 3 days 4 h\n"
                              "  1,234,567 explicit mappings in 99 MB\n"
                              "  routes to it: 192.0.2.0/24, 2001:db8:64::/96\n"));
  EXPECT_THAT(text, Not(HasSubstr("read again")));
}

TEST(StatusReport, SaysFirstWhatIsWrong) {
  control::Status status = two_instances();
  status.reloaded = kStart + std::chrono::minutes(1);
  status.warnings = {"IPv6 forwarding is off"};
  status.instances[1].failure = "the device is gone";
  const auto text = status_report(to_json(status), kStart + std::chrono::seconds(100));
  EXPECT_THAT(text, HasSubstr("up for 1 min 40 s: 1 of 2 instances failed\n"));
  EXPECT_THAT(text, HasSubstr("settings read again 40 s ago\n"));
  EXPECT_THAT(text, HasSubstr("! home does not work: the device is gone; restart yonroku\n"
                              "! IPv6 forwarding is off\n"));
  EXPECT_THAT(text, HasSubstr("home: siit on device home, 2 workers: FAILED\n"));
}

TEST(StatusReport, SaysWhoDoesNotGetTheLog) {
  control::Status status = two_instances();
  natlog::LogStatus& log = status.log.emplace();
  log.events = 5000;
  log.receivers.resize(2);
  log.receivers[0].name = "store";
  log.receivers[0].written = 5000;
  log.receivers[1].name = "syslog";
  log.receivers[1].lost = 812;
  log.receivers[1].waiting = 33;
  log.receivers[1].error = "connection refused";
  log.receivers[1].since = kStart + std::chrono::seconds(40);
  std::string text = status_report(to_json(status), kStart + std::chrono::seconds(100));
  EXPECT_THAT(text,
              HasSubstr(": works, but one thing is wrong\n! the log does not get to syslog, for 1 min 0 s: "
                        "connection refused; 33 wait, 812 are lost\n"));
  EXPECT_THAT(text, HasSubstr("\nnat-log: 5,000 events\n  store: 5,000 written, 0 wait, 0 lost; works\n"
                              "  syslog: 0 written, 33 wait, 812 lost; FAILS, for 1 min 0 s\n"));
  log.receivers[1].error.reset();
  log.receivers[0].remark = "catalogue.db.damaged is set aside";
  log.missed = 7;
  text = status_report(to_json(status), kStart + std::chrono::seconds(100));
  EXPECT_THAT(text, HasSubstr("! store: catalogue.db.damaged is set aside\n"));
  EXPECT_THAT(text, HasSubstr("! 812 entries of the log were lost on the way to syslog, which works again\n"
                              "! 7 events were overwritten before they were logged: raise nat-log: queue\n"));
}

TEST(StatusReport, SaysThatTheKernelRefuses) {
  control::Status status = two_instances();
  status.instances[0].offload.emplace();
  status.instances[1].offload.emplace();
  status.instances[1].offload->refusal = "hairpinning: simple";
  const std::string text = status_report(to_json(status), kStart);
  EXPECT_THAT(text, HasSubstr("! the kernel forwards nothing of home itself: hairpinning: simple; "));
  EXPECT_THAT(text, HasSubstr("  offload: on\n"));
  EXPECT_THAT(text, HasSubstr("  offload: refused: hairpinning: simple\n"));
}

std::vector<control::InstanceCounters> some_counters() {
  observe::Totals totals;
  totals.received = {1'000, 20};
  totals.translated[static_cast<std::size_t>(observe::Direction::ToIpv6)][0] = {999, 1'500'000};
  totals.dropped[static_cast<std::size_t>(DropReason::TtlExceeded)] = 21;
  totals.icmp_errors_sent = {21, 0};
  return {{"dc", totals, 0, 0, {}, {}}};
}

TEST(CountersReport, ExplainsDropsAndHidesZeros) {
  const auto json = to_json(std::span<const control::InstanceCounters>(some_counters()));
  const auto text = counters_report(json, Zeros::Hide);
  EXPECT_THAT(text, HasSubstr("1,020  packets: 1,000 of IPv4, 20 of IPv6\n"));
  EXPECT_THAT(text, HasSubstr("999  packets, 1.5 MB: 999 tcp\n"));
  EXPECT_THAT(text, HasSubstr("21  ttl-exceeded: the IPv4 time to live ran out [RFC 7915 §4.1]\n"));
  EXPECT_THAT(text, HasSubstr("21  sent: 21 ICMP, 0 ICMPv6\n"));
  EXPECT_THAT(text, Not(HasSubstr("igmp")));
  EXPECT_THAT(text, Not(HasSubstr("to-ipv4")));
  EXPECT_THAT(counters_report(json, Zeros::Show), HasSubstr("0  igmp: "));
}

TEST(CountersReport, SaysWhatWasDropped) {
  using observe::Direction;
  using observe::Protocol;
  auto counters = some_counters();
  auto& kinds = counters[0].totals.dropped_by_kind[static_cast<std::size_t>(DropReason::TtlExceeded)];
  kinds[{Direction::ToIpv6, Protocol::Tcp}] = 12;
  kinds[{Direction::ToIpv6, Protocol::Other}] = 1;
  kinds[{Direction::ToIpv4, Protocol::Udp}] = 8;
  const auto json = to_json(std::span<const control::InstanceCounters>(counters));
  EXPECT_EQ(json["instances"][0]["drop-details"],
            nlohmann::ordered_json::parse(
                R"({"ttl-exceeded":{"to-ipv6":{"tcp":12,"other":1},"to-ipv4":{"udp":8}}})"));
  EXPECT_THAT(counters_report(json, Zeros::Hide),
              HasSubstr("21  ttl-exceeded: the IPv4 time to live ran out [RFC 7915 §4.1]\n"
                        "                               to-ipv6: 12 tcp, 1 other; to-ipv4: 8 udp\n"));
}

TEST(CountersReport, SaysHowSessionsEndedAndWhatWasRefused) {
  auto counters = some_counters();
  counters[0].learned_path_mtus = 3;
  counters[0].totals.too_big_forwarded = {1, 2, 0};
  counters[0].nat.emplace();
  counters[0].nat->sessions[0][0] = 1000;
  counters[0].nat->ended_sessions[0][static_cast<std::size_t>(share::SessionEnd::UdpTimeout)] = 34;
  counters[0].nat->ended_sessions[1][static_cast<std::size_t>(share::SessionEnd::Closed)] = 200;
  counters[0].nat->refusals[1][static_cast<std::size_t>(share::NatRefusal::PortsExhausted)] = 5;
  const auto json = to_json(std::span<const control::InstanceCounters>(counters));
  const auto text = counters_report(json, Zeros::Hide);
  EXPECT_THAT(text, HasSubstr("  too big                   3  ICMP messages of others"));
  EXPECT_THAT(text, HasSubstr("  path MTUs                 3  learned from routers"));
  EXPECT_THAT(text, HasSubstr("  sessions              1,234  began\n"
                              "                          200  ended: closed\n"
                              "                           34  ended: udp-timeout\n"
                              "                            5  refused: ports-exhausted\n"));
  EXPECT_THAT(text, Not(HasSubstr("bindings")));
}

TEST(Json, HasEveryCounterByItsLabel) {
  const auto json = to_json(some_counters()[0].totals);
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    EXPECT_TRUE(json["drops"].contains(kDropReasons[i].label)) << kDropReasons[i].label;
  for (const char* direction : observe::kDirectionLabels) EXPECT_TRUE(json.contains(direction));
  EXPECT_EQ(json["dropped"], 21);
  EXPECT_FALSE(json["drops"].contains("none"));
}

}  // namespace
}  // namespace yonroku::api
