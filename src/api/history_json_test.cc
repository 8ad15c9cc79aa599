#include "api/history_json.h"

#include <gtest/gtest.h>

#include <limits>

#include <nlohmann/json.hpp>

namespace yonroku::api {
namespace {

using control::HistorySpan;
using nlohmann::json;

TEST(HistoryJson, SaysNullWhereNothingIsKnown) {
  control::HistoryView view;
  view.instance = "plat";
  view.span = HistorySpan::Hour;
  view.end = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  view.series[static_cast<std::size_t>(control::Series::BitsToIpv6)] = {unknown, 0, 0.25, 12'345'678'848};
  view.busy = {{0.5}, {unknown}};
  const std::string text = history_json(view);
  const json parsed = json::parse(text);
  EXPECT_EQ(parsed["instance"], "plat");
  EXPECT_EQ(parsed["span"], 3600);
  EXPECT_EQ(parsed["step"], 10);
  EXPECT_EQ(parsed["end"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(parsed["series"].size(), control::kSeriesCount);
  EXPECT_EQ(parsed["series"]["bits-to-ipv6"], json({nullptr, 0.0, 0.25, 12'345'678'848}));
  EXPECT_EQ(parsed["series"]["drops"], json::array());
  EXPECT_EQ(parsed["workers"], json::parse(R"([{"busy":[0.5]},{"busy":[null]}])"));
}

TEST(HistoryJson, SpansAreThoseThatAreKept) {
  EXPECT_EQ(parse_history_span(""), HistorySpan::TenMinutes);
  EXPECT_EQ(parse_history_span("600"), HistorySpan::TenMinutes);
  EXPECT_EQ(parse_history_span("86400"), HistorySpan::Day);
  for (const char* wrong : {"601", "0", "-600", "600 ", "an hour"})
    EXPECT_EQ(parse_history_span(wrong).error().fix, "600, 3600 or 86400 seconds") << wrong;
}

TEST(HistoryJson, SinceIsAMoment) {
  constexpr int64_t kNow = 100'000;
  const auto at = [](int64_t milliseconds) {
    return control::HistoryMoment(std::chrono::milliseconds(milliseconds));
  };
  EXPECT_EQ(parse_history_since("", kNow).value(), std::nullopt);
  EXPECT_EQ(parse_history_since("1970-01-01T00:00:01.25Z", kNow).value(), at(1250));
  EXPECT_EQ(parse_history_since("-60s", kNow).value(), at(40'000));
  EXPECT_EQ(parse_history_since("noon", kNow).error().where, "since");
}

}  // namespace
}  // namespace yonroku::api
