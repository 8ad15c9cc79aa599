// Finds the flow that a packet belongs to (fastpath/flow_layout.h), and writes down that it was seen.
#pragma once

#include "carry/crossing.h"
#include "fastpath/bpf/packet.h"
#include "fastpath/bpf/send.h"

YONROKU_INLINE_ALL_END
extern "C" {

// 1, and the flow's content, when the key leads to a flow; it is none that is being written. `now` is kept as
// the time when its direction was seen.
YONROKU_OUT_OF_LINE int find_flow(yonroku::bpf::FlowSearch* search, uint64_t now) {
  using namespace yonroku;
  using fastpath::Flow;
  if (search == nullptr) return 0;
  const fastpath::FlowKey& key = search->key;
  const auto* const settings = bpf::find<fastpath::Control>(control, uint32_t{0});
  if (settings == nullptr) return 0;
  const uint64_t hash = fastpath::hash_of(key, settings->flow_keys);
  auto* const bucket =
      bpf::find<fastpath::FlowBucket>(flow_index, fastpath::bucket_of(hash, settings->flow_buckets));
  if (bucket == nullptr) return 0;
  for (uint32_t i = 0; i < fastpath::FlowBucket::kEntries; ++i) {
    const uint64_t entry = *const_cast<const volatile uint64_t*>(&bucket->entries[i]);
    if (entry >> 32 != hash >> 32 || entry == 0) continue;
    auto* const flow = bpf::find<Flow>(flows, fastpath::flow_of(entry));
    if (flow == nullptr) continue;
    const auto* const sequence = const_cast<const volatile uint64_t*>(&flow->sequence);
    const uint64_t before = *sequence;
    bpf::barrier();
    const auto direction = fastpath::direction_of(entry);
    if (before % 2 != 0 || fastpath::key_of(flow->content, direction) != key) continue;
    search->found = flow->content;
    bpf::barrier();
    if (*sequence != before) return 0;
    uint64_t& seen = flow->seen[direction == fastpath::FlowDirection::Out ? 0 : 1];
    if (seen != now) seen = now;
    return 1;
  }
  return 0;
}

}  // extern "C"
YONROKU_INLINE_ALL_BEGIN

namespace yonroku::bpf {

using fastpath::FlowContent;
using fastpath::FlowDirection;
using fastpath::FlowKey;
using fastpath::FlowKind;

// Protocol and ports of a plain packet.
YONROKU_HOT_INLINE FlowKey transport_key(const Seen& seen) {
  FlowKey key{};
  key.source_port = seen.source_port;
  key.destination_port = seen.destination_port;
  key.protocol = seen.protocol == static_cast<uint8_t>(IpProtocol::Icmpv6)
                     ? static_cast<uint8_t>(IpProtocol::Icmp)
                     : seen.protocol;
  return key;
}
YONROKU_HOT_INLINE FlowKey key_of(const Ipv4Header& header, const Seen& seen) {
  FlowKey key = transport_key(seen);
  key.source = header.source().value();
  key.destination = header.destination().value();
  return key;
}
YONROKU_HOT_INLINE FlowKey key_of(const Ipv6Header& header, const Seen& seen) {
  FlowKey key = transport_key(seen);
  key.ipv6_source_high = header.source().high();
  key.ipv6_source_low = header.source().low();
  key.ipv6_destination_high = header.destination().high();
  key.ipv6_destination_low = header.destination().low();
  return key;
}
YONROKU_HOT_INLINE FlowKey key_of(const Ipv6Header& outer, const Ipv4Header& inner, const Seen& seen) {
  FlowKey key = key_of(outer, seen);
  key.source = inner.source().value();
  key.destination = inner.destination().value();
  return key;
}

// A NAT follows how TCP ends.
YONROKU_HOT_INLINE bool ends(const Seen& seen) {
  return seen.protocol == static_cast<uint8_t>(IpProtocol::Tcp) &&
         (seen.tcp_flags & (TcpHeader::kFin | TcpHeader::kRst)) != 0;
}

// What its NAT changes.
YONROKU_HOT_INLINE carry::PortChange port_of(const FlowContent& flow, FlowDirection direction) {
  using Which = carry::PortChange::Which;
  if (flow.kind == FlowKind::Slb64) {
    if (direction == FlowDirection::Out) return {Which::Both, flow.outside_port, flow.remote_port};
    return {Which::Both, flow.far_port, flow.inside_port};
  }
  if (direction == FlowDirection::Out) return {Which::Source, flow.outside_port};
  return {Which::Destination, flow.inside_port};
}
// Its IPv4 and its IPv6 addresses behind the NAT; of a tunnel the IPv6 addresses are the ends.
YONROKU_HOT_INLINE carry::Crossing4 crossing4_of(const FlowContent& flow, FlowDirection direction) {
  const Ipv4Address remote(flow.remote);
  if (direction == FlowDirection::Out) return {Ipv4Address(flow.outside), remote, port_of(flow, direction)};
  return {remote, Ipv4Address(flow.inside), port_of(flow, direction)};
}
YONROKU_HOT_INLINE carry::Crossing6 crossing6_of(const FlowContent& flow, FlowDirection direction) {
  const Ipv6Address near(flow.near_high, flow.near_low);
  const Ipv6Address far(flow.far_high, flow.far_low);
  if (direction == FlowDirection::Out) return {near, far, port_of(flow, direction)};
  return {far, near, port_of(flow, direction)};
}

}  // namespace yonroku::bpf
