// The border relay of MAP-T: mechanism/map_t for plain packets.
#pragma once

#include "fastpath/bpf/map_rules.h"
#include "fastpath/bpf/mappings.h"
#include "fastpath/bpf/translate.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::bpf {

using fastpath::MapTView;

template <class Link>
YONROKU_HOT_INLINE int map_t_from_ipv4(Link& link, const Work& work, const Ipv4Header& header,
                                       const Seen& seen) {
  const MapTView& map_t = work.instance->map_t;
  if (!share::may_be_forwarded(header.destination()) || !share::may_be_forwarded(header.source()))
    return up<Link>(work, Miss::SpecialAddress);
  Crossing6 crossing;
  End end;
  Search found = static_cast<Search>(
      find_end(&map_t.rules, header.destination().value(), seen.destination_port, kHost, &end));
  if (found == kFound)
    crossing.destination = {end.high, end.low};
  else if (found == kNotFound)
    found = search_eam(map_t.mappings, header.destination(), crossing.destination);
  if (found != kFound) return up<Link>(work, Miss::NotMapped);
  found = search_eam(map_t.mappings, header.source(), crossing.source);
  if (found == kUnknown) return up<Link>(work, Miss::NotMapped);
  if (found == kNotFound) crossing.source = map_t.dmr.embed(header.source());
  return to_ipv6(link, work, header, seen, crossing);
}

template <class Link>
YONROKU_HOT_INLINE int map_t_from_ipv6(Link& link, const Work& work, const Ipv6Header& header,
                                       const Seen& seen) {
  const MapTView& map_t = work.instance->map_t;
  if (!share::may_be_forwarded(header.destination()) || !share::may_be_forwarded(header.source()))
    return up<Link>(work, Miss::SpecialAddress);
  Crossing4 crossing;
  if (!map_t.dmr.extract(header.destination(), crossing.destination)) return up<Link>(work, Miss::NotMapped);
  uint32_t source = 0;
  Search found = static_cast<Search>(
      find_customer(&map_t.rules, header.source().high(), header.source().low(), seen.source_port, &source));
  if (found == kFound)
    crossing.source = Ipv4Address(source);
  else if (found == kNotFound)
    found = search_eam(map_t.mappings, header.source(), crossing.source);
  if (found != kFound) return up<Link>(work, Miss::NotMapped);
  if (!share::may_be_forwarded(crossing.source) || !share::may_be_forwarded(crossing.destination))
    return up<Link>(work, Miss::SpecialAddress);
  return to_ipv4(link, work, header, seen, crossing);
}

}  // namespace yonroku::bpf
