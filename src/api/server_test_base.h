// Of the tests of the API: a server over a real socket, with a table in memory for a program.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/server.h"

namespace yonroku::api {

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
    natlog::DeliveryStatus receiver;
    receiver.name = "syslog \"a\"";
    receiver.lost = 9;
    receiver.error = "nobody listens";
    status.log = natlog::LogStatus{11, 2, {receiver}};
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
    nat.alg = {.rewritten = 7, .not_understood = 2, .refused = 1};
    (void)nat_.visit_addresses(0, 1,
                               [&](const share::PoolAddressView& view) { nat.by_address.push_back(view); });
    return status;
  }
  std::vector<control::InstanceCounters> counters() override {
    observe::Totals totals;
    totals.received = {3, 4};
    totals.translated[0][1] = {2, 100};
    totals.dropped[static_cast<std::size_t>(DropReason::TtlExceeded)] = 5;
    totals.dropped_by_kind[static_cast<std::size_t>(DropReason::TtlExceeded)]
                          [{observe::Direction::ToIpv6, observe::Protocol::Icmp}] = 5;
    totals.too_big_forwarded = {0, 6, 0};
    control::InstanceCounters dc{"dc", totals, 1, 4, {std::chrono::milliseconds(1500), std::nullopt}, {}};
    control::InstanceCounters plat{"plat", {}, 0, 0, {}, nat_.counts()};
    plat.nat->ended_sessions[1][static_cast<std::size_t>(share::SessionEnd::Closed)] = 6;
    plat.nat->refusals[0][static_cast<std::size_t>(share::NatRefusal::SubscriberPorts)] = 8;
    return {dc, plat};
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
  Result<std::vector<control::InstanceSpoofers>> spoofers(const std::string& instance) override {
    TRY(find(instance));
    return std::vector<control::InstanceSpoofers>{
        {"dc", {{{0x20010db8'00010000, 1}, 7, 5, std::chrono::seconds(3)}}}};
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
                                 {Ipv4Address(203, 0, 113, 80), 53},
                                 port == 2});
    return follower;
  }
  std::shared_ptr<control::NatEventRings> rings_ = std::make_shared<control::NatEventRings>(1);
  std::atomic<int> left_ = 0;
  // A drop for each second of 1970.
  Result<control::HistoryView> history(const std::string& instance, control::HistorySpan span,
                                       std::optional<control::HistoryMoment> since) override {
    TRY(find(instance));
    control::HistoryView view{"dc", span, std::chrono::sys_seconds(std::chrono::seconds(5)), {}, {{0.5}}};
    const auto left = since ? view.end - *since : std::chrono::milliseconds(5000);
    view.series[static_cast<std::size_t>(control::Series::Drops)].resize(
        static_cast<std::size_t>(left / std::chrono::seconds(1)), 1);
    return view;
  }
  config::Settings settings_;
  Result<std::string> log_folder() override { return control::log_folder(settings_); }
  Result<void> reload() override {
    return fail("yonroku.yaml:3:1", "unknown key \"workerz\"", "did you mean \"workers\"?");
  }
  // The address with an odd number goes.
  Result<control::ReloadPreview> preview_reload() override {
    share::NatSettings after = nat_settings();
    after.pools[0].addresses = {*Ipv4Prefix::parse("192.0.2.0/32")};
    auto changes = std::make_shared<std::vector<share::NatChange>>();
    changes->emplace_back(nat_settings(), after, 0, 1);
    return control::ReloadPreview{{"dc", control::InstanceChange::Kept, 1, nullptr},
                                  {"plat", control::InstanceChange::Kept, 1, std::move(changes)},
                                  {"new", control::InstanceChange::Added, 0, nullptr}};
  }
  Result<control::NatEndPiece> look_at_ends(const control::InstancePreview& preview,
                                            const control::NatPlace& from) override {
    if (was_reloaded_) return fail(preview.name, "the configuration was reloaded meanwhile", "try again");
    const std::scoped_lock lock(mutex_);
    control::NatEndPiece piece;
    const uint64_t end = nat_.visit_ends(preview.nat_changes->front(), from.entry, 100, Instant{},
                                         [&](const share::NatEndView& view) { piece.ends.push_back(view); });
    if (end != share::Nat::kEnd) piece.next = control::NatPlace{0, end};
    return piece;
  }
  std::atomic<bool> was_reloaded_ = false;

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

// What a server answers, until it closes the connection.
template <class Address>
std::string exchange(const Address& address, int family, const std::string& request) {
  const io::FileDescriptor fd(::socket(family, SOCK_STREAM, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "";
  (void)::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);  // a server may close before
  ::shutdown(fd.get(), SHUT_WR);
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  return answer;
}

// What HTTP clients may send besides what ours does.
inline std::string raw(const std::string& path, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  return exchange(address, AF_UNIX, request);
}

}  // namespace yonroku::api
