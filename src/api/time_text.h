// Moments as people and complaints write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace yonroku::api {

// RFC 3339 ("2026-11-21T12:03:05.25+09:00"), also with a blank for the T, without seconds, and without a
// zone, which is the host's then; "now"; "-2h" (also s, m, d) before now; "@1795348800", seconds since 1970.
// Milliseconds of UTC since 1970, from the year 1970 to 9999.
[[nodiscard]] Result<int64_t> parse_time(std::string_view text, int64_t now);

// "2026-11-21T12:03:05Z", with milliseconds where there are any.
[[nodiscard]] std::string time_text(int64_t milliseconds);

}  // namespace yonroku::api
