// The NATs (NAT64, AFTR, customer edges) for plain packets of flows: mechanism/nat64, ds_lite_aftr,
// softwire_napt and map_t_ce. Whether the addresses may be forwarded and whose they are, the engine asked
// before there was the flow.
#pragma once

#include "fastpath/bpf/encapsulate.h"
#include "fastpath/bpf/flows.h"
#include "fastpath/bpf/translate.h"

namespace yonroku::bpf {

using fastpath::direction_from_ipv4;
using fastpath::direction_from_ipv6;

// The flow's packets are translated.
template <class Link>
YONROKU_HOT_INLINE int translate_flow(Link& link, const Work& work, const Ipv4Header& header,
                                      const Seen& seen, const FlowContent& flow) {
  return to_ipv6(link, work, header, seen, crossing6_of(flow, direction_from_ipv4(flow.kind)));
}
template <class Link>
YONROKU_HOT_INLINE int translate_flow(Link& link, const Work& work, const Ipv6Header& header,
                                      const Seen& seen, const FlowContent& flow) {
  return to_ipv4(link, work, header, seen, crossing4_of(flow, direction_from_ipv6(flow.kind)));
}

// They are tunnelled.
template <class Link>
YONROKU_HOT_INLINE int encapsulate_flow(Link& link, const Work& work, const Ipv4Header& header,
                                        const Seen& seen, const FlowContent& flow) {
  const fastpath::SoftwireView& softwire = work.instance->softwire;
  const FlowDirection direction = direction_from_ipv4(flow.kind);
  return into_tunnel(link, work, softwire.encapsulate,
                     softwire.learns_path_mtus != 0 ? &softwire.path_mtus : nullptr, header, seen,
                     crossing6_of(flow, direction), crossing4_of(flow, direction));
}
template <class Link>
YONROKU_HOT_INLINE int decapsulate_flow(Link& link, const Work& work, const Ipv6Header& outer,
                                        const Carried& carried, const Seen& seen, const FlowContent& flow) {
  return out_of_tunnel(link, work, work.instance->softwire.encapsulate, outer, carried, seen,
                       crossing4_of(flow, direction_from_ipv6(flow.kind)));
}

}  // namespace yonroku::bpf
