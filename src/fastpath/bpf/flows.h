// Finds the flow that a packet belongs to (fastpath/flow_layout.h), and writes down that it was seen.
#pragma once

#include "fastpath/bpf/packet.h"
#include "fastpath/bpf/send.h"

YONROKU_INLINE_ALL_END
extern "C" {

// What the key leads to: an index entry's low half, or 0. Reads the flow's content whole: it is none that is
// being written. `now` is kept as the time when its direction was seen.
YONROKU_OUT_OF_LINE unsigned int find_flow(const yonroku::fastpath::FlowKey* key, uint64_t now,
                                           yonroku::fastpath::FlowContent* content) {
  using namespace yonroku;
  using fastpath::Flow;
  if (key == nullptr || content == nullptr) return 0;
  const auto* const settings = bpf::find<fastpath::Control>(control, uint32_t{0});
  if (settings == nullptr) return 0;
  const uint64_t hash = fastpath::hash_of(*key, settings->flow_keys);
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
    *content = flow->content;
    bpf::barrier();
    if (before % 2 != 0 || *sequence != before) continue;
    const auto direction = fastpath::direction_of(entry);
    const fastpath::FlowKey its = fastpath::key_of(*content, direction);
    if (((its.ipv6_source_high ^ key->ipv6_source_high) | (its.ipv6_source_low ^ key->ipv6_source_low) |
         (its.ipv6_destination_high ^ key->ipv6_destination_high) |
         (its.ipv6_destination_low ^ key->ipv6_destination_low) | (its.source ^ key->source) |
         (its.destination ^ key->destination) | (its.source_port ^ key->source_port) |
         (its.destination_port ^ key->destination_port) | (its.protocol ^ key->protocol)) != 0)
      continue;
    uint64_t& seen = flow->seen[direction == fastpath::FlowDirection::Out ? 0 : 1];
    if (seen != now) seen = now;
    return static_cast<uint32_t>(entry);
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

struct Found {
  FlowContent flow;
  FlowDirection direction;
};
// False: it is no flow's.
YONROKU_HOT_INLINE bool find_flow(const FlowKey& key, const Work& work, Found& found) {
  const uint32_t entry = ::find_flow(&key, work.now, &found.flow);
  found.direction = fastpath::direction_of(entry);
  return entry != 0;
}

// A NAT follows how TCP ends.
YONROKU_HOT_INLINE bool ends(const Seen& seen) {
  return seen.protocol == static_cast<uint8_t>(IpProtocol::Tcp) &&
         (seen.tcp_flags & (TcpHeader::kFin | TcpHeader::kRst)) != 0;
}

YONROKU_HOT_INLINE Ipv6Address near_of(const FlowContent& flow) { return {flow.near_high, flow.near_low}; }
YONROKU_HOT_INLINE Ipv6Address far_of(const FlowContent& flow) { return {flow.far_high, flow.far_low}; }

}  // namespace yonroku::bpf
