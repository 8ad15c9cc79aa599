#include "carry/translate/inner.h"

#include <algorithm>
#include <cstring>

#include "carry/translate/plan.h"
#include "carry/translate/translate.h"

namespace yonroku::carry {
namespace {

// Adjusts the quoted transport header as far as it is there. `delta` holds the pseudo-header's change.
void rewrite_quoted_transport(std::span<std::byte> transport, IpProtocol protocol, ChecksumDelta delta,
                              PortChange port) {
  const bool has_ports = protocol == IpProtocol::Tcp || protocol == IpProtocol::Udp;
  if (has_ports && port.which != PortChange::Which::None && transport.size() >= 2 * sizeof(be16))
    change_port(transport, port, delta);
  std::size_t field = 0;
  if (protocol == IpProtocol::Tcp) {
    field = offsetof(TcpHeader, checksum);
  } else if (protocol == IpProtocol::Udp) {
    field = offsetof(UdpHeader, checksum);
  } else {
    return;
  }
  if (transport.size() < field + sizeof(be16)) return;
  auto& checksum = *reinterpret_cast<be16*>(transport.data() + field);
  if (protocol == IpProtocol::Udp && checksum == be16{}) return;  // none was sent
  checksum = delta.apply(checksum);
  if (protocol == IpProtocol::Udp && checksum == be16{}) checksum = be16::from_host(0xffff);
}

// Echo messages quoted: new type, and a checksum that gains or loses the pseudo-header (`delta`).
DropReason rewrite_quoted_echo(std::span<std::byte> transport, uint8_t was_echo, uint8_t was_reply,
                               uint8_t now_echo, uint8_t now_reply, ChecksumDelta delta, PortChange port) {
  if (transport.empty()) return DropReason::None;
  auto& type = *reinterpret_cast<uint8_t*>(transport.data());
  const uint8_t old_type = type;
  if (type != was_echo && type != was_reply) return DropReason::IcmpTypeNotTranslatable;
  type = type == was_echo ? now_echo : now_reply;
  if (transport.size() < offsetof(IcmpHeader, checksum) + sizeof(be16)) return DropReason::None;
  auto& checksum = reinterpret_cast<IcmpHeader*>(transport.data())->checksum;
  delta.removed(uint32_t{old_type} << 8);
  delta.added(uint32_t{type} << 8);
  if (port.which != PortChange::Which::None && transport.size() >= sizeof(IcmpHeader))
    change_identifier(*reinterpret_cast<IcmpHeader*>(transport.data()), port.port, delta);
  checksum = delta.apply(checksum);
  return DropReason::None;
}

}  // namespace

Checked<std::size_t> inner_to_ipv6(const Ipv4View& quote, const Crossing6& crossing, uint8_t traffic_class,
                                   std::span<std::byte> out) noexcept {
  const Ipv4Header& was = quote.header();
  const bool is_fragment = was.is_fragment();
  const std::size_t front = sizeof(Ipv6Header) + (is_fragment ? sizeof(Ipv6FragmentHeader) : 0);
  const std::size_t original_payload = was.total_length.host() - quote.header_size();
  const IpProtocol protocol = was.protocol == IpProtocol::Icmp ? IpProtocol::Icmpv6 : was.protocol;
  if (was.protocol == IpProtocol::Icmpv6) return std::unexpected(DropReason::ProtocolNotTranslatable);

  auto& now = *reinterpret_cast<Ipv6Header*>(out.data());
  now.set_version_and_class(traffic_class);
  now.payload_length = be16::from_host(static_cast<uint16_t>(
      std::min<std::size_t>(UINT16_MAX, original_payload + front - sizeof(Ipv6Header))));
  now.next_header = is_fragment ? IpProtocol::Fragment : protocol;
  now.hop_limit = was.ttl;
  now.set_source(crossing.source);
  now.set_destination(crossing.destination);
  if (is_fragment)
    write_fragment_header(out.data() + sizeof(Ipv6Header), protocol, was.fragment_offset(),
                          was.more_fragments(), was.identification.host());

  const std::size_t kept = std::min(quote.payload().size(), out.size() - front);
  const auto transport = out.subspan(front, kept);
  if (kept > 0) std::memcpy(transport.data(), quote.payload().data(), kept);
  if (was.fragment_offset() != 0) return front + kept;

  ChecksumDelta delta;
  delta.added(crossing.source);
  delta.added(crossing.destination);
  if (protocol == IpProtocol::Icmpv6) {
    delta.added(static_cast<uint32_t>(original_payload));
    delta.added(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});
    const DropReason reason = rewrite_quoted_echo(transport, icmpv4::kEcho, icmpv4::kEchoReply, icmpv6::kEcho,
                                                  icmpv6::kEchoReply, delta, crossing.port);
    if (reason != DropReason::None) return std::unexpected(reason);
  } else {
    delta.removed(was.source());
    delta.removed(was.destination());
    rewrite_quoted_transport(transport, protocol, delta, crossing.port);
  }
  return front + kept;
}

