// What the pure core says about a packet. Code that decides never counts and never sends: the engine counts
// each verdict once and alone originates ICMP errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace yonroku {

enum class DropReason : uint8_t {
  None,
#define DROP(name, label, cited, help) name,
#include "packet/drop_reasons.def"
#undef DROP
};

struct DropReasonText {
  std::string_view label;
  std::string_view cited;
  std::string_view help;
};

inline constexpr DropReasonText kDropReasons[] = {
    {"none", "", "forwarded"},
#define DROP(name, label, cited, help) {label, cited, help},
#include "packet/drop_reasons.def"
#undef DROP
};
inline constexpr std::size_t kDropReasonCount = sizeof(kDropReasons) / sizeof(kDropReasons[0]);

constexpr std::string_view label(DropReason reason) {
  return kDropReasons[static_cast<std::size_t>(reason)].label;
}

template <class T>
using Checked = std::expected<T, DropReason>;

struct [[nodiscard]] Verdict {
  enum class Action : uint8_t {
    ToIpv4,      // the packet is now IPv4
    ToIpv6,      // the packet is now IPv6
    Segment,     // untouched: split the super-packet into its segments, and ask again for each
    Reassemble,  // untouched: a fragment; put the whole packet together, and ask again about that
    HandOver,    // untouched: it is worker `detail`'s
    Drop,        // untouched: see reason
  };
  Action action = Action::Drop;
  DropReason reason = DropReason::None;
  // Forwarded packets: larger than this must be fragmented before it is sent; 0 never.
  uint16_t fragment_size = 0;
  // Dropped packets, for the ICMP error about it: the MTU of "too big"; the pointer of "segments left"; where
  // the IPv4 packet begins whose port or protocol nobody has behind the second of two tunnels, else 0.
  // Forwarded packets: not 0 says that an IPv4 packet begins so many octets in, that this one is to be
  // fragmented, and that each piece gets a copy of the octets in front. Reassemble: where the fragment
  // begins; not 0 for an IPv4 fragment inside an IPv6 packet.
  uint32_t detail = 0;

  static constexpr Verdict drop(DropReason why, uint32_t detail = 0) {
    return {Action::Drop, why, 0, detail};
  }
  static constexpr Verdict to_ipv4(uint16_t fragment_size = 0) {
    return {Action::ToIpv4, DropReason::None, fragment_size, 0};
  }
  static constexpr Verdict to_ipv6(uint16_t fragment_size = 0) {
    return {Action::ToIpv6, DropReason::None, fragment_size, 0};
  }
  static constexpr Verdict to_ipv6_in_pieces(uint16_t fragment_size, uint32_t front) {
    return {Action::ToIpv6, DropReason::None, fragment_size, front};
  }
  static constexpr Verdict reassemble(uint32_t at = 0) {
    return {Action::Reassemble, DropReason::None, 0, at};
  }
  static constexpr Verdict hand_over(uint16_t worker) {
    return {Action::HandOver, DropReason::None, 0, worker};
  }
  static constexpr Verdict segment() { return {Action::Segment, DropReason::None, 0, 0}; }
};

}  // namespace yonroku
