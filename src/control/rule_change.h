// Rules and softwires that come while packets flow: do they go with the settings, with those that are there
// and with each other? What the configuration would refuse is refused here, at a cost that grows with the
// change and not with the table. What config/map_rule_check.h only warns of is let pass.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "control/rule_use.h"
#include "control/table_kind.h"
#include "share/mapping/map_rule_table.h"

namespace yonroku::control {

// How somebody names a rule to be removed: exactly, or without the PSID's parameters.
struct RuleName {
  Ipv4Prefix ipv4;
  std::optional<uint16_t> psid;
  std::optional<share::PortParameters> given;  // of the PSID
  [[nodiscard]] static RuleName of(const share::MapRule& rule) {
    const auto key = share::MapRuleKey::of(rule);
    if (!key.given.is_shared()) return {key.ipv4, std::nullopt, std::nullopt};
    return {key.ipv4, key.psid, key.given};
  }
};

// "2001:db8::1 for 192.0.2.1 PSID 5"
[[nodiscard]] std::string to_text(const share::MapRule& rule);

// All of `added` may join the table. `seed` keys a hash of them.
[[nodiscard]] Result<void> check_new_rules(const config::InstanceSettings& settings,
                                           const share::MapRuleTable& table, const RuleUse& use,
                                           std::span<const share::MapRule> added, uint64_t seed);

// All of `rules` may be a table.
[[nodiscard]] Result<void> check_rule_table(const config::InstanceSettings& settings,
                                            std::span<const share::MapRule> rules);

// The keys of those named, each once; an error when one is not there, or could be several.
[[nodiscard]] Result<std::vector<share::MapRuleKey>> find_rules(const config::InstanceSettings& settings,
                                                                const share::MapRuleTable& table,
                                                                std::span<const RuleName> names);

}  // namespace yonroku::control
