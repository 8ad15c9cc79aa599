#include "fastpath/programs.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "fastpath/pins.h"

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
  const auto programs = Programs::load();
  ASSERT_TRUE(programs) << programs.error().to_string();
  const auto counters = programs->counters(0, Place::Xdp);
  ASSERT_TRUE(counters) << counters.error().to_string();
  EXPECT_EQ(counters->forwarded[0][0].packets, 0u);
}

// With a BPF file system of its own, which ends with the process.
class PinnedPrograms : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::string folder = testing::TempDir() + "yonroku-bpf-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    ASSERT_EQ(::mount("bpf", folder_.c_str(), "bpf", 0, nullptr), 0);
    auto pins = Pins::open(folder_ + "/state");
    ASSERT_TRUE(pins) << pins.error().to_string();
    pins_.emplace(std::move(*pins));
  }
  void TearDown() override {
    if (folder_.empty()) return;
    ::umount2(folder_.c_str(), MNT_DETACH);
    ::rmdir(folder_.c_str());
  }
  std::string folder_;
  std::optional<Pins> pins_;
};

TEST_F(PinnedPrograms, FlowsAreThereForTheNextOnes) {
  FlowContent flow{};
  flow.near_low = 1;
  flow.instance = 3;
  {
    auto programs = Programs::load(64, &*pins_);
    ASSERT_TRUE(programs) << programs.error().to_string();
    EXPECT_FALSE(programs->has_recovered());
    auto table = programs->add_flow_table(32, 16);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->first_number(), 16u);
    EXPECT_EQ(table->install(flow), 16u);
    flow.near_low = 2;
    flow.instance = 4;
    EXPECT_EQ(table->install(flow), 17u);
  }
  auto programs = Programs::load(64, &*pins_);
  ASSERT_TRUE(programs) << programs.error().to_string();
  EXPECT_TRUE(programs->has_recovered());
  EXPECT_EQ(programs->end_flows_but([](uint32_t instance) { return instance == 4; }), 1u);
  auto table = programs->add_flow_table(16, 16);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->used(), 1u);
  uint32_t seen = 0;
  table->recover([&](uint32_t number, const FlowContent& content) {
    EXPECT_EQ(number, 17u);
    EXPECT_EQ(content.near_low, 2u);
    ++seen;
    return true;
  });
  EXPECT_EQ(seen, 1u) << "found by both keys: the hash's secret is the same";
  programs->remove_flow_table(16);
  EXPECT_EQ(programs->end_flows_without_table(), 0u);
}

TEST_F(PinnedPrograms, WhatDoesNotFitIsRemoved) {
  {
    ASSERT_TRUE(Programs::load(64, &*pins_));
  }
  {
    const auto larger = Programs::load(65, &*pins_);
    ASSERT_TRUE(larger) << larger.error().to_string();
    EXPECT_FALSE(larger->has_recovered());
  }
  // The interfaces of another namespace.
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const auto elsewhere = Programs::load(65, &*pins_);
  ASSERT_TRUE(elsewhere) << elsewhere.error().to_string();
  EXPECT_FALSE(elsewhere->has_recovered());
  pins_->remove_all();
  EXPECT_TRUE(pins_->names().empty());
}

TEST_F(PinnedPrograms, AFolderIsOneProgramsAndOfABpfFileSystem) {
  const auto second = Pins::open(folder_ + "/state");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().to_string().find("another program's"), std::string::npos);
  EXPECT_FALSE(Pins::open(folder_)) << "where others have theirs";
  EXPECT_FALSE(Pins::open(testing::TempDir() + "no-bpf"));
  EXPECT_FALSE(Pins::open(folder_ + "/not/there"));
}

}  // namespace
}  // namespace yonroku::fastpath
