#include "api/who.h"

#include <nlohmann/json.hpp>

#include "api/who_report.h"
#include "api/who_test_base.h"

namespace yonroku::api {
namespace {

using namespace who_test;  // NOLINT(google-build-using-namespace)

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

// As when a damaged log was repaired.
TEST_F(WhoTest, AnAnswerSaysThatSomeWereLostSince) {
  const Source* const plat = begin(nat64(share::PortAllocation::Dynamic));
  event(plat, NatEvent::Kind::BindingCreated, "2001:db8:1200:100::7", 5000, 5000);
  now_ += 60'000;
  write(Note{now_, Note::Kind::Lost, plat, 0});
  const auto result = ask("198.51.100.2", 5000, 60);
  ASSERT_EQ(result.answers.size(), 1u);
  EXPECT_THAT(result.answers[0].notes,
              ElementsAre("some events were lost since, and its end may be one of them"));
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

TEST_F(WhoTest, WhatAHostOfASubscriberUsed) {
  const Source* const plat = begin(nat64(share::PortAllocation::Blocks));
  event(plat, NatEvent::Kind::PortBlockTaken, "2001:db8:1200:100::", 2048, 2559);
  event(plat, NatEvent::Kind::BindingCreated, "2001:db8:1200:200::7", 700, 700);
  // A block is of all hosts in the /56, ...
  for (const char* const asked : {"2001:db8:1200:100::7/128", "2001:db8:1200:1ff::7/128",
                                  "2001:db8:1200:180::/64", "2001:db8:1200::/48"})
    EXPECT_GE(used(asked).answers.size(), 1u) << asked;
  EXPECT_EQ(used("2001:db8:1200:1ff::7/128").answers.at(0).outside_ports, "2048-2559");
  EXPECT_THAT(used("2001:db8:1200:2ff::/64").answers, IsEmpty());
  // ... and a binding of one.
  EXPECT_EQ(used("2001:db8:1200:200::7/128").answers.size(), 1u);
  EXPECT_THAT(used("2001:db8:1200:200::8/128").answers, IsEmpty());
}

TEST_F(WhoTest, StaticBindingsOfASubscriber) {
  config::InstanceSettings settings = nat64(share::PortAllocation::Blocks);
  const Ipv4Address outside(198, 51, 100, 9);
  const Ipv6Address host = *Ipv6Address::parse("2001:db8:1200::80");
  settings.nat.static_bindings = {{NatProtocol::Tcp, host, {}, 443, outside, 443},
                                  {NatProtocol::Udp, host, {}, 443, outside, 443},
                                  {NatProtocol::Tcp, {}, Ipv4Address(10, 0, 0, 7), 22, outside, 2222}};
  const Source* const plat = begin(settings);
  now_ += 60'000;
  settings.nat.max_sessions = 7;  // nothing that makes another binding
  const Source* const changed = &sources_.emplace_back(Source{plat->number, settings});
  write(Note{now_, Note::Kind::Changed, changed});
  EXPECT_EQ(ask("198.51.100.9", 443, 5).answers.size(), 2u) << "of both protocols";
  const auto back = used("2001:db8:1200::80/128");
  ASSERT_EQ(back.answers.size(), 2u);
  EXPECT_EQ(back.answers[0].outside, "198.51.100.9");
  EXPECT_EQ(back.answers[0].outside_ports, "443");
  EXPECT_EQ(back.answers[0].protocol, NatProtocol::Tcp);
  EXPECT_EQ(back.answers[1].protocol, NatProtocol::Udp);
  EXPECT_EQ(used("2001:db8:1200::/48").answers.size(), 2u);
  EXPECT_THAT(used("2001:db8:1200::81/128").answers, IsEmpty());
  const auto behind = used("::10.0.0.7/128");
  ASSERT_EQ(behind.answers.size(), 1u);
  EXPECT_EQ(behind.answers[0].outside_ports, "2222");
  EXPECT_EQ(behind.answers[0].subscriber, "10.0.0.7");
  EXPECT_TRUE(used("2001:db8:1200::/48", 1).is_cut);
  EXPECT_EQ(used("2001:db8:1200::/48", 1).answers.size(), 1u);
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
  int asked = 0;
  const auto unfinished =
      answer_csv(*who, "198.51.100.2,2100\n198.51.100.2,2101\n", {}, kNoon, [&] { return ++asked == 2; });
  ASSERT_FALSE(unfinished) << "the server ends after the first";
  EXPECT_THAT(unfinished.error().to_string(), HasSubstr("the program ends"));
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
