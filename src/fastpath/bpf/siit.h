// SIIT and CLAT: mechanism/siit and share/mapping/address_mapping for plain packets.
#pragma once

#include "fastpath/bpf/mappings.h"
#include "fastpath/bpf/translate.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::bpf {

using fastpath::PrefixView;
using fastpath::SiitView;
using share::may_be_forwarded;

YONROKU_HOT_INLINE bool is_routed_here(const SiitView& siit, Ipv4Address address) {
  for (uint32_t i = 0; i < fastpath::kMostRanges; ++i) {
    if (i >= siit.ranges) break;
    if (address.value() >= siit.routed_here[i].first && address.value() <= siit.routed_here[i].last)
      return true;
  }
  return false;
}

// Like share::AddressMapping::map(); false when the engine must decide or say why not.
YONROKU_HOT_INLINE bool source_to_ipv6(const SiitView& siit, Ipv4Address address, Ipv6Address& mapped) {
  const Search found = search_eam(siit.mappings, address, mapped);
  if (found != kNotFound) return found == kFound;
  const PrefixView& prefix = siit.ipv4_side;
  if (prefix.is_set == 0 || prefix.is_restricted != 0) return false;
  mapped = prefix.prefix.embed(address);
  return true;
}
YONROKU_HOT_INLINE bool destination_to_ipv6(const SiitView& siit, Ipv4Address address, Ipv6Address& mapped) {
  const Search found = search_eam(siit.mappings, address, mapped);
  if (found != kNotFound) return found == kFound;
  const PrefixView& prefix = siit.ipv6_side;
  if (prefix.is_set == 0 || prefix.is_restricted != 0 || address.value() == siit.own_address ||
      (siit.refuses_looping != 0 && is_routed_here(siit, address)))
    return false;
  mapped = prefix.prefix.embed(address);
  return true;
}
YONROKU_HOT_INLINE bool source_to_ipv4(const SiitView& siit, const Ipv6Address& address,
                                       Ipv4Address& mapped) {
  const Search found = search_eam(siit.mappings, address, mapped);
  if (found != kNotFound) return found == kFound;
  const PrefixView& prefix = siit.ipv6_side;
  return prefix.is_set != 0 && prefix.is_restricted == 0 && prefix.prefix.extract(address, mapped);
}
YONROKU_HOT_INLINE bool destination_to_ipv4(const SiitView& siit, const Ipv6Address& address,
                                            Ipv4Address& mapped, bool& hairpins) {
  const Search found = search_eam(siit.mappings, address, mapped);
  if (found != kNotFound) return found == kFound;
  const PrefixView& prefix = siit.ipv4_side;
  if (prefix.is_set == 0 || prefix.is_restricted != 0 || !prefix.prefix.extract(address, mapped) ||
      mapped.value() == siit.own_address || is_routed_here(siit, mapped))
    return false;
  if (siit.is_hairpinning != 0) {
    Ipv6Address ignored;
    hairpins = search_eam(siit.mappings, mapped, ignored) != kNotFound;
  }
  return true;
}

template <class Link>
YONROKU_HOT_INLINE int siit_from_ipv4(Link& link, const Work& work, const Ipv4Header& header,
                                      const Seen& seen) {
  const SiitView& siit = work.instance->siit;
  if (!may_be_forwarded(header.source()) || !may_be_forwarded(header.destination()))
    return up<Link>(work, Miss::SpecialAddress);
  Crossing6 crossing;
  if (!source_to_ipv6(siit, header.source(), crossing.source) ||
      !destination_to_ipv6(siit, header.destination(), crossing.destination))
    return up<Link>(work, Miss::NotMapped);
  return to_ipv6(link, work, header, seen, crossing);
}

template <class Link>
YONROKU_HOT_INLINE int siit_from_ipv6(Link& link, const Work& work, const Ipv6Header& header,
                                      const Seen& seen) {
  const SiitView& siit = work.instance->siit;
  if (!may_be_forwarded(header.source()) || !may_be_forwarded(header.destination()))
    return up<Link>(work, Miss::SpecialAddress);
  Crossing4 crossing;
  bool hairpins = false;
  if (!source_to_ipv4(siit, header.source(), crossing.source) ||
      !destination_to_ipv4(siit, header.destination(), crossing.destination, hairpins))
    return up<Link>(work, Miss::NotMapped);
  if (hairpins) return up<Link>(work, Miss::Hairpin);
  if (!may_be_forwarded(crossing.source) || !may_be_forwarded(crossing.destination))
    return up<Link>(work, Miss::SpecialAddress);
  return to_ipv4(link, work, header, seen, crossing);
}

}  // namespace yonroku::bpf
