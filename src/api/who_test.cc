#include "api/who.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "api/who_report.h"
#include "api/who_request.h"
#include "natlog/store/store.h"

namespace yonroku::api {
namespace {

using natlog::Milliseconds;
using natlog::Note;
using natlog::Source;
using natlog::TableChange;
using share::NatEvent;
using share::NatProtocol;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Milliseconds kNoon = 1'795'348'800'000;  // 2026-11-22T12:00:00Z

config::InstanceSettings settings_of(const char* name, config::Mechanism mechanism) {
  config::InstanceSettings settings;
  settings.name = name;
  settings.mechanism = mechanism;
  return settings;
}

config::InstanceSettings nat64(share::PortAllocation allocation) {
  config::InstanceSettings settings = settings_of("plat", config::Mechanism::Nat64);
  settings.nat.allocation = allocation;
  settings.nat.block_size = 512;
  settings.nat.subscriber_prefix_length = 56;
  settings.nat.pools = {{.addresses = {*Ipv4Prefix::parse("198.51.100.0/24")}}};
  if (allocation == share::PortAllocation::Deterministic)
    settings.nat.subscribers = {*Ipv6Prefix::parse("2001:db8:1200::/48")};
  return settings;
}

share::MapRule rule(const share::MapRule::Parts& parts) { return *share::MapRule::create(parts); }

class WhoTest : public testing::Test {
 protected:
  WhoTest() : folder_(testing::TempDir() + "/who-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  ~WhoTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    store_ = std::make_unique<natlog::Store>(
        folder_, natlog::StoreLimits{.age = Milliseconds{1} << 50, .size = UINT64_MAX},
        [this] { return now_.load(); });
  }
  // A log in which nothing is.
  void open_again() {
    store_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  void write(const natlog::Batch& batch) {
    const auto written = store_->write(batch);
    ASSERT_TRUE(written) << written.error().to_string();
  }
  const Source* begin(config::InstanceSettings settings) {
    const auto number = static_cast<uint32_t>(sources_.size() + 1);
    const Source* const source = &sources_.emplace_back(Source{number, std::move(settings)});
    write(Note{now_, Note::Kind::Began, source});
    return source;
  }
  void event(const Source* source, NatEvent::Kind kind, const char* inside, uint16_t port, uint16_t last) {
    NatEvent event;
    event.kind = kind;
    event.protocol = NatProtocol::Udp;
    event.inside = {*Ipv6Address::parse(inside), {}, 40000};
    event.outside = {Ipv4Address(198, 51, 100, 2), port};
    write(std::vector<natlog::Event>{{now_, source, event, last}});
  }
  WhoResult ask(const char* address, uint16_t port, Milliseconds second, Milliseconds skew = 0) {
    EXPECT_TRUE(store_->tick());
    auto who = Who::open(folder_);
    const auto result =
        who->ask({*Ipv4Address::parse(address), port, std::nullopt, kNoon + second * 1000, skew * 1000});
    if (!result) ADD_FAILURE() << result.error().to_string();
    return result.value_or(WhoResult());
  }
  void session(const Source* source, const char* inside, share::Ipv4Endpoint remote,
               NatProtocol protocol = NatProtocol::Tcp) {
    NatEvent event;
    event.kind = NatEvent::Kind::SessionCreated;
    event.protocol = protocol;
    event.inside = {*Ipv6Address::parse(inside), {}, 40000};
    event.outside = {Ipv4Address(198, 51, 100, 2), 5000};
    event.remote = remote;
    write(std::vector<natlog::Event>{{now_, source, event, 5000}});
  }
  // Of 198.51.100.2, now.
  WhoResult ask_about_remote(uint16_t port, const char* remote) {
    EXPECT_TRUE(store_->tick());
    auto who = Who::open(folder_);
    WhoRequest request;
    request.address = "198.51.100.2";
    request.port = std::to_string(port);
    request.remote = remote;
    const auto result = answer(*who, request, now_);
    if (!result) ADD_FAILURE() << result.error().to_string();
    return result.value_or(WhoResult());
  }
  WhoResult used(const char* subscriber, std::size_t most = 100) {
    EXPECT_TRUE(store_->tick());
    auto who = Who::open(folder_);
    const auto result = who->used_by(*Ipv6Prefix::parse(subscriber), {0, now_}, most);
    if (!result) ADD_FAILURE() << result.error().to_string();
    return result.value_or(WhoResult());
  }

  std::string folder_;
  std::atomic<Milliseconds> now_ = kNoon;
  std::deque<Source> sources_;
  std::unique_ptr<natlog::Store> store_;
};

TEST_F(WhoTest, Block) {
  const Source* const plat = begin(nat64(share::PortAllocation::Blocks));
  event(plat, NatEvent::Kind::PortBlockTaken, "2001:db8:1200:100::", 2048, 2559);
  const auto result = ask("198.51.100.2", 2100, 5);
  EXPECT_EQ(to_json(result).dump(),
            R"({"answers":[{"instance":"plat","mechanism":"nat64","subscriber":"2001:db8:1200:100::/56",)"
            R"("inside":null,"inside-port":null,"outside":"198.51.100.2","outside-ports":"2048-2559",)"
            R"("protocol":null,"from":"2026-11-22T12:00:00Z","until":null,"how":"port-block","note":null}],)"
            R"("gaps":[],"more":false})");
  EXPECT_EQ(who_text(to_json(result), "198.51.100.2 port 2100"),
            "198.51.100.2 port 2100\n\n"
            "2001:db8:1200:100::/56\n"
            "  outside  198.51.100.2 ports 2048-2559\n"
            "  from     2026-11-22T12:00:00Z\n"
            "  until    still so, as far as is known\n"
            "  known by a block of ports that was logged, instance plat (nat64)\n");
}

TEST_F(WhoTest, NobodyButEventsWereLost) {
  const Source* const plat = begin(nat64(share::PortAllocation::Blocks));
  now_ += 60'000;
  write(Note{now_, Note::Kind::Lost, plat, 812});
  now_ += 60'000;
  const auto result = ask("198.51.100.2", 2100, 90);
  EXPECT_THAT(result.answers, IsEmpty());
  EXPECT_THAT(who_text(to_json(result), "?"),
              HasSubstr("nobody is known\n\nthe log is not complete around then:\n"
                        "  812 events were lost from 2026-11-22T12:00:00Z to 2026-11-22T12:01:00Z\n"));
  EXPECT_THAT(who_text(to_json(ask("198.51.100.2", 2100, -3600)), "?"),
              HasSubstr("the log begins at 2026-11-22T12:00:00Z"));
}

// What is open since before a loss may have ended in it.
TEST_F(WhoTest, AnAnswerSaysWhatWasLostSince) {
  const Source* const plat = begin(nat64(share::PortAllocation::Dynamic));
  event(plat, NatEvent::Kind::BindingCreated, "2001:db8:1200:100::7", 5000, 5000);
  now_ += 60'000;
  write(Note{now_, Note::Kind::Lost, plat, 3});
  const auto result = ask("198.51.100.2", 5000, 60);
  ASSERT_EQ(result.answers.size(), 1u);
  EXPECT_EQ(result.answers[0].inside, "2001:db8:1200:100::7");
  EXPECT_EQ(result.answers[0].inside_port, 40000);
  EXPECT_THAT(result.answers[0].notes,
              ElementsAre("3 events were lost since, and its end may be one of them"));
}

// One port to many servers at once: what tells their hosts apart is whom they talked to.
TEST_F(WhoTest, SessionsByTheirDestination) {
  config::InstanceSettings settings = nat64(share::PortAllocation::Dynamic);
  settings.nat.when_exhausted = share::WhenExhausted::ReuseByDestination;
  const Source* const plat = begin(settings);
  session(plat, "2001:db8:1200:100::7", {Ipv4Address(203, 0, 113, 7), 443});
  session(plat, "2001:db8:1200:200::8", {Ipv4Address(203, 0, 113, 8), 443});
  const auto hosts = [&](const char* remote) {
    std::vector<std::string> inside;
    for (const WhoAnswer& each : ask_about_remote(5000, remote).answers) inside.push_back(*each.inside);
    return inside;
  };
  EXPECT_THAT(hosts(""), testing::SizeIs(2));
  EXPECT_THAT(hosts("203.0.113.7"), ElementsAre("2001:db8:1200:100::7"));
  EXPECT_THAT(hosts("203.0.113.8:443"), ElementsAre("2001:db8:1200:200::8"));
  EXPECT_THAT(hosts("203.0.113.8:80"), IsEmpty());
  EXPECT_THAT(hosts("203.0.113.9"), IsEmpty());
  EXPECT_THAT(ask_about_remote(5000, "203.0.113.7").answers.at(0).notes, ElementsAre("to 203.0.113.7:443"));
  WhoRequest back;
  back.subscriber = "2001:db8:1200::/48";
  back.remote = "203.0.113.8";
  auto who = Who::open(folder_);
  const auto used = answer(*who, back, now_);
  ASSERT_TRUE(used);
  ASSERT_EQ(used->answers.size(), 1u);
  EXPECT_EQ(used->answers[0].inside, "2001:db8:1200:200::8");
}

TEST_F(WhoTest, AnIcmpSessionHasNoRemotePort) {
  const Source* const plat = begin(nat64(share::PortAllocation::Dynamic));
  session(plat, "2001:db8:1200:100::7", {Ipv4Address(203, 0, 113, 7), 0}, NatProtocol::Icmp);
  EXPECT_EQ(ask_about_remote(5000, "203.0.113.7:443").answers.size(), 1u);
  EXPECT_THAT(ask_about_remote(5000, "203.0.113.8").answers, IsEmpty());
}

// RFC 6888 REQ-12: destinations are not logged, and then they tell nobody apart.
TEST_F(WhoTest, ADestinationThatWasNotLogged) {
  const Source* const plat = begin(nat64(share::PortAllocation::Blocks));
  event(plat, NatEvent::Kind::PortBlockTaken, "2001:db8:1200:100::", 2048, 2559);
  session(plat, "2001:db8:1200:100::7", {});
  for (const uint16_t port : {uint16_t{2100}, uint16_t{5000}}) {
    const auto result = ask_about_remote(port, "203.0.113.7:443");
    ASSERT_EQ(result.answers.size(), 1u) << port;
    EXPECT_THAT(result.answers[0].notes,
                ElementsAre("whether it was to 203.0.113.7 is not known: the destination was not logged"));
    EXPECT_THAT(ask_about_remote(port, "").answers.at(0).notes, IsEmpty());
  }
}

// RFC 7422 §2: nothing is logged but the settings.
TEST_F(WhoTest, Deterministic) {
  begin(nat64(share::PortAllocation::Deterministic));
  // 126 blocks of 512 ports in each address, 256 subscribers.
  const auto first = ask("198.51.100.0", 1024, 5);
  ASSERT_EQ(first.answers.size(), 1u);
  EXPECT_EQ(first.answers[0].subscriber, "2001:db8:1200::/56");
  EXPECT_EQ(first.answers[0].outside_ports, "1024-1535");
  EXPECT_EQ(first.answers[0].how, WhoAnswer::How::Deterministic);
  EXPECT_EQ(first.answers[0].from, kNoon);
  const auto other = ask("198.51.100.1", 1536, 5);
  ASSERT_EQ(other.answers.size(), 1u);
  EXPECT_EQ(other.answers[0].subscriber, "2001:db8:1200:7f00::/56");  // number 127
  EXPECT_THAT(ask("198.51.100.9", 1024, 5).answers, IsEmpty());       // more blocks than subscribers
  EXPECT_THAT(ask("198.51.100.0", 1023, 5).answers, IsEmpty());
  EXPECT_THAT(ask("198.51.100.0", 1024, -5).answers, IsEmpty());
  const auto back = used("2001:db8:1200:7f00::/56");
  ASSERT_EQ(back.answers.size(), 1u);
  EXPECT_EQ(back.answers[0].outside, "198.51.100.1");
  EXPECT_EQ(back.answers[0].outside_ports, "1536-2047");
  EXPECT_FALSE(back.is_cut);
}

// Every subscriber of the prefix has its block: the same one that is found the other way round.
TEST_F(WhoTest, DeterministicOfManySubscribers) {
  config::InstanceSettings settings = nat64(share::PortAllocation::Deterministic);
  settings.nat.subscribers.push_back(*Ipv6Prefix::parse("2001:db8:3400::/54"));
  begin(settings);
  begin(settings);  // after a restart: the same, once
  EXPECT_EQ(used("2001:db8:1200:7c00::/54").answers.size(), 4u);
  EXPECT_EQ(used("2001:db8:1200:7c00::/57").answers.at(0).subscriber, "2001:db8:1200:7c00::/56");  // in it
  EXPECT_THAT(used("2001:db8:5600::/48").answers, IsEmpty());
  const auto all = used("2001:db8::/32", 1000);
  EXPECT_FALSE(all.is_cut);
  ASSERT_EQ(all.answers.size(), 260u);
  for (const WhoAnswer& each : all.answers) {
    const auto port = static_cast<uint16_t>(std::stoi(each.outside_ports));
    const auto there = ask(each.outside.c_str(), port, 0);
    ASSERT_EQ(there.answers.size(), 1u) << each.outside << " " << each.outside_ports;
    EXPECT_EQ(there.answers[0].subscriber, each.subscriber);
    EXPECT_EQ(there.answers[0].outside_ports, each.outside_ports);
  }
  EXPECT_EQ(all.answers[259].subscriber, "2001:db8:3400:300::/56");
  const auto some = used("2001:db8::/32", 100);
  EXPECT_EQ(some.answers.size(), 100u);
  EXPECT_TRUE(some.is_cut);
  EXPECT_FALSE(used("2001:db8::/32", 260).is_cut);
  EXPECT_TRUE(used("2001:db8::/32", 259).is_cut);
  EXPECT_THAT(who_text(to_json(some), "?"), HasSubstr("there are more: these are 100, see --limit"));
}

// A reload that changes the size of blocks: each time has its own answer.
TEST_F(WhoTest, DeterministicWithOtherSettingsLater) {
  const Source* const plat = begin(nat64(share::PortAllocation::Deterministic));
  now_ += 60'000;
  config::InstanceSettings changed = plat->settings;
  changed.nat.block_size = 1024;
  const Source* const later = &sources_.emplace_back(Source{1, changed});
  write(Note{now_, Note::Kind::Changed, later});
  now_ += 60'000;
  const auto before = ask("198.51.100.0", 1600, 30), after = ask("198.51.100.0", 1600, 90);
  ASSERT_EQ(before.answers.size(), 1u);
  ASSERT_EQ(after.answers.size(), 1u);
  EXPECT_EQ(before.answers[0].subscriber, "2001:db8:1200:100::/56");
  EXPECT_EQ(before.answers[0].until, kNoon + 60'000);
  EXPECT_EQ(after.answers[0].subscriber, "2001:db8:1200::/56");
  EXPECT_EQ(after.answers[0].from, kNoon + 60'000);
  // With a wrong clock it may have been either.
  EXPECT_EQ(ask("198.51.100.0", 1600, 50, 20).answers.size(), 2u);
}

TEST_F(WhoTest, StaticBinding) {
  config::InstanceSettings settings = nat64(share::PortAllocation::Blocks);
  settings.nat.static_bindings = {{NatProtocol::Tcp,
                                   *Ipv6Address::parse("2001:db8:1200::80"),
                                   {},
                                   443,
                                   Ipv4Address(198, 51, 100, 9),
                                   443}};
  begin(settings);
  const auto result = ask("198.51.100.9", 443, 5);
  ASSERT_EQ(result.answers.size(), 1u);
  EXPECT_EQ(result.answers[0].inside, "2001:db8:1200::80");
  EXPECT_THAT(result.answers[0].notes, ElementsAre("a static binding of the configuration"));
}

// RFC 7597 Appendix A, example 1.
TEST_F(WhoTest, MapRule) {
  const Source* const border = begin(settings_of("border", config::Mechanism::MapEBr));
  const auto example = rule({.ipv6 = *Ipv6Prefix::parse("2001:db8::/40"),
                             .ipv4 = *Ipv4Prefix::parse("192.0.2.0/24"),
                             .ea_length = 16,
                             .psid_offset = 6});
  write(TableChange{
      .time = now_, .kind = TableChange::Kind::Whole, .source = border, .added_rules = {example}});
  now_ += 60'000;
  write(TableChange{.time = now_, .source = border, .removed_rules = {example}});
  const auto result = ask("192.0.2.18", 1232, 30);
  ASSERT_EQ(result.answers.size(), 1u);
  EXPECT_EQ(result.answers[0].subscriber, "2001:db8:12:3400::/56");
  EXPECT_EQ(result.answers[0].inside, "2001:db8:12:3400:0:c000:212:34");
  EXPECT_EQ(result.answers[0].outside_ports, "1232-1235");
  EXPECT_EQ(result.answers[0].until, kNoon + 60'000);
  EXPECT_THAT(ask("192.0.2.18", 80, 30).answers, IsEmpty());
  EXPECT_THAT(ask("192.0.2.18", 1232, 90).answers, IsEmpty());
  const auto back = used("2001:db8:12:3400::/56");
  ASSERT_EQ(back.answers.size(), 1u);
  EXPECT_EQ(back.answers[0].outside, "192.0.2.18");
}

TEST_F(WhoTest, TheBorderIsNobodysSubscriber) {
  const Source* const edge = begin(settings_of("b4", config::Mechanism::LwB4));
  write(TableChange{.time = now_,
                    .kind = TableChange::Kind::Whole,
                    .source = edge,
                    .added_rules = {rule({.ipv6 = *Ipv6Prefix::parse("2001:db8:ffff::3/128"),
                                          .ipv4 = *Ipv4Prefix::parse("0.0.0.0/0")})}});
  EXPECT_THAT(ask("192.0.2.18", 1232, 0).answers, IsEmpty());
}

TEST_F(WhoTest, SoftwiresThatChange) {
  const Source* const aftr = begin(settings_of("aftr", config::Mechanism::LwAftr));
  const auto softwire = [](const char* ipv6, uint16_t psid) {
    return rule({.ipv6 = *Ipv6Prefix::parse(ipv6),
                 .ipv4 = *Ipv4Prefix::parse("192.0.2.1/32"),
                 .given_psid_length = 6,
                 .given_psid = psid});
  };
  write(TableChange{.time = now_,
                    .kind = TableChange::Kind::Whole,
                    .source = aftr,
                    .added_rules = {softwire("2001:db8::1/128", 1), softwire("2001:db8::2/128", 2)}});
  now_ += 60'000;
  write(TableChange{.time = now_,
                    .source = aftr,
                    .added_rules = {softwire("2001:db8::3/128", 1)},
                    .removed_rules = {softwire("2001:db8::1/128", 1)}});
  const auto who = [&](uint16_t port, Milliseconds second, Milliseconds skew = 0) {
    std::vector<std::string> subscribers;
    for (const WhoAnswer& answer : ask("192.0.2.1", port, second, skew).answers)
      subscribers.push_back(answer.subscriber);
    return subscribers;
  };
  EXPECT_THAT(who(1024, 30), ElementsAre("2001:db8::1/128"));
  EXPECT_THAT(who(2047, 90), ElementsAre("2001:db8::3/128"));
  EXPECT_THAT(who(2048, 90), ElementsAre("2001:db8::2/128"));
  EXPECT_THAT(who(3072, 90), IsEmpty());
  EXPECT_THAT(who(1024, 58, 5), ElementsAre("2001:db8::1/128", "2001:db8::3/128"));
}

TEST_F(WhoTest, AddressMappings) {
  const Source* const dc = begin(settings_of("dc", config::Mechanism::Siit));
  write(TableChange{
      .time = now_,
      .kind = TableChange::Kind::Whole,
      .source = dc,
      .added_mappings = {{*Ipv4Prefix::parse("192.0.2.0/24"), *Ipv6Prefix::parse("2001:db8::/120")},
                         {*Ipv4Prefix::parse("192.0.2.7/32"), *Ipv6Prefix::parse("2001:db8:9::1/128")}}});
  EXPECT_EQ(ask("192.0.2.6", 80, 1).answers.at(0).inside, "2001:db8::6");
  const auto longest = ask("192.0.2.7", 80, 1);
  ASSERT_EQ(longest.answers.size(), 1u);
  EXPECT_EQ(longest.answers[0].inside, "2001:db8:9::1");
  EXPECT_EQ(used("2001:db8:9::1/128").answers.at(0).outside, "192.0.2.7");
}

// RFC 6052 §2.4: the examples of its table.
TEST_F(WhoTest, AddressesThatAreEmbedded) {
  struct Row {
    const char* prefix;
    const char* host;
  };
  for (const auto& [prefix, host] :
       std::initializer_list<Row>{{"2001:db8::/32", "2001:db8:c000:221::"},
                                  {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
                                  {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
                                  {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
                                  {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
                                  {"2001:db8:122:344::/96", "2001:db8:122:344::c000:221"}}) {
    config::InstanceSettings settings = settings_of("dc", config::Mechanism::Siit);
    settings.pref64 = share::Pref64::create(*Ipv6Prefix::parse(prefix));
    const Source* const dc = begin(settings);
    const auto there = ask("192.0.2.33", 80, 0);
    ASSERT_EQ(there.answers.size(), 1u) << prefix;
    EXPECT_EQ(there.answers[0].inside, Ipv6Address::parse(host)->to_string());
    EXPECT_EQ(there.answers[0].inside_port, 80);
    EXPECT_EQ(there.answers[0].how, WhoAnswer::How::Prefix);
    const auto back = used((std::string(host) + "/128").c_str());
    ASSERT_EQ(back.answers.size(), 1u) << prefix;
    EXPECT_EQ(back.answers[0].outside, "192.0.2.33") << prefix;
    write(Note{now_, Note::Kind::Ended, dc});
    open_again();
  }
}

TEST_F(WhoTest, PrefixesOfEmbeddedAddresses) {
  config::InstanceSettings settings = settings_of("dc", config::Mechanism::Siit);
  settings.pref64 = share::Pref64::create(*Ipv6Prefix::parse("2001:db8:122::/48"));
  begin(settings);
  const auto outside = [&](const char* subscriber) {
    std::vector<std::string> places;
    for (const WhoAnswer& answer : used(subscriber).answers) places.push_back(answer.outside);
    return places;
  };
  EXPECT_THAT(outside("2001:db8:122:c000::/56"), ElementsAre("192.0.0.0/8"));
  EXPECT_THAT(outside("2001:db8:122:c000::/64"), ElementsAre("192.0.0.0/16"));
  EXPECT_THAT(outside("2001:db8:122:c000::/72"), ElementsAre("192.0.0.0/16"));
  EXPECT_THAT(outside("2001:db8:122:c000:2::/80"), ElementsAre("192.0.2.0/24"));
  EXPECT_THAT(outside("2001:db8:122:c000:2:2100::/88"), ElementsAre("192.0.2.33"));
  EXPECT_THAT(outside("2001:db8:122::/48"), IsEmpty());  // every address
  EXPECT_THAT(outside("2001:db8::/32"), IsEmpty());
  EXPECT_THAT(outside("2001:db8:123:c000::/64"), IsEmpty());
  EXPECT_THAT(outside("2001:db8:122:c000:102:2100::/128"), IsEmpty());  // octet 8 is not zero
}

// RFC 7757 §3.3: a mapping goes before the prefix. So does a NAT's pool.
TEST_F(WhoTest, EmbeddedAddressesComeLast) {
  config::InstanceSettings settings = settings_of("dc", config::Mechanism::Siit);
  settings.pref64 = share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
  const Source* const dc = begin(settings);
  write(TableChange{
      .time = now_,
      .kind = TableChange::Kind::Whole,
      .source = dc,
      .added_mappings = {{*Ipv4Prefix::parse("192.0.2.7/32"), *Ipv6Prefix::parse("2001:db8:64::1/128")}}});
  begin(nat64(share::PortAllocation::Blocks));
  EXPECT_EQ(ask("192.0.2.7", 80, 0).answers.at(0).how, WhoAnswer::How::Mapping);
  EXPECT_THAT(ask("198.51.100.2", 80, 0).answers, IsEmpty());
  EXPECT_EQ(ask("192.0.2.8", 80, 0).answers.at(0).inside, "2001:db8:64::c000:208");
  EXPECT_EQ(used("2001:db8:64::1/128").answers.at(0).how, WhoAnswer::How::Mapping);
  EXPECT_EQ(used("2001:db8:64::1/128").answers.size(), 1u);
  EXPECT_THAT(ask("192.0.2.8", 80, -60).answers, IsEmpty());  // before the log
}

// --- complaints ---

TEST_F(WhoTest, Complaints) {
  const Source* const plat = begin(nat64(share::PortAllocation::Blocks));
  event(plat, NatEvent::Kind::PortBlockTaken, "2001:db8:1200:100::", 2048, 2559);
  ASSERT_TRUE(store_->tick());
  auto who = Who::open(folder_);
  ASSERT_TRUE(who);
  const auto answers = answer_csv(*who,
                                  "\xef\xbb\xbf"
                                  "Case;Time stamp;Source IP;Source-Port;Proto\r\n"
                                  "\"a, \"\"b\"\"\";2026-11-22T12:00:05Z;198.51.100.2;2100;UDP\r\n"
                                  "2;2026-11-22T12:00:05Z;198.51.100.3;2100;tcp\r\n"
                                  "3;yesterday;198.51.100.3;2100;tcp\n"
                                  "4;2026-11-22T12:00:05Z;198.51.100.3;70000",
                                  {}, kNoon);
  ASSERT_TRUE(answers);
  EXPECT_EQ(
      *answers,
      "Case,Time stamp,Source IP,Source-Port,Proto,instance,mechanism,subscriber,inside,inside-port,from,"
      "until,how,note\n"
      "\"a, \"\"b\"\"\",2026-11-22T12:00:05Z,198.51.100.2,2100,UDP,plat,nat64,2001:db8:1200:100::/56,,,"
      "2026-11-22T12:00:00Z,,port-block,\n"
      "2,2026-11-22T12:00:05Z,198.51.100.3,2100,tcp,,,,,,,,,nobody is known\n"
      "3,yesterday,198.51.100.3,2100,tcp,,,,,,,,,\"error: time: \"\"yesterday\"\" is none; write "
      "2026-11-21T12:03:05Z, \"\"2026-11-21 12:03\"\" in the zone of this host, now, or -2h\"\n"
      "4,2026-11-22T12:00:05Z,198.51.100.3,70000,,,,,,,,,,\"error: port: \"\"70000\"\" is none; 0 to "
      "65535; an address is shared, and without its port nobody can tell\"\n");
  const auto plain = answer_csv(*who, "198.51.100.2,2100,@1795348805\n", {}, kNoon);
  ASSERT_TRUE(plain);
  EXPECT_THAT(*plain, HasSubstr("address,port,time,instance"));
  EXPECT_THAT(*plain, HasSubstr("2001:db8:1200:100::/56"));
}

TEST_F(WhoTest, ComplaintsThatNameTheServer) {
  config::InstanceSettings settings = nat64(share::PortAllocation::Dynamic);
  settings.nat.when_exhausted = share::WhenExhausted::ReuseByDestination;
  const Source* const plat = begin(settings);
  session(plat, "2001:db8:1200:100::7", {Ipv4Address(203, 0, 113, 7), 443});
  session(plat, "2001:db8:1200:200::8", {Ipv4Address(203, 0, 113, 8), 443});
  ASSERT_TRUE(store_->tick());
  auto who = Who::open(folder_);
  const auto inside = [&](const std::string& complaints, const char* remote_of_all = "") {
    WhoRequest of_all;
    of_all.remote = remote_of_all;
    const auto answers = answer_csv(*who, complaints, of_all, kNoon).value_or("");
    return std::pair(answers.find("2001:db8:1200:100::7") != std::string::npos,
                     answers.find("2001:db8:1200:200::8") != std::string::npos);
  };
  const std::string first = ",198.51.100.2,5000,2026-11-22T12:00:00Z\n";
  EXPECT_EQ(inside("Destination IP,ip,port,time\n203.0.113.7" + first), std::pair(true, false));
  EXPECT_EQ(inside("remote,ip,port,time\n203.0.113.8:443" + first), std::pair(false, true));
  EXPECT_EQ(inside("remote,ip,port,time\n" + first), std::pair(true, true));
  EXPECT_EQ(inside("remote,ip,port,time\n" + first, "203.0.113.8"), std::pair(false, true));
  EXPECT_EQ(inside("remote,ip,port,time\n203.0.113.7" + first, "203.0.113.8"), std::pair(true, false));
  EXPECT_EQ(inside("dst port,dst ip,ip,port,time\n80,203.0.113.7" + first), std::pair(false, false));
  EXPECT_EQ(inside("dst port,dst ip,ip,port,time\n443,203.0.113.7" + first), std::pair(true, false));
  const auto wrong = answer_csv(*who, "remote,ip,port,time\nwww.example.com" + first, {}, kNoon);
  EXPECT_THAT(*wrong, HasSubstr("error: remote: \"\"www.example.com\"\" is none"));
}

TEST_F(WhoTest, WhatIsNoQuestion) {
  WhoRequest request;
  request.address = "198.51.100.2";
  request.port = "80";
  EXPECT_TRUE(parse_question(request, kNoon));
  EXPECT_EQ(parse_question(request, kNoon)->time, kNoon);
  for (const auto& [member, value] : std::initializer_list<std::pair<std::string WhoRequest::*, const char*>>{
           {&WhoRequest::address, "2001:db8::1"},
           {&WhoRequest::port, ""},
           {&WhoRequest::port, "65536"},
           {&WhoRequest::protocol, "sctp"},
           {&WhoRequest::skew, "-1"},
           {&WhoRequest::remote, "2001:db8::1"},
           {&WhoRequest::remote, "203.0.113.7:"},
           {&WhoRequest::remote, "203.0.113.7:65536"},
           {&WhoRequest::time, "soon"}}) {
    WhoRequest wrong = request;
    wrong.*member = value;
    EXPECT_FALSE(parse_question(wrong, kNoon)) << value;
  }
}

}  // namespace
}  // namespace yonroku::api
