// What an instance tells the log: what its workers write down, and how its table changes.
#include "control/instance.h"
#include "share/nat/nat.h"

namespace yonroku::control {

using natlog::Detail;
using natlog::TableChange;

namespace {

using Kind = share::NatEvent::Kind;

// Events of what is in the NAT, as if it had just begun; returns the place from which to go on.
uint64_t tell_what_is_there(const share::Nat& nat, Detail detail, uint64_t from, std::size_t most,
                            Instant now, share::NatEventSink& sink) {
  share::NatEvent event;
  event.time = now;
  event.is_recovered = true;
  const auto tell = [&](Kind kind, const auto& view) {
    event.kind = kind;
    event.protocol = view.protocol;
    event.inside = view.inside;
    event.outside = view.outside;
    sink.on(event);
  };
  switch (detail) {
    case Detail::Nothing: break;
    case Detail::PortBlocks:
      return nat.visit_subscribers(from, most, [&](const share::SubscriberView& view) {
        event.kind = Kind::PortBlockTaken;
        event.inside = {view.ipv6.address(), view.ipv4, 0};
        for (std::size_t i = 0; i < view.block_count; ++i) {
          event.outside = {*view.outside, view.blocks[i].first_port};
          event.last_port = view.blocks[i].last_port;
          sink.on(event);
        }
      });
    case Detail::Bindings:
      return nat.visit_bindings(from, most, now, [&](const share::BindingView& view) {
        if (!view.is_static) tell(Kind::BindingCreated, view);  // those are settings
      });
    case Detail::Sessions:
      return nat.visit_sessions(from, most, now, [&](const share::SessionView& view) {
        event.remote = view.remote;
        tell(Kind::SessionCreated, view);
      });
  }
  return share::Nat::kEnd;
}

}  // namespace

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
  if (log_ != nullptr && has_table()) log(whole_table());
}

void Instance::log_removal() {
  if (log_ != nullptr && has_table()) log({.kind = TableChange::Kind::Whole});
}

void Instance::log_nat() {
  if (log_ == nullptr || nat_events_ == nullptr) return;
  log_->tell_what_is_there(settings_.name);
  const Detail detail = log_->detail(settings_);
  const bool has_blocks = settings_.nat.allocation == share::PortAllocation::Blocks;
  if (detail != Detail::Nothing && (detail != Detail::PortBlocks || has_blocks)) to_log_.emplace();
}

bool Instance::log_some_of_nat() {
  constexpr std::size_t kMost = 256;  // a few microseconds of a worker
  constexpr std::chrono::milliseconds kLimit{100};
  if (!to_log_) return false;
  if (!log_->has_room_for(kMost)) return true;
  const Detail detail = log_->detail(settings_);
  const auto asked = ask_nat(
      to_log_->worker,
      [&](share::Nat& nat, Instant now) {
        to_log_->entry = tell_what_is_there(nat, detail, to_log_->entry, kMost, now,
                                            nat_events_->of_worker[to_log_->worker]);
      },
      kLimit);
  if (asked && to_log_->entry == share::Nat::kEnd) {
    *to_log_ = {to_log_->worker + 1, 0};
    if (to_log_->worker == workers_.size()) to_log_.reset();
  }
  return to_log_.has_value();
}

void Instance::end_log() {
  if (log_ == nullptr) return;
  to_log_.reset();
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
