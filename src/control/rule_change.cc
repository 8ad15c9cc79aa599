#include "control/rule_change.h"

#include <algorithm>
#include <set>

#include "config/map_rule_check.h"

namespace yonroku::control {
namespace {

using share::MapRule;
using share::MapRuleKey;
using share::MapRuleTable;
using share::PortParameters;
using share::PortSet;

std::string short_text(const Ipv4Prefix& prefix) {
  return prefix.length() == 32 ? prefix.address().to_string() : prefix.to_string();
}

std::string key_text(const Ipv4Prefix& ipv4, std::optional<uint16_t> psid) {
  return short_text(ipv4) + (psid ? " PSID " + std::to_string(*psid) : "");
}

std::string one(TableKind kind) { return kind == TableKind::Rules ? "rule" : "softwire"; }

// Which PSIDs of another cut have a port of this rule: found once for many rules of that cut.
class Overlap {
 public:
  explicit Overlap(const MapRule& rule) : rule_(rule) {}

  bool with(const MapRule& other) {
    if (!rule_.has_given_psid() || !other.has_given_psid()) return true;
    if (psids_.empty() || other.ports() != cut_) find_psids(other.ports());
    return psids_[other.parts().given_psid];
  }

 private:
  void find_psids(PortParameters cut) {
    cut_ = cut;
    psids_.assign(std::size_t{1} << cut.psid_length, false);
    const auto set = PortSet::create(rule_.ports(), rule_.parts().given_psid);
    for (std::size_t i = 0; set && i < set->range_count(); ++i) {
      const PortSet::Range range = set->range(i);
      for (uint32_t port = range.first; port <= range.last; ++port)
        if (cut.gives_out(static_cast<uint16_t>(port)))
          psids_[cut.psid_of(static_cast<uint16_t>(port))] = true;
    }
  }

