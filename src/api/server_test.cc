// The API over a real socket, with a table in memory for a program.
#include "api/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "api/client.h"

namespace yonroku::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Method = Client::Method;

class FakeBackend final : public Backend {
 public:
  FakeBackend() { open_sessions(); }
  control::Status status() override {
    control::Status status;
    status.version = "0.0.0";
    status.process_id = ::getpid();
    status.warnings = {"forwarding is off"};
    control::InstanceStatus& dc = status.instances.emplace_back();
    dc.name = "dc";
    dc.mechanism = "siit";
    dc.routes = {"192.0.2.0/24"};
    dc.mappings = mappings_.size();
    control::InstanceStatus& plat = status.instances.emplace_back();
    plat.name = "plat";
    plat.mechanism = "nat64";
    control::NatStatus& nat = plat.nat.emplace();
    const std::scoped_lock lock(mutex_);
    nat.counts = nat_.counts();
    nat.max_sessions = 3100;
    nat.addresses = 2;
    (void)nat_.visit_addresses(0, 1,
                               [&](const share::PoolAddressView& view) { nat.by_address.push_back(view); });
    return status;
  }
  std::vector<control::InstanceCounters> counters() override {
    observe::Totals totals;
    totals.received = {3, 4};
    totals.translated[0][1] = {2, 100};
    totals.dropped[static_cast<std::size_t>(DropReason::TtlExceeded)] = 5;
    return {{"dc", totals}};
  }
  Result<std::vector<share::EamMapping>> mappings(const std::string& instance) override {
    TRY(find(instance));
    const std::scoped_lock lock(mutex_);
    std::vector<share::EamMapping> out;
    for (const auto& [ipv4, ipv6] : mappings_) out.push_back({ipv4, ipv6});
    return out;
  }
  Result<control::MappingChange> add_mappings(const std::string& instance,
                                              std::span<const share::EamMapping> mappings) override {
    TRY(find(instance));
    const std::scoped_lock lock(mutex_);
    for (const auto& mapping : mappings)
      if (mappings_.contains(mapping.ipv4))
        return fail("mappings", mapping.ipv4.to_string() + " is mapped already", "remove it first");
    for (const auto& mapping : mappings) mappings_[mapping.ipv4] = mapping.ipv6;
    return control::MappingChange{.added = mappings.size()};
  }
  Result<control::MappingChange> remove_mappings(const std::string& instance,
                                                 std::span<const Ipv4Prefix> ipv4) override {
    TRY(find(instance));
    const std::scoped_lock lock(mutex_);
    for (const auto& prefix : ipv4) mappings_.erase(prefix);
    return control::MappingChange{.removed = ipv4.size()};
  }
  Result<control::MappingChange> replace_mappings(const std::string& instance,
                                                  std::span<const share::EamMapping> mappings) override {
    TRY(find(instance));
    const std::scoped_lock lock(mutex_);
    mappings_.clear();
    for (const auto& mapping : mappings) mappings_[mapping.ipv4] = mapping.ipv6;
    return control::MappingChange{.added = mappings.size()};
  }
  Result<control::RuleWords> rule_words(const std::string& instance, control::TableKind kind) override {
    if (instance != "br" || kind != control::TableKind::Softwires)
      return fail("instance", "no such table", "there is br");
    return control::RuleWords{
        {*Ipv6Address::parse("2001:db8:ffff::1"), *Ipv6Address::parse("2001:db8:ffff::2")},
        share::InterfaceIdentifierFormat::Rfc7597};
  }
  Result<control::RuleList> rules(const std::string& instance, control::TableKind kind) override {
    control::RuleList list{TRY(rule_words(instance, kind)), {}};
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, rule] : softwires_) list.rules.push_back(rule);
    return list;
  }
  Result<control::MappingChange> add_rules(const std::string& instance, control::TableKind kind,
                                           const control::RuleWords&,
                                           std::span<const share::MapRule> rules) override {
    TRY(rule_words(instance, kind));
    const std::scoped_lock lock(mutex_);
    for (const auto& rule : rules) softwires_[share::MapRuleKey::of(rule)] = rule;
    return control::MappingChange{.added = rules.size()};
  }
  Result<control::MappingChange> remove_rules(const std::string& instance, control::TableKind kind,
                                              std::span<const control::RuleName> names) override {
    TRY(rule_words(instance, kind));
    const std::scoped_lock lock(mutex_);
    for (const auto& name : names)
      std::erase_if(softwires_, [&](const auto& each) {
        return each.first.ipv4 == name.ipv4 && each.first.psid == name.psid.value_or(0);
      });
    return control::MappingChange{.removed = names.size()};
  }
  Result<control::MappingChange> replace_rules(const std::string& instance, control::TableKind kind,
                                               const control::RuleWords& words,
                                               std::vector<share::MapRule> rules) override {
    softwires_.clear();
    return add_rules(instance, kind, words, rules);
  }
  Result<control::NatPiece> look_at_nat(const std::string& instance, const control::NatQuery& query,
                                        const control::NatPlace& from, std::size_t most) override {
    if (instance != "plat") return fail("instance", "dc is of mechanism siit, which has no sessions", "");
    if (from.worker > 0) return fail("plat", "worker 1 did not answer within 1000 ms", "try again");
    const std::scoped_lock lock(mutex_);
    control::NatPiece piece;
    const uint64_t end = control::look_at(nat_, query, from.entry, most, Instant{}, piece);
    if (end != share::Nat::kEnd)
      piece.next = control::NatPlace{0, end};
    else if (query.filter.subscriber ==
             Ipv6Prefix::parse("2001:db8::/32"))  // a second worker, which does not answer
      piece.next = control::NatPlace{1, 0};
    return piece;
  }
  Result<std::shared_ptr<control::NatFollower>> follow_nat(const std::string& instance,
                                                           const control::NatQuery& query) override {
    if (instance != "plat") return fail("instance", "dc is of mechanism siit, which has no sessions", "");
    auto follower = std::make_shared<control::NatFollower>(rings_, query, [this] { ++left_; });
    // Something happens at once.
    for (uint16_t port = 1; port <= 3; ++port)
      for (const auto kind : {share::NatEvent::Kind::BindingCreated, share::NatEvent::Kind::SessionCreated})
        rings_->of_worker[0].on({kind,
                                 share::NatProtocol::Udp,
                                 Instant{},
                                 {Ipv6Address(0x20010db800000000, 1), {}, port},
                                 {Ipv4Address(192, 0, 2, 1), 1024},
                                 {Ipv4Address(203, 0, 113, 80), 53}});
    return follower;
  }
  std::shared_ptr<control::NatEventRings> rings_ = std::make_shared<control::NatEventRings>(1);
  std::atomic<int> left_ = 0;
  Result<void> reload() override {
    return fail("yonroku.yaml:3:1", "unknown key \"workerz\"", "did you mean \"workers\"?");
  }

 private:
  static Result<void> find(const std::string& instance) {
    if (instance.empty() || instance == "dc") return {};
    return fail("instance", "there is no \"" + instance + "\"", "there are: dc");
  }
  // 3000 sessions of 30 hosts with 10 ports each: the first 1 of each binding, and 9 further ones.
  static share::NatSettings nat_settings() {
    share::NatSettings settings;
    settings.pools = {{{*Ipv4Prefix::parse("192.0.2.0/31")}, 1024, 65535}};
    settings.max_sessions = 10'000;
    settings.subscriber_prefix_length = 64;
    return settings;
  }
  void open_sessions() {
    for (uint64_t host = 0; host < 30; ++host)
      for (uint16_t port = 1; port <= 10; ++port)
        for (uint16_t remote = 1; remote <= 10; ++remote) {
          share::Ipv4Endpoint outside;
          EXPECT_EQ(nat_.outbound({{Ipv6Address(0x20010db8'00000000 + host, 1), {}, port},
                                   {Ipv4Address(203, 0, 113, 80), remote},
                                   share::NatProtocol::Udp,
                                   0},
                                  Instant{}, outside),
                    DropReason::None);
        }
  }
  share::Nat nat_{nat_settings(), 7, 0, 1, Instant{}};
  std::mutex mutex_;
  std::map<Ipv4Prefix, Ipv6Prefix> mappings_;
  std::map<share::MapRuleKey, share::MapRule> softwires_;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto socket = ListeningSocket::open(path_);
    ASSERT_TRUE(socket) << socket.error().to_string();
    auto backend = std::make_unique<FakeBackend>();
    backend_ = backend.get();
    server_ = Server::start(std::move(backend), std::move(*socket));
  }
  static std::string unique_path() {
    static int count = 0;
    return testing::TempDir() + "yonroku-api-" + std::to_string(::getpid()) + "-" + std::to_string(count++) +
           ".sock";
  }
  json get(const std::string& what) {
    const auto answer = client_.request(Method::Get, what);
    EXPECT_TRUE(answer) << what << ": " << answer.error().to_string();
    return answer ? json::parse(answer->body) : json();
  }

  std::string path_ = unique_path();
  FakeBackend* backend_ = nullptr;  // the server's
  std::unique_ptr<Server> server_;
  Client client_{path_};
};

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
}

