// What a packet is for those who count it: where it goes and what it carries. For packets that are not
// forwarded, whose headers nobody has taken apart or which are wrong: anything may be given.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/headers.h"

namespace yonroku::observe {

enum class Direction : uint8_t { ToIpv6, ToIpv4, Hairpin };
inline constexpr std::size_t kDirections = 3;
inline constexpr const char* kDirectionLabels[] = {"to-ipv6", "to-ipv4", "hairpin"};

enum class Protocol : uint8_t { Tcp, Udp, Icmp, Other };
inline constexpr std::size_t kProtocols = 4;
inline constexpr const char* kProtocolLabels[] = {"tcp", "udp", "icmp", "other"};

constexpr const char* label(Direction direction) {
  return kDirectionLabels[static_cast<std::size_t>(direction)];
}
constexpr const char* label(Protocol protocol) { return kProtocolLabels[static_cast<std::size_t>(protocol)]; }

constexpr Protocol protocol_of(IpProtocol p) {
  if (p == IpProtocol::Tcp) return Protocol::Tcp;
  if (p == IpProtocol::Udp) return Protocol::Udp;
  return p == IpProtocol::Icmp || p == IpProtocol::Icmpv6 ? Protocol::Icmp : Protocol::Other;
}

// As the packet came: what is IPv6 goes to IPv4, the rest to IPv6. Whether it would have been a hairpin
// nobody knows of one that is not forwarded.
struct PacketKind {
  Direction direction = Direction::ToIpv6;
  Protocol protocol = Protocol::Other;
};
inline constexpr std::size_t kArrivals = 2;

// A number for each kind.
template <class Number>
struct ByKind {
  std::array<std::array<Number, kProtocols>, kArrivals> numbers{};
  Number& operator[](PacketKind kind) {
    return numbers[static_cast<std::size_t>(kind.direction)][static_cast<std::size_t>(kind.protocol)];
  }
  const Number& operator[](PacketKind kind) const { return const_cast<ByKind&>(*this)[kind]; }
};

template <class Visit>
constexpr void for_each_kind(Visit&& visit) {
  for (std::size_t d = 0; d < kArrivals; ++d)
    for (std::size_t p = 0; p < kProtocols; ++p)
      visit(PacketKind{static_cast<Direction>(d), static_cast<Protocol>(p)});
}

// In a tunnel the protocol is the inner packet's. Other: every other protocol, and what can't be seen - a
// truncated header, what a later fragment of a tunnel's packet carries.
[[nodiscard]] PacketKind kind_of(std::span<const std::byte> packet) noexcept;

// Whether it is an ICMPv4 "fragmentation needed" (RFC 792) or an ICMPv6 "packet too big" (RFC 4443 §3.2), in
// a tunnel too.
[[nodiscard]] bool says_too_big(std::span<const std::byte> packet) noexcept;

}  // namespace yonroku::observe