Checked<std::size_t> inner_to_ipv4(const Ipv6View& quote, const Crossing4& crossing, uint8_t tos,
                                   std::span<std::byte> out) noexcept {
  const Ipv6Header& was = quote.header();
  const std::size_t skipped = quote.payload_offset() - sizeof(Ipv6Header);
  if (was.payload_length.host() < skipped) return std::unexpected(DropReason::InnerPacketTruncated);
  if (quote.protocol() == IpProtocol::Icmp) return std::unexpected(DropReason::ProtocolNotTranslatable);
  const std::size_t original_payload = was.payload_length.host() - skipped;
  const std::size_t total = std::min<std::size_t>(UINT16_MAX, sizeof(Ipv4Header) + original_payload);

  Ipv4Fields fields;
  fields.addresses = crossing;
  fields.tos = tos;
  fields.ttl = was.hop_limit;
  fields.protocol = quote.protocol() == IpProtocol::Icmpv6 ? IpProtocol::Icmp : quote.protocol();
  fields.total_length = static_cast<uint16_t>(total);
  uint16_t offset = 0;
  if (quote.has_fragment_header()) {
    const Ipv6FragmentHeader& fragment = quote.fragment_header();
    offset = fragment.fragment_offset();
    fields.identification = static_cast<uint16_t>(fragment.identification.host());
    fields.flags_fragment_offset =
        static_cast<uint16_t>(offset | (fragment.more_fragments() ? Ipv4Header::kMoreFragments : 0));
  } else if (total > kLargestWithoutDf) {
    fields.flags_fragment_offset = Ipv4Header::kDontFragment;
  }
  write_ipv4_header(out.data(), fields);

  const std::size_t kept = std::min(quote.payload().size(), out.size() - sizeof(Ipv4Header));
  const auto transport = out.subspan(sizeof(Ipv4Header), kept);
  if (kept > 0) std::memcpy(transport.data(), quote.payload().data(), kept);
  if (offset != 0) return sizeof(Ipv4Header) + kept;

  ChecksumDelta delta;
  delta.removed(was.source());
  delta.removed(was.destination());
  if (fields.protocol == IpProtocol::Icmp) {
    delta.removed(static_cast<uint32_t>(original_payload));
    delta.removed(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});
    const DropReason reason = rewrite_quoted_echo(transport, icmpv6::kEcho, icmpv6::kEchoReply, icmpv4::kEcho,
                                                  icmpv4::kEchoReply, delta, crossing.port);
    if (reason != DropReason::None) return std::unexpected(reason);
  } else {
    delta.added(crossing.source);
    delta.added(crossing.destination);
    rewrite_quoted_transport(transport, fields.protocol, delta, crossing.port);
  }
  return sizeof(Ipv4Header) + kept;
}

bool replace_packet(Packet& packet, std::span<const std::byte> content) noexcept {
  if (content.size() > packet.size() + packet.tailroom() + packet.headroom()) return false;
  const std::size_t fits_behind = packet.size() + packet.tailroom();
  if (content.size() > fits_behind) packet.reshape_front(0, content.size() - fits_behind);
  packet.resize(content.size());
  std::memcpy(packet.data(), content.data(), content.size());
  packet.offload = {};
  return true;
}

}  // namespace yonroku::carry
