#include "mechanism/softwire_napt.h"

#include <algorithm>

#include "carry/rewrite/rewrite.h"
#include "mechanism/by_version.h"
#include "mechanism/nat_transport.h"
#include "mechanism/session_offer.h"
#include "mechanism/tunnel_end.h"

namespace yonroku::mechanism {

using carry::Crossing6;
using carry::TransportPlan;
using share::InsideEndpoint;
using share::may_be_forwarded;
using End = share::MapRuleTable::End;
using Lookup = share::MapRuleTable::Lookup;

Verdict SoftwireNapt::process(Packet& packet, WorkerState& state) const noexcept {
  if (state.nat == nullptr) [[unlikely]]
    prepare(state);
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

std::optional<Crossing6> SoftwireNapt::ends_of(const share::OffloadedSession& session) const noexcept {
  End end;
  const Lookup lookup =
      find_end(*table_, session.remote.address, destination_port_of(session), Ipv4Flow::Ports::Present, end);
  if (lookup != Lookup::Found || !may_offload(settings_.alg, session)) return std::nullopt;
  return Crossing6{settings_.own_address, end.address};
}

bool SoftwireNapt::is_border(const Ipv6Address& address) const noexcept {
  return std::ranges::find(settings_.border_addresses, address) != settings_.border_addresses.end();
}

// --- from the LAN into the tunnel ---

Verdict SoftwireNapt::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(header.destination()))
    return illegal(trace, TraceStep::IllegalDestination, header.destination());
  if (!may_be_forwarded(header.source())) return illegal(trace, TraceStep::IllegalSource, header.source());
  if (state.nat->owns(header.source())) [[unlikely]] {
    if (state.nat->owns(header.destination())) return back_from_routing(packet, *ip, state);
    if (trace != nullptr) trace->note(TraceStep::SourceNotOurs, header.source());
    return Verdict::drop(DropReason::SourceNotOurs);
  }
  if (!fits(packet.offload, ip->header_size(), ip->size()))
    return Verdict::drop(DropReason::BadOffloadMetadata);
  auto flow = Ipv4Flow::of(*ip);
  if (!flow) return Verdict::drop(flow.error());
  const bool is_for_us = is_to_own(*flow, settings_.nat, state);
  if (packet.offload.is_super_packet() && !is_for_us) return Verdict::segment();

  End end;
  if (!is_for_us && flow->ports != Ipv4Flow::Ports::Fragment) {
    const Lookup lookup = find_end(*table_, flow->destination, flow->destination_port, flow->ports, end);
    if (lookup != Lookup::Found) [[unlikely]] {
      if (trace != nullptr) trace->note(TraceStep::NoSoftwire, flow->destination);
      return Verdict::drop(reason_of(lookup, flow->ports));
    }
  }
  Nat44Change change;
  if (const Verdict verdict = nat44_outbound(*ip, 0, {}, state, change); !passes(verdict)) [[unlikely]]
    return verdict;
  if (state.nat->has_candidate()) [[unlikely]]
    offer_session(settings_.alg, settings_.own_address, end.address, state);
  TransportPlan plan;
  if (const Verdict verdict = carry::plan_rewrite(packet, 0, *ip, plan); !passes(verdict)) [[unlikely]]
    return verdict;
  if (is_for_us) [[unlikely]]
    return hairpin(packet, *ip, plan, change, state);

  const Crossing6 ends{settings_.own_address, end.address};
  if (trace != nullptr) {
    trace->note(TraceStep::DestinationBySoftwire, flow->destination, ends.destination);
    trace->note(TraceStep::TunnelEntry, ends.source, ends.destination);
  }
  if (settings_.alg.is_on()) [[unlikely]]
    if (const auto conversation = outbound_conversation(settings_.alg, *ip, {}, change))
      if (const auto ended =
              change_text(packet, *ip, largest_to(ends.destination, state), *conversation, state))
        return *ended;
  flow->source = change.outer.source;
  if (!change.is_error) flow->source_port = change.outer.port.port;
  const std::size_t size = ip->size();
  const Verdict wrapped =
      encapsulate_.wrap(packet, *ip, *flow, ends, path_mtu(ends.destination, state), state.random);
  if (wrapped.action != Verdict::Action::ToIpv6) return wrapped;
  const auto inner = packet.bytes().subspan(packet.size() - size);
  apply(inner, plan, change);
  return wrapped;
}

