#include "control/health_state.h"

#include <gtest/gtest.h>

#include <string_view>

namespace yonroku::control {
namespace {

// '+' is a check that succeeds, '-' one that fails; the state after each: 'u' up, 'd' down.
TEST(HealthState, RisesAndFalls) {
  struct Row {
    uint8_t rise, fall;
    std::string_view checks, states;
  };
  for (const auto& row : std::initializer_list<Row>{
           {2, 3, "+++", "uuu"},
           {2, 3, "--+--+", "uuuuuu"},
           {2, 3, "---", "uud"},
           {2, 3, "----+-++", "uudddddu"},
           {1, 1, "-+-+", "dudu"},
           {1, 2, "--+-+--", "uduuuud"},
           {3, 1, "-++-+++-", "ddddddud"},
       }) {
    HealthState state(row.rise, row.fall);
    bool was_up = true;
    for (std::size_t i = 0; i < row.checks.size(); ++i) {
      const bool changed =
          state.add(row.checks[i] == '+' ? HealthState::Outcome::Success : HealthState::Outcome::Failure);
      EXPECT_EQ(state.is_up() ? 'u' : 'd', row.states[i]) << row.checks << " at " << i;
      EXPECT_EQ(changed, was_up != state.is_up()) << row.checks << " at " << i;
      was_up = state.is_up();
    }
  }
}

}  // namespace
}  // namespace yonroku::control
