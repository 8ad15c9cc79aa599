#include "fastpath/programs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "fastpath/test_programs.h"

namespace yonroku::fastpath {
namespace {

// The kernel's verifier accepts every program, and their type information.
TEST(Programs, Load) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  testing::internal::CaptureStdout();
  const auto programs = Programs::load();
  ASSERT_TRUE(programs) << programs.error().to_string();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "") << "libbpf had something to say";
  EXPECT_GE(programs->tc(), 0);
  EXPECT_GE(programs->xdp(), 0);
}

TEST(Programs, CountersBeginAtZero) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const Programs* const programs = test_programs();
  ASSERT_NE(programs, nullptr);
  const auto counters = programs->counters(kMostInstances - 1, Place::Xdp);
  ASSERT_TRUE(counters) << counters.error().to_string();
  EXPECT_EQ(counters->forwarded[0][0].packets, 0u);
}

}  // namespace
}  // namespace yonroku::fastpath
