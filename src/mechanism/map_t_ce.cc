#include "mechanism/map_t_ce.h"

#include "carry/rewrite/rewrite.h"
#include "mechanism/by_version.h"
#include "mechanism/illegal_address.h"
#include "mechanism/nat_transport.h"
#include "mechanism/session_offer.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

using carry::Crossing4;
using carry::Crossing6;
using carry::TransportPlan;
using share::AddressAndPsid;
using share::InsideEndpoint;
using share::MapRule;
using share::may_be_forwarded;
using Lookup = share::MapRuleTable::Lookup;
using Ports = Ipv4Flow::Ports;
using Which = carry::PortChange::Which;

namespace {

constexpr std::size_t kHeaderGrowth = sizeof(Ipv6Header) - sizeof(Ipv4Header);

}  // namespace

Verdict MapTCe::process(Packet& packet, WorkerState& state) const noexcept {
  if (state.nat == nullptr) [[unlikely]]
    prepare(state);
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

std::optional<Crossing6> MapTCe::ends_of(const share::OffloadedSession& session) const noexcept {
  Ipv6Address remote;
  if (!settings_.rule.ipv4().contains(session.outside.address) || !may_offload(settings_.alg, session) ||
      remote_to_ipv6(session.remote.address, destination_port_of(session), Ports::Present, remote) !=
          DropReason::None)
    return std::nullopt;
  return Crossing6{own_to_ipv6(session.outside.address), remote};
}

bool MapTCe::own_to_ipv4(const Ipv6Address& address, Ipv4Address& own) const noexcept {
  if (!settings_.rule.ipv6().contains(address)) return false;
  own = settings_.rule.customer_of(address).address;
  return own_to_ipv6(own) == address;
}

DropReason MapTCe::remote_to_ipv6(Ipv4Address address, uint16_t port, Ports ports,
                                  Ipv6Address& remote) const noexcept {
  MapRule rule;
  AddressAndPsid customer;
  const Lookup lookup = ports == Ports::Present ? rules_->find(address, port, rule, customer)
                                                : rules_->find_whole(address, rule, customer);
  switch (lookup) {
    case Lookup::Found: remote = rule.host_address_of(customer); return DropReason::None;
    case Lookup::Shared: return DropReason::ProtocolWithoutPorts;
    // RFC 7599 §8.1: no rule fits address and port.
    default: remote = settings_.dmr.embed(address); return DropReason::None;
  }
}

DropReason MapTCe::remote_to_ipv4(const Ipv6Address& address, const Ipv6SourcePort& port,
                                  Ipv4Address& remote) const noexcept {
  MapRule rule;
  if (!rules_->find(address, rule))
    return settings_.dmr.extract(address, remote) ? DropReason::None : DropReason::SourceNotMapped;
  const AddressAndPsid customer = rule.customer_of(address);
  remote = customer.address;
  const share::PortParameters ports = rule.ports();
  // RFC 7599 §8.3: the address must be the one that its own bits make, and the port one of its ports.
  const bool has_port = !ports.is_shared() || (port.ports == Ports::Present && ports.gives_out(port.port) &&
                                               ports.psid_of(port.port) == customer.psid);
  if (rule.host_address_of(customer) != address || !has_port) return DropReason::SourceSpoofed;
  return DropReason::None;
}

// --- from the LAN ---

Verdict MapTCe::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(header.destination()))
    return illegal(trace, TraceStep::IllegalDestination, header.destination());
  if (!may_be_forwarded(header.source())) return illegal(trace, TraceStep::IllegalSource, header.source());
  Nat44Change change;
  InsideEndpoint inside;
  if (state.nat->owns(header.source())) [[unlikely]] {
    if (!state.nat->owns(header.destination())) {
      if (trace != nullptr) trace->note(TraceStep::SourceNotOurs, header.source());
      return Verdict::drop(DropReason::SourceNotOurs);
    }
    // To be hairpinned by another worker than the one that it came to.
    if (const Verdict verdict = nat44_inbound(*ip, 0, state, change, inside); !passes(verdict))
      return verdict;
    return within(packet, *ip, change, nullptr);
  }
  const auto flow = Ipv4Flow::of(*ip);
  if (!flow) return Verdict::drop(flow.error());
  const bool is_for_us = is_to_own(*flow, settings_.nat, state);
  Ipv6Address remote;
  if (!is_for_us && flow->ports != Ports::Fragment) {
    if (header.ttl <= 1) return Verdict::drop(DropReason::TtlExceeded);
    if (const DropReason reason =
            remote_to_ipv6(flow->destination, flow->destination_port, flow->ports, remote);
        reason != DropReason::None) {
      if (trace != nullptr) trace->note(TraceStep::NoSoftwire, flow->destination);
      return Verdict::drop(reason);
    }
  }
  if (const Verdict verdict = nat44_outbound(*ip, 0, {}, state, change); !passes(verdict)) [[unlikely]]
    return verdict;
  if (state.nat->has_candidate()) [[unlikely]]
    offer_session(settings_.alg, own_to_ipv6(change.outer.source), remote, state);
  if (is_for_us) [[unlikely]] {
    if (!settings_.hairpin) return Verdict::drop(DropReason::NoBinding);
    if (state.workers > 1) return within(packet, *ip, change, nullptr);  // routing brings it back
    Nat44Change back;
    if (const DropReason reason = nat44_hairpin(*ip, change, state, back, inside); reason != DropReason::None)
      return Verdict::drop(reason);
    return within(packet, *ip, change, &back);
  }
  const Ipv6Address own = own_to_ipv6(change.outer.source);
  if (trace != nullptr) {
    trace->note(TraceStep::SourceByRule, change.outer.source, own);
    trace->note(TraceStep::DestinationByPrefix, flow->destination, remote);
  }
  if (change.is_error) return error_from_ipv4(packet, *ip, change, remote);
  if (settings_.alg.is_on()) [[unlikely]]
    if (const auto conversation = outbound_conversation(settings_.alg, *ip, {}, change))
      if (const auto ended =
              change_text(packet, *ip, settings_.translate.ipv6_mtu - kHeaderGrowth, *conversation, state))
        return *ended;
  return translate_.to_ipv6(packet, *ip, {own, remote, change.outer.port});
}

