// What an operator can do about packets that are dropped for a reason.
#pragma once

#include <string_view>

#include "packet/verdict.h"

namespace yonroku::api {

// A sentence or two; never empty for a real reason.
[[nodiscard]] std::string_view advice_about(DropReason reason);
// The same where packets are not translated but carried in tunnels.
[[nodiscard]] std::string_view advice_about_tunnel(DropReason reason);

}  // namespace yonroku::api
