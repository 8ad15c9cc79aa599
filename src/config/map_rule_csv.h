// Mapping rules as CSV. The first line names the columns, in any order:
//
//   ipv6-prefix,ipv4-prefix,ea-length,psid-offset,psid-length,psid,format,border
//
// Only the first three are needed; a cell may be empty. `#` comments, LF or CRLF. Tables of softwires have a
// line for each customer: one pass over a buffer, no allocation for a line.
//
// What rules mean for one another is not looked at here: see map_rule_check.h.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/csv_lines.h"
#include "config/diagnostic.h"
#include "share/mapping/map_rule.h"

namespace yonroku::config {

struct CsvMapRules {
  std::vector<share::MapRule> rules;
  std::vector<uint32_t> lines;  // of the rule with the same index
};

// `filename` is for messages only; `format` is that of rules that say none. At most kMaxCsvErrors errors are
// listed.
[[nodiscard]] ConfigResult<CsvMapRules> parse_map_rule_csv(
    std::string_view text, std::string_view filename,
    share::InterfaceIdentifierFormat format = share::InterfaceIdentifierFormat::Rfc7597);
[[nodiscard]] ConfigResult<CsvMapRules> load_map_rule_csv(
    const std::string& path,
    share::InterfaceIdentifierFormat format = share::InterfaceIdentifierFormat::Rfc7597);

// All columns, as parse_map_rule_csv reads them: the first line, and a line for each rule.
[[nodiscard]] std::string map_rule_csv_header();
void append_map_rule_csv(std::string& text, const share::MapRule& rule);
[[nodiscard]] std::string write_map_rule_csv(std::span<const share::MapRule> rules);

}  // namespace yonroku::config