TEST_F(ServerTest, ServesPrometheus) {
  const auto answer = client_.request(Method::Get, "/metrics");
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->content_type, HasSubstr("text/plain"));
  for (const char* line :
       {"# TYPE yonroku_dropped_packets_total counter\n",
        "\nyonroku_dropped_packets_total{instance=\"dc\",reason=\"ttl-exceeded\"} 5\n",
        "\nyonroku_received_packets_total{instance=\"dc\",version=\"4\"} 3\n",
        "\nyonroku_translated_packets_total{instance=\"dc\",direction=\"to-ipv6\",protocol=\"udp\"} 2\n",
        "\nyonroku_up{instance=\"dc\",mechanism=\"siit\"} 1\n", "# TYPE yonroku_nat_sessions gauge\n",
        "\nyonroku_nat_sessions{instance=\"plat\",protocol=\"udp\",state=\"unanswered\"} 3000\n",
        "\nyonroku_nat_sessions{instance=\"plat\",protocol=\"tcp\",state=\"established\"} 0\n",
        "\nyonroku_nat_bindings{instance=\"plat\",protocol=\"udp\"} 300\n",
        "\nyonroku_nat_subscribers{instance=\"plat\"} 30\n",
        "\nyonroku_nat_ports{instance=\"plat\",address=\"192.0.2.0\"} 64512\n",
        "\nyonroku_nat_ports{instance=\"plat\",address=\"other\"} 64512\n",
        "\nyonroku_nat_used_ports{instance=\"plat\",address=\"other\",protocol=\"tcp\"} 0\n"})
    EXPECT_THAT(answer->body, HasSubstr(line));
}

