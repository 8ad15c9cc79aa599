// The bodies that requests bring: mappings as CSV, and IPv4 prefixes one a line.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "share/mapping/eam.h"

namespace yonroku::api {

// `ipv4,ipv6` lines, as in a mappings file. Every bad line is in the error; `name` is what it calls the body.
[[nodiscard]] Result<std::vector<share::EamMapping>> parse_mappings_body(std::string_view body,
                                                                         std::string_view name = "body");

// One IPv4 prefix or address on each line; `#` comments. What follows a comma is passed over, so that lines
// of a mappings file will do as well.
[[nodiscard]] Result<std::vector<Ipv4Prefix>> parse_prefixes_body(std::string_view body,
                                                                  std::string_view name = "body");

}  // namespace yonroku::api
