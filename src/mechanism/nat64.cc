#include "mechanism/nat64.h"

#include <algorithm>

#include "mechanism/by_version.h"
#include "mechanism/illegal_address.h"
#include "mechanism/nat44.h"
#include "mechanism/nat44_text.h"
#include "mechanism/session_offer.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

using carry::Crossing4;
using carry::Crossing6;
using carry::is_icmp_error;
using carry::Leg;
using carry::PortChange;
using share::InsideEndpoint;
using share::Ipv4Endpoint;
using share::may_be_forwarded;
using share::Nat;
using share::NatProtocol;

void Nat64::prepare(WorkerState& state) const {
  prepare_nat(settings_.nat, state);
  prepare_alg(settings_.alg, state);
}

std::optional<Crossing6> Nat64::ends_of(const share::OffloadedSession& session) const noexcept {
  if (!may_embed(session.remote.address) || !may_offload(settings_.alg, session)) return std::nullopt;
  return Crossing6{session.inside.ipv6, settings_.pref64.embed(session.remote.address)};
}

// RFC 6052 §3.1.
bool Nat64::may_embed(Ipv4Address address) const noexcept {
  return !settings_.pref64.is_well_known() || share::is_global(address) ||
         settings_.well_known_prefix_non_global == share::WellKnownPrefixNonGlobal::Translate;
}

Prefetched Nat64::prefetch_index(std::span<const std::byte> packet, const Nat& nat) const noexcept {
  if (packet.size() < sizeof(Ipv4Header) + 4) return {};
  const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(packet.data());
  NatTransport transport;
  if (ipv4.version() == 4) {
    if (ipv4.header_size() != sizeof(Ipv4Header) ||
        !NatTransport::read_quoted(ipv4.protocol, packet.subspan(sizeof(Ipv4Header)), transport))
      return {};
    return {share::NatSide::Outside,
            nat.prefetch(
                Nat::Inbound{{ipv4.destination(), transport.destination_port}, {}, transport.protocol, 0}),
            true};
  }
  if (packet.size() < sizeof(Ipv6Header) + 4) return {};
  const auto& ipv6 = *reinterpret_cast<const Ipv6Header*>(packet.data());
  if (!NatTransport::read_quoted(ipv6.next_header, packet.subspan(sizeof(Ipv6Header)), transport)) return {};
  Nat::Outbound key;
  key.inside = {ipv6.source(), {}, transport.source_port};
  key.protocol = transport.protocol;
  if (settings_.pref64.extract(ipv6.destination(), key.remote.address))
    key.remote.port = transport.remote(transport.destination_port);
  return {share::NatSide::Inside, nat.prefetch(key), true};
}

void Nat64::prefetch(std::span<const Packet> packets, const WorkerState& state) const noexcept {
  prefetch_bindings(packets, state,
                    [this](auto octets, const Nat& nat) { return prefetch_index(octets, nat); });
}

