#include "api/time_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace yonroku::api {
namespace {

constexpr int64_t kNow = 1'795'348'800'000;  // 2026-11-22T12:00:00Z

TEST(TimeText, Rfc3339) {
  struct Row {
    const char* text;
    const char* meant;
  };
  for (const Row& row : {Row{"2026-11-21T12:03:05Z", "2026-11-21T12:03:05Z"},
                         Row{"2026-11-21t12:03:05z", "2026-11-21T12:03:05Z"},
                         Row{"2026-11-21 12:03:05.25Z", "2026-11-21T12:03:05.250Z"},
                         Row{"2026-11-21T12:03:05.123456789Z", "2026-11-21T12:03:05.123Z"},
                         Row{"2026-11-21T12:03Z", "2026-11-21T12:03:00Z"},
                         Row{"2026-11-21T12:03:05+09:00", "2026-11-21T03:03:05Z"},
                         Row{"2026-11-21 01:03:05 -0330", "2026-11-21T04:33:05Z"},
                         Row{"2027-01-01T00:00:00+00:30", "2026-12-31T23:30:00Z"},
                         Row{"2028-02-29T23:59:60Z", "2028-03-01T00:00:00Z"},
                         Row{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
                         Row{"now", "2026-11-22T12:00:00Z"}, Row{"-2h", "2026-11-22T10:00:00Z"},
                         Row{"-90s", "2026-11-22T11:58:30Z"}, Row{"-15m", "2026-11-22T11:45:00Z"},
                         Row{"-1d", "2026-11-21T12:00:00Z"}, Row{"@1795348800", "2026-11-22T12:00:00Z"}}) {
    const auto time = parse_time(row.text, kNow);
    ASSERT_TRUE(time) << row.text;
    EXPECT_EQ(time_text(*time), row.meant) << row.text;
  }
}

TEST(TimeText, TheZoneOfTheHost) {
  const char* const before = std::getenv("TZ");
  ::setenv("TZ", "JST-9", 1);
  ::tzset();
  const auto time = parse_time("2026-11-21 12:03", kNow);
  if (before != nullptr)
    ::setenv("TZ", before, 1);
  else
    ::unsetenv("TZ");
  ::tzset();
  ASSERT_TRUE(time);
  EXPECT_EQ(time_text(*time), "2026-11-21T03:03:00Z");
}

TEST(TimeText, WhatIsNoTime) {
  for (const char* text : {"", "yesterday", "2026-11-21", "2026-13-21T12:03:05Z", "2026-02-29T12:03:05Z",
                           "2026-11-21T24:00:00Z", "2026-11-21T12:03:05+25:00", "2026-11-21T12:03:05Zulu",
                           "2026-11-21T12:03:05.Z", "12:03", "-h", "--2h", "-2w", "-99999999999d", "@", "@-1",
                           "@99999999999999", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00"})
    EXPECT_FALSE(parse_time(text, kNow)) << text;
}

}  // namespace
}  // namespace yonroku::api
