// The PROXY protocol's header, version 2: a TCP connection begins with it, and it says who the client is whom
// the server cannot see (HAProxy's proxy-protocol.txt, "Binary header format"). Here it is put into a segment
// on its way. Pure.
//
//   signature (12) | version, command (1) | family, transport (1) | length of the rest (2) |
//   client's IPv6 address (16) | virtual address (16) | client's port (2) | its port (2)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/ipv6_address.h"
#include "packet/packet.h"

namespace yonroku::carry {

inline constexpr std::size_t kProxyHeaderSize = 52;

struct ProxiedConnection {
  Ipv6Address client;
  Ipv6Address server;
  uint16_t client_port = 0;
  uint16_t server_port = 0;
};
[[nodiscard]] std::array<std::byte, kProxyHeaderSize> proxy_header(
    const ProxiedConnection& connection) noexcept;

// Puts it in front of what the TCP segment carries: an IPv4 packet without options, no super-packet, with a
// whole TCP header, kProxyHeaderSize octets of headroom and as many less than 65535.
void insert_proxy_header(Packet& packet, const ProxiedConnection& connection) noexcept;

// The MSS that a SYN announces, if it does, becomes so much less, and 64 at least: RFC 9293 §3.7.1. The
// segment is a whole TCP header.
void lower_mss(std::span<std::byte> tcp, uint16_t by, bool is_partial_checksum) noexcept;

}  // namespace yonroku::carry
