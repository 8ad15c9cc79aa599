// GET /v1/history: what an instance did over the last minutes, hour or day.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "control/history.h"

namespace yonroku::api {

// "600", "3600" or "86400"; nothing means the first.
[[nodiscard]] Result<control::HistorySpan> parse_history_span(std::string_view seconds);
// A moment as time_text.h has it; nothing means that there is no limit. `now`: milliseconds since 1970.
[[nodiscard]] Result<std::optional<control::HistoryMoment>> parse_history_since(std::string_view time,
                                                                                int64_t now);
[[nodiscard]] std::string history_json(const control::HistoryView& view);

}  // namespace yonroku::api
