#include "api/explain/packet_facts.h"

#include <algorithm>

#include "packet/checksum.h"

namespace yonroku::api {
namespace {

std::string option_name(uint8_t type) {
  switch (type) {
    case 1: return "No Operation";
    case 7: return "Record Route";
    case 68: return "Timestamp";
    case 130: return "Security";
    case 131: return "Loose Source Route";
    case 136: return "Stream Identifier";
    case 137: return "Strict Source Route";
    case 148: return "Router Alert";
    default: return "option " + std::to_string(type);
  }
}

// RFC 791 §3.1: a type octet; all but End of Options and No Operation have a length octet.
std::vector<std::string> option_names(std::span<const std::byte> options) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < options.size();) {
    const auto type = static_cast<uint8_t>(options[at]);
    if (type == 0) break;
    names.push_back(option_name(type));
    const auto length = type == 1                 ? std::size_t{1}
                        : at + 1 < options.size() ? static_cast<std::size_t>(options[at + 1])
                                                  : std::size_t{0};
    if (length == 0) break;
    at += length;
  }
  // Padding says nothing.
  if (std::ranges::any_of(names, [](const auto& name) { return name != "No Operation"; }))
    std::erase(names, "No Operation");
  return names;
}

bool is_skipped_header(IpProtocol p) {
  return p == IpProtocol::HopByHopOptions || p == IpProtocol::Routing || p == IpProtocol::DestinationOptions;
}

std::string extension_header_name(IpProtocol p, const Ipv6ExtensionHeader& header) {
  if (p == IpProtocol::HopByHopOptions) return "Hop-by-Hop Options";
  if (p == IpProtocol::DestinationOptions) return "Destination Options";
  return "Routing (type " + std::to_string(header.routing_type) + ", segments left " +
         std::to_string(header.segments_left) + ")";
}

// RFC 8200 §4: the headers between the IPv6 header and the upper layer, up to and including a Fragment
// Header.
void walk_extension_headers(std::span<const std::byte> bytes, PacketFacts& packet) {
  constexpr unsigned kMany = 64;
  for (unsigned i = 0; i < kMany && packet.payload_offset < bytes.size(); ++i) {
    const auto rest = bytes.subspan(packet.payload_offset);
    if (packet.protocol == IpProtocol::Fragment) {
      const auto* fragment = header_at<Ipv6FragmentHeader>(rest);
      if (fragment == nullptr) return;
      packet.has_fragment_header = true;
      packet.fragment_offset = fragment->fragment_offset() * std::size_t{8};
      packet.more_fragments = fragment->more_fragments();
      packet.identification = fragment->identification.host();
      packet.protocol = fragment->next_header;
      packet.payload_offset += sizeof(Ipv6FragmentHeader);
      return;
    }
    if (!is_skipped_header(packet.protocol)) return;
    const auto* header = header_at<Ipv6ExtensionHeader>(rest);
    if (header == nullptr) return;
    packet.skipped.push_back(extension_header_name(packet.protocol, *header));
    packet.protocol = header->next_header;
    packet.payload_offset += (header->length + std::size_t{1}) * 8;
  }
}

std::optional<PacketFacts> read_ipv4(std::span<const std::byte> bytes) {
  const auto* header = header_at<Ipv4Header>(bytes);
  if (header == nullptr) return std::nullopt;
  PacketFacts packet;
  packet.version = 4;
  packet.source = header->source().to_string();
  packet.destination = header->destination().to_string();
  packet.traffic_class = header->tos;
  packet.hop_limit = header->ttl;
  packet.length = header->total_length.host();
  packet.payload_offset = std::max(header->header_size(), sizeof(Ipv4Header));
  packet.protocol = header->protocol;
  packet.dont_fragment = header->dont_fragment();
  packet.more_fragments = header->more_fragments();
  packet.fragment_offset = header->fragment_offset() * std::size_t{8};
  packet.identification = header->identification.host();
  packet.pseudo_header_addresses = bytes.subspan(offsetof(Ipv4Header, source_wire), 8);
  if (packet.payload_offset <= bytes.size()) {
    const auto whole_header = bytes.first(packet.payload_offset);
    packet.skipped = option_names(whole_header.subspan(sizeof(Ipv4Header)));
    OnesSum sum;
    sum.add(whole_header);
    packet.is_header_checksum_wrong = sum.folded() != 0xffff;
  }
  return packet;
}