TEST_F(ServerTest, ChangesMappings) {
  const std::string path = mappings_path("dc");
  const auto added =
      client_.request(Method::Post, path, "192.0.2.1,2001:db8::1\n192.0.2.0/28,2001:db8:1::/124\n");
  ASSERT_TRUE(added) << added.error().to_string();
  EXPECT_EQ(json::parse(added->body)["added"], 2);
  EXPECT_EQ(
      get("/v1/mappings")["mappings"],
      json::parse(
          R"([{"ipv4":"192.0.2.0/28","ipv6":"2001:db8:1::/124"},{"ipv4":"192.0.2.1","ipv6":"2001:db8::1"}])"));
  const auto csv = client_.request(Method::Get, path, "", "text/csv");
  ASSERT_TRUE(csv);
  EXPECT_EQ(csv->body, "ipv4,ipv6\n192.0.2.0/28,2001:db8:1::/124\n192.0.2.1,2001:db8::1\n");

  const auto removed = client_.request(Method::Delete, path, "192.0.2.1\n");
  ASSERT_TRUE(removed) << removed.error().to_string();
  EXPECT_EQ(json::parse(removed->body)["removed"], 1);
  const auto replaced = client_.request(Method::Put, path, csv->body);
  ASSERT_TRUE(replaced) << replaced.error().to_string();
  EXPECT_EQ(get(path)["mappings"].size(), 2u);
  EXPECT_FALSE(client_.request(Method::Put, path, "")) << "a forgotten body";
  EXPECT_EQ(get(path)["mappings"].size(), 2u);
}

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
  lines.clear();
  Client other(path_);
  ASSERT_TRUE(other.stream(table_path("plat", "bindings") + "?follow=yes", until(3)));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 3);
  EXPECT_THAT(lines, testing::Not(HasSubstr("remote")));
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

std::string raw(const std::string& path, const std::string& request);

