// Giving up what is not needed once the devices are open: everything but CAP_NET_ADMIN, which routes need.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace yonroku::control {

enum class Keep : uint8_t {
  ForRoutes,   // CAP_NET_ADMIN
  ForOffload,  // and CAP_BPF, for tables that grow
};

// Whose the process is behind drop_privileges(); without a `user`, or one that is none, who it is now.
[[nodiscard]] uid_t user_after_start(const std::optional<std::string>& user);

// Switches to `user` when given, keeps what is said only (bounding set included), and forbids gaining
// privileges. For every thread of the process that is started afterwards; call it before there are others.
Result<void> drop_privileges(const std::optional<std::string>& user, Keep keep);

}  // namespace yonroku::control
