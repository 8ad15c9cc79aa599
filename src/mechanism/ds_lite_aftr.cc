#include "mechanism/ds_lite_aftr.h"

#include <algorithm>
#include <utility>

#include "carry/encapsulate/tunnel_error.h"
#include "carry/encapsulate/tunnel_headers.h"
#include "carry/rewrite/rewrite.h"
#include "mechanism/by_version.h"
#include "mechanism/nat_prefetch.h"
#include "mechanism/nat_transport.h"
#include "mechanism/session_offer.h"
#include "mechanism/tunnel_end.h"

namespace yonroku::mechanism {

using carry::Crossing6;
using carry::TransportPlan;
using share::InsideEndpoint;
using share::may_be_forwarded;
using share::Nat;

namespace {

Prefetched prefetch_index(std::span<const std::byte> packet, const Nat& nat) {
  if (packet.empty()) return {};
  const bool is_ipv6 = static_cast<uint8_t>(packet[0]) >> 4 == 6;
  const std::size_t at = is_ipv6 ? sizeof(Ipv6Header) : 0;
  if (packet.size() < at + sizeof(Ipv4Header) + 4) return {};
  const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(packet.data() + at);
  NatTransport transport;
  if (ipv4.version() != 4 || ipv4.header_size() != sizeof(Ipv4Header) ||
      !NatTransport::read_quoted(ipv4.protocol, packet.subspan(at + sizeof(Ipv4Header)), transport))
    return {};
  if (!is_ipv6)
    return {share::NatSide::Outside,
            nat.prefetch(
                Nat::Inbound{{ipv4.destination(), transport.destination_port}, {}, transport.protocol, 0}),
            true};
  const Ipv6Address b4 = reinterpret_cast<const Ipv6Header*>(packet.data())->source();
  return {share::NatSide::Inside,
          nat.prefetch(Nat::Outbound{{b4, ipv4.source(), transport.source_port},
                                     {ipv4.destination(), transport.remote(transport.destination_port)},
                                     transport.protocol,
                                     0}),
          true};
}

}  // namespace

void DsLiteAftr::prefetch(std::span<const Packet> packets, const WorkerState& state) const noexcept {
  prefetch_bindings(packets, state, prefetch_index);
}

Verdict DsLiteAftr::process(Packet& packet, WorkerState& state) const noexcept {
  if (state.nat == nullptr) [[unlikely]]
    prepare(state);
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

std::optional<Crossing6> DsLiteAftr::ends_of(const share::OffloadedSession& session) const noexcept {
  if (!may_be_b4(session.inside.ipv6) || !is_inside(session.inside.ipv4) ||
      session.remote.address == settings_.own_ipv4 || !may_offload(settings_.alg, session))
    return std::nullopt;
  return Crossing6{session.inside.ipv6, settings_.own_address};
}

bool DsLiteAftr::may_be_b4(const Ipv6Address& address) const noexcept {
  return settings_.b4_prefixes.empty() ||
         std::ranges::any_of(settings_.b4_prefixes, [&](const Ipv6Prefix& p) { return p.contains(address); });
}

bool DsLiteAftr::is_inside(Ipv4Address address) const noexcept {
  return std::ranges::any_of(settings_.inside_prefixes,
                             [&](const Ipv4Prefix& p) { return p.contains(address); });
}

// --- out of a customer's tunnel ---

Verdict DsLiteAftr::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
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

YONROKU_HOT_INLINE Verdict DsLiteAftr::from_tunnel(Packet& packet, const Ipv6View& outer,
                                                   const Ipv4View& inner, WorkerState& state) const noexcept {
  const Ipv6Address b4 = outer.header().source();
  const std::size_t inner_at = outer.payload_offset();
  const Ipv4Header& header = inner.header();
  Trace* const trace = state.trace;
  if (!may_be_b4(b4)) {
    if (trace != nullptr) trace->note(TraceStep::B4NotAllowed, b4);
    return Verdict::drop(DropReason::B4NotAllowed);
  }
  if (!may_be_forwarded(header.source())) return illegal(trace, TraceStep::IllegalSource, header.source());
  if (!may_be_forwarded(header.destination()))
    return illegal(trace, TraceStep::IllegalDestination, header.destination());
  if (!is_inside(header.source())) {  // RFC 6333 §11
    if (trace != nullptr) trace->note(TraceStep::SourceNotOurs, header.source());
    return Verdict::drop(DropReason::SourceNotOurs);
  }
  if (header.destination() == settings_.own_ipv4) return answer_customer(packet, outer, inner, state);
  if (packet.offload.is_super_packet()) return Verdict::segment();
  // The customer is told by this router (RFC 6333 §6.5), not by whoever routes the packet further.
  if (header.ttl <= 1) return Verdict::drop(DropReason::InnerTtlExceeded);
  if (trace != nullptr) trace->note(TraceStep::SourceBehindB4, header.source(), b4);

  Nat44Change change;
  if (const Verdict verdict = nat44_outbound(inner, inner_at, b4, state, change); !passes(verdict))
      [[unlikely]]
    return verdict;
  if (state.nat->has_candidate()) [[unlikely]]
    offer_session(settings_.alg, b4, settings_.own_address, state);
  TransportPlan plan;
  if (const Verdict verdict = carry::plan_rewrite(packet, inner_at, inner, plan); !passes(verdict))
      [[unlikely]]
    return verdict;
  if (settings_.hairpin && state.nat->owns(header.destination()) && state.workers == 1) [[unlikely]]
    return hairpin(packet, outer, inner, plan, change, state);
  if (settings_.alg.is_on()) [[unlikely]]
    if (const auto conversation = outbound_conversation(settings_.alg, inner, b4, change))
      return unwrap_and_change_text(encapsulate_, packet, outer, inner, plan, change, *conversation, state);
  const Verdict unwrapped = encapsulate_.unwrap(packet, outer, inner);
  if (unwrapped.action != Verdict::Action::ToIpv4) return unwrapped;
  apply(packet.bytes(), plan, change);
  return unwrapped;
}

// Out of one tunnel and into another, by one router: the time to live is counted here.
Verdict DsLiteAftr::hairpin(Packet& packet, const Ipv6View& outer, const Ipv4View& inner,
                            const TransportPlan& plan, const Nat44Change& outward,
                            WorkerState& state) const noexcept {
  Nat44Change back;
  InsideEndpoint inside;
  if (const DropReason reason = nat44_hairpin(inner, outward, state, back, inside);
      reason != DropReason::None)
    return Verdict::drop(reason);
  const Crossing6 ends{settings_.own_address, inside.ipv6};
  const uint32_t mtu = path_mtu(ends.destination, state);
  const std::size_t largest = largest_to(ends.destination, state);
  if (inner.size() > largest && inner.header().dont_fragment())
    return Verdict::drop(DropReason::InnerPacketTooBig, static_cast<uint32_t>(largest));
  const auto flow = Ipv4Flow::of(inner);
  if (!flow) return Verdict::drop(flow.error());
  const Verdict out = encapsulate_.unwrap(packet, outer, inner);
  if (out.action != Verdict::Action::ToIpv4) return out;
  apply(packet.bytes(), plan, outward);
  apply(packet.bytes(), plan, back);
  carry::count_hops(*reinterpret_cast<Ipv4Header*>(packet.data()), 1);
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  return encapsulate_.wrap(packet, *ip, *flow, ends, mtu, state.random);
}

// RFC 6333 §6.5: 192.0.0.1 is this router, for the customer who looks whether it is there.
Verdict DsLiteAftr::answer_customer(Packet& packet, const Ipv6View& outer, const Ipv4View& inner,
                                    WorkerState& state) const noexcept {
  if (inner.header().is_fragment()) return gather_fragments(inner, outer.payload_offset(), state);
  if (packet.offload.partial_checksum) return Verdict::segment();
  if (inner.header().protocol != IpProtocol::Icmp || inner.payload().size() < sizeof(IcmpHeader) ||
      static_cast<uint8_t>(inner.payload()[0]) != icmpv4::kEcho)
    return Verdict::drop(DropReason::DestinationNotOurs);
  if (state.trace != nullptr) state.trace->note(TraceStep::EchoReply, settings_.own_ipv4);
  const Crossing6 ends{settings_.own_address, outer.header().source()};
  const auto flow = Ipv4Flow::of(inner);
  if (!flow) return Verdict::drop(flow.error());
  const Verdict out = encapsulate_.unwrap(packet, outer, inner);
  if (out.action != Verdict::Action::ToIpv4) return out;
  auto& header = *reinterpret_cast<Ipv4Header*>(packet.data());
  ChecksumDelta of_header;
  of_header.replace(uint32_t{header.ttl} << 8, uint32_t{64} << 8);
  header.ttl = 64;
  header.checksum = of_header.apply(header.checksum);
  std::swap(header.source_wire, header.destination_wire);
  auto& icmp = *reinterpret_cast<IcmpHeader*>(packet.data() + header.header_size());
  ChecksumDelta of_message;
  of_message.replace(uint32_t{icmpv4::kEcho} << 8, uint32_t{icmpv4::kEchoReply} << 8);
  icmp.type = icmpv4::kEchoReply;
  icmp.checksum = of_message.apply(icmp.checksum);
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  return encapsulate_.wrap(packet, *ip, *flow, ends, path_mtu(ends.destination, state), state.random);
}

// RFC 2473 §8: what a router inside the tunnel says about a packet that we put there. The relayed error
// quotes the customer's own address, and crosses the NAT as an error of the customer's does.
Verdict DsLiteAftr::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  const auto error = carry::TunnelError::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (error->entry != settings_.own_address || !error->inner)
    return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  const Ipv6Address b4 = error->exit;
  const auto flow = Ipv4Flow::of_quoted(*error->inner);
  if (!flow) return Verdict::drop(flow.error());
  NatTransport transport;
  if (error->inner->header().fragment_offset() != 0 ||
      !NatTransport::read_quoted(flow->protocol, error->inner->payload(), transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  const InsideEndpoint inside{b4, flow->destination, transport.destination_port};
  if (const uint16_t owner = state.nat->owner_of(inside); owner != state.worker)
    return Verdict::hand_over(owner);
  share::Ipv4Endpoint outside;
  if (!state.nat->find_outside(
          {inside, {flow->source, transport.remote(transport.source_port)}, transport.protocol, 0}, outside))
    return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  if (error->type == icmpv6::kPacketTooBig) path_mtus_->learn(b4, error->mtu, state.now);
  const Ipv6Address reporter = ip.header().source();  // the relay writes over it
  const Verdict relayed = carry::relay_tunnel_error(packet, *error, settings_.own_ipv4);
  if (state.trace != nullptr)
    state.trace->note(relayed.action == Verdict::Action::ToIpv4 ? TraceStep::TunnelErrorRelayed
                                                                : TraceStep::TunnelErrorNotRelayed,
                      reporter);
  if (relayed.action != Verdict::Action::ToIpv4) return relayed;
  const auto message = Ipv4View::parse(packet.bytes());
  if (!message) return Verdict::drop(message.error());
  Nat44Change change;
  if (const Verdict verdict = nat44_outbound(*message, 0, b4, state, change); !passes(verdict))
    return verdict;
  carry::rewrite_error(packet.bytes(), change.outer, change.quoted);
  return relayed;
}

// --- into a customer's tunnel ---

Verdict DsLiteAftr::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(header.destination()))
    return illegal(trace, TraceStep::IllegalDestination, header.destination());
  if (!may_be_forwarded(header.source())) return illegal(trace, TraceStep::IllegalSource, header.source());
  if (!state.nat->owns(header.destination())) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotMapped, header.destination());
    return Verdict::drop(DropReason::DestinationNotMapped);
  }
  if (!fits(packet.offload, ip->header_size(), ip->size()))
    return Verdict::drop(DropReason::BadOffloadMetadata);
  if (packet.offload.is_super_packet()) return Verdict::segment();
  Nat44Change change;
  InsideEndpoint inside;
  if (const Verdict verdict = nat44_inbound(*ip, 0, state, change, inside); !passes(verdict)) [[unlikely]]
    return verdict;
  if (state.nat->has_candidate()) [[unlikely]]
    offer_inbound(*this, state);
  TransportPlan plan;
  if (const Verdict verdict = carry::plan_rewrite(packet, 0, *ip, plan); !passes(verdict)) [[unlikely]]
    return verdict;
  const auto flow = Ipv4Flow::of(*ip);
  if (!flow) return Verdict::drop(flow.error());
  const Crossing6 ends{settings_.own_address, inside.ipv6};
  if (trace != nullptr) trace->note(TraceStep::TunnelEntry, ends.source, ends.destination);
  if (settings_.alg.is_on()) [[unlikely]]
    if (const auto conversation = inbound_conversation(settings_.alg, *ip, inside))
      if (const auto ended =
              change_text(packet, *ip, largest_to(ends.destination, state), *conversation, state))
        return *ended;
  const std::size_t size = ip->size();
  const Verdict wrapped =
      encapsulate_.wrap(packet, *ip, *flow, ends, path_mtu(ends.destination, state), state.random);
  if (wrapped.action != Verdict::Action::ToIpv6) return wrapped;
  apply(packet.bytes().subspan(packet.size() - size), plan, change);
  return wrapped;
}

bool DsLiteAftr::is_still_unsolicited(std::span<const std::byte> syn,
                                      const WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(syn);
  return ip && mechanism::is_still_unsolicited(*ip, state);
}

Verdict DsLiteAftr::send_back(Packet& message, std::span<const std::byte> about,
                              WorkerState& state) const noexcept {
  return wrap_reply(encapsulate_, message, about, state);
}

}  // namespace yonroku::mechanism
