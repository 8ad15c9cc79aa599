#include "mechanism/siit.h"

#include "mechanism/by_version.h"
#include "mechanism/illegal_address.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

using carry::Crossing4;
using carry::Crossing6;
using carry::Icmpv4Error;
using carry::Icmpv6Error;
using carry::is_icmp_error;
using carry::Leg;
using share::kDummyAddress;
using share::may_be_forwarded;
using share::Role;
using share::Side;
using share::UseMappings;

namespace {}  // namespace

void Siit::prefetch(std::span<const std::byte> packet) const noexcept {
  if (packet.size() < sizeof(Ipv4Header) || !mapping_.is_large()) return;
  const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(packet.data());
  if (ipv4.version() == 4) {
    mapping_.prefetch(ipv4.source());
    mapping_.prefetch(ipv4.destination());
  } else if (packet.size() >= sizeof(Ipv6Header)) {
    const auto& ipv6 = *reinterpret_cast<const Ipv6Header*>(packet.data());
    mapping_.prefetch(ipv6.source());
    mapping_.prefetch(ipv6.destination());
  }
}

Verdict Siit::process(Packet& packet, WorkerState& state) const noexcept {
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

// --- IPv4 to IPv6 ---

Checked<Crossing6> Siit::cross_to_ipv6(const Crossing4& addresses, UseMappings for_source,
                                       Trace* trace) const noexcept {
  const auto source = mapping_.to_ipv6(addresses.source, Role::Source, Side::Ipv4, trace, for_source);
  if (!source) return std::unexpected(source.error());
  const auto destination = mapping_.to_ipv6(addresses.destination, Role::Destination, Side::Ipv6, trace);
  if (!destination) return std::unexpected(destination.error());
  return Crossing6{*source, *destination};
}

Verdict Siit::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  if (!may_be_forwarded(header.destination()))
    return illegal(state.trace, TraceStep::IllegalDestination, header.destination());
  if (header.protocol == IpProtocol::Icmp && is_icmp_error(*ip)) return error_from_ipv4(packet, *ip, state);
  if (!may_be_forwarded(header.source()))
    return illegal(state.trace, TraceStep::IllegalSource, header.source());

  Crossing6 plain;
  if (state.trace == nullptr && settings_.hairpinning != Hairpinning::Simple &&
      mapping_.map(header.source(), Role::Source, Side::Ipv4, plain.source) &&
      mapping_.map(header.destination(), Role::Destination, Side::Ipv6, plain.destination))
    return translate_.to_ipv6(packet, *ip, plain);

  // RFC 7757 §4.2.1, rule 1.
  const auto for_source = settings_.hairpinning == Hairpinning::Simple ? UseMappings::No : UseMappings::Yes;
  const auto crossing = cross_to_ipv6({header.source(), header.destination()}, for_source, state.trace);
  if (!crossing) return Verdict::drop(crossing.error());
  return translate_.to_ipv6(packet, *ip, *crossing);
}

Checked<Siit::ErrorCrossing6> Siit::cross_error_to_ipv6(const Crossing4& outer, const Crossing4& inner,
                                                        bool simple_hairpinning,
                                                        Trace* trace) const noexcept {
  ErrorCrossing6 crossing;
  const auto destination = mapping_.to_ipv6(outer.destination, Role::Destination, Side::Ipv6, trace);
  if (!destination) return std::unexpected(destination.error());
  crossing.outer.destination = *destination;

  // RFC 7757 §4.2.1, rules 2 and 3. Illegal sources are translated like others, for trouble-shooting (RFC
  // 7915 §4.1).
  const auto inner_destination_by = simple_hairpinning ? UseMappings::No : UseMappings::Yes;
  const auto source_by =
      simple_hairpinning && outer.source == inner.destination ? UseMappings::No : UseMappings::Yes;
  const auto source = mapping_.to_ipv6(outer.source, Role::Source, Side::Ipv4, trace, source_by);
  if (source) {
    crossing.outer.source = *source;
  } else if (source.error() == DropReason::DeniedAddress) {
    return std::unexpected(source.error());
  } else {
    crossing.outer.source = settings_.translator_ipv6;
    if (trace != nullptr) trace->note(TraceStep::SourceIsTranslator, outer.source, settings_.translator_ipv6);
  }

  // The quoted packet went the other way: its source is on the IPv6 side.
  if (trace != nullptr) trace->note(TraceStep::QuotedPacket);
  const auto inner_source = mapping_.to_ipv6(inner.source, Role::Source, Side::Ipv6, trace);
  const auto inner_destination =
      mapping_.to_ipv6(inner.destination, Role::Destination, Side::Ipv4, trace, inner_destination_by);
  if (!inner_source || !inner_destination) return std::unexpected(DropReason::InnerAddressNotMapped);
  crossing.inner = {*inner_source, *inner_destination};
  return crossing;
}

