#include "control/rule_use.h"

#include "control/routes.h"
#include "control/table_kind.h"

namespace yonroku::control {

RuleUse::RuleUse(const config::InstanceSettings& settings, const share::MapRuleTable& table)
    : has_routes_(settings.routes == config::RouteMode::Auto && !settings.ipv4_routes &&
                  !is_customer(settings)),
      has_ipv6_(table_kind(settings.mechanism) == TableKind::Rules),
      is_exact_(config::translates(settings.mechanism)) {
  if (has_routes_ || has_ipv6_) table.for_each([&](const share::MapRule& rule) { add(rule); });
}

void RuleUse::add(const share::MapRule& rule) {
  if (has_routes_) ++users_[rule.ipv4()];
  if (takes_ipv6(rule)) ipv6_.insert(rule.ipv6());
}

void RuleUse::remove(const share::MapRule& rule) {
  if (const auto found = users_.find(rule.ipv4()); found != users_.end() && --found->second == 0)
    users_.erase(found);
  if (takes_ipv6(rule)) ipv6_.erase(rule.ipv6());
}

}  // namespace yonroku::control
