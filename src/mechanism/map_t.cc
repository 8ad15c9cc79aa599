#include "mechanism/map_t.h"

#include "mechanism/by_version.h"
#include "mechanism/illegal_address.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

using carry::Crossing4;
using carry::Crossing6;
using share::AddressAndPsid;
using share::kDummyAddress;
using share::MapRule;
using share::may_be_forwarded;
using Lookup = share::MapRuleTable::Lookup;
using Ports = Ipv4Flow::Ports;

namespace {

std::unexpected<Verdict> refused(DropReason reason) { return std::unexpected(Verdict::drop(reason)); }

}  // namespace

void MapT::prefetch(std::span<const std::byte> packet) const noexcept {
  if (packet.size() < sizeof(Ipv4Header) + 4 || rules_->size() < 4096) return;
  const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(packet.data());
  if (ipv4.version() == 4) {
    constexpr std::size_t kPort = sizeof(Ipv4Header) + 2;
    rules_->prefetch(ipv4.destination(), static_cast<uint16_t>(static_cast<unsigned>(packet[kPort]) << 8 |
                                                               static_cast<unsigned>(packet[kPort + 1])));
  } else if (packet.size() >= sizeof(Ipv6Header)) {
    rules_->prefetch(reinterpret_cast<const Ipv6Header*>(packet.data())->source());
  }
}

Verdict MapT::process(Packet& packet, WorkerState& state) const noexcept {
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

// --- IPv4 to IPv6 ---

MapT::LookedUp<Ipv6Address> MapT::customer_to_ipv6(Ipv4Address address, uint16_t port, Ports ports,
                                                   Trace* trace) const noexcept {
  MapRule rule;
  AddressAndPsid customer;
  const Lookup lookup = ports == Ports::Present ? rules_->find(address, port, rule, customer)
                                                : rules_->find_whole(address, rule, customer);
  if (lookup == Lookup::Found) [[likely]] {
    const Ipv6Address mapped = rule.host_address_of(customer);
    if (trace != nullptr) trace->note(TraceStep::DestinationBySoftwire, address, mapped);
    return mapped;
  }
  Ipv6Address mapped;
  if (lookup == Lookup::NoRule && mappings_->translate(address, mapped)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationByMapping, address, mapped);
    return mapped;
  }
  if (lookup == Lookup::Shared && ports == Ports::Fragment) return std::unexpected(Verdict::reassemble());
  if (trace != nullptr) trace->note(TraceStep::NoSoftwire, address);
  switch (lookup) {
    case Lookup::PortNotAssigned: return refused(DropReason::PortNotAssigned);
    case Lookup::Shared:
      return refused(ports == Ports::CutOff ? DropReason::InnerPacketTruncated
                                            : DropReason::ProtocolWithoutPorts);
    default: return refused(DropReason::NoSoftwire);
  }
}

Verdict MapT::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  if (!may_be_forwarded(header.destination()))
    return illegal(state.trace, TraceStep::IllegalDestination, header.destination());
  const auto flow = Ipv4Flow::of(*ip);
  if (!flow) return Verdict::drop(flow.error());
  if (!flow->is_icmp_error && !may_be_forwarded(header.source()))
    return illegal(state.trace, TraceStep::IllegalSource, header.source());
  // RFC 7599 §8.4: a host that has a mapping of its own keeps it; every other one is in the DMR prefix.
  const auto outside_to_ipv6 = [&](Ipv4Address address) {
    Ipv6Address mapped;
    return mappings_->translate(address, mapped) ? mapped : settings_.dmr.embed(address);
  };

  const auto destination =
      customer_to_ipv6(flow->destination, flow->destination_port, flow->ports, state.trace);
  if (!destination) return destination.error();
  const Crossing6 outer{outside_to_ipv6(flow->source), *destination};
  if (state.trace != nullptr) state.trace->note(TraceStep::SourceByPrefix, flow->source, outer.source);
  if (!flow->is_icmp_error) [[likely]]
    return translate_.to_ipv6(packet, *ip, outer);

  const auto error = carry::Icmpv4Error::parse(*ip);
  if (!error) return Verdict::drop(error.error());
  const auto quoted = Ipv4Flow::of_quoted(error->quote);
  if (!quoted) return Verdict::drop(quoted.error());
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  // The quoted packet went the other way: its source is the customer.
  const auto customer =
      customer_to_ipv6(quoted->source, quoted->source_port,
                       quoted->ports == Ports::Present ? Ports::Present : Ports::None, state.trace);
  if (!customer) return Verdict::drop(DropReason::InnerAddressNotMapped);
  return translate_.error_to_ipv6(packet, *ip, *error, outer,
                                  {*customer, outside_to_ipv6(quoted->destination)});
}

// --- IPv6 to IPv4 ---

