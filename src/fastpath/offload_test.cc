#include "fastpath/offload.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <sstream>

namespace yonroku::fastpath {
namespace {

// More than the programs know interfaces at a time.
TEST(Offload, ForgetsInterfacesThatAreGone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  constexpr uint32_t kInterfaces = 1100;
  const auto logger = spdlog::default_logger();
  std::ostringstream said;
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_st>(said)));
  auto offload = Offload::create(1, {});
  ASSERT_TRUE(offload) << offload.error().to_string();
  ASSERT_TRUE((*offload)->add("dc", "lo", {Mode::Tc, {}}));
  Interface interface{};
  interface.is_ethernet = true;
  interface.has_neighbours = true;
  for (uint32_t i = 0; i < kInterfaces; ++i) {
    interface.index = 1'000'000 + i;  // there is none of that number: it could have no program, but is told
    interface.name = "ppp" + std::to_string(i);
    (*offload)->attach(std::span(&interface, 1));
    ASSERT_EQ((*offload)->interfaces().size(), 1u);
  }
  spdlog::set_default_logger(logger);
  EXPECT_EQ(said.str(), "");
}

}  // namespace
}  // namespace yonroku::fastpath
