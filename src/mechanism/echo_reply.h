// Addresses of our own that people ping answer (RFC 4443 §4.2).
#pragma once

#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/trace.h"
#include "packet/verdict.h"

namespace yonroku::mechanism {

// Makes the answer of an ICMPv6 echo request to one of our addresses; the request is a whole ICMP header, and
// no super-packet.
Verdict answer_echo(Packet& packet, const Ipv6View& ip, Trace* trace) noexcept;

}  // namespace yonroku::mechanism
