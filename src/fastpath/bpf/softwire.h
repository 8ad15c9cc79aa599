// MAP-E, lw4o6, public 4over6, a B4 and IPIP: mechanism/softwire for plain packets.
#pragma once

#include "fastpath/bpf/encapsulate.h"
#include "fastpath/bpf/map_rules.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::bpf {

using fastpath::SoftwireView;

// This end's address for the customer.
YONROKU_HOT_INLINE Ipv6Address border_of(const SoftwireView& softwire, const End& end) {
  const auto& border = softwire.border[end.border & 0xff];
  return {border[0], border[1]};
}

// Whether the IPv4 address may be on this side of the tunnel.
YONROKU_HOT_INLINE bool is_own(const SoftwireView& softwire, Ipv4Address address) {
  if (softwire.own_ranges == 0) return true;
  for (uint32_t i = 0; i < fastpath::kMostRanges; ++i) {
    if (i >= softwire.own_ranges) break;
    if (address.value() >= softwire.own[i].first && address.value() <= softwire.own[i].last) return true;
  }
  return false;
}

template <class Link>
YONROKU_HOT_INLINE int softwire_from_ipv4(Link& link, const Work& work, const Ipv4Header& header,
                                          const Seen& seen) {
  const SoftwireView& softwire = work.instance->softwire;
  if (!share::may_be_forwarded(header.destination()) || !share::may_be_forwarded(header.source()))
    return up<Link>(work, Miss::SpecialAddress);
  if (!is_own(softwire, header.source())) return up<Link>(work, Miss::NotOurs);
  if (softwire.takes_icmp == 0 && seen.protocol == static_cast<uint8_t>(IpProtocol::Icmp))
    return up<Link>(work, Miss::IcmpMessage);
  End end;
  if (find_end(&softwire.rules, header.destination().value(), seen.destination_port, kCustomer, &end) !=
      kFound)
    return up<Link>(work, Miss::NotMapped);
  return into_tunnel(link, work, softwire.encapsulate,
                     softwire.learns_path_mtus != 0 ? &softwire.path_mtus : nullptr, header, seen,
                     {border_of(softwire, end), {end.high, end.low}}, {});
}

template <class Link>
YONROKU_HOT_INLINE int softwire_from_ipv6(Link& link, const Work& work, const Ipv6Header& outer) {
  const SoftwireView& softwire = work.instance->softwire;
  if (!share::may_be_forwarded(outer.source())) return up<Link>(work, Miss::SpecialAddress);
  Carried carried;
  const Seen seen = look_into(link, outer, carried);
  if (!seen.is_plain) return up<Link>(work, seen.miss);
  const Ipv4Header& inner = *carried.inner;
  End end;
  if (find_end(&softwire.rules, inner.source().value(), seen.source_port, kCustomer, &end) != kFound)
    return up<Link>(work, Miss::NotMapped);
  // RFC 7597 §8.1: that the destination is the customer's border says that it is one of ours.
  if (Ipv6Address(end.high, end.low) != outer.source() || border_of(softwire, end) != outer.destination())
    return up<Link>(work, Miss::NotOurs);
  if (!share::may_be_forwarded(inner.source()) || !share::may_be_forwarded(inner.destination()))
    return up<Link>(work, Miss::SpecialAddress);
  if (!is_own(softwire, inner.destination())) return up<Link>(work, Miss::NotOurs);
  if (softwire.is_hairpinning != 0 && is_near(softwire.rules.near, inner.destination()) &&
      find_end(&softwire.rules, inner.destination().value(), seen.destination_port, kCustomer, &end) !=
          kNotFound)
    return up<Link>(work, Miss::Hairpin);
  return out_of_tunnel(link, work, softwire.encapsulate, outer, carried, seen,
                       {inner.source(), inner.destination()});
}

}  // namespace yonroku::bpf
