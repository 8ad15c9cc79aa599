// Who it was by tables of rules, softwires and mappings, and by prefixes.
#include "api/who_test_base.h"

namespace yonroku::api {
namespace {

using namespace who_test;  // NOLINT(google-build-using-namespace)

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

share::MapRule softwire_of(const char* b4, uint16_t psid) {
  return rule({.ipv6 = *Ipv6Prefix::parse(b4),
               .ipv4 = *Ipv4Prefix::parse("192.0.2.1/32"),
               .given_psid_length = 6,
               .given_psid = psid});
}

// A subscriber who needs more ports has two port sets. RFC 7596 §5
TEST_F(WhoTest, TwoSoftwiresOfOneB4) {
  const Source* const aftr = begin(settings_of("aftr", config::Mechanism::LwAftr));
  write(TableChange{.time = now_,
                    .kind = TableChange::Kind::Whole,
                    .source = aftr,
                    .added_rules = {softwire_of("2001:db8::1/128", 3), softwire_of("2001:db8::1/128", 4),
                                    softwire_of("2001:db8::2/128", 5)}});
  for (const auto& [port, subscriber] : {std::pair{3 * 1024, "2001:db8::1/128"},
                                         {4 * 1024, "2001:db8::1/128"},
                                         {5 * 1024, "2001:db8::2/128"}}) {
    const auto result = ask("192.0.2.1", static_cast<uint16_t>(port), 1);
    ASSERT_EQ(result.answers.size(), 1u) << port;
    EXPECT_EQ(result.answers[0].subscriber, subscriber);
  }
  const auto back = used("2001:db8::1/128");
  ASSERT_EQ(back.answers.size(), 2u);
  EXPECT_EQ(back.answers[0].outside_ports, "3072-4095");
  EXPECT_EQ(back.answers[1].outside_ports, "4096-5119");
}

// Not the same as nobody.
TEST_F(WhoTest, SoftwiresThatExcludeOneAnotherAreAnError) {
  const Source* const aftr = begin(settings_of("aftr", config::Mechanism::LwAftr));
  write(TableChange{.time = now_,
                    .source = aftr,
                    .added_rules = {softwire_of("2001:db8::1/128", 3), softwire_of("2001:db8::2/128", 3)}});
  ASSERT_TRUE(store_->tick());
  auto who = Who::open(folder_);
  const auto result = who->ask({Ipv4Address(192, 0, 2, 1), 3072, std::nullopt, now_});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().to_string(), HasSubstr("the log of aftr"));
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

}  // namespace
}  // namespace yonroku::api