Verdict MapTCe::error_from_ipv4(Packet& packet, const Ipv4View& ip, const Nat44Change& change,
                                const Ipv6Address& destination) const noexcept {
  const auto error = carry::Icmpv4Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  const auto quoted = Ipv4Flow::of_quoted(error->quote);
  if (!quoted) return Verdict::drop(quoted.error());
  Ipv6Address sender;  // of the packet that is quoted
  if (remote_to_ipv6(quoted->source, quoted->source_port, quoted->ports, sender) != DropReason::None)
    return Verdict::drop(DropReason::InnerAddressNotMapped);
  return translate_.error_to_ipv6(packet, ip, *error, {own_to_ipv6(change.outer.source), destination, {}},
                                  {sender, own_to_ipv6(change.quoted.destination), change.quoted.port});
}

// From one host inside to another.
Verdict MapTCe::within(Packet& packet, const Ipv4View& ip, const Nat44Change& change,
                       const Nat44Change* then) const noexcept {
  TransportPlan plan;
  if (const Verdict verdict = carry::plan_rewrite(packet, 0, ip, plan); !passes(verdict)) return verdict;
  apply(packet.bytes(), plan, change);
  if (then != nullptr) apply(packet.bytes(), plan, *then);
  return Verdict::to_ipv4();
}

// --- to the LAN ---