MapT::LookedUp<Ipv4Address> MapT::customer_to_ipv4(const Ipv6Address& address, const Ipv6SourcePort& port,
                                                   Trace* trace) const noexcept {
  MapRule rule;
  if (!rules_->find(address, rule)) {
    Ipv4Address mapped;
    if (!mappings_->translate(address, mapped)) {
      if (trace != nullptr) trace->note(TraceStep::SourceNotMapped, address);
      return refused(DropReason::SourceNotMapped);
    }
    if (trace != nullptr) trace->note(TraceStep::SourceByMapping, address, mapped);
    return mapped;
  }
  const AddressAndPsid customer = rule.customer_of(address);
  const share::PortParameters ports = rule.ports();
  if (ports.is_shared()) {
    if (port.ports == Ports::Fragment) return std::unexpected(Verdict::reassemble());
    if (port.ports == Ports::None) return refused(DropReason::ProtocolWithoutPorts);
    if (port.ports == Ports::CutOff) return refused(DropReason::InnerPacketTruncated);
  }
  // RFC 7599 §8.3: the address must be the one that its own bits make, and the port one of its ports.
  if (rule.host_address_of(customer) != address ||
      (ports.is_shared() && (!ports.gives_out(port.port) || ports.psid_of(port.port) != customer.psid))) {
    if (trace != nullptr) trace->note(TraceStep::SourceSpoofed, customer.address, address);
    return refused(DropReason::SourceSpoofed);
  }
  if (trace != nullptr) trace->note(TraceStep::SourceBySoftwire, address, customer.address);
  return customer.address;
}

Verdict MapT::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Address source6 = ip->header().source();
  const Ipv6Address destination6 = ip->header().destination();
  if (!may_be_forwarded(destination6))
    return illegal(state.trace, TraceStep::IllegalDestination, destination6);
  if (!may_be_forwarded(source6)) return illegal(state.trace, TraceStep::IllegalSource, source6);
  if (ip->protocol() == IpProtocol::Icmpv6 && carry::is_icmp_error(*ip))
    return error_from_ipv6(packet, *ip, state);

  Crossing4 crossing;
  if (!settings_.dmr.extract(destination6, crossing.destination)) {
    if (state.trace != nullptr) state.trace->note(TraceStep::DestinationNotMapped, destination6);
    return Verdict::drop(DropReason::DestinationNotMapped);
  }
  const auto port = Ipv6SourcePort::of(*ip);
  if (!port) return Verdict::drop(port.error());
  const auto source = customer_to_ipv4(source6, *port, state.trace);
  if (!source) return source.error();
  crossing.source = *source;
  if (state.trace != nullptr)
    state.trace->note(TraceStep::DestinationByPrefix, destination6, crossing.destination);
  if (!may_be_forwarded(crossing.source))
    return illegal(state.trace, TraceStep::IllegalSource, crossing.source);
  if (!may_be_forwarded(crossing.destination))
    return illegal(state.trace, TraceStep::IllegalDestination, crossing.destination);
  return translate_.to_ipv4(packet, *ip, crossing, state.identifications);
}

Verdict MapT::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  if (ip.is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  const auto error = carry::Icmpv6Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  Crossing4 outer, inner;
  if (!settings_.dmr.extract(ip.header().destination(), outer.destination)) {
    if (state.trace != nullptr) state.trace->note(TraceStep::DestinationNotMapped, ip.header().destination());
    return Verdict::drop(DropReason::DestinationNotMapped);
  }
  if (!may_be_forwarded(outer.destination))
    return illegal(state.trace, TraceStep::IllegalDestination, outer.destination);

  // The quoted packet was on its way to the customer, and to one of its ports.
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const auto port = Ipv6SourcePort::of_quoted(error->quote);
  if (!port) return Verdict::drop(port.error());
  const auto customer = customer_to_ipv4(error->quote.header().destination(), *port, state.trace);
  if (!customer && customer.error().reason == DropReason::InnerPacketTruncated) return customer.error();
  if (!customer || !settings_.dmr.extract(error->quote.header().source(), inner.source))
    return Verdict::drop(DropReason::InnerAddressNotMapped);
  inner.destination = *customer;

  // The sender is the customer itself, or a router on the way that has no IPv4 address.
  const Ipv6Address source6 = ip.header().source();
  const Ipv6Address* node_address = nullptr;
  if (source6 == error->quote.header().destination()) {
    outer.source = *customer;
  } else if (mappings_->translate(source6, outer.source)) {
    if (state.trace != nullptr) state.trace->note(TraceStep::SourceByMapping, source6, outer.source);
  } else {
    outer.source = kDummyAddress;
    if (settings_.node_identification == NodeIdentification::Append) node_address = &source6;
    if (state.trace != nullptr) state.trace->note(TraceStep::SourceIsDummy, source6, outer.source);
  }
  return translate_.error_to_ipv4(packet, ip, *error, outer, inner, state.identifications, node_address);
}

}  // namespace yonroku::mechanism
