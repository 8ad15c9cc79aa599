// The password that a receiver wants, from a file of its own: the configuration may be read by others.
#pragma once

#include <string>

#include "base/result.h"

namespace yonroku::natlog {

inline constexpr std::size_t kLongestPassword = 1024;

// The file's one line. An error when there is none, or when everybody may read it.
[[nodiscard]] Result<std::string> read_password(const std::string& path);

}  // namespace yonroku::natlog
