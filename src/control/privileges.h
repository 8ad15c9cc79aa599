// Giving up what is not needed once the devices are open: everything but CAP_NET_ADMIN, which routes need.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace yonroku::control {

// Switches to `user` when given, keeps CAP_NET_ADMIN only (bounding set included), and forbids gaining
// privileges. For every thread of the process that is started afterwards; call it before there are others.
Result<void> drop_privileges(const std::optional<std::string>& user);

}  // namespace yonroku::control
