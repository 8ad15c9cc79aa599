// What mapping rules mean for one another, and what in a single rule is possible but hardly meant (RFC 7597
// §5). Errors are rules of which one can never match, or customers who would get each other's packets;
// warnings are fine if meant so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/mapping_conflicts.h"
#include "share/mapping/map_rule.h"

namespace yonroku::config {

inline constexpr std::size_t kMaxRuleFindings = 20;  // of each kind; more are only counted

// What the rules are for: translation needs what tunnels do without.
enum class MapRuleUse : uint8_t { Any, Tunnels };

struct MapRuleFinding {
  enum class Kind : uint8_t {
    // Errors.
    SameIpv4,        // IPv4 prefix, and PSID where one is given
    SamePorts,       // two customers have one port of one address
    SameIpv6,        // of MAP rules: the longest match cannot choose
    DifferentPsids,  // a or k differ for one address of MAP rules
    // Warnings.
    SameIpv6Address,     // of softwires: only tunnels can do that, and there it is no finding
    DifferentSoftwires,  // a or k differ for one address, the ports do not overlap
    NestedIpv4,
    NestedIpv6,
    LongEndUserPrefix,
    SystemPorts,
    HostBitsOverwritten,  // likewise
  };
  Kind kind;
  std::size_t rule;                  // where it is told
  std::optional<std::size_t> other;  // the rule it is about, besides
  std::string what;                  // without `other`: its place is known to the caller
  std::string fix;

  [[nodiscard]] bool is_error() const { return kind <= Kind::DifferentPsids; }
};

struct MapRuleFindings {
  std::vector<MapRuleFinding> findings;  // errors first, then by rule
  std::size_t omitted_errors = 0;
  std::size_t omitted_warnings = 0;

  [[nodiscard]] bool has_errors() const { return !findings.empty() && findings.front().is_error(); }
};

// Takes time n log n, so that a million softwires can be checked.
[[nodiscard]] MapRuleFindings check_map_rules(std::span<const share::MapRule> rules,
                                              MapRuleUse use = MapRuleUse::Any);

// With the places of the rules: "rules.csv:3:1: 192.0.2.0/25 lies inside 192.0.2.0/24, in line 2; ...".
[[nodiscard]] Diagnostic to_diagnostic(const MapRuleFinding& finding,
                                       const std::function<Place(std::size_t)>& place_of);

}  // namespace yonroku::config