std::optional<PacketFacts> read_ipv6(std::span<const std::byte> bytes) {
  const auto* header = header_at<Ipv6Header>(bytes);
  if (header == nullptr) return std::nullopt;
  PacketFacts packet;
  packet.version = 6;
  packet.source = header->source().to_string();
  packet.destination = header->destination().to_string();
  packet.traffic_class = header->traffic_class();
  packet.hop_limit = header->hop_limit;
  packet.flow_label = header->version_class_flow.host() & 0xfffff;
  packet.length = sizeof(Ipv6Header) + header->payload_length.host();
  packet.payload_offset = sizeof(Ipv6Header);
  packet.protocol = header->next_header;
  packet.pseudo_header_addresses = bytes.subspan(offsetof(Ipv6Header, source_wire), 32);
  walk_extension_headers(bytes.first(std::min(bytes.size(), packet.length)), packet);
  return packet;
}

std::optional<std::size_t> checksum_offset(const PacketFacts& packet) {
  switch (packet.protocol) {
    case IpProtocol::Tcp: return offsetof(TcpHeader, checksum);
    case IpProtocol::Udp: return offsetof(UdpHeader, checksum);
    case IpProtocol::Icmp:
    case IpProtocol::Icmpv6: return offsetof(IcmpHeader, checksum);
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<PacketFacts> PacketFacts::read(std::span<const std::byte> bytes) {
  if (bytes.empty()) return std::nullopt;
  const unsigned version = static_cast<unsigned>(bytes[0]) >> 4;
  auto packet = version == 4 ? read_ipv4(bytes) : version == 6 ? read_ipv6(bytes) : std::nullopt;
  if (!packet) return std::nullopt;
  packet->size = bytes.size();
  const std::size_t end = std::min(bytes.size(), packet->length);
  if (packet->payload_offset < end)
    packet->payload = bytes.subspan(packet->payload_offset, end - packet->payload_offset);
  return packet;
}

std::optional<PacketFacts> inner_packet(const PacketFacts& outer) {
  if (outer.version != 6 || outer.protocol != IpProtocol::Ipv4 || !outer.has_transport_header())
    return std::nullopt;
  const bool is_ipv4 = !outer.payload.empty() && static_cast<unsigned>(outer.payload[0]) >> 4 == 4;
  return is_ipv4 ? PacketFacts::read(outer.payload) : std::nullopt;
}

std::optional<uint8_t> encapsulation_limit_of(std::span<const std::byte> packet) {
  constexpr uint8_t kOption = 4, kPad1 = 0;
  const auto* header = header_at<Ipv6Header>(packet);
  if (header == nullptr || header->version() != 6) return std::nullopt;
  IpProtocol next = header->next_header;
  std::size_t at = sizeof(Ipv6Header);
  while (is_skipped_header(next) || next == IpProtocol::Fragment) {
    const auto* extension = header_at<Ipv6ExtensionHeader>(packet.subspan(std::min(at, packet.size())));
    if (extension == nullptr) return std::nullopt;
    const std::size_t size =
        next == IpProtocol::Fragment ? sizeof(Ipv6FragmentHeader) : (extension->length + std::size_t{1}) * 8;
    const std::size_t end = std::min(at + size, packet.size());
    if (next == IpProtocol::DestinationOptions)
      for (std::size_t option = at + 2; option + 2 < end;) {
        const auto type = static_cast<uint8_t>(packet[option]);
        if (type == kOption) return static_cast<uint8_t>(packet[option + 2]);
        option += type == kPad1 ? 1 : std::size_t{2} + static_cast<std::size_t>(packet[option + 1]);
      }
    next = extension->next_header;
    at += size;
  }
  return std::nullopt;
}

std::optional<uint16_t> checksum_field(const PacketFacts& packet) {
  const auto offset = checksum_offset(packet);
  if (!offset || !packet.has_transport_header() || *offset + sizeof(be16) > packet.payload.size())
    return std::nullopt;
  return reinterpret_cast<const be16*>(packet.payload.data() + *offset)->host();
}

std::optional<ChecksumFact> checksum_of(const PacketFacts& packet) {
  const auto found = checksum_field(packet);
  if (!found || !packet.is_whole()) return std::nullopt;
  if (packet.protocol == IpProtocol::Udp && packet.version == 4 && *found == 0)
    return ChecksumFact{0, 0, true};
  OnesSum sum;
  if (packet.protocol != IpProtocol::Icmp) {  // RFC 9293 §3.1, RFC 768, RFC 8200 §8.1
    sum.add(packet.pseudo_header_addresses);
    sum.add(static_cast<uint32_t>(packet.payload.size()));
    sum.add(uint32_t{static_cast<uint8_t>(packet.protocol)});
  }
  sum.add(packet.payload);
  sum.subtract(be16::from_host(*found));
  uint16_t expected = sum.checksum().host();
  if (expected == 0 && (packet.protocol == IpProtocol::Udp || *found == 0xffff)) expected = 0xffff;
  return ChecksumFact{*found, expected, false};
}

std::optional<uint16_t> mss_of(const PacketFacts& packet) {
  const auto* tcp = header_at<TcpHeader>(packet.payload);
  if (packet.protocol != IpProtocol::Tcp || !packet.has_transport_header() || tcp == nullptr ||
      (tcp->flags & TcpHeader::kSyn) == 0)
    return std::nullopt;
  const std::size_t end = std::min(tcp->header_size(), packet.payload.size());
  for (std::size_t at = sizeof(TcpHeader); at + 1 < end;) {
    const auto kind = static_cast<uint8_t>(packet.payload[at]);
    const auto length = static_cast<uint8_t>(packet.payload[at + 1]);
    if (kind == 0) return std::nullopt;
    if (kind == 2 && length == 4 && at + 4 <= end)
      return reinterpret_cast<const be16*>(packet.payload.data() + at + 2)->host();
    if (kind != 1 && length < 2) return std::nullopt;
    at += kind == 1 ? 1 : length;
  }
  return std::nullopt;
}

std::string protocol_name(IpProtocol protocol) {
  switch (protocol) {
    case IpProtocol::HopByHopOptions: return "Hop-by-Hop Options";
    case IpProtocol::Icmp: return "ICMP";
    case IpProtocol::Igmp: return "IGMP";
    case IpProtocol::Ipv4: return "IPv4 in IP";
    case IpProtocol::Tcp: return "TCP";
    case IpProtocol::Udp: return "UDP";
    case IpProtocol::Ipv6: return "IPv6 in IP";
    case IpProtocol::Routing: return "Routing";
    case IpProtocol::Fragment: return "Fragment";
    case IpProtocol::EncapsulatingSecurityPayload: return "ESP";
    case IpProtocol::AuthenticationHeader: return "AH";
    case IpProtocol::Icmpv6: return "ICMPv6";
    case IpProtocol::NoNextHeader: return "no next header";
    case IpProtocol::DestinationOptions: return "Destination Options";
    case IpProtocol::Mobility: return "Mobility";
  }
  switch (static_cast<uint8_t>(protocol)) {
    case 33: return "DCCP";
    case 47: return "GRE";
    case 89: return "OSPF";
    case 103: return "PIM";
    case 132: return "SCTP";
    case 136: return "UDP-Lite";
    default: return "protocol " + std::to_string(static_cast<unsigned>(protocol));
  }
}

}  // namespace yonroku::api
