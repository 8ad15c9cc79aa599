// Binding tables as CSV: `b4-address,ipv4,psid-offset,psid-length,psid,br-address` on each line, of which the
// first two are needed; `#` comments, an optional header line, LF or CRLF. Written for tables of ten million
// lines: one pass over a buffer, no allocation for a line.
//
// Whether two softwires share an address and a PSID is not looked at here: see rule_conflicts.h.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "share/mapping/map_rule.h"

namespace yonroku::config {

struct CsvSoftwires {
  std::vector<share::MapRule> rules;
  std::vector<uint32_t> lines;  // of the softwire with the same index
};

// `filename` is for messages only; `borders` are the addresses that the last column may name.
[[nodiscard]] ConfigResult<CsvSoftwires> parse_softwire_csv(std::string_view text, std::string_view filename,
                                                            std::span<const Ipv6Address> borders);
[[nodiscard]] ConfigResult<CsvSoftwires> load_softwire_csv(const std::string& path,
                                                           std::span<const Ipv6Address> borders);

// As parse_softwire_csv reads it: the first line, and a line for each softwire. What has its default is left
// out; `borders` are those that the softwires count by.
[[nodiscard]] std::string softwire_csv_header();
void append_softwire_csv(std::string& text, const share::MapRule& rule, std::span<const Ipv6Address> borders);

}  // namespace yonroku::config
