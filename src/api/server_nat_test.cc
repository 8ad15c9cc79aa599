// A NAT's tables over the API.
#include <algorithm>
#include <set>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

TEST_F(ServerTest, TellsWhatANatHolds) {
  const json nat = get("/v1/status")["instances"][1]["nat"];
  EXPECT_EQ(nat["sessions"], json::parse(R"({"udp":3000,"tcp":0,"icmp":0})"));
  EXPECT_EQ(nat["bindings"]["udp"], 300);
  EXPECT_EQ(nat["subscribers"], 30);
  EXPECT_EQ(nat["ports"], 129024);
  EXPECT_EQ(nat["short-of"], json::parse(R"(["sessions"])"));

  const json all = get(table_path("plat", "sessions"));
  EXPECT_EQ(all["sessions"].size(), 3000u);
  EXPECT_EQ(all["next"], nullptr);
  const json one = all["sessions"][0];
  EXPECT_EQ(one["protocol"], "udp");
  EXPECT_EQ(one["inside"], "2001:db8::1");
  EXPECT_EQ(one["inside-port"], 1);
  EXPECT_EQ(one["remote"], "203.0.113.80");
  EXPECT_EQ(one["remote-port"], 1);
  EXPECT_EQ(one["state"], "unanswered");
  EXPECT_EQ(one["seconds-left"], 300);
  const std::string outside =
      one["outside"].get<std::string>() + ":" + std::to_string(one["outside-port"].get<int>());

  struct Row {
    const char* table;
    std::string parameters;
    std::size_t entries;
  };
  const Row rows[] = {
      {"bindings", "", 300},
      {"bindings", "?limit=7", 7},
      {"bindings", "?inside=:3", 30},
      {"bindings", "?inside=%5B2001:db8::1%5D:3", 1},
      {"bindings", "?inside=2001:db8::2", 0},
      {"bindings", "?outside=" + outside, 1},
      {"bindings", "?protocol=tcp", 0},
      {"sessions", "?outside=" + outside, 10},
      {"sessions", "?remote=203.0.113.80:3", 300},
      {"sessions", "?remote=203.0.113.81", 0},
      {"sessions", "?subscriber=2001:db8:0:4::/62&protocol=udp", 400},
      {"sessions", "?subscriber=2001:db8:0:4::/62&protocol=udp&limit=399", 399},
      {"subscribers", "", 30},
      {"subscribers", "?subscriber=2001:db8:0:4::77", 1},
      {"subscribers", "?subscriber=2001:db8:0:4::/64", 1},
      {"subscribers", "?sort=sessions", 10},
      {"subscribers", "?sort=bindings&limit=100", 30},
      {"subscribers", "?sort=sessions&subscriber=2001:db8:0:4::/62", 4},
      {"ports", "", 2},
      {"ports", "?outside=192.0.2.1", 1},
  };
  for (const Row& row : rows)
    EXPECT_EQ(get(table_path("plat", row.table) + row.parameters)[row.table].size(), row.entries)
        << row.table << row.parameters;
  const json ports = get(table_path("plat", "ports") + "?busiest=3");
  EXPECT_EQ(ports["ports"][0]["ports"], 64512);
  EXPECT_EQ(ports["ports"][0]["used"]["udp"].get<int>() + ports["ports"][1]["used"]["udp"].get<int>(), 300);
  ASSERT_EQ(ports["busiest"].size(), 3u);
  EXPECT_EQ(ports["busiest"][0]["bindings"], 10);
}

TEST_F(ServerTest, RefusesToSortTooMany) {
  for (const char* wrong : {"?sort=names", "?sort=sessions&limit=101", "?sort=sessions&from=0-7"})
    EXPECT_THAT(raw(path_, "GET " + table_path("plat", "subscribers") + wrong + " HTTP/1.1\r\n\r\n"),
                HasSubstr("400 Bad Request"))
        << wrong;
  EXPECT_THAT(raw(path_, "GET " + table_path("plat", "sessions") + "?sort=sessions HTTP/1.1\r\n\r\n"),
              HasSubstr("400 Bad Request"));
}

