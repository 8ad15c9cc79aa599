// Any bytes as a table of mappings: an answer and no crash; what is read is valid and survives being written
// and read again; looking for conflicts agrees with comparing every pair.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/mapping_conflicts.h"
#include "config/mapping_csv.h"

namespace {

using namespace yonroku::config;  // NOLINT(google-build-using-namespace)

void require(bool condition) {
  if (!condition) std::abort();
}

void check_conflicts(const CsvMappings& table) {
  const auto& mappings = table.mappings;
  if (mappings.size() > 64) return;
  bool has_identical = false;
  bool has_overlap = false;
  for (std::size_t a = 0; a < mappings.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const auto& x = mappings[a];
      const auto& y = mappings[b];
      if (x.ipv4 == y.ipv4 || x.ipv6 == y.ipv6) has_identical = true;
      if (x.ipv4 != y.ipv4 && (x.ipv4.contains(y.ipv4) || y.ipv4.contains(x.ipv4))) has_overlap = true;
      if (x.ipv6 != y.ipv6 && (x.ipv6.contains(y.ipv6) || y.ipv6.contains(x.ipv6))) has_overlap = true;
    }
  }
  const auto conflicts = find_mapping_conflicts(
      mappings, [&](std::size_t i) { return Place{"fuzz.csv", {table.lines.at(i), 1}}; });
  require(conflicts.identical.errors.empty() != has_identical);
  require(conflicts.overlapping.empty() || has_overlap);  // overlaps that agree are not reported
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = parse_mapping_csv(text, "fuzz.csv");
  if (!table) {
    require(!table.error().errors.empty() && table.error().errors.size() <= kMaxCsvErrors);
    for (const Diagnostic& error : table.error().errors)
      require(error.position.line > 0 && error.position.column > 0 && !error.what.empty() &&
              !error.fix.empty());
    return 0;
  }
  require(table->lines.size() == table->mappings.size());
  require(std::ranges::is_sorted(table->lines));
  for (const auto& mapping : table->mappings) require(mapping.is_valid());
  const auto again = parse_mapping_csv(write_mapping_csv(table->mappings), "fuzz.csv");
  require(again.has_value() && again->mappings == table->mappings);
  check_conflicts(*table);
  return 0;
}
