// For tests: programs that are loaded once for all tests of the process, since an emulated kernel takes long
// to check them.
#pragma once

#include <gtest/gtest.h>

#include "fastpath/programs.h"

namespace yonroku::fastpath {

inline constexpr uint32_t kTestFlows = 64;  // that they have room for

// nullptr: the kernel refused them.
inline Programs* test_programs() {
  static Result<Programs> programs = Programs::load(kTestFlows);
  EXPECT_TRUE(programs) << programs.error().to_string();
  return programs ? &*programs : nullptr;
}

}  // namespace yonroku::fastpath