TEST_F(ServerTest, ChangesSoftwires) {
  const std::string path = table_path("br", "softwires");
  const auto added = client_.request(Method::Post, path,
                                     "2001:db8::1,192.0.2.1\n2001:db8::2,192.0.2.2,6,4,3,2001:db8:ffff::2\n");
  ASSERT_TRUE(added) << added.error().to_string();
  EXPECT_EQ(json::parse(added->body)["added"], 2);
  EXPECT_EQ(get(path)["softwires"], json::parse(R"([
    {"b4-address":"2001:db8::1","ipv4":"192.0.2.1","psid-offset":0,"br-address":"2001:db8:ffff::1"},
    {"b4-address":"2001:db8::2","ipv4":"192.0.2.2","psid-offset":6,"psid-length":4,"psid":3,
     "br-address":"2001:db8:ffff::2"}])"));
  const auto csv = client_.request(Method::Get, path, "", "text/csv");
  ASSERT_TRUE(csv);
  EXPECT_EQ(csv->body,
            "b4-address,ipv4,psid-offset,psid-length,psid,br-address\n2001:db8::1,192.0.2.1\n"
            "2001:db8::2,192.0.2.2,6,4,3,2001:db8:ffff::2\n");
  EXPECT_THAT(raw(path_, "GET " + path + " HTTP/1.0\r\nAccept: text/csv\r\n\r\n"),
              HasSubstr("\r\n\r\nb4-address"))
      << "in one piece for those who know no others";
  ASSERT_TRUE(client_.request(Method::Delete, path, "192.0.2.2,3\n"));
  EXPECT_EQ(get(path)["softwires"].size(), 1u);
  ASSERT_TRUE(client_.request(Method::Put, path, csv->body));
  EXPECT_EQ(get(path)["softwires"].size(), 2u);
  for (const char* body : {"", "# nothing\n", "b4-address,ipv4\n"})
    EXPECT_FALSE(client_.request(Method::Put, path, body)) << "a forgotten body";
  const auto bad = client_.request(Method::Post, path, "2001:db8::1,192.0.2.9,,,,2001:db8::9\n");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().to_string(), HasSubstr("body:1:26: 2001:db8::9 is none of br-addresses"));
  const auto other = client_.request(Method::Get, table_path("br", "rules"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().where, "instance");
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

// What HTTP clients may send besides what ours does.
std::string raw(const std::string& path, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const io::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "";
  EXPECT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  ::shutdown(fd.get(), SHUT_WR);
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  return answer;
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

TEST_F(ServerTest, AMillionMappingsAtOnce) {
  std::string csv;
  for (uint32_t i = 0; i < 1'000'000; ++i)
    csv +=
        Ipv4Address(0x64400000 + i).to_string() + "," + Ipv6Address(0x20010db800000000, i).to_string() + "\n";
  const auto start = std::chrono::steady_clock::now();
  const auto answer = client_.request(Method::Put, "/v1/mappings", csv);
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(json::parse(answer->body)["added"], 1'000'000);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  const auto listed = client_.request(Method::Get, "/v1/mappings", "", "text/csv");
  ASSERT_TRUE(listed) << listed.error().to_string();
  EXPECT_EQ(std::count(listed->body.begin(), listed->body.end(), '\n'), 1'000'001);
}

TEST_F(ServerTest, AThousandChangesASecondOverOneConnection) {
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < 1000; ++i)
    ASSERT_TRUE(client_.request(Method::Post, "/v1/mappings",
                                Ipv4Address(0x0a000000 + i).to_string() + "," +
                                    Ipv6Address(0x20010db800000000, i).to_string() + "\n"));
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 5) << "generous, for slow and sanitized builds; a plain build takes well below one";
  EXPECT_EQ(get("/v1/mappings")["mappings"].size(), 1000u);
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

TEST(ListeningSocket, ModeAndDirectory) {
  const std::string directory = testing::TempDir() + "yonroku-api-dir-" + std::to_string(::getpid());
  const std::string path = directory + "/control.sock";
  const mode_t umask_before = ::umask(077);
  {
    auto socket = ListeningSocket::open(path);
    ASSERT_TRUE(socket) << socket.error().to_string();
    struct stat status{};
    ASSERT_EQ(::stat(directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0750u);
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0660u);
  }
  ::umask(umask_before);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  ::rmdir(directory.c_str());
}

TEST(ListeningSocket, ReplacesTheSocketOfTheDeadOnly) {
  const std::string path = testing::TempDir() + "yonroku-stale-" + std::to_string(::getpid()) + ".sock";
  {  // Bound, never listening: what kill -9 leaves.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const io::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  auto socket = ListeningSocket::open(path);
  ASSERT_TRUE(socket) << socket.error().to_string();
  const auto server = Server::start(std::make_unique<FakeBackend>(), std::move(*socket));
  const auto second = ListeningSocket::open(path);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().to_string(), HasSubstr("another yonroku serves this socket (process " +
                                                    std::to_string(::getpid()) + ", instances: dc, plat)"));
  EXPECT_TRUE(Client(path).request(Method::Get, "/v1/status")) << "the first is not disturbed";
}

TEST(ListeningSocket, RefusesWhatItCannotUse) {
  const std::string file = testing::TempDir() + "yonroku-file-" + std::to_string(::getpid());
  std::ofstream(file) << "precious\n";
  const auto in_the_way = ListeningSocket::open(file);
  ASSERT_FALSE(in_the_way);
  EXPECT_THAT(in_the_way.error().to_string(), HasSubstr("is no socket, and is in the way"));
  EXPECT_EQ(::access(file.c_str(), F_OK), 0);
  ::unlink(file.c_str());
  EXPECT_FALSE(ListeningSocket::open(std::string(200, 'x')));
  EXPECT_FALSE(ListeningSocket::open("/nonexistent/deep/control.sock"));
}

}  // namespace
}  // namespace yonroku::api
