#include "fastpath/instance_view.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace yonroku::fastpath {
namespace {

template <class LengthSet>
Lengths lengths_of(const LengthSet& set) {
  Lengths lengths{};
  (void)set.from_longest([&](unsigned length) {
    if (lengths.count == kMostLengths) {
      lengths.count = kTooMany;
      return true;
    }
    lengths.length[lengths.count++] = static_cast<uint8_t>(length);
    return false;
  });
  return lengths;
}

PrefixView prefix_view(const std::optional<share::Pref64>& prefix,
                       share::WellKnownPrefixNonGlobal well_known_prefix_non_global) {
  const share::Pref64 used = prefix.value_or(share::Pref64());
  const bool is_restricted =
      well_known_prefix_non_global == share::WellKnownPrefixNonGlobal::Drop && used.is_well_known();
  return {used, prefix.has_value(), is_restricted};
}

Ipv4Range range_of(const Ipv4Prefix& prefix) {
  const uint32_t first = prefix.address().value();
  return {first, first | ~Ipv4Prefix::mask(prefix.length())};
}

// The next table of the instance.
TableNumber add_table(Served& served, uint32_t instance, const share::TableMemoryView& table) {
  served.tables.push_back(table);
  return table_number(instance, static_cast<uint32_t>(served.tables.size() - 1));
}

MappingsView add_mappings(Served& served, uint32_t instance, const share::EamTable& mappings) {
  MappingsView view{};
  view.by_ipv4 = add_table(served, instance, mappings.memory_by_ipv4());
  view.by_ipv6 = add_table(served, instance, mappings.memory_by_ipv6());
  view.ipv4_lengths = lengths_of(mappings.ipv4_lengths());
  view.ipv6_lengths = lengths_of(mappings.ipv6_lengths());
  mappings.ipv4_blocks().copy_to(view.ipv4_blocks);
  mappings.ipv6_blocks().copy_to(view.ipv6_blocks);
  return view;
}

RulesView add_rules(Served& served, uint32_t instance, const share::MapRuleTable& rules) {
  RulesView view{};
  view.by_ipv4 = add_table(served, instance, rules.memory_by_ipv4());
  view.by_ipv6 = add_table(served, instance, rules.memory_by_ipv6());
  view.shared = add_table(served, instance, rules.memory_shared());
  view.near = add_table(served, instance, rules.memory_near());
  rules.for_each_pattern([&](uint8_t ipv4_length, const share::PortParameters& given) {
    if (view.count < kMostPatterns)
      view.pattern[view.count++] = {ipv4_length, given.psid_offset, given.psid_length, 0};
    else
      view.count = kTooMany;
  });
  view.ipv6_lengths = lengths_of(rules.ipv6_lengths());
  return view;
}

// What is common to the ends of tunnels.
void add_tunnels(Served& served, uint32_t instance, const carry::EncapsulateSettings& encapsulate,
                 mechanism::PathMtuDiscovery discovery, const carry::PathMtuTable& path_mtus) {
  SoftwireView& softwire = served.view.softwire;
  softwire.encapsulate = encapsulate;
  softwire.path_mtus =
      add_table(served, instance, {reinterpret_cast<const share::Slot*>(path_mtus.entries()), 0});
  softwire.learns_path_mtus = discovery == mechanism::PathMtuDiscovery::Learn ? 1 : 0;
}

Served serve_nat(const carry::TranslateSettings& settings) {
  Served served;
  served.view.kind = Kind::Nat;
  served.view.translate = settings;
  return served;
}
template <class Settings>
Served serve_nat_of_tunnels(uint32_t instance, const Settings& settings,
                            const carry::PathMtuTable& path_mtus) {
  Served served;
  served.view.kind = Kind::Nat;
  add_tunnels(served, instance, settings.encapsulate, settings.path_mtu_discovery, path_mtus);
  return served;
}

}  // namespace

