// What on this host would keep packets from passing, seen from /proc/sys.
#pragma once

#include <string>
#include <vector>

namespace yonroku::control {

// One sentence each, with the remedy.
[[nodiscard]] std::vector<std::string> host_warnings();

}  // namespace yonroku::control
