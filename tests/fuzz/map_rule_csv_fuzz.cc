// Any bytes as a table of mapping rules: an answer and no crash; what is read survives being written and read
// again; the check agrees with comparing every pair, and what it lets pass fits into the table that the
// engine looks up in.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/map_rule_check.h"
#include "config/map_rule_csv.h"
#include "share/mapping/map_rule_table.h"

namespace {

using namespace yonroku::config;  // NOLINT(google-build-using-namespace)
using yonroku::share::MapRuleKey;
using yonroku::share::MapRuleTable;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_findings(const CsvMapRules& table) {
  const auto& rules = table.rules;
  if (rules.size() > 64) return;
  bool has_same_ipv4 = false;
  bool has_same_ipv6 = false;
  bool has_nested = false;
  for (std::size_t a = 0; a < rules.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (MapRuleKey::of(rules[a]) == MapRuleKey::of(rules[b])) has_same_ipv4 = true;
      if (rules[a].ipv6() == rules[b].ipv6())
        has_same_ipv6 = true;
      else if (rules[a].ipv6().contains(rules[b].ipv6()) || rules[b].ipv6().contains(rules[a].ipv6()))
        has_nested = true;
    }
  }
  using Kind = MapRuleFinding::Kind;
  const MapRuleFindings found = check_map_rules(rules);
  const auto has = [&](Kind kind) {
    return std::ranges::count(found.findings, kind, &MapRuleFinding::kind) > 0;
  };
  require(has(Kind::SameIpv4) == has_same_ipv4);
  require((has(Kind::SameIpv6) || has(Kind::SameIpv6Address)) == has_same_ipv6);
  require(!has(Kind::NestedIpv6) || has_nested);
  for (const MapRuleFinding& each : found.findings) {
    require(each.rule < rules.size() &&
            (!each.other || (*each.other < rules.size() && *each.other != each.rule)));
    const Diagnostic told =
        to_diagnostic(each, [&](std::size_t i) { return Place{"fuzz.csv", {table.lines.at(i), 1}}; });
    require(told.position.line > 0 && !told.what.empty() && !told.fix.empty());
  }
  if (found.has_errors() || has_same_ipv6) return;
  MapRuleTable looked_up(MapRuleTable::Index::BothWays, 0);
  for (const auto& rule : rules) {
    const auto refusal = looked_up.add(rule);
    require(refusal == MapRuleTable::Refusal::None || refusal == MapRuleTable::Refusal::TooManyPatterns);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = parse_map_rule_csv(text, "fuzz.csv");
  if (!table) {
    require(!table.error().errors.empty() && table.error().errors.size() <= kMaxCsvErrors);
    for (const Diagnostic& error : table.error().errors)
      require(error.position.line > 0 && error.position.column > 0 && !error.what.empty() &&
              !error.fix.empty());
    return 0;
  }
  require(table->lines.size() == table->rules.size());
  require(std::ranges::is_sorted(table->lines));
  const auto again = parse_map_rule_csv(write_map_rule_csv(table->rules), "fuzz.csv");
  require(again.has_value() && again->rules == table->rules);
  check_findings(*table);
  return 0;
}
