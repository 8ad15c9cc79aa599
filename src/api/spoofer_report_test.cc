#include "api/spoofer_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace yonroku::api {
namespace {

using std::chrono::seconds;

TEST(SpooferReport, Text) {
  const control::InstanceSpoofers instances[] = {{"border",
                                                  {{{0x20010db800010000, 1}, 12'345, 12'345, seconds(7)},
                                                   {{0x20010db800020000, 2}, 9, 4, seconds(1000)}}},
                                                 {"dc", {}},
                                                 {"lw", {{{0x20010db800010000, 1}, 1, 1, seconds(0)}}}};
  EXPECT_EQ(
      spoofers_text(spoofers_json(instances)),
      "border\n"
      "  2001:db8:1::1                                     12,345 packets, the last 7 s ago\n"
      "  2001:db8:2::2                                          9 packets at most, 4 at least, the last "
      "1,000 s ago\n"
      "\n"
      "lw\n"
      "  2001:db8:1::1                                          1 packet, the last 0 s ago\n");
  EXPECT_EQ(spoofers_text(spoofers_json({})), "no source has failed the check\n");
}

}  // namespace
}  // namespace yonroku::api
