#include "api/history_json.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "api/json.h"
#include "api/time_text.h"

namespace yonroku::api {
namespace {

using control::HistorySpan;

// Whole numbers above 1000: a graph shows no more.
void append_value(std::string& text, float value) {
  if (std::isnan(value))
    text += "null";
  else if (std::abs(value) >= 1000)
    fmt::format_to(std::back_inserter(text), "{:.0f}", value);
  else
    fmt::format_to(std::back_inserter(text), "{}", std::round(value * 1000) / 1000);
}

void append_array(std::string& text, const std::vector<float>& values) {
  text += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    append_value(text, values[i]);
  }
  text += ']';
}

}  // namespace

Result<HistorySpan> parse_history_span(std::string_view seconds) {
  if (seconds.empty()) return HistorySpan::TenMinutes;
  for (std::size_t i = 0; i < control::kHistorySpans; ++i) {
    const auto span = static_cast<HistorySpan>(i);
    if (seconds == fmt::to_string(control::length_of(span).count())) return span;
  }
  return fail("span", fmt::format("\"{}\" is none that is kept", seconds), "600, 3600 or 86400 seconds");
}

Result<std::optional<control::HistoryMoment>> parse_history_since(std::string_view time, int64_t now) {
  if (time.empty()) return std::nullopt;
  const auto moment = parse_time(time, now);
  if (!moment) return fail("since", moment.error().what, moment.error().fix);
  return control::HistoryMoment(std::chrono::milliseconds(*moment));
}

std::string history_json(const control::HistoryView& view) {
  std::string text = fmt::format(R"({{"instance":"{}","span":{},"step":{},"end":"{}","series":{{)",
                                 view.instance, control::length_of(view.span).count(),
                                 control::step_of(view.span).count(), time_text(view.end));
  for (std::size_t i = 0; i < control::kSeriesCount; ++i) {
    fmt::format_to(std::back_inserter(text), "{}\n\"{}\":", i == 0 ? "" : ",",
                   to_string(static_cast<control::Series>(i)));
    append_array(text, view.series[i]);
  }
  text += "},\n\"workers\":[";
  for (std::size_t i = 0; i < view.busy.size(); ++i) {
    text += i == 0 ? "{\"busy\":" : ",\n{\"busy\":";
    append_array(text, view.busy[i]);
    text += '}';
  }
  return text + "]}\n";
}

}  // namespace yonroku::api