  const MapRule& rule_;
  PortParameters cut_;
  std::vector<bool> psids_;
};

Result<void> check_alone(const config::InstanceSettings& settings, const MapRule& rule) {
  for (const Ipv6Address& local : settings.local_addresses)
    if (rule.ipv6().contains(local))
      return fail(settings.name, to_text(rule) + ": this end of the tunnel is inside of it",
                  "a packet to the customer would come straight back; use an address outside");
  if (settings.mechanism == config::Mechanism::FourOverSix && rule.is_shared())
    return fail(settings.name, to_text(rule) + ": a PSID in public 4over6, where addresses are not shared",
                "shared addresses need \"mechanism: lwaftr\" (RFC 7596)");
  if (rule.parts().border >= std::max<std::size_t>(1, settings.local_addresses.size()))
    return fail(settings.name,
                to_text(rule) + ": border " + std::to_string(rule.parts().border) + " is none of the " +
                    std::to_string(settings.local_addresses.size()) + " br-addresses",
                "they count from 0");
  return {};
}

// Against rules that have another key, but ports of the same address.
Result<void> check_cuts(const config::InstanceSettings& settings, const MapRuleTable& table,
                        const MapRule& rule) {
  const MapRule* refused = nullptr;
  MapRule found;
  Overlap overlap(rule);
  table.for_each_cut_otherwise(rule, [&](const MapRule& other) {
    if (refused != nullptr) return;
    const bool are_softwires = rule.is_single_address() && other.is_single_address();
    if (are_softwires && !overlap.with(other)) return;
    found = other;
    refused = &found;
  });
  if (refused == nullptr) return {};
  return fail(settings.name, to_text(rule) + ": some ports are those of " + to_text(*refused),
              "give all customers of an address the same psid-offset and psid-length (RFC 7597 §5.1)");
}

}  // namespace

std::string to_text(const MapRule& rule) {
  const std::string ipv6 =
      rule.is_single_address() ? rule.ipv6().address().to_string() : rule.ipv6().to_string();
  return ipv6 + " for " +
         key_text(rule.ipv4(), rule.has_given_psid() ? std::optional(rule.parts().given_psid) : std::nullopt);
}

Result<void> check_new_rules(const config::InstanceSettings& settings, const MapRuleTable& table,
                             const RuleUse& use, std::span<const MapRule> added, uint64_t seed) {
  const TableKind kind = table_kind(settings.mechanism);
  const auto taken = [&](const MapRule& rule, const std::optional<MapRule>& other) {
    return fail(settings.name,
                to_text(rule) + ": another " + one(kind) + " has the same IPv4 prefix and PSID" +
                    (other ? " (" + to_text(*other) + ")" : ""),
                "remove that one first, or use `" + std::string(to_string(kind)) + " replace`");
  };
  const auto ipv6_taken = [&](const MapRule& rule) {
    return fail(settings.name, to_text(rule) + ": another rule has the same IPv6 prefix",
                "give each rule a prefix of its own: the longest match could not choose (RFC 7597 §5)");
  };
  MapRuleTable beside(MapRuleTable::Index::Ipv4Only, seed);
  beside.reserve(added.size());
  std::set<Ipv6Prefix> new_ipv6;
  for (const MapRule& rule : added) {
    TRY(check_alone(settings, rule));
    if (const auto present = table.at(MapRuleKey::of(rule))) return taken(rule, present);
    if (use.takes_ipv6(rule) && (use.has(rule.ipv6()) || !new_ipv6.insert(rule.ipv6()).second))
      return ipv6_taken(rule);
    switch (beside.add(rule)) {
      case MapRuleTable::Refusal::None: break;
      case MapRuleTable::Refusal::Ipv4Taken: return taken(rule, beside.at(MapRuleKey::of(rule)));
      default:
        return fail(settings.name, std::string(share::describe(MapRuleTable::Refusal::TooManyPatterns)));
    }
    TRY(check_cuts(settings, table, rule));
  }
  for (const MapRule& rule : added) TRY(check_cuts(settings, beside, rule));
  if (!table.has_room_for_patterns_of(beside))
    return fail(settings.name, std::string(share::describe(MapRuleTable::Refusal::TooManyPatterns)),
                "give the customers the same psid-offset and psid-length");
  return {};
}

Result<void> check_rule_table(const config::InstanceSettings& settings, std::span<const MapRule> rules) {
  for (const MapRule& rule : rules) TRY(check_alone(settings, rule));
  const config::MapRuleFindings found = config::check_map_rules(rules);
  if (!found.has_errors()) return {};
  const config::MapRuleFinding& first = found.findings.front();
  const auto errors = static_cast<std::size_t>(
      std::ranges::count_if(found.findings, [](const auto& each) { return each.is_error(); }));
  const std::size_t more = errors - 1 + found.omitted_errors;
  return fail(settings.name,
              to_text(rules[first.rule]) + ": " + first.what +
                  (first.other ? ", " + to_text(rules[*first.other]) : "") +
                  (more > 0 ? " (and " + std::to_string(more) + " more)" : ""),
              first.fix);
}

Result<std::vector<MapRuleKey>> find_rules(const config::InstanceSettings& settings,
                                           const MapRuleTable& table, std::span<const RuleName> names) {
  const TableKind kind = table_kind(settings.mechanism);
  std::vector<MapRuleKey> keys;
  keys.reserve(names.size());
  for (const RuleName& name : names) {
    std::vector<MapRuleKey> found;
    if (name.psid && name.given) {
      const MapRuleKey key{name.ipv4, *name.given, *name.psid};
      if (table.at(key)) found = {key};
    } else {
      found = table.keys_of(name.ipv4, name.psid);
    }
    if (found.empty())
      return fail(settings.name, "no " + one(kind) + " for " + key_text(name.ipv4, name.psid),
                  "`yonroku " + std::string(to_string(kind)) + " list` shows them" +
                      (name.psid ? "" : "; where customers share an address, say the PSID too"));
    if (found.size() > 1)
      return fail(settings.name,
                  "there are " + std::to_string(found.size()) + " for " + key_text(name.ipv4, name.psid) +
                      ", with different PSID lengths",
                  "give the whole line, as `yonroku " + std::string(to_string(kind)) + " list` prints it");
    keys.push_back(found.front());
  }
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace yonroku::control
