// Instances, their tables and settings over time: who they were, and when they were not there.
#include "natlog/store/store_test_base.h"

namespace yonroku::natlog {
namespace {

using namespace store_test;  // NOLINT(google-build-using-namespace)
using testing::ElementsAre;
using testing::IsEmpty;

// Nobody can tell later whose they were.
TEST_F(StoreTest, WhatComesFromNobodyKnownIsMissing) {
  start();
  const Source* const plat = begin(source());
  const Source* const unknown = source();
  pass(5000);
  event(unknown, EventKind::BindingCreated, "2001:db8::1", 5000);
  pass(1000);
  event(unknown, EventKind::BindingEnded, "2001:db8::1", 5000);
  write(TableChange{.time = now_, .kind = TableChange::Kind::Whole, .source = unknown});
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5001);
  tick();
  const auto gaps = history().gaps({kNoon, kNoon + 60'000});
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ((*gaps)[0].from, kNoon + 5000);
  EXPECT_EQ((*gaps)[0].until, kNoon + 6000);
  EXPECT_EQ((*gaps)[0].lost, 3u);
  tick();
  EXPECT_EQ(history().gaps({kNoon, kNoon + 60'000})->size(), 1u);
}

// Its ends are not logged any more: nobody has it for ever.
TEST_F(StoreTest, AnInstanceThatBeginsAgainHasNothing) {
  start();
  const Source* plat = begin(source());
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5000);
  pass(60'000);
  write(Note{now_, Note::Kind::Ended, plat});
  plat = begin(source());
  pass(1000);
  event(plat, EventKind::SessionCreated, "2001:db8::2", 5001);
  tick();
  EXPECT_THAT(who(5000, 30), ElementsAre("2001:db8::1 0..60"));
  EXPECT_THAT(who(5000, 90), IsEmpty());
  EXPECT_THAT(who(5001, 90), ElementsAre("2001:db8::2 61..-"));
}

// For a month nothing was logged. Who has the port now is not who had it then.
TEST_F(StoreTest, WhatIsToldLaterWasThereWhenTheLogBegan) {
  start();
  const Source* plat = begin(source());
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5000);
  pass(60'000);
  stop();
  pass(30 * kDay);
  start();
  plat = begin(source());
  pass(2000);
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5000, true, true);
  tick();
  constexpr Milliseconds kBegin = 60 + 30 * 86'400;  // seconds
  EXPECT_THAT(who(5000, kBegin - 1), IsEmpty());
  EXPECT_THAT(who(5000, 15 * 86'400), IsEmpty());
  // Nothing that happened since was missed, so it was there when the log began.
  EXPECT_THAT(who(5000, kBegin + 1), ElementsAre("2001:db8::2 ?..-"));
  EXPECT_THAT(who(5000, kBegin + 3), ElementsAre("2001:db8::2 ?..-"));
  EXPECT_THAT(used("2001:db8::2/128"), ElementsAre("2001:db8::2 ?..-"));
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5000, true, true);  // another receiver has come
  pass(60'000);
  event(plat, EventKind::BindingEnded, "2001:db8::2", 5000);
  tick();
  EXPECT_EQ(used("2001:db8::2/128").size(), 1u);
  EXPECT_THAT(who(5000, kBegin + 63), IsEmpty());
}

TEST_F(StoreTest, WhatIsToldAfterALossMayHaveBegunInIt) {
  start();
  const Source* const plat = begin(source());
  pass(60'000);
  write(Note{now_, Note::Kind::Lost, plat, 812});
  pass(60'000);
  event(plat, EventKind::BindingCreated, "2001:db8::2", 5000, true, true);
  tick();
  EXPECT_THAT(who(5000, 30), IsEmpty());
  EXPECT_THAT(who(5000, 120), ElementsAre("2001:db8::2 ?..-"));
}

// Then what lies between the two times is counted: one of them was wrong.
TEST_F(StoreTest, AClockThatIsSetBack) {
  start();
  const Source* const plat = begin(source());
  pass(60'000);
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5001);
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5003);
  tick();  // the others are in memory yet
  event(plat, EventKind::BindingCreated, "2001:db8::1", 5002);
  pass(-30'000);
  event(plat, EventKind::BindingEnded, "2001:db8::1", 5001);
  event(plat, EventKind::BindingEnded, "2001:db8::1", 5002);
  tick();
  for (const uint16_t port : {uint16_t{5001}, uint16_t{5002}})
    for (const int second : {30, 45, 60})
      EXPECT_THAT(who(port, second), ElementsAre("2001:db8::1 30..60")) << port << " " << second;
  EXPECT_THAT(who(5001, 61), IsEmpty());
  EXPECT_THAT(who(5001, 29), IsEmpty());
  stop();  // which ends the last one before it began
  EXPECT_THAT(who(5003, 60), ElementsAre("2001:db8::1 30..60"));
  EXPECT_THAT(used("2001:db8::1/128"),
              ElementsAre("2001:db8::1 30..60", "2001:db8::1 30..60", "2001:db8::1 30..60"));
}

TEST_F(StoreTest, AClockThatIsSetBackAndSegmentsThatChange) {
  start(/*rows_of_segment=*/10);
  const Source* const plat = begin(source());
  for (uint16_t i = 0; i < 12; ++i) event(plat, EventKind::BindingCreated, "2001:db8::7", 700 + i);
  for (uint16_t i = 0; i < 20; ++i) {
    event(plat, EventKind::BindingCreated, "2001:db8::8", 800 + i);
    event(plat, EventKind::BindingEnded, "2001:db8::8", 800 + i);
  }
  pass(1000);
  tick();  // writes, and begins the next
  for (int i = 0; i < 3; ++i) {
    pass(1000);
    tick();
  }
  EXPECT_GE(segment_count(), 2u);
  pass(-60'000);
  event(plat, EventKind::BindingEnded, "2001:db8::7", 700);
  tick();
  EXPECT_THAT(who(700, 0), ElementsAre("2001:db8::7 0..0"));
  EXPECT_THAT(who(700, 3), IsEmpty());
  EXPECT_THAT(who(701, 3), ElementsAre("2001:db8::7 0..-"));
}

config::InstanceSettings siit(const char* name) {
  config::InstanceSettings settings;
  settings.name = name;
  settings.mechanism = config::Mechanism::Siit;
  return settings;
}

class TableTest : public StoreTest {
 protected:
  const Source* begin_with_table(const char* name, const char* ipv4) {
    const Source* const made = begin(source(siit(name), static_cast<uint32_t>(sources_.size()) + 1));
    write(TableChange{.time = now_,
                      .kind = TableChange::Kind::Whole,
                      .source = made,
                      .added_mappings = {{*Ipv4Prefix::parse(std::string(ipv4) + "/32"),
                                          *Ipv6Prefix::parse("2001:db8::1/128")}}});
    return made;
  }
  // How many had it at a second since noon.
  std::size_t count(const char* ipv4, Milliseconds second) {
    const Milliseconds time = kNoon + second * 1000;
    return history().entries_at(*Ipv4Address::parse(ipv4), {time, time})->size();
  }
};

TEST_F(TableTest, AnInstanceThatIsRemovedHasNone) {
  start();
  const Source* const dc = begin_with_table("dc", "192.0.2.1");
  pass(60'000);
  write(TableChange{.time = now_, .kind = TableChange::Kind::Whole, .source = dc});
  write(Note{now_, Note::Kind::Ended, dc});
  tick();
  EXPECT_EQ(count("192.0.2.1", 30), 1u);
  EXPECT_EQ(count("192.0.2.1", 61), 0u);
}

// Its name is in the configuration no more.
TEST_F(TableTest, AnInstanceThatDoesNotComeAgainHasNone) {
  start();
  const Source* const dc = begin_with_table("dc", "192.0.2.1");
  begin_with_table("dc-2", "192.0.2.2");
  pass(60'000);
  write(Note{now_, Note::Kind::Ended, dc});
  stop();
  pass(60'000);
  start();
  begin_with_table("dc-2", "192.0.2.2");
  tick();
  EXPECT_EQ(count("192.0.2.1", 120), 1u) << "it may still come";
  pass(11'000);
  tick();
  EXPECT_EQ(count("192.0.2.1", 30), 1u);
  EXPECT_EQ(count("192.0.2.1", 61), 0u);
  EXPECT_EQ(count("192.0.2.2", 61), 1u);
  EXPECT_EQ(count("192.0.2.2", 131), 1u);
}

// The tables of those before it are large.
TEST_F(TableTest, AnInstanceMayComeLate) {
  start();
  begin_with_table("dc", "192.0.2.1");
  begin_with_table("dc-2", "192.0.2.2");
  pass(60'000);
  stop();
  start();
  pass(8000);
  begin_with_table("dc", "192.0.2.1");
  tick();
  pass(8000);
  tick();
  begin_with_table("dc-2", "192.0.2.2");
  pass(11'000);
  tick();
  for (const int second : {59, 61, 70, 80}) {
    EXPECT_EQ(count("192.0.2.1", second), 1u) << second;
    EXPECT_EQ(count("192.0.2.2", second), 1u) << second;
  }
}

// No second segment ever begins, as nothing is in the first.
TEST_F(TableTest, DeletesByAgeWithoutEvents) {
  limits_.age = 10 * kDay;
  start();
  const Source* const dc = begin_with_table("dc", "192.0.2.1");
  const Source* const other = begin_with_table("dc-2", "192.0.2.2");
  pass(60'000);
  write(Note{now_, Note::Kind::Lost, dc, 812});
  write(TableChange{.time = now_, .kind = TableChange::Kind::Whole, .source = dc});
  write(Note{now_, Note::Kind::Ended, dc});
  const auto wait = [&](int days) {
    for (int day = 0; day < days; ++day) {
      pass(kDay);
      tick();
    }
  };
  wait(9);
  EXPECT_EQ(count("192.0.2.1", 30), 1u);
  EXPECT_EQ(history().gaps({kNoon, now_})->size(), 1u);
  EXPECT_EQ(history().begin(), kNoon);
  wait(2);
  EXPECT_EQ(count("192.0.2.1", 30), 0u);
  EXPECT_THAT(*history().gaps({kNoon, now_}), IsEmpty());
  EXPECT_EQ(history().begin(), now_ - 10 * kDay);
  EXPECT_EQ(count("192.0.2.2", 11 * 86'400), 1u) << "it is still in force";
  wait(2);  // it is kept two days more
  EXPECT_EQ(history().sources().size(), 1u);
  pass(1000);
  const Source* const plat = begin(source(nat64(), other->number + 1));
  event(plat, EventKind::PortBlockTaken, "2001:db8:1::", 2048);
  tick();
  EXPECT_EQ(who(2048, 13 * 86'400 + 61).size(), 1u);
}

}  // namespace
}  // namespace yonroku::natlog
