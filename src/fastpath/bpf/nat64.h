// NAT64: mechanism/nat64 for plain packets of flows. Whether the addresses may be forwarded, the engine asked
// before there was the flow.
#pragma once

#include "fastpath/bpf/flows.h"
#include "fastpath/bpf/translate.h"

namespace yonroku::bpf {

template <class Link>
YONROKU_HOT_INLINE int nat64_from_ipv6(Link& link, const Work& work, const Ipv6Header& header,
                                       const Seen& seen, const FlowContent& flow) {
  return to_ipv4(
      link, work, header, seen,
      {Ipv4Address(flow.outside), Ipv4Address(flow.remote), {PortChange::Which::Source, flow.outside_port}});
}

template <class Link>
YONROKU_HOT_INLINE int nat64_from_ipv4(Link& link, const Work& work, const Ipv4Header& header,
                                       const Seen& seen, const FlowContent& flow) {
  return to_ipv6(link, work, header, seen,
                 {far_of(flow), near_of(flow), {PortChange::Which::Destination, flow.inside_port}});
}

}  // namespace yonroku::bpf