// As many as `used` counts, and each binding's port among them.
TEST_F(ServerTest, TellsWhichPortsAreUsed) {
  const json address = get(table_path("plat", "ports") + "?outside=192.0.2.1&used-ranges=yes")["ports"][0];
  const auto holds = [](const std::string& range, int port) {
    const auto dash = range.find('-');
    return std::stoi(range.substr(0, dash)) <= port && port <= std::stoi(range.substr(dash + 1));
  };
  int count = 0;
  for (const std::string range : address["used-ranges"]["udp"])
    count += std::stoi(range.substr(range.find('-') + 1)) - std::stoi(range) + 1;
  EXPECT_EQ(count, address["used"]["udp"].get<int>());
  EXPECT_GT(count, 0);
  EXPECT_EQ(address["used-ranges"]["tcp"], json::array());
  const json bindings = get(table_path("plat", "bindings") + "?outside=192.0.2.1")["bindings"];
  EXPECT_EQ(bindings.size(), static_cast<std::size_t>(count));
  for (const auto& binding : bindings)
    EXPECT_TRUE(std::ranges::any_of(address["used-ranges"]["udp"], [&](const std::string range) {
      return holds(range, binding["outside-port"].get<int>());
    })) << binding;
}

TEST_F(ServerTest, ListsANatPageByPage) {
  std::set<std::string> seen;
  std::string from;
  int pages = 0;
  do {
    const json page = get(table_path("plat", "sessions") + "?limit=700" + from);
    for (const auto& session : page["sessions"])
      EXPECT_TRUE(seen.insert(session["inside"].get<std::string>() + session["inside-port"].dump() +
                              session["remote-port"].dump())
                      .second);
    from = page["next"].is_null() ? "" : "&from=" + page["next"].get<std::string>();
  } while (++pages < 10 && !from.empty());
  EXPECT_EQ(pages, 5);
  EXPECT_EQ(seen.size(), 3000u);
}

TEST_F(ServerTest, FollowsANat) {
  std::string lines;
  const auto until = [&](std::size_t count) {
    return [&, count](std::string_view octets) {
      for (const char c : octets)
        if (c != '\n' || (!lines.empty() && lines.back() != '\n')) lines += c;
      return static_cast<std::size_t>(std::ranges::count(lines, '\n')) < count;
    };
  };
  const auto sessions = client_.stream(table_path("plat", "sessions") + "?follow=yes&inside=:2", until(1));
  ASSERT_TRUE(sessions) << sessions.error().to_string();
  const json event = json::parse(lines);
  EXPECT_EQ(event["event"], "session-created");
  EXPECT_EQ(event["inside-port"], 2);
  EXPECT_EQ(event["remote-port"], 53);
  EXPECT_EQ(event["recovered"], true);
  lines.clear();
  Client other(path_);
  ASSERT_TRUE(other.stream(table_path("plat", "bindings") + "?follow=yes", until(3)));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 3);
  EXPECT_THAT(lines, testing::Not(HasSubstr("remote")));
  EXPECT_FALSE(json::parse(lines.substr(0, lines.find('\n'))).contains("recovered"));
  const auto wrong = Client(path_).stream(table_path("dc", "sessions") + "?follow=yes", until(1));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().to_string(), HasSubstr("which has no sessions"));
  server_->stop();
  EXPECT_EQ(backend_->left_, 2) << "nobody follows any more";
}

TEST_F(ServerTest, ErrorsAboutANatSayWhatIsWrong) {
  const std::pair<std::string, const char*> rows[] = {
      {table_path("dc", "sessions"), "instance: dc is of mechanism siit, which has no sessions"},
      {table_path("plat", "sessions") + "?colour=red", "colour: there is no such parameter"},
      {table_path("plat", "bindings") + "?remote=192.0.2.1", "remote: bindings are not told apart by it"},
      {table_path("plat", "sessions") + "?remote=192.0.2.1:65536", "is not an IPv4 ADDRESS, ADDRESS:PORT"},
      {table_path("plat", "sessions") + "?remote=2001:db8::1", "is not an IPv4 ADDRESS"},
      {table_path("plat", "sessions") + "?inside=%5B2001:db8::1", "stands in brackets"},
      {table_path("plat", "sessions") + "?protocol=sctp", "\"sctp\" is not udp, tcp or icmp"},
      {table_path("plat", "sessions") + "?limit=0", "\"0\" is not a number from 1 on"},
      {table_path("plat", "sessions") + "?from=7", "\"7\" is not what `next` said"},
      {table_path("plat", "ports") + "?used-ranges=yes", "only one address is told about at a time"},
      {table_path("plat", "ports") + "?outside=192.0.2.1:7", "ports have no port of their own"},
  };
  for (const auto& [path, said] : rows) {
    const auto answer = client_.request(Method::Get, path);
    ASSERT_FALSE(answer) << path;
    EXPECT_THAT(answer.error().to_string(), HasSubstr(said)) << path;
  }
  // Halfway it is too late for another status: the answer ends with the error.
  const json broken = get(table_path("plat", "sessions") + "?subscriber=2001:db8::/32");
  EXPECT_GT(broken["sessions"].size(), 0u);
  EXPECT_EQ(broken["error"]["what"], "worker 1 did not answer within 1000 ms");
}

}  // namespace
}  // namespace yonroku::api
