// Plain sums of workers' counters, to be shown.
#pragma once

#include <array>
#include <cstdint>

#include "observe/counters.h"

namespace yonroku::observe {

struct Totals {
  struct Flow {
    uint64_t packets = 0;
    uint64_t octets = 0;
  };
  std::array<uint64_t, 2> received{};  // IPv4 and the rest, IPv6
  std::array<std::array<Flow, kProtocols>, kDirections> translated{};
  std::array<uint64_t, kDropReasonCount> dropped{};
  std::array<ByKind<uint64_t>, kDropReasonCount> dropped_by_kind{};
  std::array<uint64_t, 2> icmp_errors_sent{};  // ICMPv4, ICMPv6
  std::array<uint64_t, 2> too_big_sent{};      // of them, likewise
  std::array<uint64_t, kDirections> too_big_forwarded{};
  uint64_t icmp_errors_limited = 0;
  uint64_t segmented = 0;
  uint64_t segments = 0;
  uint64_t fragments = 0;
  uint64_t reassembled = 0;
  uint64_t handed_over = 0;
  uint64_t reassembled_fragments = 0;
  uint64_t not_sent = 0;
  uint64_t batches = 0;

  void add(const Counters& counters);
};

}  // namespace yonroku::observe