Verdict Nat64::process(Packet& packet, WorkerState& state) const noexcept {
  if (state.nat == nullptr) [[unlikely]]
    prepare(state);
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

// --- IPv6 to IPv4 ---

Verdict Nat64::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Header& header = ip->header();
  const Ipv6Address source = header.source();
  const Ipv6Address destination = header.destination();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(destination)) return illegal(trace, TraceStep::IllegalDestination, destination);
  if (!may_be_forwarded(source)) return illegal(trace, TraceStep::IllegalSource, source);
  // RFC 6146 §3.5: what comes from there has been here.
  if (settings_.pref64.prefix().contains(source)) return Verdict::drop(DropReason::SourceInPref64);
  Ipv4Address server;
  if (!settings_.pref64.extract(destination, server)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotMapped, destination);
    return Verdict::drop(DropReason::DestinationNotMapped);
  }
  if (!may_be_forwarded(server)) return illegal(trace, TraceStep::IllegalDestination, server);
  if (!may_embed(server)) return Verdict::drop(DropReason::WellKnownPrefixNonGlobal);
  if (trace != nullptr) trace->note(TraceStep::DestinationByPrefix, destination, server);
  if (ip->segments_left_offset() != 0)
    return Verdict::drop(DropReason::SegmentsLeft, static_cast<uint32_t>(ip->segments_left_offset()));
  if (ip->is_fragment()) return Verdict::reassemble();
  if (ip->protocol() == IpProtocol::Icmpv6 && is_icmp_error(*ip)) return error_from_ipv6(packet, *ip, state);

  NatTransport transport;
  if (const DropReason reason = NatTransport::read(ip->protocol(), ip->payload(), Family::Ipv6, transport);
      reason != DropReason::None)
    return Verdict::drop(reason);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(InsideEndpoint{source, {}, 0}); owner != state.worker)
      return Verdict::hand_over(owner);
  // A packet that goes no further opens nothing.
  if (header.hop_limit <= 1) return Verdict::drop(DropReason::HopLimitExceeded);
  const Nat::Outbound outbound{{source, {}, transport.source_port},
                               {server, transport.remote(transport.destination_port)},
                               transport.protocol,
                               transport.tcp_flags};
  Ipv4Endpoint outside;
  const bool is_bound = trace != nullptr && state.nat->find_outside(outbound, outside);
  const DropReason reason = state.nat->outbound(outbound, state.now, outside);
  if (reason != DropReason::None) [[unlikely]]
    return Verdict::drop(reason);
  if (state.nat->has_candidate()) [[unlikely]]
    offer_session(settings_.alg, source, settings_.pref64.embed(server), state);
  if (trace != nullptr)
    trace->note(is_bound ? TraceStep::SourceByBinding : TraceStep::SourceByNewBinding, source,
                outside.address);
  const Crossing4 crossing{outside.address, server, {PortChange::Which::Source, outside.port}};
  // Where another worker has the other host, routing brings the packet back to it.
  const auto is_ours = [&] {
    const uint16_t port = transport.protocol == NatProtocol::Icmp ? outside.port : transport.destination_port;
    return state.workers == 1 ||
           state.nat->owner_of(Ipv4Endpoint{server, port}, transport.protocol) == state.worker;
  };
  if (settings_.hairpin && state.nat->owns(server) && is_ours()) [[unlikely]]
    return hairpin(packet, *ip, crossing, transport, state);
  if (settings_.alg.is_on()) [[unlikely]] {
    if (const auto ended = rewrite_text(packet, share::NatSide::Inside, transport, outbound.inside, outside,
                                        outbound.remote, state))
      return *ended;
    const auto rewritten = Ipv6View::parse(packet.bytes());
    if (!rewritten) return Verdict::drop(rewritten.error());
    return translate_.to_ipv4(packet, *rewritten, crossing, state.identifications);
  }
  return translate_.to_ipv4(packet, *ip, crossing, state.identifications);
}

std::optional<Verdict> Nat64::rewrite_text(Packet& packet, share::NatSide from, const NatTransport& transport,
                                           const InsideEndpoint& inside, const Ipv4Endpoint& outside,
                                           const Ipv4Endpoint& remote, WorkerState& state) const noexcept {
  Conversation conversation{from,   transport.protocol, transport.tcp_flags, inside, outside,
                            remote, &settings_.pref64};
  if (!Alg::concerns(settings_.alg, conversation)) return std::nullopt;
  // What is too large as IPv4 is not fragmented by us; the other way it is.
  if (from == share::NatSide::Inside)
    conversation.most = settings_.translate.ipv4_mtu + (sizeof(Ipv6Header) - sizeof(Ipv4Header));
  return state.alg->process(packet, conversation, *state.nat, state.now);
}