Verdict Siit::error_from_ipv4(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept {
  if (ip.header().is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  const auto error = Icmpv4Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  const Ipv4Header& quoted = error->quote.header();
  const auto crossing = cross_error_to_ipv6({ip.header().source(), ip.header().destination()},
                                            {quoted.source(), quoted.destination()},
                                            settings_.hairpinning == Hairpinning::Simple, state.trace);
  if (!crossing) return Verdict::drop(crossing.error());
  return translate_.error_to_ipv6(packet, ip, *error, crossing->outer, crossing->inner);
}

// --- IPv6 to IPv4 ---

Verdict Siit::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Address source6 = ip->header().source();
  const Ipv6Address destination6 = ip->header().destination();
  if (!may_be_forwarded(destination6))
    return illegal(state.trace, TraceStep::IllegalDestination, destination6);
  if (!may_be_forwarded(source6)) return illegal(state.trace, TraceStep::IllegalSource, source6);
  if (ip->protocol() == IpProtocol::Icmpv6 && is_icmp_error(*ip)) return error_from_ipv6(packet, *ip, state);

  Crossing4 crossing;
  bool source_by_prefix = false;
  bool destination_by_prefix = false;
  if (state.trace != nullptr ||
      !mapping_.map(source6, Role::Source, Side::Ipv6, crossing.source, source_by_prefix) ||
      !mapping_.map(destination6, Role::Destination, Side::Ipv4, crossing.destination,
                    destination_by_prefix)) {
    const auto source = mapping_.to_ipv4(source6, Role::Source, Side::Ipv6, state.trace);
    if (!source) return Verdict::drop(source.error());
    const auto destination = mapping_.to_ipv4(destination6, Role::Destination, Side::Ipv4, state.trace);
    if (!destination) return Verdict::drop(destination.error());
    crossing = {source->address, destination->address};
    destination_by_prefix = destination->by_prefix;
  }
  if (!may_be_forwarded(crossing.source))
    return illegal(state.trace, TraceStep::IllegalSource, crossing.source);
  if (!may_be_forwarded(crossing.destination))
    return illegal(state.trace, TraceStep::IllegalDestination, crossing.destination);

  // RFC 7757 §4.2.2, condition set A.
  if (settings_.hairpinning == Hairpinning::Intrinsic && destination_by_prefix &&
      mapping_.has_mapping(crossing.destination)) {
    if (state.trace != nullptr) {
      state.trace->note(TraceStep::Hairpin, crossing.destination);
      state.trace->note(TraceStep::SimpleHairpinSource, crossing.source);
    }
    const auto back = cross_to_ipv6(crossing, UseMappings::No, state.trace);
    if (!back) return Verdict::drop(back.error());
    const Verdict there = translate_.to_ipv4(packet, *ip, crossing, state.identifications, Leg::HairpinFirst);
    return there.action == Verdict::Action::ToIpv4 ? hairpin(packet, *back) : there;
  }
  return translate_.to_ipv4(packet, *ip, crossing, state.identifications);
}

Verdict Siit::hairpin(Packet& packet, const Crossing6& crossing) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  return translate_.to_ipv6(packet, *ip, crossing, Leg::HairpinSecond);
}