// Twice over, as if it had gone out and come back (RFC 4787 §6, REQ-9a).
Verdict SoftwireNapt::hairpin(Packet& packet, const Ipv4View& ip, const TransportPlan& plan,
                              const Nat44Change& outward, WorkerState& state) const noexcept {
  if (!settings_.hairpin) return Verdict::drop(DropReason::NoBinding);
  if (state.workers > 1) {  // routing brings it back, to the worker that has the other host
    apply(packet.bytes(), plan, outward);
    return Verdict::to_ipv4();
  }
  Nat44Change back;
  InsideEndpoint inside;
  if (const DropReason reason = nat44_hairpin(ip, outward, state, back, inside); reason != DropReason::None)
    return Verdict::drop(reason);
  apply(packet.bytes(), plan, outward);
  apply(packet.bytes(), plan, back);
  return Verdict::to_ipv4();
}

// --- out of the tunnel into the LAN ---

Verdict SoftwireNapt::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  return take_out(
      packet, state,
      [&](const Ipv6Address& address) YONROKU_HOT_LAMBDA { return address == settings_.own_address; },
      [&](const Ipv6View& ip) {
        return carry::is_icmp_error(ip) ? error_from_ipv6(packet, ip, state)
                                        : answer_query(packet, ip, state);
      },
      [&](const Ipv6View& outer, const Ipv4View& inner)
          YONROKU_HOT_LAMBDA { return from_tunnel(packet, outer, inner, state); });
}

YONROKU_HOT_INLINE Verdict SoftwireNapt::from_tunnel(Packet& packet, const Ipv6View& outer,
                                                     const Ipv4View& inner,
                                                     WorkerState& state) const noexcept {
  const Ipv6Address source = outer.header().source();
  const std::size_t inner_at = outer.payload_offset();
  Trace* const trace = state.trace;
  const auto flow = Ipv4Flow::of(inner);
  if (!flow) return Verdict::drop(flow.error());
  if (!is_border(source)) {  // RFC 7597 §8.1: another customer sends for itself alone
    if (flow->ports == Ipv4Flow::Ports::Fragment) return gather_fragments(inner, inner_at, state);
    End end;
    const Lookup lookup = find_end(*table_, flow->source, flow->source_port, flow->ports, end);
    if (lookup != Lookup::Found || end.address != source) [[unlikely]] {
      if (trace != nullptr) trace->note(TraceStep::SourceSpoofed, flow->source, source);
      return Verdict::drop(DropReason::SourceSpoofed);
    }
  }
  if (!may_be_forwarded(flow->source)) return illegal(trace, TraceStep::IllegalSource, flow->source);
  if (!state.nat->owns(flow->destination)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotOurs, flow->destination);
    return Verdict::drop(DropReason::DestinationNotOurs);
  }
  // What claims to come from here did not go out.
  if (flow->ports != Ipv4Flow::Ports::Fragment &&
      is_own(flow->source, flow->source_port, flow->ports, settings_.nat, state))
    return Verdict::drop(DropReason::SourceSpoofed);
  // Nor does anything answer from a port of another customer, not even a refusal.
  if (!is_own(flow->destination, flow->destination_port, flow->ports, settings_.nat, state))
    return Verdict::drop(DropReason::NoBinding);
  if (trace != nullptr) trace->note(TraceStep::SourceBySoftwire, source, flow->source);
  if (packet.offload.is_super_packet()) return Verdict::segment();
  TransportPlan plan;
  Nat44Change change;
  InsideEndpoint inside;
  if (const Verdict verdict = nat44_inbound(inner, inner_at, state, change, inside); !passes(verdict))
      [[unlikely]]
    return verdict;
  if (state.nat->has_candidate()) [[unlikely]]
    offer_inbound(*this, state);
  if (const Verdict verdict = carry::plan_rewrite(packet, inner_at, inner, plan); !passes(verdict))
      [[unlikely]]
    return verdict;
  if (settings_.alg.is_on()) [[unlikely]]
    if (const auto conversation = inbound_conversation(settings_.alg, inner, inside))
      return unwrap_and_change_text(encapsulate_, packet, outer, inner, plan, change, *conversation, state);
  const Verdict unwrapped = encapsulate_.unwrap(packet, outer, inner);
  if (unwrapped.action != Verdict::Action::ToIpv4) return unwrapped;
  apply(packet.bytes(), plan, change);
  return unwrapped;
}

