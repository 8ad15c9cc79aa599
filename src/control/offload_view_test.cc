#include "control/offload_view.h"

#include <gtest/gtest.h>

namespace yonroku::control {
namespace {

TEST(FlowRecords, AreAsManyAsSessionsAndWorkers) {
  config::InstanceSettings settings;
  settings.mechanism = config::Mechanism::Nat64;
  settings.offload = config::Offload::Tc;
  settings.nat.max_sessions = 1000;
  settings.offload_flows = 262144;
  EXPECT_EQ(flow_records(settings), 1000u);
  settings.offload_flows = 10;
  EXPECT_EQ(flow_records(settings), 10u);
  settings.workers = 16;  // each has its part
  EXPECT_EQ(flow_records(settings), 16u);
  settings.offload = config::Offload::Off;
  EXPECT_EQ(flow_records(settings), 0u);
}

}  // namespace
}  // namespace yonroku::control
