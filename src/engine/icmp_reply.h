// ICMP errors about packets that were dropped (RFC 7915 §4.4, §5.4; RFC 1812 §4.3.2; RFC 4443 §2.4). The
// engine alone originates them, so "no error about an error" and the rate limit hold for every mechanism.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::engine {

enum class NatOutside : uint8_t { None, Ipv4, Ipv6 };

struct IcmpReplySettings {
  bool send = true;
  Ipv4Address source_ipv4;
  Ipv6Address source_ipv6;
  bool report_spoofing = false;    // RFC 7596 §6.2: tell a softwire's end that its packets are refused
  bool report_unreachable = true;  // RFC 7596 §6.2: tell who sends to addresses and ports of nobody
  // A NAT44: the family of the packets that come from outside. Their senders know none of its addresses but
  // the one that they wrote to, which tells them, and they learn nothing about its tables.
  NatOutside nat_outside = NatOutside::None;
};

inline constexpr std::size_t kLargestIcmpReply = 1280;

// Why nobody is told about a dropped packet.
enum class IcmpSilence : uint8_t {
  None,                 // the sender is to be told
  SwitchedOff,          // no error is sent at all
  Spoofing,             // report_spoofing is off
  Unreachable,          // report_unreachable is off
  ReasonIsSilent,       // packets that are dropped for this reason
  Unreadable,           // the packet has no header to believe
  AboutIcmpError,       // RFC 1812 §4.3.2.7, RFC 4443 §2.4
  AboutIcmpv6,          // RFC 7915 §5.4
  LaterFragment,        // RFC 1812 §4.3.2.7
  SourceIsNoHost,       // RFC 1812 §4.3.2.7, RFC 4443 §2.4
  DestinationIsNoHost,  // likewise
};
[[nodiscard]] IcmpSilence silence_about(const Packet& dropped, const Verdict& verdict,
                                        const IcmpReplySettings& settings) noexcept;

// Writes the error about `dropped` (intact, as received) into `out`, at least kLargestIcmpReply octets.
// Returns its size, or 0 when none is due.
std::size_t make_icmp_reply(const Packet& dropped, const Verdict& verdict, const IcmpReplySettings& settings,
                            std::span<std::byte> out) noexcept;

}  // namespace yonroku::engine