// RFC 6146 §3.8: to another of our own hosts, who sees the packet come from the sender's outside address.
Verdict Nat64::hairpin(Packet& packet, const Ipv6View& ip, const Crossing4& outward,
                       const NatTransport& transport, WorkerState& state) const noexcept {
  const bool is_query = transport.protocol == NatProtocol::Icmp;
  InsideEndpoint inside;
  const DropReason reason =
      state.nat->inbound({{outward.destination, is_query ? outward.port.port : transport.destination_port},
                          {outward.source, transport.remote(outward.port.port)},
                          transport.protocol,
                          transport.tcp_flags},
                         state.now, inside);
  // Whoever is missing is inside: nothing is kept for later.
  if (reason != DropReason::None)
    return Verdict::drop(reason == DropReason::UnsolicitedSyn ? DropReason::NoBinding : reason);
  if (state.trace != nullptr) state.trace->note(TraceStep::NatHairpin, outward.destination, inside.ipv6);
  const Verdict there = translate_.to_ipv4(packet, ip, outward, state.identifications, Leg::HairpinFirst);
  if (there.action != Verdict::Action::ToIpv4) return there;
  const auto back = Ipv4View::parse(packet.bytes());
  if (!back) return Verdict::drop(back.error());
  return translate_.to_ipv6(
      packet, *back,
      {settings_.pref64.embed(outward.source), inside.ipv6, {PortChange::Which::Destination, inside.port}},
      Leg::HairpinSecond);
}

// The quoted packet was on its way in: its destination is the host that sends the error, or one behind the
// router that does.
Verdict Nat64::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  const auto error = carry::Icmpv6Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const Ipv6Header& quoted = error->quote.header();
  NatTransport transport;
  if (!NatTransport::read_quoted(error->quote, transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  Ipv4Address server;
  if (!settings_.pref64.extract(quoted.source(), server))
    return Verdict::drop(DropReason::InnerAddressNotMapped);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(InsideEndpoint{quoted.destination(), {}, 0});
        owner != state.worker)
      return Verdict::hand_over(owner);
  Ipv4Endpoint outside;
  const bool found = state.nat->find_outside({{quoted.destination(), {}, transport.destination_port},
                                              {server, transport.remote(transport.source_port)},
                                              transport.protocol,
                                              0},
                                             outside);
  if (!found) return Verdict::drop(DropReason::NoBinding);
  const Crossing4 inner{server, outside.address, {PortChange::Which::Destination, outside.port}};

  // RFC 6146 §3.6: the binding's address, whoever sends the error.
  Crossing4 outer{outside.address, server, {}};
  if (!settings_.pref64.extract(ip.header().destination(), outer.destination))
    return Verdict::drop(DropReason::DestinationNotMapped);
  if (state.trace != nullptr)
    state.trace->note(TraceStep::SourceByBinding, ip.header().source(), outer.source);
  // To another of our own hosts: back in at once.
  const bool is_ours = state.workers == 1 || state.nat->owner_of(Ipv4Endpoint{server, transport.source_port},
                                                                 transport.protocol) == state.worker;
  if (settings_.hairpin && state.nat->owns(server) && is_ours) {
    InsideEndpoint host;
    if (!state.nat->find_inside(
            {{server, transport.source_port}, {outside.address, outside.port}, transport.protocol, 0}, host))
      return Verdict::drop(DropReason::InnerAddressNotMapped);
    const Verdict there = translate_.error_to_ipv4(packet, ip, *error, outer, inner, state.identifications,
                                                   nullptr, Leg::HairpinFirst);
    if (there.action != Verdict::Action::ToIpv4) return there;
    const auto back = Ipv4View::parse(packet.bytes());
    if (!back) return Verdict::drop(back.error());
    const auto again = carry::Icmpv4Error::parse(*back);
    if (!again) return Verdict::drop(again.error());
    return translate_.error_to_ipv6(
        packet, *back, *again, {settings_.pref64.embed(outer.source), host.ipv6, {}},
        {host.ipv6, settings_.pref64.embed(outside.address), {PortChange::Which::Source, host.port}},
        Leg::HairpinSecond);
  }
  return translate_.error_to_ipv4(packet, ip, *error, outer, inner, state.identifications);
}

// --- IPv4 to IPv6 ---

