// An instance's mappings and rules, and the routes that follow them.
#include <set>
#include <unordered_set>

#include "control/instance.h"
#include "control/random_seed.h"

namespace yonroku::control {
namespace {

std::string to_text(const share::EamMapping& mapping) {
  return mapping.ipv4.to_string() + " <-> " + mapping.ipv6.to_string();
}

// The CLAT's own address is a mapping that the settings imply.
std::optional<share::EamMapping> clat_mapping(const config::InstanceSettings& settings) {
  if (!settings.clat_address) return std::nullopt;
  return share::EamMapping{Ipv4Prefix::holding(settings.clat_ipv4, 32),
                           Ipv6Prefix::holding(*settings.clat_address, 128)};
}

}  // namespace

Instance::Change Instance::change_to(std::span<const share::EamMapping> mappings,
                                     const config::InstanceSettings& settings) const {
  struct Hash {
    std::size_t operator()(const Ipv4Prefix& p) const {
      return std::hash<uint64_t>()(uint64_t{p.length()} << 32 | p.address().value());
    }
  };
  Change change;
  std::unordered_set<Ipv4Prefix, Hash> kept;
  kept.reserve(mappings.size() + 1);
  const auto keep = [&](const share::EamMapping& mapping) {
    kept.insert(mapping.ipv4);
    const auto present = tables_.eam->at(mapping.ipv4);
    if (!present) {
      change.add.push_back(mapping);
    } else if (*present != mapping) {
      change.replace.push_back(mapping);
    }
  };
  if (const auto own = clat_mapping(settings)) keep(*own);
  for (const auto& mapping : mappings) keep(mapping);
  tables_.eam->for_each([&](const share::EamMapping& mapping) {
    if (!kept.contains(mapping.ipv4)) change.remove.push_back(mapping.ipv4);
  });
  return change;
}

// Would every step be accepted? IPv6 prefixes that the change frees may be taken by it.
Result<void> Instance::check(const Change& change, const config::InstanceSettings& settings) const {
  std::set<Ipv6Prefix> freed;
  std::set<Ipv6Prefix> taken;
  std::set<Ipv4Prefix> new_ipv4;
  const auto own = clat_mapping(settings);
  for (const Ipv4Prefix& ipv4 : change.remove) {
    const auto mapping = tables_.eam->at(ipv4);
    if (!mapping)
      return fail(settings_.name, "no mapping for " + ipv4.to_string(), "`yonroku mappings list` shows them");
    if (own && own->ipv4 == ipv4)
      return fail(settings_.name, ipv4.to_string() + " is the CLAT's own mapping",
                  "change `clat-address` instead");
    freed.insert(mapping->ipv6);
  }
  for (const auto& mapping : change.replace) {
    if (own && own->ipv4 == mapping.ipv4 && mapping != *own)
      return fail(settings_.name, to_text(mapping) + ": the CLAT's own mapping is " + to_text(*own),
                  "change `clat-address` instead");
    freed.insert(tables_.eam->at(mapping.ipv4)->ipv6);
  }
  const auto may_take = [&](const share::EamMapping& mapping) -> Result<void> {
    if (const auto refusal = share::EamTable::check(mapping); refusal != share::EamTable::Refusal::None)
      return fail(settings_.name, to_text(mapping) + ": " + std::string(share::describe(refusal)));
    const auto holder = tables_.eam->at(mapping.ipv6);
    if ((holder && !freed.contains(mapping.ipv6)) || !taken.insert(mapping.ipv6).second)
      return fail(settings_.name, to_text(mapping) + ": another mapping has the same IPv6 prefix" +
                                      (holder ? " (" + to_text(*holder) + ")" : ""));
    return {};
  };
  for (const auto& mapping : change.replace) TRY(may_take(mapping));
  for (const auto& mapping : change.add) {
    TRY(may_take(mapping));
    if (tables_.eam->at(mapping.ipv4) || !new_ipv4.insert(mapping.ipv4).second)
      return fail(settings_.name, to_text(mapping) + ": another mapping has the same IPv4 prefix",
                  "remove that one first, or use `mappings replace`");
  }
  return {};
}

// The routes that a change adds, before it; those that it makes superfluous, after it (remove_routes).
Result<void> Instance::add_routes(const Change& change) {
  if (settings_.routes == config::RouteMode::Manual) return {};
  const bool is_clat = settings_.mechanism == config::Mechanism::Clat;
  if (is_clat ? settings_.ipv6_routes.has_value() : settings_.ipv4_routes.has_value()) return {};
  std::vector<share::EamMapping> mappings = change.add;
  if (is_clat) mappings.insert(mappings.end(), change.replace.begin(), change.replace.end());
  std::vector<share::EamMapping> covered;
  for (const auto& mapping : mappings) {
    const auto is_new = is_clat ? link_.cover(mapping.ipv6) : link_.cover(mapping.ipv4);
    if (!is_new) {
      for (const auto& other : covered) remove_route_of(other);
      return std::unexpected(is_new.error());
    }
    if (*is_new) covered.push_back(mapping);
  }
  return {};
}

// A CLAT's mapped addresses are reached over IPv6, a SIIT's over IPv4.
void Instance::remove_route_of(const share::EamMapping& mapping) {
  if (settings_.routes == config::RouteMode::Manual) return;
  if (settings_.mechanism == config::Mechanism::Clat) {
    if (!settings_.ipv6_routes) link_.uncover(mapping.ipv6);
  } else if (!settings_.ipv4_routes) {
    link_.uncover(mapping.ipv4);
  }
}

void Instance::apply(const Change& change) {
  if (log_ != nullptr) log(difference(change));
  // Making room copies the table: not for every small change.
  if (change.add.size() > tables_.eam->size() / 8)
    tables_.eam->reserve(tables_.eam->size() + change.add.size());
  // A replacement whose IPv6 prefix is still held by another one that changes too waits until that is gone.
  for (const Ipv4Prefix& ipv4 : change.remove) (void)tables_.eam->remove(ipv4);
  std::vector<share::EamMapping> waiting;
  for (const auto& mapping : change.replace)
    if (tables_.eam->replace(mapping) != share::EamTable::Refusal::None) waiting.push_back(mapping);
  for (const auto& mapping : waiting) (void)tables_.eam->remove(mapping.ipv4);
  for (const auto& mapping : waiting) (void)tables_.eam->add(mapping);
  for (const auto& mapping : change.add) (void)tables_.eam->add(mapping);
  tell_offload();
  if (const auto retired = tables_.eam->take_retired(); !retired.empty()) await_quiescence();
}

Result<void> Instance::change_mappings(const Change& change) {
  TRY(check(change, settings_));
  TRY(add_routes(change));
  std::vector<share::EamMapping> gone;
  for (const Ipv4Prefix& ipv4 : change.remove) gone.push_back(*tables_.eam->at(ipv4));
  if (settings_.mechanism == config::Mechanism::Clat)
    for (const auto& mapping : change.replace) gone.push_back(*tables_.eam->at(mapping.ipv4));
  apply(change);
  const bool is_clat = settings_.mechanism == config::Mechanism::Clat;
  for (const auto& mapping : gone)
    if (is_clat ? !tables_.eam->at(mapping.ipv6) : !tables_.eam->at(mapping.ipv4)) remove_route_of(mapping);
  return {};
}

Result<void> Instance::add_rules(std::span<const share::MapRule> rules) {
  TRY(check_new_rules(settings_, *tables_.rules, rule_use_, rules, random_seed()));
  // A route comes before the first of its rules.
  std::vector<Ipv4Prefix> covered;
  std::set<Ipv4Prefix> seen;  // a search among all routes only once for each
  if (rule_use_.has_routes())
    for (const auto& rule : rules) {
      if (rule_use_.users_of(rule.ipv4()) > 0 || !seen.insert(rule.ipv4()).second) continue;
      const auto is_new = link_.cover(rule.ipv4());
      if (!is_new) {
        for (const Ipv4Prefix& prefix : covered) link_.uncover(prefix);
        return std::unexpected(is_new.error());
      }
      if (*is_new) covered.push_back(rule.ipv4());
    }
  share::MapRuleTable& table = *tables_.rules;
  if (rules.size() > table.size() / 8) table.reserve(table.size() + rules.size());
  for (const auto& rule : rules) {
    (void)table.add(rule);
    rule_use_.add(rule);
  }
  if (log_ != nullptr) log({.added_rules = {rules.begin(), rules.end()}});
  free_retired_rules();
  return {};
}

void Instance::remove_rules(std::span<const share::MapRuleKey> keys) {
  natlog::TableChange logged;
  for (const auto& key : keys) {
    const auto rule = tables_.rules->at(key);
    if (!rule) continue;
    (void)tables_.rules->remove(key);
    rule_use_.remove(*rule);
    if (rule_use_.has_routes() && rule_use_.users_of(rule->ipv4()) == 0) link_.uncover(rule->ipv4());
    if (log_ != nullptr) logged.removed_rules.push_back(*rule);
  }
  if (log_ != nullptr) log(std::move(logged));
  free_retired_rules();
}

Result<void> Instance::replace_rules(std::vector<share::MapRule> rules) {
  config::InstanceSettings next = settings_;
  next.rules = std::move(rules);
  TRY(prepare_reload(next));
  next.rules = {};  // the table has them
  commit_reload(next);
  return {};
}

// Workers may still look at what a change has replaced.
void Instance::free_retired_rules() {
  tell_offload();
  if (const auto retired = tables_.rules->take_retired(); !retired.empty()) await_quiescence();
}

}  // namespace yonroku::control
