// What every end of IPv4-in-IPv6 tunnels does with an IPv6 packet before it asks whose the IPv4 packet inside
// is, and with what is said about tunnels.
#pragma once

#include <span>

#include "base/hot.h"
#include "carry/encapsulate/encapsulate.h"
#include "mechanism/illegal_address.h"
#include "mechanism/worker_state.h"
#include "packet/checksum.h"
#include "packet/flow.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/mapping/map_rule_table.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

// Whether the checksum that the device asks for lies in [begin, end) of the packet: what is behind the inner
// packet's end does not cross.
inline bool fits(const Offload& offload, std::size_t begin, std::size_t end) {
  return !offload.partial_checksum ||
         (offload.checksum_start >= begin &&
          std::size_t{offload.checksum_start} + offload.checksum_offset + sizeof(be16) <= end);
}

// Looks at the IPv6 packet from its front to the transport header of the IPv4 packet inside. Then the verdict
// is that of on_inner(outer, inner), or of on_icmp(outer) for ICMPv6; otherwise destination-not-ours,
// illegal-source, segments-left, not-encapsulated, bad-offload-metadata, what the headers' parsers say, or
// that it is a fragment of an IPv6 packet. `is_ours` tells whether an IPv6 address is this end.
template <class IsOurs, class OnIcmp, class OnInner>
YONROKU_HOT_INLINE Verdict take_out(const Packet& packet, const WorkerState& state, IsOurs&& is_ours,
                                    OnIcmp&& on_icmp, OnInner&& on_inner) {
  auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Address source = ip->header().source();
  const Ipv6Address destination = ip->header().destination();
  Trace* const trace = state.trace;
  if (!is_ours(destination)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotOurs, destination);
    return Verdict::drop(DropReason::DestinationNotOurs);
  }
  if (!share::may_be_forwarded(source)) return illegal(trace, TraceStep::IllegalSource, source);
  if (ip->segments_left_offset() != 0)
    return Verdict::drop(DropReason::SegmentsLeft, static_cast<uint32_t>(ip->segments_left_offset()));
  if (ip->is_fragment()) return Verdict::reassemble();
  if (ip->has_fragment_header()) [[unlikely]] {  // RFC 6946 §4: a packet that is whole already
    Ipv6View whole = *ip;                        // a copy, so that the other one stays in registers
    const DropReason wrong = whole.skip_options_behind_fragment_header();
    if (wrong != DropReason::None) return Verdict::drop(wrong);
    ip = whole;
  }
  if (ip->protocol() == IpProtocol::Icmpv6) return on_icmp(*ip);
  if (ip->protocol() != IpProtocol::Ipv4) return Verdict::drop(DropReason::NotEncapsulated);
  const auto inner_at = ip->payload_offset();
  const auto inner = Ipv4View::parse(ip->payload());
  if (!inner) return Verdict::drop(inner.error());
  if (!fits(packet.offload, inner_at + inner->header_size(), inner_at + inner->size()))
    return Verdict::drop(DropReason::BadOffloadMetadata);
  return on_inner(*ip, *inner);
}

// An ICMPv6 message to this end of the tunnel that is no error: an echo request is answered (RFC 4443 §4.2).
// not-encapsulated, truncated-header.
Verdict answer_query(Packet& packet, const Ipv6View& ip, WorkerState& state) noexcept;

// Puts an ICMPv4 message about the packet inside of `about`, an IPv6 packet that came out of a tunnel, into
// the same tunnel.
Verdict wrap_reply(const carry::Encapsulate& encapsulate, Packet& message, std::span<const std::byte> about,
                   WorkerState& state) noexcept;

// By the port where the flow has one; a packet without ports has an owner only if its address is nobody
// else's.
YONROKU_HOT_INLINE share::MapRuleTable::Lookup find_end(const share::MapRuleTable& table, Ipv4Address address,
                                                        uint16_t port, Ipv4Flow::Ports ports,
                                                        share::MapRuleTable::End& end) {
  if (ports == Ipv4Flow::Ports::Present) [[likely]]
    return table.find_end(address, port, end);
  share::MapRule rule;
  share::AddressAndPsid customer;
  const auto lookup = table.find_whole(address, rule, customer);
  if (lookup == share::MapRuleTable::Lookup::Found) end = {rule.address_of(customer), rule.parts().border};
  return lookup;
}

// Why a packet that find_end() has no end for is dropped.
[[nodiscard]] DropReason reason_of(share::MapRuleTable::Lookup lookup, Ipv4Flow::Ports ports) noexcept;

}  // namespace yonroku::mechanism
