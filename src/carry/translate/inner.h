// The packet quoted by an ICMP error (RFC 7915 §4.3, §5.3): translated like any other but for TTL,
// fragmentation and what is missing of it. Internal to carry/translate.
#pragma once

#include <cstddef>
#include <span>

#include "carry/crossing.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

// Writes the translated quote into `out`, cut at its end; returns its size. icmp-type-not-translatable,
// protocol-not-translatable, inner-packet-truncated.
Checked<std::size_t> inner_to_ipv6(const Ipv4View& quote, const Crossing6& crossing, uint8_t traffic_class,
                                   std::span<std::byte> out) noexcept;
Checked<std::size_t> inner_to_ipv4(const Ipv6View& quote, const Crossing4& crossing, uint8_t tos,
                                   std::span<std::byte> out) noexcept;

// Lays `content` over the packet. False when the packet's buffer is too small.
bool replace_packet(Packet& packet, std::span<const std::byte> content) noexcept;

}  // namespace yonroku::carry
