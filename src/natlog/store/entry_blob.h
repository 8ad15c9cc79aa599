// Mappings and rules as the catalogue keeps them: octets that are equal when they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "share/mapping/eam.h"
#include "share/mapping/map_rule.h"

namespace yonroku::natlog {

[[nodiscard]] std::string to_blob(const share::EamMapping& mapping);
[[nodiscard]] std::string to_blob(const share::MapRule& rule);
// nullopt when the octets are none.
[[nodiscard]] std::optional<share::EamMapping> mapping_from(std::string_view blob);
[[nodiscard]] std::optional<share::MapRule> rule_from(std::string_view blob);

}  // namespace yonroku::natlog