Verdict MapTCe::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Header& header = ip->header();
  const Ipv6Address source6 = header.source();
  const Ipv6Address destination6 = header.destination();
  Trace* const trace = state.trace;
  Ipv4Address own;
  if (!own_to_ipv4(destination6, own) || !state.nat->owns(own)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotOurs, destination6);
    return Verdict::drop(DropReason::DestinationNotOurs);
  }
  if (!may_be_forwarded(source6)) return illegal(trace, TraceStep::IllegalSource, source6);
  if (ip->segments_left_offset() != 0)
    return Verdict::drop(DropReason::SegmentsLeft, static_cast<uint32_t>(ip->segments_left_offset()));
  if (ip->is_fragment()) return Verdict::reassemble();
  if (ip->protocol() == IpProtocol::Icmpv6 && carry::is_icmp_error(*ip))
    return error_from_ipv6(packet, *ip, state);

  const auto port = Ipv6SourcePort::of(*ip);
  if (!port) return Verdict::drop(port.error());
  Ipv4Address remote;
  if (const DropReason reason = remote_to_ipv4(source6, *port, remote); reason != DropReason::None) {
    if (trace != nullptr && reason == DropReason::SourceSpoofed)
      trace->note(TraceStep::SourceSpoofed, remote, source6);
    else if (trace != nullptr)
      trace->note(TraceStep::SourceNotMapped, source6);
    return Verdict::drop(reason);
  }
  if (!may_be_forwarded(remote)) return illegal(trace, TraceStep::IllegalSource, remote);
  NatTransport transport;
  if (const DropReason reason = NatTransport::read(ip->protocol(), ip->payload(), Family::Ipv6, transport);
      reason != DropReason::None)
    return Verdict::drop(reason);
  const share::Ipv4Endpoint outside{own, transport.destination_port};
  // Nothing answers from a port of another customer, not even a refusal.
  if (!is_own(own, outside.port, Ports::Present, settings_.nat, state))
    return Verdict::drop(DropReason::NoBinding);
  if (const uint16_t owner = state.nat->owner_of(outside, transport.protocol); owner != state.worker)
    return Verdict::hand_over(owner);
  if (header.hop_limit <= 1) return Verdict::drop(DropReason::HopLimitExceeded);
  InsideEndpoint inside;
  const DropReason reason = state.nat->inbound(
      {outside, {remote, transport.remote(transport.source_port)}, transport.protocol, transport.tcp_flags},
      state.now, inside);
  if (reason != DropReason::None) [[unlikely]]
    return Verdict::drop(reason);
  if (state.nat->has_candidate()) [[unlikely]]
    offer_inbound(*this, state);
  if (trace != nullptr) {
    trace->note(TraceStep::SourceByPrefix, source6, remote);
    trace->note(TraceStep::DestinationByBinding, own, inside.ipv4);
  }
  if (settings_.alg.is_on()) [[unlikely]] {
    const std::size_t most = settings_.translate.ipv4_mtu + kHeaderGrowth;
    const Conversation conversation{share::NatSide::Outside,
                                    transport.protocol,
                                    transport.tcp_flags,
                                    inside,
                                    outside,
                                    {remote, transport.source_port},
                                    nullptr,
                                    most};
    const bool is_refused =
        !packet.offload.is_super_packet() && !ip->has_fragment_header() && ip->size() > most;
    if (!is_refused && Alg::concerns(settings_.alg, conversation)) {
      if (const auto ended = state.alg->process(packet, conversation, *state.nat, state.now)) return *ended;
      ip = Ipv6View::parse(packet.bytes());
      if (!ip) return Verdict::drop(ip.error());
    }
  }
  return translate_.to_ipv4(packet, *ip, {remote, inside.ipv4, {Which::Destination, inside.port}},
                            state.identifications);
}

// The quoted packet was on its way out: its source is ours.
Verdict MapTCe::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  const auto error = carry::Icmpv6Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const Ipv6Header& quoted = error->quote.header();
  NatTransport transport;
  if (!NatTransport::read_quoted(error->quote, transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  Crossing4 inner;
  const Ipv6SourcePort remote_port{Ports::Present, transport.destination_port};
  if (!own_to_ipv4(quoted.source(), inner.source) || quoted.source() != ip.header().destination() ||
      remote_to_ipv4(quoted.destination(), remote_port, inner.destination) != DropReason::None)
    return Verdict::drop(DropReason::InnerAddressNotMapped);
  const share::Ipv4Endpoint outside{inner.source, transport.source_port};
  if (const uint16_t owner = state.nat->owner_of(outside, transport.protocol); owner != state.worker)
    return Verdict::hand_over(owner);
  InsideEndpoint inside;
  if (!state.nat->find_inside(
          {outside, {inner.destination, transport.remote(transport.destination_port)}, transport.protocol, 0},
          inside))
    return Verdict::drop(DropReason::NoBinding);
  inner.source = inside.ipv4;
  inner.port = {Which::Source, inside.port};

  // The sender is the other end, a host in the IPv4 Internet, or a router on the way without an IPv4 address.
  const Ipv6Address source6 = ip.header().source();
  const Ipv6Address* node_address = nullptr;
  Crossing4 outer{share::kDummyAddress, inside.ipv4, {}};
  if (source6 == quoted.destination()) {
    outer.source = inner.destination;
  } else if (!settings_.dmr.extract(source6, outer.source)) {
    outer.source = share::kDummyAddress;
    if (settings_.node_identification == NodeIdentification::Append) node_address = &source6;
    if (state.trace != nullptr) state.trace->note(TraceStep::SourceIsDummy, source6, outer.source);
  }
  return translate_.error_to_ipv4(packet, ip, *error, outer, inner, state.identifications, node_address);
}

bool MapTCe::is_still_unsolicited(std::span<const std::byte> syn, const WorkerState& state) const noexcept {
  const auto ip = Ipv6View::parse(syn);
  NatTransport transport;
  Ipv4Address own, remote;
  if (!ip || state.nat == nullptr ||
      NatTransport::read(ip->protocol(), ip->payload(), Family::Ipv6, transport) != DropReason::None ||
      !own_to_ipv4(ip->header().destination(), own) ||
      remote_to_ipv4(ip->header().source(), {Ports::Present, transport.source_port}, remote) !=
          DropReason::None)
    return false;
  return !state.nat->has_session(
      {{own, transport.destination_port}, {remote, transport.source_port}, transport.protocol, 0});
}

}  // namespace yonroku::mechanism
