// What on this host would keep packets from passing, seen from /proc/sys.
#pragma once

#include <string>
#include <vector>

namespace yonroku::control {

// One sentence each, with the remedy.
[[nodiscard]] std::vector<std::string> host_warnings();
// Likewise: what the kernel would do with packets that come in by the interface, and the offload's programs
// do not. Empty: nothing.
[[nodiscard]] std::string offload_warning(const std::string& interface);

}  // namespace yonroku::control
