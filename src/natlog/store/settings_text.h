// What of an instance's settings tells who has a place without any event: kept with the log, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace yonroku::natlog {

// Line by line: a word and its values.
[[nodiscard]] std::string write_settings(const config::InstanceSettings& settings);
// Only what write_settings() wrote is set; nullopt when the text is something else.
[[nodiscard]] std::optional<config::InstanceSettings> read_settings(std::string_view text);

}  // namespace yonroku::natlog
