// The API over a real socket: what it says of the program, and how it deals with its clients.
#include "api/server.h"

#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

TEST_F(ServerTest, TellsStatusAndCounters) {
  const json status = get("/v1/status");
  EXPECT_EQ(status["instances"][0]["name"], "dc");
  EXPECT_EQ(status["instances"][0]["failure"], nullptr);
  EXPECT_EQ(status["warnings"][0], "forwarding is off");
  const json counters = get("/v1/counters")["instances"][0];
  EXPECT_EQ(counters["name"], "dc");
  EXPECT_EQ(counters["received"]["ipv6"], 4);
  EXPECT_EQ(counters["to-ipv6"], 2);
  EXPECT_EQ(counters["protocols"]["to-ipv6"]["udp"]["octets"], 100);
  EXPECT_EQ(counters["drops"]["ttl-exceeded"], 5);
  EXPECT_EQ(counters["drops"]["igmp"], 0);
  EXPECT_EQ(counters["too-big-forwarded"]["to-ipv4"], 6);
  EXPECT_EQ(counters["drop-details"], json::parse(R"({"ttl-exceeded":{"to-ipv6":{"icmp":5}}})"));
}

TEST_F(ServerTest, CountsWhatHappensInNatsAndHowBusyWorkersAre) {
  const json counters = get("/v1/counters")["instances"];
  EXPECT_EQ(counters[0]["workers"], json::parse(R"([{"cpu-seconds":1.5},{"cpu-seconds":null}])"));
  EXPECT_EQ(counters[0]["learned-path-mtus"], 4);
  EXPECT_FALSE(counters[0].contains("nat"));
  const json& udp = counters[1]["nat"]["udp"];
  EXPECT_EQ(udp["created-bindings"], 300);
  EXPECT_EQ(udp["created-sessions"], 3000);
  EXPECT_EQ(udp["refused"]["subscriber-ports"], 8);
  EXPECT_EQ(udp["ended-sessions"]["udp-timeout"], 0);
  EXPECT_FALSE(udp["ended-sessions"].contains("closed")) << "UDP has no such thing";
  EXPECT_EQ(counters[1]["nat"]["tcp"]["ended-sessions"]["closed"], 6);
}

