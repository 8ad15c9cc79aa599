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

}  // namespace
}  // namespace yonroku::natlog
