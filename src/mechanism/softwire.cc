#include "mechanism/softwire.h"

#include <algorithm>
#include <utility>

#include "carry/encapsulate/tunnel_error.h"
#include "carry/encapsulate/tunnel_headers.h"
#include "mechanism/by_version.h"
#include "mechanism/tunnel_end.h"

namespace yonroku::mechanism {

using carry::Crossing6;
using share::AddressAndPsid;
using share::MapRule;
using share::may_be_forwarded;
using End = share::MapRuleTable::End;
using Lookup = share::MapRuleTable::Lookup;

void Softwire::prefetch(std::span<const std::byte> packet) const noexcept {
  if (packet.size() < sizeof(Ipv4Header) + 4 || table_->size() < 4096) return;
  const auto port_at = [&](std::size_t at) {
    return static_cast<uint16_t>(static_cast<unsigned>(packet[at]) << 8 |
                                 static_cast<unsigned>(packet[at + 1]));
  };
  const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(packet.data());
  if (ipv4.version() == 4) {
    table_->prefetch(ipv4.destination(), port_at(sizeof(Ipv4Header) + 2));
  } else if (packet.size() >= sizeof(Ipv6Header) + sizeof(Ipv4Header) + 4) {
    const auto& inner = *reinterpret_cast<const Ipv4Header*>(packet.data() + sizeof(Ipv6Header));
    table_->prefetch(inner.source(), port_at(sizeof(Ipv6Header) + sizeof(Ipv4Header)));
  }
}

Verdict Softwire::process(Packet& packet, WorkerState& state) const noexcept {
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

bool Softwire::is_own_address(Ipv4Address address) const noexcept {
  return settings_.own_prefixes.empty() ||
         std::ranges::any_of(settings_.own_prefixes,
                             [&](const Ipv4Prefix& p) { return p.contains(address); });
}

bool Softwire::keeps_out(const Ipv4Flow& flow) const noexcept {
  if (settings_.inbound_icmp == InboundIcmp::Forward || flow.protocol != IpProtocol::Icmp) return false;
  if (!flow.is_icmp_error) return true;
  return settings_.inbound_icmp == InboundIcmp::Drop && flow.source != settings_.icmp_source;
}

bool Softwire::is_border_address(const Ipv6Address& address) const noexcept {
  return std::ranges::find(settings_.border_addresses, address) != settings_.border_addresses.end();
}

// --- IPv4 into the tunnel ---

Verdict Softwire::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(header.destination()))
    return illegal(trace, TraceStep::IllegalDestination, header.destination());
  if (!may_be_forwarded(header.source())) return illegal(trace, TraceStep::IllegalSource, header.source());
  if (!is_own_address(header.source())) {
    if (trace != nullptr) trace->note(TraceStep::SourceNotOurs, header.source());
    return Verdict::drop(DropReason::SourceNotOurs);
  }
  if (!fits(packet.offload, ip->header_size(), ip->size()))
    return Verdict::drop(DropReason::BadOffloadMetadata);
  const auto flow = Ipv4Flow::of(*ip);
  if (!flow) return Verdict::drop(flow.error());
  if (keeps_out(*flow)) [[unlikely]] {
    if (trace != nullptr) trace->note(TraceStep::InboundIcmp, flow->source);
    return Verdict::drop(DropReason::InboundIcmp);
  }
  End end;
  const Lookup lookup = find_end(*table_, flow->destination, flow->destination_port, flow->ports, end);
  if (lookup != Lookup::Found) [[unlikely]] {
    if (lookup == Lookup::Shared && flow->ports == Ipv4Flow::Ports::Fragment) return Verdict::reassemble();
    if (trace != nullptr) trace->note(TraceStep::NoSoftwire, flow->destination);
    return Verdict::drop(reason_of(lookup, flow->ports));
  }
  const Crossing6 ends{settings_.border_addresses[end.border], end.address};
  if (trace != nullptr) {
    trace->note(TraceStep::DestinationBySoftwire, flow->destination, ends.destination);
    trace->note(TraceStep::TunnelEntry, ends.source, ends.destination);
  }
  return encapsulate_.wrap(packet, *ip, *flow, ends, path_mtu(ends.destination, state), state.random);
}

// --- IPv6 out of the tunnel ---

Verdict Softwire::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  return take_out(
      packet, state,
      [&](const Ipv6Address& address) YONROKU_HOT_LAMBDA { return is_border_address(address); },
      [&](const Ipv6View& ip) { return icmp_from_ipv6(packet, ip, state); },
      [&](const Ipv6View& ip, const Ipv4View& inner)
          YONROKU_HOT_LAMBDA { return from_tunnel(packet, ip, inner, state); });
}