// RFC 2473 §8: what a router inside the tunnel says about a packet that we put there. The relayed error is
// for the public address, and crosses the NAT as any other does.
Verdict SoftwireNapt::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  const auto error = carry::TunnelError::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (error->entry != settings_.own_address || !error->inner)
    return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  const auto flow = Ipv4Flow::of_quoted(*error->inner);
  if (!flow) return Verdict::drop(flow.error());
  End end;
  const Lookup lookup = find_end(*table_, flow->destination, flow->destination_port, flow->ports, end);
  if (lookup != Lookup::Found || end.address != error->exit || !state.nat->owns(flow->source))
    return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  NatTransport transport;
  if (error->inner->header().fragment_offset() != 0 ||
      !NatTransport::read_quoted(flow->protocol, error->inner->payload(), transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  const share::Ipv4Endpoint outside{flow->source, transport.source_port};
  if (const uint16_t owner = state.nat->owner_of(outside, transport.protocol); owner != state.worker)
    return Verdict::hand_over(owner);
  InsideEndpoint inside;
  if (!state.nat->find_inside(
          {outside, {flow->destination, transport.remote(transport.destination_port)}, transport.protocol, 0},
          inside))
    return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  if (error->type == icmpv6::kPacketTooBig) path_mtus_->learn(error->exit, error->mtu, state.now);
  const Ipv6Address reporter = ip.header().source();  // the relay writes over it
  const Verdict relayed = carry::relay_tunnel_error(packet, *error, settings_.icmp_source);
  if (state.trace != nullptr)
    state.trace->note(relayed.action == Verdict::Action::ToIpv4 ? TraceStep::TunnelErrorRelayed
                                                                : TraceStep::TunnelErrorNotRelayed,
                      reporter);
  if (relayed.action != Verdict::Action::ToIpv4) return relayed;
  const auto message = Ipv4View::parse(packet.bytes());
  if (!message) return Verdict::drop(message.error());
  return back_from_routing(packet, *message, state);
}

// A packet for one of our own addresses that is in no tunnel.
Verdict SoftwireNapt::back_from_routing(Packet& packet, const Ipv4View& ip,
                                        WorkerState& state) const noexcept {
  Nat44Change change;
  InsideEndpoint inside;
  if (const Verdict verdict = nat44_inbound(ip, 0, state, change, inside); !passes(verdict)) return verdict;
  TransportPlan plan;
  if (const Verdict verdict = carry::plan_rewrite(packet, 0, ip, plan); !passes(verdict)) return verdict;
  apply(packet.bytes(), plan, change);
  return Verdict::to_ipv4();
}

bool SoftwireNapt::is_still_unsolicited(std::span<const std::byte> syn,
                                        const WorkerState& state) const noexcept {
  const auto outer = Ipv6View::parse(syn);
  if (!outer) return false;
  const auto inner = Ipv4View::parse(outer->payload());
  return inner && mechanism::is_still_unsolicited(*inner, state);
}

Verdict SoftwireNapt::send_back(Packet& message, std::span<const std::byte> about,
                                WorkerState& state) const noexcept {
  return wrap_reply(encapsulate_, message, about, state);
}

}  // namespace yonroku::mechanism
