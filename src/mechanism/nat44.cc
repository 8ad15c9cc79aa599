#include "mechanism/nat44.h"

#include "carry/rewrite/rewrite.h"
#include "carry/translate/icmp_error.h"
#include "mechanism/nat_transport.h"

namespace yonroku::mechanism {

using carry::PortChange;
using share::InsideEndpoint;
using share::Ipv4Endpoint;
using share::Nat;
using Which = carry::PortChange::Which;

namespace {

// RFC 5508 §6, REQ-8: who is refused for want of resources is told.
Verdict refused(DropReason reason, std::size_t at) {
  switch (reason) {
    case DropReason::NoPort:
    case DropReason::SubscriberLimit:
    case DropReason::TableFull:
    case DropReason::ProtocolNotNatted: return Verdict::drop(reason, static_cast<uint32_t>(at == 0 ? 1 : at));
    default: return Verdict::drop(reason);
  }
}

// The packet that an ICMP error quotes.
struct Quoted {
  Ipv4Address source;
  Ipv4Address destination;
  NatTransport transport;
};

DropReason read_error(const Ipv4View& ip, Quoted& quoted) {
  const auto error = carry::Icmpv4Error::parse(ip);
  if (!error) return error.error();
  const Ipv4Header& header = error->quote.header();
  if (header.fragment_offset() != 0 || header.protocol == IpProtocol::Icmpv6 ||
      !NatTransport::read_quoted(header.protocol, error->quote.payload(), quoted.transport))
    return DropReason::InnerPacketTruncated;
  quoted.source = header.source();
  quoted.destination = header.destination();
  return DropReason::None;
}

// The quoted packet was on its way in: its destination is inside.
Verdict error_outbound(const Ipv4View& ip, const Ipv6Address& softwire, WorkerState& state,
                       Nat44Change& change) {
  Quoted quoted;
  if (const DropReason reason = read_error(ip, quoted); reason != DropReason::None)
    return Verdict::drop(reason);
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const NatTransport& transport = quoted.transport;
  const InsideEndpoint inside{softwire, quoted.destination, transport.destination_port};
  if (const uint16_t owner = state.nat->owner_of(inside); owner != state.worker)
    return Verdict::hand_over(owner);
  Ipv4Endpoint outside;
  if (!state.nat->find_outside(
          {inside, {quoted.source, transport.remote(transport.source_port)}, transport.protocol, 0}, outside))
    return Verdict::drop(DropReason::NoBinding);
  if (state.trace != nullptr)
    state.trace->note(TraceStep::SourceByBinding, ip.header().source(), outside.address);
  change.is_error = true;
  // RFC 5508 §4.2.2, REQ-5: the binding's address, whoever inside sends the error.
  change.outer = {outside.address, ip.header().destination(), {}};
  change.quoted = {quoted.source, outside.address, {Which::Destination, outside.port}};
  return Verdict::to_ipv4();
}

// The quoted packet was on its way out: its source is one of our bindings.
Verdict error_inbound(const Ipv4View& ip, WorkerState& state, Nat44Change& change, InsideEndpoint& inside) {
  Quoted quoted;
  if (const DropReason reason = read_error(ip, quoted); reason != DropReason::None)
    return Verdict::drop(reason);
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const NatTransport& transport = quoted.transport;
  const Ipv4Endpoint outside{quoted.source, transport.source_port};
  if (const uint16_t owner = state.nat->owner_of(outside, transport.protocol); owner != state.worker)
    return Verdict::hand_over(owner);
  const bool found = state.nat->find_inside(
      {outside, {quoted.destination, transport.remote(transport.destination_port)}, transport.protocol, 0},
      inside);
  if (!found || ip.header().destination() != quoted.source) return Verdict::drop(DropReason::NoBinding);
  if (state.trace != nullptr) state.trace->note(TraceStep::DestinationByBinding, quoted.source, inside.ipv4);
  change.is_error = true;
  change.outer = {ip.header().source(), inside.ipv4, {}};
  change.quoted = {inside.ipv4, quoted.destination, {Which::Source, inside.port}};
  return Verdict::to_ipv4();
}

}  // namespace

void prepare_nat(const share::NatSettings& settings, WorkerState& state) {
  if (state.nat != nullptr) {
    state.nat->change(settings, state.now);
    return;
  }
  state.nat = std::make_unique<Nat>(settings, state.random.next(), state.worker, state.workers, state.now,
                                    state.memory);
  state.nat->set_session_offload(state.session_offload);
}

Verdict gather_fragments(const Ipv4View& ip, std::size_t at, const WorkerState& state) noexcept {
  if (state.workers > 1 && at != 0) [[unlikely]] {
    const Ipv4Header& header = ip.header();
    const uint32_t packet =
        header.source().value() ^ header.destination().value() ^ header.identification.host();
    if (const auto worker = static_cast<uint16_t>(packet % state.workers); worker != state.worker)
      return Verdict::hand_over(worker);
  }
  return Verdict::reassemble(static_cast<uint32_t>(at));
}

Verdict nat44_outbound(const Ipv4View& ip, std::size_t at, const Ipv6Address& softwire, WorkerState& state,
                       Nat44Change& change) noexcept {
  const Ipv4Header& header = ip.header();
  if (header.is_fragment()) return gather_fragments(ip, at, state);
  if (header.protocol == IpProtocol::Icmp && carry::is_icmp_error(ip)) [[unlikely]]
    return error_outbound(ip, softwire, state, change);
  NatTransport transport;
  if (const DropReason reason = NatTransport::read(header.protocol, ip.payload(), Family::Ipv4, transport);
      reason != DropReason::None)
    return refused(reason, at);
  const InsideEndpoint inside{softwire, header.source(), transport.source_port};
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(inside); owner != state.worker)
      return Verdict::hand_over(owner);
  const Nat::Outbound outbound{inside,
                               {header.destination(), transport.remote(transport.destination_port)},
                               transport.protocol,
                               transport.tcp_flags};
  Trace* const trace = state.trace;
  Ipv4Endpoint outside;
  const bool is_bound = trace != nullptr && state.nat->find_outside(outbound, outside);
  const DropReason reason = state.nat->outbound(outbound, state.now, outside);
  if (reason != DropReason::None) [[unlikely]]
    return refused(reason, at);
  if (trace != nullptr)
    trace->note(is_bound ? TraceStep::SourceByBinding : TraceStep::SourceByNewBinding, header.source(),
                outside.address);
  change.outer = {outside.address, header.destination(), {Which::Source, outside.port}};
  return Verdict::to_ipv4();
}