YONROKU_HOT_INLINE Verdict Softwire::from_tunnel(Packet& packet, const Ipv6View& ip, const Ipv4View& inner,
                                                 WorkerState& state) const noexcept {
  const Ipv6Address source = ip.header().source();
  const Ipv6Address destination = ip.header().destination();
  const auto inner_at = ip.payload_offset();
  Trace* const trace = state.trace;
  const auto flow = Ipv4Flow::of(inner);
  if (!flow) return Verdict::drop(flow.error());
  End end;
  const Lookup lookup = find_end(*table_, flow->source, flow->source_port, flow->ports, end);
  if (lookup == Lookup::Shared && flow->ports == Ipv4Flow::Ports::Fragment)
    return Verdict::reassemble(static_cast<uint32_t>(inner_at));
  const bool belongs = lookup == Lookup::Found && end.address == source &&
                       settings_.border_addresses[end.border] == destination;
  if (!belongs) [[unlikely]] {
    if (lookup == Lookup::Shared && flow->ports == Ipv4Flow::Ports::CutOff)
      return Verdict::drop(DropReason::InnerPacketTruncated);
    if (trace != nullptr) trace->note(TraceStep::SourceSpoofed, flow->source, source);
    return Verdict::drop(DropReason::SourceSpoofed);
  }
  if (!may_be_forwarded(flow->source)) return illegal(trace, TraceStep::IllegalSource, flow->source);
  if (!may_be_forwarded(flow->destination))
    return illegal(trace, TraceStep::IllegalDestination, flow->destination);
  if (!is_own_address(flow->destination)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotOurs, flow->destination);
    return Verdict::drop(DropReason::DestinationNotOurs);
  }
  if (trace != nullptr) trace->note(TraceStep::SourceBySoftwire, source, flow->source);

  if (settings_.hairpinning == SoftwireHairpinning::On && table_->is_near(flow->destination)) {
    End other;
    const Lookup back = find_end(*table_, flow->destination, flow->destination_port, flow->ports, other);
    if (back == Lookup::Found) {
      const Crossing6 ends{settings_.border_addresses[other.border], other.address};
      return hairpin(packet, ip, inner, *flow, ends, state);
    }
    if (back == Lookup::Shared && flow->ports == Ipv4Flow::Ports::Fragment)
      return Verdict::reassemble(static_cast<uint32_t>(inner_at));
    // The address is shared here, and nobody gets the packet: its sender is told as one outside would be.
    if (back != Lookup::NoRule) [[unlikely]] {
      if (trace != nullptr) trace->note(TraceStep::NoSoftwire, flow->destination);
      return Verdict::drop(reason_of(back, flow->ports), static_cast<uint32_t>(inner_at));
    }
  }
  return encapsulate_.unwrap(packet, ip, inner);
}

// Out of one tunnel and into another, by one router: the time to live is counted here, since no one else
// routes the packet in between.
Verdict Softwire::hairpin(Packet& packet, const Ipv6View& outer, const Ipv4View& inner, const Ipv4Flow& flow,
                          const Crossing6& ends, WorkerState& state) const noexcept {
  if (state.trace != nullptr)
    state.trace->note(TraceStep::SoftwireHairpin, flow.destination, ends.destination);
  if (inner.header().ttl <= 1) return Verdict::drop(DropReason::InnerTtlExceeded);
  const uint32_t mtu = path_mtu(ends.destination, state);
  const std::size_t largest =
      std::min<std::size_t>(settings_.encapsulate.ipv6_mtu, mtu) - encapsulate_.overhead();
  // What the way back can refuse is asked before anything is written.
  if (inner.size() > largest && inner.header().dont_fragment())
    return Verdict::drop(DropReason::InnerPacketTooBig, static_cast<uint32_t>(largest));
  const Verdict out = encapsulate_.unwrap(packet, outer, inner);
  if (out.action != Verdict::Action::ToIpv4) return out;
  carry::count_hops(*reinterpret_cast<Ipv4Header*>(packet.data()), 1);
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  return encapsulate_.wrap(packet, *ip, flow, ends, mtu, state.random);
}

Verdict Softwire::icmp_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  return carry::is_icmp_error(ip) ? error_from_ipv6(packet, ip, state) : answer_query(packet, ip, state);
}

// RFC 2473 §8: what a router inside the tunnel says about a packet that we put there.
Verdict Softwire::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  const auto error = carry::TunnelError::parse(ip);
  if (!error) return Verdict::drop(error.error());
  // Did we? The quoted packet went from the end that its inner destination has to the end that the customer
  // has.
  if (error->entry != ip.header().destination()) return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  if (error->inner) {
    const auto flow = Ipv4Flow::of_quoted(*error->inner);
    if (!flow) return Verdict::drop(flow.error());
    End end;
    const Lookup lookup = find_end(*table_, flow->destination, flow->destination_port, flow->ports, end);
    const bool is_known =
        lookup == Lookup::Found
            ? end.address == error->exit && settings_.border_addresses[end.border] == error->entry
            : lookup == Lookup::Shared && flow->ports == Ipv4Flow::Ports::Fragment;
    if (lookup == Lookup::Shared && flow->ports == Ipv4Flow::Ports::CutOff)
      return Verdict::drop(DropReason::InnerPacketTruncated);
    if (!is_known || !may_be_forwarded(flow->source)) return Verdict::drop(DropReason::TunnelErrorNotRelayed);
    // A quote without ports proves too little to lower an MTU by.
    if (error->type == icmpv6::kPacketTooBig && lookup == Lookup::Found)
      path_mtus_->learn(error->exit, error->mtu, state.now);
  }
  const Ipv6Address reporter = ip.header().source();  // the relay writes over it
  const Verdict relayed = carry::relay_tunnel_error(packet, *error, settings_.icmp_source);
  if (state.trace != nullptr)
    state.trace->note(relayed.action == Verdict::Action::ToIpv4 ? TraceStep::TunnelErrorRelayed
                                                                : TraceStep::TunnelErrorNotRelayed,
                      reporter);
  return relayed;
}

}  // namespace yonroku::mechanism
