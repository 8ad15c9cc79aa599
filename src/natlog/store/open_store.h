// The store that the settings ask for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/nat_log_settings.h"
#include "natlog/sink.h"

namespace yonroku::natlog {

// Makes its folder where it is missing; that and what is in it belong to `user` then.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_store(const config::StoreSettings& settings,
                                                       const std::optional<std::string>& user);

}  // namespace yonroku::natlog