Verdict nat44_inbound(const Ipv4View& ip, std::size_t at, WorkerState& state, Nat44Change& change,
                      InsideEndpoint& inside) noexcept {
  const Ipv4Header& header = ip.header();
  if (header.is_fragment()) return gather_fragments(ip, at, state);
  if (header.protocol == IpProtocol::Icmp && carry::is_icmp_error(ip)) [[unlikely]]
    return error_inbound(ip, state, change, inside);
  NatTransport transport;
  if (const DropReason reason = NatTransport::read(header.protocol, ip.payload(), Family::Ipv4, transport);
      reason != DropReason::None)
    return Verdict::drop(reason, reason == DropReason::ProtocolNotNatted ? static_cast<uint32_t>(at) : 0);
  const Ipv4Endpoint outside{header.destination(), transport.destination_port};
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(outside, transport.protocol); owner != state.worker)
      return Verdict::hand_over(owner);
  const DropReason reason = state.nat->inbound({outside,
                                                {header.source(), transport.remote(transport.source_port)},
                                                transport.protocol,
                                                transport.tcp_flags},
                                               state.now, inside);
  // A SYN that waits for one from inside is kept with the tunnel's headers around it.
  if (reason == DropReason::UnsolicitedSyn) return Verdict::drop(reason, static_cast<uint32_t>(at));
  if (reason != DropReason::None) [[unlikely]]
    return Verdict::drop(reason);
  if (state.trace != nullptr)
    state.trace->note(TraceStep::DestinationByBinding, header.destination(), inside.ipv4);
  change.outer = {header.source(), inside.ipv4, {Which::Destination, inside.port}};
  return Verdict::to_ipv4();
}

DropReason nat44_hairpin(const Ipv4View& ip, const Nat44Change& outward, WorkerState& state,
                         Nat44Change& back, InsideEndpoint& inside) noexcept {
  const Ipv4Address destination = ip.header().destination();
  back.is_error = outward.is_error;
  if (outward.is_error) {
    Quoted quoted;
    if (const DropReason reason = read_error(ip, quoted); reason != DropReason::None) return reason;
    const NatTransport& transport = quoted.transport;
    const Ipv4Endpoint sender{outward.quoted.destination, outward.quoted.port.port};
    const uint16_t port =
        transport.protocol == share::NatProtocol::Icmp ? sender.port : transport.source_port;
    if (!state.nat->find_inside(
            {{quoted.source, port}, {sender.address, transport.remote(sender.port)}, transport.protocol, 0},
            inside))
      return DropReason::InnerAddressNotMapped;
    back.outer = {outward.outer.source, inside.ipv4, {}};
    back.quoted = {inside.ipv4, sender.address, {Which::Source, inside.port}};
  } else {
    NatTransport transport;
    if (const DropReason reason =
            NatTransport::read(ip.header().protocol, ip.payload(), Family::Ipv4, transport);
        reason != DropReason::None)
      return reason;
    const Ipv4Endpoint sender{outward.outer.source, outward.outer.port.port};
    const bool is_query = transport.protocol == share::NatProtocol::Icmp;
    const DropReason reason =
        state.nat->inbound({{destination, is_query ? sender.port : transport.destination_port},
                            {sender.address, transport.remote(sender.port)},
                            transport.protocol,
                            transport.tcp_flags},
                           state.now, inside);
    // Whoever is missing is inside: nothing is kept for later.
    if (reason != DropReason::None)
      return reason == DropReason::UnsolicitedSyn ? DropReason::NoBinding : reason;
    back.outer = {sender.address, inside.ipv4, {Which::Destination, inside.port}};
  }
  if (state.trace != nullptr) state.trace->note(TraceStep::NatHairpin, destination, inside.ipv4);
  return DropReason::None;
}

void apply(std::span<std::byte> ipv4, const carry::TransportPlan& plan, const Nat44Change& change) noexcept {
  if (change.is_error)
    carry::rewrite_error(ipv4, change.outer, change.quoted);
  else
    carry::rewrite(ipv4, plan, change.outer);
}

bool is_still_unsolicited(const Ipv4View& syn, const WorkerState& state) noexcept {
  NatTransport transport;
  if (state.nat == nullptr ||
      NatTransport::read(syn.header().protocol, syn.payload(), Family::Ipv4, transport) != DropReason::None)
    return false;
  return !state.nat->has_session({{syn.header().destination(), transport.destination_port},
                                  {syn.header().source(), transport.source_port},
                                  transport.protocol,
                                  0});
}

}  // namespace yonroku::mechanism
