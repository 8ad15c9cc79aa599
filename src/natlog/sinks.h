// The receivers that the settings name.
#pragma once

#include <optional>
#include <string>

#include "config/nat_log_settings.h"
#include "natlog/sink.h"

namespace yonroku::natlog {

// Files belong to `user`, if there is one: the program goes on as that. An error when something is wrong with
// this host; a receiver that does not answer is none.
[[nodiscard]] Result<Sinks> open_sinks(const config::NatLogSettings& settings,
                                       const std::optional<std::string>& user);

}  // namespace yonroku::natlog
