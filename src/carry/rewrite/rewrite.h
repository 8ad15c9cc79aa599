// The one rewriter of IPv4 packets that stay IPv4 (RFC 3022 §2.2, §4.1): addresses, a port or an ICMP
// identifier and the checksums over them, where they stand. A packet keeps its size, its options and its time
// to live; super-packets are rewritten whole.
#pragma once

#include <cstddef>
#include <span>

#include "carry/crossing.h"
#include "carry/translate/icmp_error.h"
#include "carry/translate/transport.h"
#include "packet/ipv4_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

// Before anything is written: whether the IPv4 packet `ip`, which begins `at` octets into `packet` and is no
// fragment, can be rewritten, and how. ToIpv4: it can. Otherwise truncated-header, bad-offload-metadata, or
// Segment where its checksum must be completed first.
Verdict plan_rewrite(const Packet& packet, std::size_t at, const Ipv4View& ip, TransportPlan& plan) noexcept;

// Gives the packet its new addresses and its new port. `ipv4` begins with its header.
void rewrite(std::span<std::byte> ipv4, const TransportPlan& plan, const Crossing4& crossing) noexcept;

// The same for an ICMP error that Icmpv4Error::parse() has accepted, and for the packet that it quotes (RFC
// 3022 §4.3, RFC 5508 §4.2.1): `quoted` are that packet's new addresses and port.
void rewrite_error(std::span<std::byte> ipv4, const Crossing4& outer, const Crossing4& quoted) noexcept;

}  // namespace yonroku::carry
