// Mapping tables as CSV: one `ipv4,ipv6` pair on each line, `#` comments, an optional header line
// `ipv4,ipv6`, LF or CRLF. Written for tables of a million lines: one pass over a buffer, no allocation for a
// line.
//
// Whether two mappings share a prefix is not looked at here: see mapping_conflicts.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/csv_lines.h"
#include "config/diagnostic.h"
#include "share/mapping/eam.h"

namespace yonroku::config {

struct CsvMappings {
  std::vector<share::EamMapping> mappings;
  std::vector<uint32_t> lines;  // of the mapping with the same index
};

// `filename` is for messages only.
[[nodiscard]] ConfigResult<CsvMappings> parse_mapping_csv(std::string_view text, std::string_view filename);
[[nodiscard]] ConfigResult<CsvMappings> load_mapping_csv(const std::string& path);

// The header line and one line for each mapping, as parse_mapping_csv reads it.
[[nodiscard]] std::string write_mapping_csv(const std::vector<share::EamMapping>& mappings);

}  // namespace yonroku::config
