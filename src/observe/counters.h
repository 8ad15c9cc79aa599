// Counters of one worker. Only the owner writes; anybody may read a value that is whole and at most a moment
// old.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "observe/packet_kind.h"
#include "packet/verdict.h"

namespace yonroku::observe {

// A counter with one writer: no locked instruction, yet no torn read.
class Counter {
 public:
  void add(uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// Packets dropped for one reason.
struct Drops {
  ByKind<Counter> by_kind;
  void add(PacketKind kind, uint64_t n = 1) noexcept { by_kind[kind].add(n); }
  [[nodiscard]] uint64_t value() const noexcept {
    uint64_t sum = 0;
    for_each_kind([&](PacketKind kind) { sum += by_kind[kind].value(); });
    return sum;
  }
};

// A super-packet counts once, with all its octets. Every packet received is in exactly one of `translated`
// and `dropped`, except that one which had to be segmented is in neither, its segments are; and that of
// fragments which were put together the whole packet is.
struct Counters {
  struct Flow {
    Counter packets;
    Counter octets;  // of the packet as received
  };
  std::array<Counter, 2> received;  // IPv4 and the rest, IPv6
  std::array<std::array<Flow, kProtocols>, kDirections> translated;
  std::array<Drops, kDropReasonCount> dropped;
  std::array<Counter, 2> icmp_errors_sent;  // ICMPv4, ICMPv6
  std::array<Counter, 2> too_big_sent;      // of them: ICMPv4 "fragmentation needed", ICMPv6 "packet too big"
  std::array<Counter, kDirections> too_big_forwarded;  // others' of the same kind
  Counter icmp_errors_limited;                         // not sent because of the rate
  Counter segmented;                                   // super-packets split in software
  Counter segments;                                    // made of them
  Counter fragments;                                   // made by fragmentation
  Counter reassembled;                                 // packets put together
  Counter handed_over;                                 // packets given to the worker that has their session
  Counter reassembled_fragments;                       // of so many fragments
  Counter not_sent;                                    // results that the device did not take
  Counter batches;
};

}  // namespace yonroku::observe
