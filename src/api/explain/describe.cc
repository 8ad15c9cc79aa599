#include "api/explain/describe.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/explain/icmp_facts.h"
#include "api/explain/packet_facts.h"

namespace yonroku::api {
namespace {

using Lines = std::vector<HeaderLine>;

void describe(std::span<const std::byte> bytes, unsigned depth, Lines& lines);

std::string octets(std::size_t count) { return fmt::format("{} octet{}", count, count == 1 ? "" : "s"); }

std::string fragment_words(const PacketFacts& packet) {
  if (!packet.is_fragment()) return "";
  return fmt::format(", fragment at offset {}, {}", packet.fragment_offset,
                     packet.more_fragments ? "more follow" : "the last");
}

// What the header promises, and what is there when that is something else.
std::string length_words(const PacketFacts& packet) {
  if (packet.size == packet.length) return octets(packet.length);
  return fmt::format("{} of which {} {} here", octets(packet.length), packet.size,
                     packet.size == 1 ? "is" : "are");
}

std::string padding_words(const PacketFacts& packet) {
  return fmt::format("{} and {} behind its end", octets(packet.length), packet.size - packet.length);
}

HeaderLine ipv4_line(const PacketFacts& packet, unsigned depth) {
  std::string text =
      fmt::format("{} → {}, TTL {}, TOS 0x{:02x}, id 0x{:04x}", packet.source, packet.destination,
                  packet.hop_limit, packet.traffic_class, packet.identification);
  if (packet.dont_fragment) text += ", DF";
  text += fragment_words(packet) + ", " +
          (packet.size > packet.length ? padding_words(packet) : length_words(packet));
  if (packet.is_header_checksum_wrong) text += ", header checksum wrong";
  return {"IPv4", text, depth};
}

HeaderLine ipv6_line(const PacketFacts& packet, unsigned depth) {
  std::string text = fmt::format("{} → {}, hop limit {}, traffic class 0x{:02x}", packet.source,
                                 packet.destination, packet.hop_limit, packet.traffic_class);
  if (packet.flow_label != 0) text += fmt::format(", flow label 0x{:05x}", packet.flow_label);
  text += ", " + (packet.size > packet.length ? padding_words(packet) : length_words(packet));
  return {"IPv6", text, depth};
}

std::string checksum_words(const PacketFacts& packet) {
  const auto field = checksum_field(packet);
  if (!field) return "";
  const auto fact = checksum_of(packet);
  if (!fact) {
    const bool is_none = *field == 0 && packet.protocol == IpProtocol::Udp && packet.version == 4;
    return is_none ? ", no checksum" : fmt::format(", checksum 0x{:04x}", *field);
  }
  if (fact->is_absent) return ", no checksum";
  if (fact->is_right()) return fmt::format(", checksum 0x{:04x} (right)", fact->found);
  return fmt::format(", checksum 0x{:04x} (wrong: 0x{:04x} would be right)", fact->found, fact->expected);
}

std::string tcp_flags(uint8_t flags) {
  constexpr std::pair<uint8_t, const char*> kNames[] = {{TcpHeader::kSyn, "SYN"},
                                                        {TcpHeader::kFin, "FIN"},
                                                        {TcpHeader::kRst, "RST"},
                                                        {TcpHeader::kPsh, "PSH"},
                                                        {TcpHeader::kAck, "ACK"},
                                                        {0x20, "URG"},
                                                        {0x40, "ECE"},
                                                        {0x80, "CWR"}};
  std::string words;
  for (const auto& [bit, name] : kNames)
    if ((flags & bit) != 0) words += std::string(words.empty() ? "" : " ") + name;
  return words.empty() ? "no flags" : words;
}

void add_data(std::size_t size, unsigned depth, Lines& lines) {
  if (size > 0) lines.push_back({"data", octets(size), depth});
}

void describe_tcp(const PacketFacts& packet, unsigned depth, Lines& lines) {
  const auto* tcp = header_at<TcpHeader>(packet.payload);
  if (tcp == nullptr) {
    // RFC 792: a quote needs to hold no more than the ports.
    const auto* ports = header_at<UdpHeader>(packet.payload);
    if (ports == nullptr) return add_data(packet.payload.size(), depth, lines);
    lines.push_back({"TCP",
                     fmt::format("{} → {}, cut off after {}", ports->source_port.host(),
                                 ports->destination_port.host(), octets(packet.payload.size())),
                     depth});
    return;
  }
  std::string text = fmt::format("{} → {}, {}, seq {}", tcp->source_port.host(), tcp->destination_port.host(),
                                 tcp_flags(tcp->flags), tcp->sequence.host());
  if ((tcp->flags & TcpHeader::kAck) != 0) text += fmt::format(", ack {}", tcp->acknowledgment.host());
  if (const auto mss = mss_of(packet)) text += fmt::format(", MSS {}", *mss);
  lines.push_back({"TCP", text + checksum_words(packet), depth});
  add_data(packet.payload.size() - std::min(packet.payload.size(), tcp->header_size()), depth, lines);
}

void describe_udp(const PacketFacts& packet, unsigned depth, Lines& lines) {
  const auto* udp = header_at<UdpHeader>(packet.payload);
  if (udp == nullptr) return add_data(packet.payload.size(), depth, lines);
  lines.push_back({"UDP",
                   fmt::format("{} → {}, length {}{}", udp->source_port.host(), udp->destination_port.host(),
                               udp->length.host(), checksum_words(packet)),
                   depth});
  add_data(packet.payload.size() - sizeof(UdpHeader), depth, lines);
}

void describe_icmp(const PacketFacts& packet, unsigned depth, Lines& lines) {
  const IcmpHeader* icmp = icmp_header(packet);
  if (icmp == nullptr) return add_data(packet.payload.size(), depth, lines);
  std::string text = icmp_name(packet.version, icmp->type, icmp->code);
  if (const auto mtu = icmp_mtu(packet.version, *icmp)) text += fmt::format(", MTU {}", *mtu);
  if (const auto pointer = icmp_pointer(packet.version, *icmp)) text += fmt::format(", pointer {}", *pointer);
  const bool is_echo = packet.version == 4 ? icmp->type == icmpv4::kEcho || icmp->type == icmpv4::kEchoReply
                                           : icmp->type == icmpv6::kEcho || icmp->type == icmpv6::kEchoReply;
  if (is_echo) text += fmt::format(", id {}, seq {}", icmp->rest_value() >> 16, icmp->rest_value() & 0xffff);
  lines.push_back({packet.version == 4 ? "ICMP" : "ICMPv6", text + checksum_words(packet), depth});

  const auto error = icmp_error_parts(packet);
  if (!error) return add_data(packet.payload.size() - sizeof(IcmpHeader), depth, lines);
  if (depth == 0)
    describe(error->quote, depth + 1, lines);
  else
    add_data(error->quote.size(), depth, lines);
  if (!error->extensions.empty())
    lines.push_back({"extension", describe_extensions(error->extensions), depth});
}

void describe_payload(const PacketFacts& packet, unsigned depth, Lines& lines) {
  if (!packet.has_transport_header()) {
    lines.push_back({"data", octets(packet.payload.size()) + " of " + protocol_name(packet.protocol), depth});
    return;
  }
  if (packet.protocol == IpProtocol::Tcp) return describe_tcp(packet, depth, lines);
  if (packet.protocol == IpProtocol::Udp) return describe_udp(packet, depth, lines);
  if (packet.is_icmp()) return describe_icmp(packet, depth, lines);
  if (inner_packet(packet)) return describe(packet.payload, depth, lines);
  if (packet.protocol == IpProtocol::NoNextHeader && packet.payload.empty()) return;
  lines.push_back({protocol_name(packet.protocol), octets(packet.payload.size()), depth});
}

void describe(std::span<const std::byte> bytes, unsigned depth, Lines& lines) {
  constexpr std::size_t kShown = 40;
  const auto packet = PacketFacts::read(bytes);
  if (!packet) {
    if (bytes.empty()) return lines.push_back({"nothing", "not a single octet", depth});
    lines.push_back(
        {"octets",
         fmt::format("{} without a whole IP header: {}{}", octets(bytes.size()),
                     to_hex(bytes.first(std::min(bytes.size(), kShown))), bytes.size() > kShown ? " …" : ""),
         depth});
    return;
  }
  lines.push_back(packet->version == 4 ? ipv4_line(*packet, depth) : ipv6_line(*packet, depth));
  const char* kind = packet->version == 4 ? "option" : "extension";
  const auto limit = encapsulation_limit_of(bytes);
  for (const std::string& name : packet->skipped) {
    const bool has_limit = limit && name == "Destination Options";
    lines.push_back(
        {kind, has_limit ? fmt::format("{}: tunnel encapsulation limit {}", name, *limit) : name, depth});
  }
  if (packet->has_fragment_header) {
    const std::string where =
        packet->is_fragment() ? fragment_words(*packet).substr(2) : "atomic: a whole packet";
    lines.push_back({"Fragment", fmt::format("id 0x{:08x}, {}", packet->identification, where), depth});
  }
  describe_payload(*packet, depth, lines);
}

}  // namespace

std::vector<HeaderLine> describe_packet(std::span<const std::byte> bytes) {
  Lines lines;
  describe(bytes, 0, lines);
  return lines;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(bytes.size() * 3);
  for (const std::byte octet : bytes)
    fmt::format_to(std::back_inserter(text), "{}{:02x}", text.empty() ? "" : " ",
                   static_cast<unsigned>(octet));
  return text;
}

}  // namespace yonroku::api
