// What a NAT wants to know of a packet's transport header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hot.h"
#include "packet/headers.h"
#include "packet/ipv6_view.h"
#include "packet/verdict.h"
#include "share/nat/nat_settings.h"

namespace yonroku::mechanism {

enum class Family : uint8_t { Ipv4, Ipv6 };

struct NatTransport {
  share::NatProtocol protocol{};
  uint8_t tcp_flags = 0;
  uint16_t source_port = 0;  // both: of an ICMP query the identifier
  uint16_t destination_port = 0;

  // protocol-not-natted, truncated-header, icmp-type-not-translatable.
  static DropReason read(IpProtocol protocol, std::span<const std::byte> payload, Family family,
                         NatTransport& transport) noexcept;
  // The same of a packet that an ICMP error quotes: ports are enough.
  static bool read_quoted(IpProtocol protocol, std::span<const std::byte> payload,
                          NatTransport& transport) noexcept;

  // Likewise, and no later fragment, which has no ports.
  static bool read_quoted(const Ipv6View& quote, NatTransport& transport) noexcept {
    const bool is_later_fragment =
        quote.has_fragment_header() && quote.fragment_header().fragment_offset() != 0;
    return !is_later_fragment && read_quoted(quote.protocol(), quote.payload(), transport);
  }

  // The port of whoever has it as his: of ICMP queries both ends have the identifier, and only the inside's
  // counts (RFC 6146 §3.2).
  [[nodiscard]] uint16_t remote(uint16_t port) const {
    return protocol == share::NatProtocol::Icmp ? uint16_t{0} : port;
  }

 private:
  static uint16_t port_at(std::span<const std::byte> at, std::size_t offset) {
    return static_cast<uint16_t>(static_cast<unsigned>(at[offset]) << 8 |
                                 static_cast<unsigned>(at[offset + 1]));
  }
};

YONROKU_HOT_INLINE DropReason NatTransport::read(IpProtocol protocol, std::span<const std::byte> payload,
                                                 Family family, NatTransport& transport) noexcept {
  using share::NatProtocol;
  if (protocol == IpProtocol::Tcp) {
    if (payload.size() < sizeof(TcpHeader)) return DropReason::TruncatedHeader;
    transport.protocol = NatProtocol::Tcp;
    transport.tcp_flags = reinterpret_cast<const TcpHeader*>(payload.data())->flags;
  } else if (protocol == IpProtocol::Udp) {
    if (payload.size() < sizeof(UdpHeader)) return DropReason::TruncatedHeader;
    transport.protocol = NatProtocol::Udp;
  } else {
    if (protocol != (family == Family::Ipv4 ? IpProtocol::Icmp : IpProtocol::Icmpv6))
      return DropReason::ProtocolNotNatted;
    if (payload.size() < sizeof(IcmpHeader)) return DropReason::TruncatedHeader;
    const uint8_t type = reinterpret_cast<const IcmpHeader*>(payload.data())->type;
    const bool is_echo = family == Family::Ipv4 ? type == icmpv4::kEcho || type == icmpv4::kEchoReply
                                                : type == icmpv6::kEcho || type == icmpv6::kEchoReply;
    if (!is_echo) return DropReason::IcmpTypeNotTranslatable;
    transport.protocol = NatProtocol::Icmp;
    transport.source_port = transport.destination_port = port_at(payload, offsetof(IcmpHeader, rest));
    return DropReason::None;
  }
  transport.source_port = port_at(payload, 0);
  transport.destination_port = port_at(payload, 2);
  return DropReason::None;
}

YONROKU_HOT_INLINE bool NatTransport::read_quoted(IpProtocol protocol, std::span<const std::byte> payload,
                                                  NatTransport& transport) noexcept {
  using share::NatProtocol;
  if (protocol == IpProtocol::Tcp || protocol == IpProtocol::Udp) {
    if (payload.size() < 4) return false;
    transport.protocol = protocol == IpProtocol::Tcp ? NatProtocol::Tcp : NatProtocol::Udp;
    transport.source_port = port_at(payload, 0);
    transport.destination_port = port_at(payload, 2);
    return true;
  }
  if ((protocol != IpProtocol::Icmp && protocol != IpProtocol::Icmpv6) || payload.size() < sizeof(IcmpHeader))
    return false;
  transport.protocol = NatProtocol::Icmp;
  transport.source_port = transport.destination_port = port_at(payload, offsetof(IcmpHeader, rest));
  return true;
}

}  // namespace yonroku::mechanism
