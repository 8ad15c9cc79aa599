// The network interfaces of this namespace.
#pragma once

#include <vector>

#include "base/result.h"
#include "fastpath/interface.h"

namespace yonroku::control {

// In the order of their indices.
[[nodiscard]] Result<std::vector<fastpath::Interface>> list_interfaces();

}  // namespace yonroku::control
