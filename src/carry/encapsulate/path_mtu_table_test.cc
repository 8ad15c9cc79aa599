#include "carry/encapsulate/path_mtu_table.h"

#include <gtest/gtest.h>

namespace yonroku::carry {
namespace {

TEST(PathMtuTable, CountsWhatWasNew) {
  PathMtuTable table;
  const Ipv6Address here(0x20010db800000000, 1), there(0x20010db800000000, 2);
  const Instant now = Instant::from_nanoseconds(1'000'000'000);
  EXPECT_EQ(table.learned(), 0u);
  table.learn(here, 1400, now);
  EXPECT_EQ(table.of(here, now), 1400u);
  table.learn(here, 1400, now);  // told again
  table.learn(here, 1450, now);  // not believed as long as the other is young
  EXPECT_EQ(table.learned(), 1u);
  table.learn(here, 1280, now);
  table.learn(there, 1300, now);
  EXPECT_EQ(table.learned(), 3u);
}

}  // namespace
}  // namespace yonroku::carry
