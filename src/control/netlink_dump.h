// What the kernel has of a kind: interfaces, neighbours, routes, rules.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"

struct nlmsghdr;

namespace yonroku::control {

// Asks for all of `type` (RTM_GET...) and `family` (AF_UNSPEC: every one) and shows them one after another; a
// callback that returns false says that it cannot be read. `between` is called for every few of them; false
// ends it with an error.
[[nodiscard]] Result<void> dump_netlink(
    uint16_t type, uint8_t family, const std::function<bool(const nlmsghdr&)>& look_at,
    const std::function<bool()>& between = [] { return true; });

}  // namespace yonroku::control