Ipv4Address Siit::pool_address(RandomSource& random) const noexcept {
  const auto& pool = settings_.icmpv6_source_pool;
  const Ipv4Prefix& prefix = pool[random.below(pool.size())];
  return Ipv4Address(prefix.address().value() +
                     static_cast<uint32_t>(random.below(uint64_t{1} << prefix.suffix_length())));
}

Verdict Siit::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  if (ip.is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  const auto error = Icmpv6Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  const Ipv6Address source6 = ip.header().source();

  const auto destination =
      mapping_.to_ipv4(ip.header().destination(), Role::Destination, Side::Ipv4, state.trace);
  if (!destination) return Verdict::drop(destination.error());
  if (!may_be_forwarded(destination->address))
    return illegal(state.trace, TraceStep::IllegalDestination, destination->address);
  Crossing4 outer{{}, destination->address};
  const Ipv6Address* node_address = nullptr;
  const auto source = mapping_.to_ipv4(source6, Role::Source, Side::Ipv6, state.trace);
  if (source) {
    if (!may_be_forwarded(source->address))
      return illegal(state.trace, TraceStep::IllegalSource, source->address);
    outer.source = source->address;
  } else if (source.error() == DropReason::DeniedAddress) {
    return Verdict::drop(source.error());
  } else if (settings_.untranslatable_source == UntranslatableSource::Drop) {
    return Verdict::drop(DropReason::SourceNotMapped);
  } else if (settings_.untranslatable_source == UntranslatableSource::Pool &&
             !settings_.icmpv6_source_pool.empty()) {
    outer.source = pool_address(state.random);
    if (state.trace != nullptr) state.trace->note(TraceStep::SourceFromPool, source6, outer.source);
  } else {
    outer.source = kDummyAddress;
    if (settings_.node_identification == NodeIdentification::Append) node_address = &source6;
    if (state.trace != nullptr) state.trace->note(TraceStep::SourceIsDummy, source6, outer.source);
  }

  const Ipv6Header& quoted = error->quote.header();
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const auto inner_source = mapping_.to_ipv4(quoted.source(), Role::Source, Side::Ipv4, state.trace);
  const auto inner_destination =
      mapping_.to_ipv4(quoted.destination(), Role::Destination, Side::Ipv6, state.trace);
  if (!inner_source || !inner_destination) return Verdict::drop(DropReason::InnerAddressNotMapped);
  const Crossing4 inner{inner_source->address, inner_destination->address};

  // RFC 7757 §4.2.2, condition set B.
  const bool hairpins = settings_.hairpinning == Hairpinning::Intrinsic && inner_source->by_prefix &&
                        mapping_.has_mapping(inner.source);
  if (hairpins) {
    if (state.trace != nullptr) state.trace->note(TraceStep::Hairpin, inner.source);
    // Everything that the way back can refuse is asked before anything is written.
    if (const auto back = cross_error_to_ipv6(outer, inner, true, nullptr); !back)
      return Verdict::drop(back.error());
  }
  const Verdict there = translate_.error_to_ipv4(packet, ip, *error, outer, inner, state.identifications,
                                                 node_address, hairpins ? Leg::HairpinFirst : Leg::Only);
  return hairpins && there.action == Verdict::Action::ToIpv4 ? hairpin_error(packet, state) : there;
}

Verdict Siit::hairpin_error(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const auto error = Icmpv4Error::parse(*ip);
  if (!error) return Verdict::drop(error.error());
  const Ipv4Header& quoted = error->quote.header();
  const auto crossing = cross_error_to_ipv6({ip->header().source(), ip->header().destination()},
                                            {quoted.source(), quoted.destination()}, true, state.trace);
  if (!crossing) return Verdict::drop(crossing.error());
  return translate_.error_to_ipv6(packet, *ip, *error, crossing->outer, crossing->inner, Leg::HairpinSecond);
}

}  // namespace yonroku::mechanism
