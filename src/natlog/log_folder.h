// The folder of the log: the store's files, and what receivers could not take yet.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace yonroku::natlog {

// Makes it where it is missing; it and what is in it belong to `user` then. Not for everybody's eyes: the log
// tells who did what.
[[nodiscard]] Result<void> make_log_folder(const std::string& path, const std::optional<std::string>& user);

}  // namespace yonroku::natlog