Verdict Nat64::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  const Ipv4Address source = header.source();
  const Ipv4Address destination = header.destination();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(destination)) return illegal(trace, TraceStep::IllegalDestination, destination);
  if (header.protocol == IpProtocol::Icmp && is_icmp_error(*ip)) return error_from_ipv4(packet, *ip, state);
  if (!may_be_forwarded(source)) return illegal(trace, TraceStep::IllegalSource, source);
  if (!may_embed(source)) return Verdict::drop(DropReason::WellKnownPrefixNonGlobal);
  const auto not_found = [&](DropReason reason) {
    if (!state.nat->owns(destination)) {
      if (trace != nullptr) trace->note(TraceStep::DestinationNotMapped, destination);
      return Verdict::drop(DropReason::DestinationNotMapped);
    }
    return Verdict::drop(reason);
  };
  if (header.is_fragment())
    return state.nat->owns(destination) ? Verdict::reassemble() : not_found(DropReason::NoBinding);

  NatTransport transport;
  if (const DropReason reason = NatTransport::read(header.protocol, ip->payload(), Family::Ipv4, transport);
      reason != DropReason::None)
    return not_found(reason);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner =
            state.nat->owner_of(Ipv4Endpoint{destination, transport.destination_port}, transport.protocol);
        owner != state.worker)
      return Verdict::hand_over(owner);
  if (header.ttl <= 1) return Verdict::drop(DropReason::TtlExceeded);
  InsideEndpoint inside;
  const DropReason reason = state.nat->inbound({{destination, transport.destination_port},
                                                {source, transport.remote(transport.source_port)},
                                                transport.protocol,
                                                transport.tcp_flags},
                                               state.now, inside);
  if (reason != DropReason::None) [[unlikely]]
    return not_found(reason);
  if (state.nat->has_candidate()) [[unlikely]]
    offer_inbound(*this, state);
  const Crossing6 crossing{
      settings_.pref64.embed(source), inside.ipv6, {PortChange::Which::Destination, inside.port}};
  if (trace != nullptr) {
    trace->note(TraceStep::DestinationByBinding, destination, inside.ipv6);
    trace->note(TraceStep::SourceByPrefix, source, crossing.source);
  }
  if (settings_.alg.is_on()) [[unlikely]] {
    if (const auto ended =
            rewrite_text(packet, share::NatSide::Outside, transport, inside,
                         {destination, transport.destination_port}, {source, transport.source_port}, state))
      return *ended;
    const auto rewritten = Ipv4View::parse(packet.bytes());
    if (!rewritten) return Verdict::drop(rewritten.error());
    return translate_.to_ipv6(packet, *rewritten, crossing);
  }
  return translate_.to_ipv6(packet, *ip, crossing);
}

// The quoted packet was on its way out: its source is our binding.
Verdict Nat64::error_from_ipv4(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept {
  if (ip.header().is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  if (!state.nat->owns(ip.header().destination())) return Verdict::drop(DropReason::DestinationNotMapped);
  const auto error = carry::Icmpv4Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const Ipv4Header& quoted = error->quote.header();
  NatTransport transport;
  if (quoted.fragment_offset() != 0 ||
      !NatTransport::read_quoted(quoted.protocol, error->quote.payload(), transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner =
            state.nat->owner_of(Ipv4Endpoint{quoted.source(), transport.source_port}, transport.protocol);
        owner != state.worker)
      return Verdict::hand_over(owner);
  InsideEndpoint inside;
  const bool found =
      state.nat->find_inside({{quoted.source(), transport.source_port},
                              {quoted.destination(), transport.remote(transport.destination_port)},
                              transport.protocol,
                              0},
                             inside);
  if (!found || ip.header().destination() != quoted.source()) return Verdict::drop(DropReason::NoBinding);
  const Crossing6 outer{settings_.pref64.embed(ip.header().source()), inside.ipv6, {}};
  const Crossing6 inner{
      inside.ipv6, settings_.pref64.embed(quoted.destination()), {PortChange::Which::Source, inside.port}};
  return translate_.error_to_ipv6(packet, ip, *error, outer, inner);
}

bool Nat64::is_still_unsolicited(std::span<const std::byte> syn, const WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(syn);
  return ip && mechanism::is_still_unsolicited(*ip, state);
}

}  // namespace yonroku::mechanism
