// The bodies that requests bring: mappings, rules and softwires as CSV, and the names of those to remove.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/daemon.h"
#include "share/mapping/eam.h"

namespace yonroku::api {

// `ipv4,ipv6` lines, as in a mappings file. Every bad line is in the error; `name` is what it calls the body.
[[nodiscard]] Result<std::vector<share::EamMapping>> parse_mappings_body(std::string_view body,
                                                                         std::string_view name = "body");

// One IPv4 prefix or address on each line; `#` comments. What follows a comma is passed over, so that lines
// of a mappings file will do as well.
[[nodiscard]] Result<std::vector<Ipv4Prefix>> parse_prefixes_body(std::string_view body,
                                                                  std::string_view name = "body");

// Rules or softwires, as in a file of the kind.
[[nodiscard]] Result<std::vector<share::MapRule>> parse_rules_body(std::string_view body,
                                                                   control::TableKind kind,
                                                                   const control::RuleWords& words,
                                                                   std::string_view name = "body");

// `ipv4` or `ipv4,psid` on each line; `#` comments. Lines of a file of the kind, rules with their first line,
// will do as well.
[[nodiscard]] Result<std::vector<control::RuleName>> parse_rule_names_body(std::string_view body,
                                                                           control::TableKind kind,
                                                                           const control::RuleWords& words,
                                                                           std::string_view name = "body");

}  // namespace yonroku::api
