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

}  // namespace
}  // namespace yonroku::natlog
