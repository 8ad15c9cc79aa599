#include "carry/rewrite/rewrite.h"

#include "carry/translate/plan.h"

namespace yonroku::carry {
namespace {

// The change of both addresses, written and summed. It concerns the header's checksum as it does that of a
// pseudo-header.
ChecksumDelta change_addresses(Ipv4Header& header, const Crossing4& crossing) {
  ChecksumDelta delta;
  delta.replace(header.source(), crossing.source);
  delta.replace(header.destination(), crossing.destination);
  header.source_wire = be32::from_host(crossing.source.value());
  header.destination_wire = be32::from_host(crossing.destination.value());
  return delta;
}

// A field of a quoted packet, whose change the ICMP message's checksum sees too.
void set(be16& field, be16 value, ChecksumDelta& message) {
  message.replace(field, value);
  field = value;
}

// What was quoted of a transport header: perhaps no more than its first octets.
void change_quoted_transport(IpProtocol protocol, std::span<std::byte> transport, PortChange port,
                             ChecksumDelta addresses, ChecksumDelta& message) {
  const auto field_at = [&](std::size_t offset) -> be16& {
    return *reinterpret_cast<be16*>(transport.data() + offset);
  };
  const be16 now = be16::from_host(port.port);
  if (protocol == IpProtocol::Icmp) {
    be16& identifier = field_at(offsetof(IcmpHeader, rest));
    ChecksumDelta change;
    change.replace(identifier, now);
    set(identifier, now, message);
    be16& checksum = field_at(offsetof(IcmpHeader, checksum));
    set(checksum, change.apply(checksum), message);
    return;
  }
  be16& changed = field_at(port.which == PortChange::Which::Destination ? sizeof(be16) : 0);
  addresses.replace(changed, now);
  set(changed, now, message);
  const bool is_tcp = protocol == IpProtocol::Tcp;
  const std::size_t checksum_at = is_tcp ? offsetof(TcpHeader, checksum) : offsetof(UdpHeader, checksum);
  if (transport.size() < checksum_at + sizeof(be16)) return;
  be16& checksum = field_at(checksum_at);
  if (!is_tcp && checksum == be16{}) return;
  be16 updated = addresses.apply(checksum);
  if (!is_tcp && updated == be16{}) updated = be16::from_host(0xffff);
  set(checksum, updated, message);
}

}  // namespace

Verdict plan_rewrite(const Packet& packet, std::size_t at, const Ipv4View& ip, TransportPlan& plan) noexcept {
  const IpProtocol protocol = ip.header().protocol;
  if (const DropReason reason = plan_transport(ip.payload(), protocol, plan); reason != DropReason::None)
    return Verdict::drop(reason);
  // The device sums an ICMP message from its first octet: no pseudo-header to keep apart from it.
  if (protocol == IpProtocol::Icmp && packet.offload.partial_checksum) return Verdict::segment();
  plan.checksum = check_offload(packet.offload, at + ip.size(), at + ip.header_size(), protocol);
  if (plan.checksum == ChecksumState::Senseless) return Verdict::drop(DropReason::BadOffloadMetadata);
  return Verdict::to_ipv4();
}

void rewrite(std::span<std::byte> ipv4, const TransportPlan& plan, const Crossing4& crossing) noexcept {
  auto& header = *reinterpret_cast<Ipv4Header*>(ipv4.data());
  const ChecksumDelta delta = change_addresses(header, crossing);
  header.checksum = delta.apply(header.checksum);
  const auto transport = ipv4.subspan(header.header_size());
  if (header.protocol == IpProtocol::Icmp) {
    auto& icmp = *reinterpret_cast<IcmpHeader*>(transport.data());
    ChecksumDelta change;
    change_identifier(icmp, crossing.port.port, change);
    icmp.checksum = change.apply(icmp.checksum);
    return;
  }
  const bool has_no_checksum = plan.kind == TransportPlan::Kind::Udp &&
                               plan.checksum == ChecksumState::Complete &&
                               reinterpret_cast<const UdpHeader*>(transport.data())->checksum == be16{};
  if (has_no_checksum) {  // RFC 768: nor does it get one
    ChecksumDelta unused;
    change_port(transport, crossing.port, unused);
    return;
  }
  rewrite_transport(transport, plan, delta, 0, crossing.port);
}

void rewrite_error(std::span<std::byte> ipv4, const Crossing4& outer, const Crossing4& quoted) noexcept {
  auto& header = *reinterpret_cast<Ipv4Header*>(ipv4.data());
  header.checksum = change_addresses(header, outer).apply(header.checksum);
  const auto message = ipv4.first(header.total_length.host()).subspan(header.header_size());
  auto& icmp = *reinterpret_cast<IcmpHeader*>(message.data());
  const auto quote = message.subspan(sizeof(IcmpHeader));

  auto& inner = *reinterpret_cast<Ipv4Header*>(quote.data());
  const ChecksumDelta addresses = change_addresses(inner, quoted);
  ChecksumDelta change = addresses;
  set(inner.checksum, addresses.apply(inner.checksum), change);
  change_quoted_transport(inner.protocol, quote.subspan(inner.header_size()), quoted.port, addresses, change);
  icmp.checksum = change.apply(icmp.checksum);
}

}  // namespace yonroku::carry
