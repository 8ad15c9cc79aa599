#include "natlog/store/store.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "natlog/store/entry_blob.h"
#include "natlog/store/settings_text.h"
#include "natlog/store/store_test_base.h"

namespace yonroku::natlog {
namespace {

using namespace store_test;  // NOLINT(google-build-using-namespace)
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(StoreTest, ReusedBlock) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  pass(60'000);
  event(plat, EventKind::PortBlockReturned, "2001:db8:1::", 2048);
  tick();
  pass(120'000);
  event(plat, EventKind::PortBlockTaken, "2001:db8:2::", 2048);
  tick();
  EXPECT_THAT(who(2048, 0), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2559, 59), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2560, 30), IsEmpty());
  EXPECT_THAT(who(2047, 30), IsEmpty());
  EXPECT_THAT(who(2100, 100), IsEmpty());
  EXPECT_THAT(who(2100, 180), ElementsAre("2001:db8:2:: 180..-"));
  EXPECT_THAT(who(2100, 5000), ElementsAre("2001:db8:2:: 180..-"));
  // A complainer's clock may be wrong: both, when it may be that wrong.
  EXPECT_THAT(who(2100, 120, 70), ElementsAre("2001:db8:2:: 180..-", "2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2100, 120, 30), IsEmpty());
  EXPECT_THAT(used("2001:db8:1::/56"), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(used("2001:db8::/32"), ElementsAre("2001:db8:1:: 0..60", "2001:db8:2:: 180..-"));
  EXPECT_THAT(used("::/0"), ElementsAre("2001:db8:1:: 0..60", "2001:db8:2:: 180..-"));
  EXPECT_THAT(used("2001:db8:3::/56"), IsEmpty());
  auto past = history();
  const auto some = past.used_by(*Ipv6Prefix::parse("2001:db8::/32"), {0, kOpen - 1}, 1);
  EXPECT_EQ(some->holders.size(), 1u);
  EXPECT_TRUE(some->is_cut);
  EXPECT_FALSE(past.used_by(*Ipv6Prefix::parse("2001:db8::/32"), {0, kOpen - 1}, 2)->is_cut);
}

TEST_F(StoreTest, WhatIsThereIsToldAgain) {  // because another receiver has come
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5000);
  tick();
  pass(10'000);
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5000, true);
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5001, true);
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5001, true);
  pass(10'000);
  event(plat, EventKind::BindingEnded, "2001:db8::1", 5000);
  event(plat, EventKind::BindingEnded, "2001:db8::2", 5001);
  tick();
  EXPECT_THAT(used("2001:db8::/32"), ElementsAre("2001:db8::1 0..20", "2001:db8::2 10..20"));
  EXPECT_THAT(who(5000, 30), IsEmpty());
  EXPECT_THAT(who(5001, 30), IsEmpty());
}

TEST_F(StoreTest, BindingsAndSessions) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5000);
  event(plat, EventKind::SessionCreated, "2001:db8::1", 5000);
  event(plat, EventKind::SessionCreated, "2001:db8::1", 5000);  // to another host: that is not logged
  pass(10'000);
  event(plat, EventKind::SessionEnded, "2001:db8::1", 5000);
  tick();
  pass(10'000);
  event(plat, EventKind::SessionEnded, "2001:db8::1", 5000);
  event(plat, EventKind::BindingEnded, "2001:db8::1", 5000);
  event(plat, EventKind::PortsExhausted, "2001:db8::9", 0);  // got nothing
  tick();
  EXPECT_THAT(used("2001:db8::/32"), ElementsAre("2001:db8::1 0..20", "2001:db8::1 0..20"));
  auto past = history();
  const TimeSpan moment{kNoon + 5000, kNoon + 5000};
  const share::Ipv4Endpoint place{Ipv4Address(198, 51, 100, 2), 5000};
  EXPECT_THAT(*past.holders(place, NatProtocol::Udp, moment), IsEmpty());
  EXPECT_EQ(past.holders(place, NatProtocol::Tcp, moment)->size(), 2u);
}

// Who began while the end of the one before was lost has taken the place.
TEST_F(StoreTest, TheNextHolderEndsTheOneBefore) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5000);
  pass(10'000);
  write(Note{now_, Note::Kind::Lost, plat, 812});
  pass(10'000);
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5000);
  tick();
  EXPECT_THAT(who(5000, 5), ElementsAre("2001:db8::1 0..-"));
  EXPECT_THAT(who(5000, 25), ElementsAre("2001:db8::2 20..-"));
  const auto gaps = history().gaps({kNoon, kNoon + 60'000});
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ((*gaps)[0].from, kNoon);
  EXPECT_EQ((*gaps)[0].until, kNoon + 10'000);
  EXPECT_EQ((*gaps)[0].lost, 812u);
}

TEST_F(StoreTest, AnEndWithoutABeginning) {
  start();
  const Source* const plat = begin(source());
  pass(30'000);
  event(plat, EventKind::BindingEnded, "2001:db8::1", 5000);
  tick();
  EXPECT_THAT(who(5000, 10), ElementsAre("2001:db8::1 ?..30"));
  EXPECT_THAT(who(5000, 31), IsEmpty());
}

TEST_F(StoreTest, CleanStop) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  pass(60'000);
  stop();
  pass(60'000);
  start();
  begin(source());
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2048, 90), IsEmpty());
  const auto gaps = history().gaps({kNoon + 90'000, kNoon + 90'000});
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ((*gaps)[0].from, kNoon + 60'000);
  EXPECT_EQ((*gaps)[0].until, kNoon + 120'000);
  EXPECT_FALSE((*gaps)[0].lost);
}

TEST_F(StoreTest, InstanceThatEnds) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  pass(60'000);
  write(Note{now_, Note::Kind::Ended, plat});
  const Source* const other = begin(source(nat64(), 1));
  pass(1000);
  event(other, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  tick();
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2048, 90), ElementsAre("2001:db8:1:: 61..-"));
}

TEST_F(StoreTest, Crash) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  pass(60'000);
  crash();
  pass(60'000);
  start();
  const Source* const again = begin(source());
  event(again, EventKind::PortBlockTaken, "2001:db8:2::", 2048);
  tick();
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2048, 90), IsEmpty());
  EXPECT_THAT(who(2048, 130), ElementsAre("2001:db8:2:: 120..-"));
  EXPECT_EQ(history().gaps({kNoon + 90'000, kNoon + 90'000})->size(), 1u);
}

// Sessions that went on in an offload while the program was not there: also in between it was them.
TEST_F(StoreTest, RecoveredSessions) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::SessionCreated, "2001:db8::1", 5000);
  pass(60'000);
  crash();
  pass(60'000);
  start();
  const Source* const again = begin(source());
  pass(1000);
  event(again, EventKind::SessionCreated, "2001:db8::1", 5000, true);
  tick();
  EXPECT_THAT(who(5000, 30), ElementsAre("2001:db8::1 0..60"));
  EXPECT_THAT(who(5000, 90), ElementsAre("2001:db8::1 121..-"));
  EXPECT_THAT(who(5000, 150), ElementsAre("2001:db8::1 121..-"));
}

TEST_F(StoreTest, BlocksOfAnotherSizeAfterAReload) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  pass(60'000);
  event(plat, EventKind::PortBlockReturned, "2001:db8:1::", 2048);
  const Source* const changed = source(nat64(64));
  write(Note{now_, Note::Kind::Changed, changed});
  event(changed, EventKind::PortBlockTaken, "2001:db8:2::", 2112);
  tick();
  EXPECT_THAT(who(2200, 30), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2120, 90), ElementsAre("2001:db8:2:: 60..-"));
  EXPECT_THAT(who(2200, 90), IsEmpty());
  auto past = history();
  EXPECT_EQ(past.sources().size(), 2u);
  EXPECT_EQ(past.sources()[1]->settings.nat.block_size, 64);
  EXPECT_EQ(past.sources()[0]->in_force.until, kNoon + 60'000);
}

// What is open goes from segment to segment: each knows all of its time.
TEST_F(StoreTest, SegmentsCarryWhatIsOpen) {
  start(/*rows_of_segment=*/10);
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  event(plat, EventKind::BindingCreated, "2001:db8::7", 700);
  tick();
  for (int i = 0; i < 100; ++i) {
    pass(1000);
    event(plat, EventKind::PortBlockTaken, "2001:db8:2::", 4096);
    if (i == 50) event(plat, EventKind::BindingEnded, "2001:db8::7", 700);
    pass(1000);
    event(plat, EventKind::PortBlockReturned, "2001:db8:2::", 4096);
    tick();
  }
  event(plat, EventKind::PortBlockReturned, "2001:db8:1::", 2048);
  tick();
  EXPECT_GE(segment_count(), 8u);
  for (const int second : {0, 1, 33, 100, 101, 150, 199, 200})
    EXPECT_THAT(who(2100, second), ElementsAre("2001:db8:1:: 0..200")) << second;
  EXPECT_THAT(who(2100, 201), IsEmpty());
  EXPECT_THAT(who(700, 3), ElementsAre("2001:db8::7 0..101"));
  EXPECT_THAT(who(700, 101), ElementsAre("2001:db8::7 0..101"));
  EXPECT_THAT(who(700, 102), IsEmpty());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(who(4100, 2 * i + 1).size(), 1u) << i;
    EXPECT_EQ(used("2001:db8:1::/56").size(), 1u);
  }
}

// An end comes before its interval was carried over.
TEST_F(StoreTest, EndsWhileSegmentsChange) {
  start(/*rows_of_segment=*/10);
  const Source* const plat = begin(source());
  for (uint16_t i = 0; i < 12; ++i) event(plat, EventKind::BindingCreated, "2001:db8::7", 700 + i);
  pass(1000);
  tick();  // writes, and begins the next
  pass(1000);
  for (uint16_t i = 0; i < 6; ++i) event(plat, EventKind::BindingEnded, "2001:db8::7", 700 + i);
  tick();
  pass(1000);
  tick();
  for (uint16_t i = 0; i < 12; ++i) {
    EXPECT_THAT(who(700 + i, 1), ElementsAre(i < 6 ? "2001:db8::7 0..2" : "2001:db8::7 0..-")) << i;
    EXPECT_EQ(who(700 + i, 3).size(), i < 6 ? 0u : 1u) << i;
  }
}

TEST_F(StoreTest, DeletesByAge) {
  limits_.age = 10 * kDay;
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  for (int day = 0; day < 30; ++day) {
    event(plat, EventKind::PortBlockTaken, "2001:db8:2::", 4096);
    pass(kDay / 2);
    event(plat, EventKind::PortBlockReturned, "2001:db8:2::", 4096);
    tick();
    pass(kDay / 2 + 1000);
    tick();
    tick();
  }
  EXPECT_LE(segment_count(), 13u);
  EXPECT_GE(segment_count(), 10u);
  EXPECT_THAT(who(4096, 100), IsEmpty());
  EXPECT_EQ(who(4096, 22 * 86'400 + 3600).size(), 1u);
  // Who still has it has it since the first day.
  EXPECT_THAT(who(2048, 30 * 86'400), ElementsAre("2001:db8:1:: 0..-"));
}

TEST_F(StoreTest, DeletesBySize) {
  limits_.size = 600'000;
  start(/*rows_of_segment=*/1000);
  const Source* const plat = begin(source());
  for (int i = 0; i < 20'000; ++i) {
    const auto port = static_cast<uint16_t>(1024 + i);
    event(plat, EventKind::BindingCreated, "2001:db8::7", port);
    event(plat, EventKind::BindingEnded, "2001:db8::7", port);
    if (i % 500 != 0) continue;
    pass(61'000);
    tick();
    tick();
  }
  uint64_t size = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_))
    size += file.path().extension() == ".db" ? file.file_size() : 0;
  EXPECT_LE(size, 800'000u);
  EXPECT_GE(segment_count(), 2u);
  EXPECT_THAT(who(1024, 30), IsEmpty());
}

TEST_F(StoreTest, TakesOverOtherLimits) {
  start(10);
  const Source* const plat = begin(source());
  for (uint16_t i = 0; i < 40; ++i) {
    event(plat, EventKind::BindingCreated, "2001:db8::7", 700 + i);
    event(plat, EventKind::BindingEnded, "2001:db8::7", 700 + i);
    tick();
    pass(1000);
  }
  EXPECT_GE(segment_count(), 4u);
  StoreLimits limits = limits_;
  limits.size = 1;
  store_->use(Store(folder_, limits, [] { return kNoon; }));
  tick();
  EXPECT_EQ(segment_count(), 1u);
}

TEST_F(StoreTest, TablesAndTheirChanges) {
  const share::EamMapping first{*Ipv4Prefix::parse("192.0.2.1/32"), *Ipv6Prefix::parse("2001:db8::1/128")};
  const share::EamMapping second{*Ipv4Prefix::parse("192.0.2.2/32"), *Ipv6Prefix::parse("2001:db8::2/128")};
  const share::EamMapping moved{*Ipv4Prefix::parse("192.0.2.2/32"), *Ipv6Prefix::parse("2001:db8::3/128")};
  config::InstanceSettings siit;
  siit.name = "dc";
  start();
  const Source* dc = begin(source(siit));
  write(TableChange{now_, TableChange::Kind::Whole, dc, {first, second}, {}, {}, {}});
  pass(60'000);
  write(TableChange{now_, TableChange::Kind::Part, dc, {moved}, {second}, {}, {}});
  pass(60'000);
  crash();
  pass(60'000);
  start();
  dc = begin(source(siit));
  write(TableChange{now_, TableChange::Kind::Whole, dc, {moved}, {}, {}, {}});  // the first went meanwhile
  auto past = history();
  const auto at = [&](const char* address, int second_of_noon) {
    const Milliseconds time = kNoon + second_of_noon * 1000;
    std::vector<std::string> out;
    const auto found = past.entries_at(*Ipv4Address::parse(address), {time, time});
    for (const PastEntry& entry : *found)
      out.push_back(std::get<share::EamMapping>(entry.what).ipv6.to_string());
    return out;
  };
  EXPECT_THAT(at("192.0.2.1", 30), ElementsAre("2001:db8::1/128"));
  EXPECT_THAT(at("192.0.2.2", 30), ElementsAre("2001:db8::2/128"));
  EXPECT_THAT(at("192.0.2.2", 90), ElementsAre("2001:db8::3/128"));
  EXPECT_THAT(at("192.0.2.1", 200), IsEmpty());
  EXPECT_THAT(at("192.0.2.2", 200), ElementsAre("2001:db8::3/128"));
  EXPECT_THAT(at("192.0.2.3", 30), IsEmpty());
  EXPECT_EQ(past.entries_of(*Ipv6Prefix::parse("2001:db8::/32"), {0, kOpen})->size(), 3u);
  EXPECT_EQ(past.entries_of(*Ipv6Prefix::parse("2001:db8::3/128"), {0, kOpen})->size(), 1u);
  // An instance that comes again without a table has none.
  stop();
  start();
  begin(source(siit));
  pass(11'000);
  tick();
  past = history();
  EXPECT_THAT(at("192.0.2.2", 250), IsEmpty());
}

TEST_F(StoreTest, RulesAreKept) {
  const auto rule = share::MapRule::create({.ipv6 = *Ipv6Prefix::parse("2001:db8::/40"),
                                            .ipv4 = *Ipv4Prefix::parse("192.0.2.0/24"),
                                            .ea_length = 16,
                                            .psid_offset = 6,
                                            .format = share::InterfaceIdentifierFormat::Draft03,
                                            .border = 3});
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule_from(to_blob(*rule)), *rule);
  const auto softwire = share::MapRule::create({.ipv6 = *Ipv6Prefix::parse("2001:db8::1/128"),
                                                .ipv4 = *Ipv4Prefix::parse("192.0.2.1/32"),
                                                .given_psid_length = 10,
                                                .given_psid = 0x3ab});
  ASSERT_TRUE(softwire);
  EXPECT_EQ(rule_from(to_blob(*softwire)), *softwire);
  EXPECT_FALSE(rule_from("nonsense"));
  EXPECT_FALSE(mapping_from(to_blob(*rule)));
}

TEST_F(StoreTest, SettingsAreKept) {
  config::InstanceSettings settings = nat64();
  settings.nat.allocation = share::PortAllocation::Deterministic;
  settings.nat.when_exhausted = share::WhenExhausted::ReuseByDestination;
  settings.nat.subscribers = {*Ipv6Prefix::parse("2001:db8::/40"), *Ipv6Prefix::parse("2001:db8:200::/40")};
  settings.nat.pools.push_back({.addresses = {*Ipv4Prefix::parse("203.0.113.7/32")},
                                .port_set = share::PortSet::create({6, 8}, 0x34)});
  settings.nat.static_bindings.push_back(
      {NatProtocol::Udp, *Ipv6Address::parse("2001:db8::7"), {}, 53, Ipv4Address(198, 51, 100, 1), 53});
  const auto kept = read_settings(write_settings(settings));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->mechanism, settings.mechanism);
  EXPECT_EQ(kept->nat, settings.nat);
  EXPECT_FALSE(read_settings("pool 1 nonsense 192.0.2.0/24"));
  config::InstanceSettings siit;
  siit.pref64 = share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/48"));
  EXPECT_EQ(read_settings(write_settings(siit))->pref64, siit.pref64);
  EXPECT_FALSE(read_settings("pref64 2001:db8:64::/47"));
}

// What a full disk refuses stays in memory, and is written when there is room.
TEST_F(StoreTest, DiskWithoutRoom) {
  start();
  const Source* const plat = begin(source());
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  tick();
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{1, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  pass(60'000);
  event(plat, EventKind::PortBlockReturned, "2001:db8:1::", 2048);
  event(plat, EventKind::PortBlockTaken, "2001:db8:2::", 2048);
  const auto refused = store_->tick();
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_FALSE(refused);
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..-"));
  pass(1000);
  tick();
  EXPECT_THAT(who(2048, 30), ElementsAre("2001:db8:1:: 0..60"));
  EXPECT_THAT(who(2048, 61), ElementsAre("2001:db8:2:: 60..-"));
}

TEST_F(StoreTest, OneProgramAtATime) {
  start();
  const Source* const plat = begin(source());
  Store second(folder_, limits_, [this] { return now_.load(); });
  const auto refused = second.write(Note{now_, Note::Kind::Began, plat});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().to_string().find("another program writes to it"), std::string::npos);
  stop();
  EXPECT_TRUE(second.write(Note{now_, Note::Kind::Began, plat}));
}

TEST(OpenIntervals, FindsEachOnce) {
  OpenIntervals open;
  constexpr uint64_t kCount = 50'000;
  const auto key = [](uint64_t i) { return i * 0x9e3779b97f4a7c15 >> 20; };
  for (uint64_t i = 1; i <= kCount; ++i) open.add(key(i), i, static_cast<uint16_t>(i % 3));
  for (uint64_t i = 1; i <= kCount; i += 2) EXPECT_TRUE(open.take_row(key(i), i)) << i;
  open.forget(2);
  for (uint64_t i = 1; i <= kCount; ++i) EXPECT_EQ(open.take_row(key(i), i), i % 2 == 0 && i % 3 != 2) << i;
  EXPECT_EQ(open.size(), 0u);
}

TEST(OpenIntervals, SomeLookAlike) {
  OpenIntervals open;
  open.add(7, 1, 1);
  open.add(7, 2, 1);
  EXPECT_TRUE(open.take(7));
  EXPECT_TRUE(open.take(7));
  EXPECT_FALSE(open.take(7));
}

}  // namespace
}  // namespace yonroku::natlog
