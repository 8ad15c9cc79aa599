#include "fastpath/instance_view.h"

#include <optional>

namespace yonroku::fastpath {
namespace {

template <class LengthSet>
Lengths lengths_of(const LengthSet& set) {
  Lengths lengths{};
  (void)set.from_longest([&](unsigned length) {
    if (lengths.count == Lengths::kMost) {
      lengths.count = Lengths::kTooMany;
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
  siit.by_ipv4 = table_number(instance, 0);
  siit.by_ipv6 = table_number(instance, 1);
  siit.ipv4_lengths = lengths_of(table.ipv4_lengths());
  siit.ipv6_lengths = lengths_of(table.ipv6_lengths());
  siit.own_address = mapping.own_address.value_or(Ipv4Address()).value();
  for (const Ipv4Prefix& prefix : mapping.routed_here)
    siit.routed_here[siit.ranges++] = {prefix.address().value(),
                                       prefix.address().value() | ~Ipv4Prefix::mask(prefix.length())};
  siit.is_hairpinning = settings.hairpinning == mechanism::Hairpinning::Intrinsic ? 1 : 0;
  // share::AddressMapping refuses it only where explicit mappings are in use.
  siit.refuses_looping = table.size() > 0 ? 1 : 0;
  served.tables = {table.memory_by_ipv4(), table.memory_by_ipv6()};
  return served;
}

Served serve(const mechanism::Nat64Settings& settings) {
  Served served;
  served.view.kind = Kind::Nat;
  served.view.translate = settings.translate;
  return served;
}

}  // namespace yonroku::fastpath
