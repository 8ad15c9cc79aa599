// Which table an instance has that may change while packets flow.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/settings.h"

namespace yonroku::control {

// What the table of an instance holds, and what its users call that.
enum class TableKind : uint8_t { Mappings, Rules, Softwires, Fixed };
[[nodiscard]] TableKind table_kind(config::Mechanism mechanism);
// "mappings", "rules", "softwires"; empty where the configuration alone decides: a tunnel with fixed ends, a
// NAT.
[[nodiscard]] std::string_view to_string(TableKind kind);

}  // namespace yonroku::control
