#include "packet/flow.h"

namespace yonroku {
namespace {

struct PortPair {
  be16 source;
  be16 destination;
};
static_assert(sizeof(PortPair) == 4 && alignof(PortPair) == 1);

// TCP, UDP, DCCP (RFC 4340 §5.1), SCTP (RFC 9260 §3.1) and UDP-Lite (RFC 3828 §3.1) begin with their ports.
constexpr bool has_ports(IpProtocol p) {
  constexpr uint8_t kDccp = 33, kSctp = 132, kUdpLite = 136;
  const auto number = static_cast<uint8_t>(p);
  return p == IpProtocol::Tcp || p == IpProtocol::Udp || number == kDccp || number == kSctp ||
         number == kUdpLite;
}

constexpr bool is_query(uint8_t type) {
  constexpr uint8_t kTimestamp = 13, kAddressMaskReply = 18;
  return type == icmpv4::kEcho || type == icmpv4::kEchoReply ||
         (type >= kTimestamp && type <= kAddressMaskReply);
}

uint16_t identifier(const IcmpHeader& icmp) {
  return static_cast<uint16_t>(icmp.rest[0] << 8 | icmp.rest[1]);
}

Checked<Ipv4Flow> of_icmp(const Ipv4View& ip, Ipv4Flow flow) noexcept {
  const auto payload = ip.payload();
  if (payload.size() < sizeof(IcmpHeader)) return std::unexpected(DropReason::TruncatedHeader);
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(payload.data());
  if (is_query(icmp.type)) {
    flow.source_port = flow.destination_port = identifier(icmp);
    flow.ports = Ipv4Flow::Ports::Present;
  } else if (icmpv4::is_error(icmp.type)) {
    flow.is_icmp_error = true;
    const auto quote = Ipv4View::parse_quote(payload.subspan(sizeof(IcmpHeader)));
    if (!quote) {
      flow.ports = Ipv4Flow::Ports::CutOff;
      return flow;
    }
    const auto quoted = Ipv4Flow::of_quoted(*quote);
    if (!quoted) return std::unexpected(quoted.error());
    flow.source_port = quoted->destination_port;
    flow.destination_port = quoted->source_port;
    // An error about a later fragment has no ports to go by, and none to wait for.
    flow.ports = quoted->ports == Ipv4Flow::Ports::Fragment ? Ipv4Flow::Ports::None : quoted->ports;
  }
  return flow;
}

}  // namespace

Checked<Ipv4Flow> Ipv4Flow::of(const Ipv4View& ip) noexcept {
  const Ipv4Header& header = ip.header();
  Ipv4Flow flow;
  flow.source = header.source();
  flow.destination = header.destination();
  flow.protocol = header.protocol;
  if (header.is_fragment()) [[unlikely]] {
    flow.ports = Ports::Fragment;
    return flow;
  }
  if (has_ports(header.protocol)) [[likely]] {
    const auto payload = ip.payload();
    if (payload.size() < sizeof(PortPair)) return std::unexpected(DropReason::TruncatedHeader);
    const auto& ports = *reinterpret_cast<const PortPair*>(payload.data());
    flow.source_port = ports.source.host();
    flow.destination_port = ports.destination.host();
    flow.ports = Ports::Present;
    return flow;
  }
  return header.protocol == IpProtocol::Icmp ? of_icmp(ip, flow) : flow;
}

Checked<Ipv4Flow> Ipv4Flow::of_quoted(const Ipv4View& quote) noexcept {
  Ipv4Flow flow;
  const Ipv4Header& header = quote.header();
  flow.source = header.source();
  flow.destination = header.destination();
  flow.protocol = header.protocol;
  if (header.fragment_offset() != 0) {
    flow.ports = Ports::Fragment;
    return flow;
  }
  const auto payload = quote.payload();
  if (has_ports(header.protocol)) {
    if (payload.size() < sizeof(PortPair)) {
      flow.ports = Ports::CutOff;
      return flow;
    }
    const auto& ports = *reinterpret_cast<const PortPair*>(payload.data());
    flow.source_port = ports.source.host();
    flow.destination_port = ports.destination.host();
    flow.ports = Ports::Present;
  } else if (header.protocol == IpProtocol::Icmp) {
    if (payload.size() < sizeof(IcmpHeader)) {
      flow.ports = Ports::CutOff;
      return flow;
    }
    const auto& icmp = *reinterpret_cast<const IcmpHeader*>(payload.data());
    if (icmpv4::is_error(icmp.type)) return std::unexpected(DropReason::InnerPacketIsIcmpError);
    if (is_query(icmp.type)) {
      flow.source_port = flow.destination_port = identifier(icmp);
      flow.ports = Ports::Present;
    }
  }
  return flow;
}

Checked<Ipv6SourcePort> Ipv6SourcePort::of_quoted(const Ipv6View& quote) noexcept {
  Ipv6SourcePort found;
  if (quote.is_fragment() && quote.fragment_header().fragment_offset() != 0) return found;
  const auto payload = quote.payload();
  if (has_ports(quote.protocol())) {
    if (payload.size() < sizeof(PortPair)) return Ipv6SourcePort{Ipv4Flow::Ports::CutOff, 0};
    return Ipv6SourcePort{Ipv4Flow::Ports::Present,
                          reinterpret_cast<const PortPair*>(payload.data())->destination.host()};
  }
  if (quote.protocol() != IpProtocol::Icmpv6) return found;
  if (payload.size() < sizeof(IcmpHeader)) return Ipv6SourcePort{Ipv4Flow::Ports::CutOff, 0};
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(payload.data());
  if (icmpv6::is_error(icmp.type)) return std::unexpected(DropReason::InnerPacketIsIcmpError);
  if (icmp.type == icmpv6::kEcho || icmp.type == icmpv6::kEchoReply)
    return Ipv6SourcePort{Ipv4Flow::Ports::Present, identifier(icmp)};
  return found;
}

Checked<Ipv6SourcePort> Ipv6SourcePort::of(const Ipv6View& ip) noexcept {
  if (ip.is_fragment()) [[unlikely]]
    return Ipv6SourcePort{Ipv4Flow::Ports::Fragment, 0};
  const auto payload = ip.payload();
  if (has_ports(ip.protocol())) [[likely]] {
    if (payload.size() < sizeof(PortPair)) return std::unexpected(DropReason::TruncatedHeader);
    return Ipv6SourcePort{Ipv4Flow::Ports::Present,
                          reinterpret_cast<const PortPair*>(payload.data())->source.host()};
  }
  if (ip.protocol() != IpProtocol::Icmpv6) return Ipv6SourcePort{};
  if (payload.size() < sizeof(IcmpHeader)) return std::unexpected(DropReason::TruncatedHeader);
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(payload.data());
  if (icmp.type == icmpv6::kEcho || icmp.type == icmpv6::kEchoReply)
    return Ipv6SourcePort{Ipv4Flow::Ports::Present, identifier(icmp)};
  return Ipv6SourcePort{};
}

}  // namespace yonroku
