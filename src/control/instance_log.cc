// What an instance tells the log: what its workers write down, and how its table changes.
#include "control/instance.h"

namespace yonroku::control {

using natlog::TableChange;

Result<void> Instance::begin_log(natlog::Log& log) {
  log_ = &log;
  std::shared_ptr<const NatEventRings> rings;
  if (config::has_nat(settings_.mechanism)) {
    auto followed = follow_nat();
    if (!followed) {
      log_ = nullptr;
      return std::unexpected(followed.error());
    }
    rings = *std::move(followed);
  }
  log.begin(settings_, std::move(rings));
  log_table();
  return {};
}

void Instance::log_table() {
  if (log_ != nullptr && (tables_.rules != nullptr || tables_.eam->size() != 0)) log(whole_table());
}

void Instance::end_log() {
  if (log_ == nullptr) return;
  if (config::has_nat(settings_.mechanism)) leave_nat();
  std::exchange(log_, nullptr)->end(settings_.name);
}

void Instance::log(TableChange change) {
  if (change.kind == TableChange::Kind::Part && change.added_mappings.empty() &&
      change.removed_mappings.empty() && change.added_rules.empty() && change.removed_rules.empty())
    return;
  log_->change_table(settings_.name, std::move(change));
}

TableChange Instance::whole_table() const {
  TableChange change{.kind = TableChange::Kind::Whole};
  if (tables_.rules != nullptr) {
    change.added_rules.reserve(tables_.rules->size());
    tables_.rules->for_each([&](const share::MapRule& rule) { change.added_rules.push_back(rule); });
  } else {
    change.added_mappings.reserve(tables_.eam->size());
    tables_.eam->for_each(
        [&](const share::EamMapping& mapping) { change.added_mappings.push_back(mapping); });
  }
  return change;
}

// Of the table as it is before the change.
TableChange Instance::difference(const Change& change) const {
  TableChange difference{.added_mappings = change.add};
  const auto remove = [&](const Ipv4Prefix& ipv4) {
    if (const auto present = tables_.eam->at(ipv4)) difference.removed_mappings.push_back(*present);
  };
  for (const Ipv4Prefix& ipv4 : change.remove) remove(ipv4);
  for (const share::EamMapping& mapping : change.replace) {
    remove(mapping.ipv4);
    difference.added_mappings.push_back(mapping);
  }
  return difference;
}

TableChange Instance::difference(const share::MapRuleTable& next) const {
  TableChange difference;
  const auto without = [](const share::MapRuleTable& table, std::vector<share::MapRule>& out) {
    return [&table, &out](const share::MapRule& rule) {
      if (table.at(share::MapRuleKey::of(rule)) != rule) out.push_back(rule);
    };
  };
  next.for_each(without(*tables_.rules, difference.added_rules));
  tables_.rules->for_each(without(next, difference.removed_rules));
  return difference;
}

}  // namespace yonroku::control