TEST_F(ServerTest, TellsHistory) {
  EXPECT_EQ(get("/v1/history?instance=dc&span=3600")["step"], 10);
  EXPECT_EQ(get("/v1/history")["series"]["drops"].size(), 5u);
  EXPECT_EQ(get("/v1/history?since=1970-01-01T00:00:03Z")["series"]["drops"], json({1.0, 1.0}));
  EXPECT_THAT(raw(path_, "GET /v1/history?since=noon HTTP/1.1\r\n\r\n"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(raw(path_, "GET /v1/history?span=7 HTTP/1.1\r\n\r\n"), HasSubstr("600, 3600 or 86400"));
  EXPECT_THAT(raw(path_, "GET /v1/history?instance=dd HTTP/1.1\r\n\r\n"), HasSubstr("404 Not Found"));
}

TEST_F(ServerTest, TellsWhoFailedTheCheckOfTheSource) {
  const json expected = json::parse(
      R"({"spoofers":[{"instance":"dc","source":"2001:db8:1::1","packets":7,"at-least":5,"seconds-ago":3}]})");
  EXPECT_EQ(get("/v1/spoofers"), expected);
  EXPECT_EQ(get("/v1/instances/dc/spoofers"), expected);
  EXPECT_THAT(raw(path_, "GET /v1/instances/dd/spoofers HTTP/1.1\r\n\r\n"), HasSubstr("404 Not Found"));
}

TEST_F(ServerTest, TellsWhoReceivesTheLog) {
  const json log = get("/v1/status")["nat-log"];
  EXPECT_EQ(log["events"], 11);
  EXPECT_EQ(log["receivers"][0]["error"], "nobody listens");
  EXPECT_EQ(log["receivers"][0]["lost"], 9);
}

TEST_F(ServerTest, ServesPrometheus) {
  const auto answer = client_.request(Method::Get, "/metrics");
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->content_type, HasSubstr("text/plain"));
  for (const char* line :
       {"# TYPE yonroku_dropped_packets_total counter\n",
        "\nyonroku_dropped_packets_total{instance=\"dc\",reason=\"ttl-exceeded\"} 5\n",
        "# TYPE yonroku_dropped_packets_by_protocol_total counter\n"
        "yonroku_dropped_packets_by_protocol_total{instance=\"dc\",reason=\"ttl-exceeded\",direction=\"to-"
        "ipv6\","
        "protocol=\"icmp\"} 5\n#",
        "\nyonroku_received_packets_total{instance=\"dc\",version=\"4\"} 3\n",
        "\nyonroku_translated_packets_total{instance=\"dc\",direction=\"to-ipv6\",protocol=\"udp\"} 2\n",
        "\nyonroku_up{instance=\"dc\",mechanism=\"siit\"} 1\n",
        "# TYPE yonroku_nat_sessions gauge\n",
        "\nyonroku_nat_sessions{instance=\"plat\",protocol=\"udp\",state=\"unanswered\"} 3000\n",
        "\nyonroku_nat_sessions{instance=\"plat\",protocol=\"tcp\",state=\"established\"} 0\n",
        "\nyonroku_nat_bindings{instance=\"plat\",protocol=\"udp\"} 300\n",
        "\nyonroku_nat_subscribers{instance=\"plat\"} 30\n",
        "# TYPE yonroku_alg_texts_total counter\n",
        "\nyonroku_alg_texts_total{instance=\"plat\",result=\"rewritten\"} 7\n",
        "\nyonroku_alg_texts_total{instance=\"plat\",result=\"not-understood\"} 2\n",
        "\nyonroku_alg_texts_total{instance=\"plat\",result=\"refused\"} 1\n",
        "\nyonroku_nat_ports{instance=\"plat\",address=\"192.0.2.0\"} 64512\n",
        "\nyonroku_nat_ports{instance=\"plat\",address=\"other\"} 64512\n",
        "\nyonroku_nat_used_ports{instance=\"plat\",address=\"other\",protocol=\"tcp\"} 0\n",
        "\nyonroku_nat_created_sessions_total{instance=\"plat\",protocol=\"udp\"} 3000\n",
        "\nyonroku_nat_ended_sessions_total{instance=\"plat\",protocol=\"tcp\",reason=\"closed\"} 6\n",
        "\nyonroku_nat_refusals_total{instance=\"plat\",protocol=\"udp\",limit=\"subscriber-ports\"} 8\n",
        "\nyonroku_worker_cpu_seconds_total{instance=\"dc\",worker=\"0\"} 1.5\n",
        "\nyonroku_too_big_forwarded_total{instance=\"dc\",direction=\"to-ipv4\"} 6\n",
        "\nyonroku_learned_path_mtus_total{instance=\"dc\"} 4\n",
        "\nyonroku_log_lost_entries_total{receiver=\"syslog \\\"a\\\"\"} 9\n",
        "\nyonroku_log_receiver_up{receiver=\"syslog \\\"a\\\"\"} 0\n"})
    EXPECT_THAT(answer->body, HasSubstr(line));
}

TEST_F(ServerTest, ErrorsSayWhatIsWrong) {
  struct Row {
    const char* name;
    Method method;
    const char* path;
    const char* body;
    const char* said;
  };
  const Row rows[] = {
      {"bad line", Method::Post, "/v1/mappings", "192.0.2.1,2001:db8::1\n192.0.2.300,2001:db8::2\n",
       "body:2"},
      {"bad prefix", Method::Delete, "/v1/mappings", "192.0.2.1/33\n", "body:1: \"192.0.2.1/33\" is no IPv4"},
      {"no such instance", Method::Get, "/v1/instances/dd/mappings", "", "there is no \"dd\"; there are: dc"},
      {"no such page", Method::Get, "/v2", "", "/v2: there is no such thing here"},
      {"odd name", Method::Get, "/v1/instances/D%20C/mappings", "", "no such thing"},
      {"reload", Method::Post, "/v1/reload", "", "yonroku.yaml:3:1: unknown key \"workerz\"; did you mean"},
  };
  for (const Row& row : rows) {
    const auto answer = client_.request(row.method, row.path, row.body);
    ASSERT_FALSE(answer) << row.name;
    EXPECT_THAT(answer.error().to_string(), HasSubstr(row.said)) << row.name;
  }
  ASSERT_TRUE(client_.request(Method::Post, "/v1/mappings", "192.0.2.1,2001:db8::1\n"));
  const auto twice = client_.request(Method::Post, "/v1/mappings", "192.0.2.1,2001:db8::2\n");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().where, "mappings");
}

TEST_F(ServerTest, SpeaksHttpWithAnybody) {
  EXPECT_THAT(raw(path_, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("409 Conflict"))
      << "a POST without a length has no body";
  EXPECT_THAT(raw(path_, "GET /v1/status HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
  EXPECT_THAT(raw(path_, "GET /v1/status HTTP/1.1\r\n\r\nGET /v1/mappings HTTP/1.1\r\n\r\n"),
              HasSubstr("\"mappings\":"))
      << "two requests at once";
  EXPECT_THAT(raw(path_, "rubbish\r\n\r\n"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(
      raw(path_,
          "PUT /v1/mappings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n16\r\n192.0.2.9,2001:db8::9\n\r\n"
          "0\r\n\r\n"),
      HasSubstr("\"added\":1"));
  EXPECT_THAT(raw(path_, "PUT /v1/mappings HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\nabc"),
              HasSubstr("HTTP/1.1 4"));
  EXPECT_TRUE(client_.request(Method::Get, "/v1/status")) << "and lives on";
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        Client one(path_);
        if (one.request(Method::Get, "/v1/counters")) ++good;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
}

TEST_F(ServerTest, StopsAlthoughClientsStay) {
  ASSERT_TRUE(client_.request(Method::Get, "/v1/status"));  // and keeps the connection
  server_->stop();
  EXPECT_NE(::access(path_.c_str(), F_OK), 0) << "the socket is gone";
  const auto answer = Client(path_).request(Method::Get, "/v1/status");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().to_string(), HasSubstr("no yonroku answers at " + path_ + ": is it running?"));
}

TEST_F(ServerTest, OthersMayReadAndNotChange) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(3);
    const bool reads = raw(path_, "GET /v1/mappings HTTP/1.1\r\n\r\n").find("200 OK") != std::string::npos;
    const bool writes =
        raw(path_, "PUT /v1/mappings HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").find("403 Forbidden") ==
        std::string::npos;
    ::_exit(reads && !writes ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace yonroku::api