ServedOrNot serve(uint32_t instance, const mechanism::SiitSettings& settings, const share::EamTable& table) {
  const share::AddressMappingSettings& mapping = settings.mapping;
  if (!mapping.denylist_ipv4.empty() || !mapping.denylist_ipv6.empty())
    return std::unexpected("it has a denylist");
  if (settings.hairpinning == mechanism::Hairpinning::Simple)
    return std::unexpected("hairpinning is \"simple\" (RFC 7757 §4.2.1)");
  if (mapping.routed_here.size() > kMostRanges)
    return std::unexpected("more than " + std::to_string(kMostRanges) + " ipv4-routes");
  Served served;
  served.view.kind = Kind::Siit;
  served.view.translate = settings.translate;
  SiitView& siit = served.view.siit;
  siit.ipv4_side = prefix_view(mapping.ipv4_side_prefix, mapping.well_known_prefix_non_global);
  siit.ipv6_side = prefix_view(mapping.ipv6_side_prefix, mapping.well_known_prefix_non_global);
  siit.mappings = add_mappings(served, instance, table);
  siit.own_address = mapping.own_address.value_or(Ipv4Address()).value();
  for (const Ipv4Prefix& prefix : mapping.routed_here) siit.routed_here[siit.ranges++] = range_of(prefix);
  siit.is_hairpinning = settings.hairpinning == mechanism::Hairpinning::Intrinsic ? 1 : 0;
  // share::AddressMapping refuses it only where explicit mappings are in use.
  siit.refuses_looping = table.size() > 0 ? 1 : 0;
  return served;
}

ServedOrNot serve(uint32_t instance, const mechanism::SoftwireSettings& settings,
                  const share::MapRuleTable& rules, const carry::PathMtuTable& path_mtus) {
  if (settings.own_prefixes.size() > kMostRanges)
    return std::unexpected("more than " + std::to_string(kMostRanges) + " IPv4 prefixes");
  Served served;
  served.view.kind = Kind::Softwire;
  SoftwireView& softwire = served.view.softwire;
  softwire.rules = add_rules(served, instance, rules);
  add_tunnels(served, instance, settings.encapsulate, settings.path_mtu_discovery, path_mtus);
  softwire.is_hairpinning = settings.hairpinning == mechanism::SoftwireHairpinning::On ? 1 : 0;
  softwire.takes_icmp = settings.inbound_icmp == mechanism::InboundIcmp::Forward ? 1 : 0;
  for (const Ipv4Prefix& prefix : settings.own_prefixes)
    softwire.own[softwire.own_ranges++] = range_of(prefix);
  // A rule has an octet for the number.
  const std::size_t borders = std::min(settings.border_addresses.size(), std::size(softwire.border));
  for (std::size_t i = 0; i < borders; ++i) {
    softwire.border[i][0] = settings.border_addresses[i].high();
    softwire.border[i][1] = settings.border_addresses[i].low();
  }
  return served;
}

ServedOrNot serve(uint32_t instance, const mechanism::MapTSettings& settings, const share::EamTable& mappings,
                  const share::MapRuleTable& rules) {
  Served served;
  served.view.kind = Kind::MapT;
  served.view.translate = settings.translate;
  MapTView& map_t = served.view.map_t;
  map_t.rules = add_rules(served, instance, rules);
  map_t.dmr = settings.dmr;
  map_t.mappings = add_mappings(served, instance, mappings);
  return served;
}

Served serve(const mechanism::Nat64Settings& settings) { return serve_nat(settings.translate); }
Served serve(const mechanism::MapTCeSettings& settings) { return serve_nat(settings.translate); }
Served serve(const mechanism::Slb64Settings& settings) { return serve_nat(settings.translate); }
Served serve(uint32_t instance, const mechanism::DsLiteAftrSettings& settings,
             const carry::PathMtuTable& path_mtus) {
  return serve_nat_of_tunnels(instance, settings, path_mtus);
}
Served serve(uint32_t instance, const mechanism::SoftwireNaptSettings& settings,
             const carry::PathMtuTable& path_mtus) {
  return serve_nat_of_tunnels(instance, settings, path_mtus);
}

}  // namespace yonroku::fastpath
