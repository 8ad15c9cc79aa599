#include "mechanism/softwire.h"

#include <algorithm>
#include <utility>

#include "carry/encapsulate/tunnel_error.h"
#include "mechanism/illegal_address.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

using carry::Crossing6;
using share::AddressAndPsid;
using share::MapRule;
using share::may_be_forwarded;
using Lookup = share::MapRuleTable::Lookup;

namespace {

using End = share::MapRuleTable::End;

// Why a packet that find_end() has no end for is dropped.
DropReason reason_of(Lookup lookup, Ipv4Flow::Ports ports) {
  switch (lookup) {
    case Lookup::PortNotAssigned: return DropReason::PortNotAssigned;
    case Lookup::Shared:
      return ports == Ipv4Flow::Ports::CutOff ? DropReason::InnerPacketTruncated
                                              : DropReason::ProtocolWithoutPorts;
    default: return DropReason::NoSoftwire;
  }
}

// By the port where the flow has one; a packet without ports has an owner only if its address is nobody
// else's.
YONROKU_HOT_INLINE Lookup find_end(const share::MapRuleTable& table, Ipv4Address address, uint16_t port,
                                   Ipv4Flow::Ports ports, End& end) {
  if (ports == Ipv4Flow::Ports::Present) [[likely]]
    return table.find_end(address, port, end);
  MapRule rule;
  AddressAndPsid customer;
  const Lookup lookup = table.find_whole(address, rule, customer);
  if (lookup == Lookup::Found) end = {rule.address_of(customer), rule.parts().border};
  return lookup;
}

// Whether the checksum that the device asks for lies in [begin, end) of the packet: what is behind the inner
// packet's end does not cross.
bool fits(const Offload& offload, std::size_t begin, std::size_t end) {
  return !offload.partial_checksum ||
         (offload.checksum_start >= begin &&
          std::size_t{offload.checksum_start} + offload.checksum_offset + sizeof(be16) <= end);
}

}  // namespace

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
  if (packet.size() == 0) return Verdict::drop(DropReason::TruncatedHeader);
  switch (static_cast<uint8_t>(*packet.data()) >> 4) {
    case 4: return from_ipv4(packet, state);
    case 6: return from_ipv6(packet, state);
    default: return Verdict::drop(DropReason::BadVersion);
  }
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
  auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Address source = ip->header().source();
  const Ipv6Address destination = ip->header().destination();
  Trace* const trace = state.trace;
  if (!is_border_address(destination)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotOurs, destination);
    return Verdict::drop(DropReason::DestinationNotOurs);
  }
  if (!may_be_forwarded(source)) return illegal(trace, TraceStep::IllegalSource, source);
  if (ip->segments_left_offset() != 0)
    return Verdict::drop(DropReason::SegmentsLeft, static_cast<uint32_t>(ip->segments_left_offset()));
  if (ip->is_fragment()) return Verdict::reassemble();
  if (ip->has_fragment_header()) [[unlikely]] {  // RFC 6946 §4: a packet that is whole already
    Ipv6View whole = *ip;                        // a copy, so that the other one stays in registers
    const DropReason wrong = whole.skip_options_behind_fragment_header();
    if (wrong != DropReason::None) return Verdict::drop(wrong);
    ip = whole;
  }
  if (ip->protocol() == IpProtocol::Icmpv6) return icmp_from_ipv6(packet, *ip, state);
  if (ip->protocol() != IpProtocol::Ipv4) return Verdict::drop(DropReason::NotEncapsulated);
  const Offload& offload = packet.offload;
  const auto inner_at = ip->payload_offset();
  const auto inner = Ipv4View::parse(ip->payload());
  if (!inner) return Verdict::drop(inner.error());
  if (!fits(offload, inner_at + inner->header_size(), inner_at + inner->size()))
    return Verdict::drop(DropReason::BadOffloadMetadata);

  const auto flow = Ipv4Flow::of(*inner);
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
      return hairpin(packet, *ip, *inner, *flow, ends, state);
    }
    if (back == Lookup::Shared && flow->ports == Ipv4Flow::Ports::Fragment)
      return Verdict::reassemble(static_cast<uint32_t>(inner_at));
    // The address is shared here, and nobody gets the packet: its sender is told as one outside would be.
    if (back != Lookup::NoRule) [[unlikely]] {
      if (trace != nullptr) trace->note(TraceStep::NoSoftwire, flow->destination);
      return Verdict::drop(reason_of(back, flow->ports), static_cast<uint32_t>(inner_at));
    }
  }
  return encapsulate_.unwrap(packet, *ip, *inner);
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
  auto& header = *reinterpret_cast<Ipv4Header*>(packet.data());
  ChecksumDelta delta;
  delta.removed(uint32_t{header.ttl} << 8);
  --header.ttl;
  delta.added(uint32_t{header.ttl} << 8);
  header.checksum = delta.apply(header.checksum);
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  return encapsulate_.wrap(packet, *ip, flow, ends, mtu, state.random);
}

Verdict Softwire::icmp_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  if (ip.payload().size() < sizeof(IcmpHeader)) return Verdict::drop(DropReason::TruncatedHeader);
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(ip.payload().data());
  if (icmpv6::is_error(icmp.type)) return error_from_ipv6(packet, ip, state);
  if (icmp.type != icmpv6::kEcho || packet.offload.is_super_packet())
    return Verdict::drop(DropReason::NotEncapsulated);
  if (packet.offload.partial_checksum) return Verdict::segment();
  // This end is an address that people ping (RFC 4443 §4.2). Source and destination change places, which
  // leaves the checksum alone.
  if (state.trace != nullptr) state.trace->note(TraceStep::EchoReply, ip.header().destination());
  packet.truncate(ip.size());
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  std::swap(header.source_wire, header.destination_wire);
  header.hop_limit = 64;
  auto& reply = *reinterpret_cast<IcmpHeader*>(packet.data() + ip.payload_offset());
  ChecksumDelta delta;
  delta.removed(uint32_t{icmpv6::kEcho} << 8);
  delta.added(uint32_t{icmpv6::kEchoReply} << 8);
  reply.type = icmpv6::kEchoReply;
  reply.checksum = delta.apply(reply.checksum);
  return Verdict::to_ipv6();
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
