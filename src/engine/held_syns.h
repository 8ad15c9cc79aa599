// TCP SYNs from outside that nobody asked for. They are answered only after six seconds, and not at all if
// somebody inside opens the same connection meanwhile (RFC 5382 REQ-4, RFC 6146 §3.5.2.2). The first octets
// of each are kept, as many as an ICMP error needs to be understood; when there are too many the newest go
// unanswered.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>

#include "base/instant.h"
#include "packet/headers.h"

namespace yonroku::engine {

class HeldSyns {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kKept = 120;  // a SYN with all options that it can have in its IPv4 packet

  struct Held {
    Instant due;
    std::size_t size = 0;
    std::array<std::byte, kKept> octets{};
    [[nodiscard]] std::span<std::byte> bytes() { return std::span(octets).first(size); }
  };

  // A TCP packet in IPv4; `due` is not before that of the SYN before.
  void add(std::span<const std::byte> syn, Instant due) {
    if (held_.size() == kMost || syn.size() > kKept) return;
    uint8_t& same = places_[place_of(syn)];
    if (same != 0) return;
    same = 1;
    Held& held = held_.emplace_back();
    held.due = due;
    held.size = syn.size();
    std::ranges::copy(syn, held.octets.begin());
  }
  [[nodiscard]] bool has_due(Instant now) const { return !held_.empty() && held_.front().due <= now; }
  Held take() {
    Held held = held_.front();
    held_.pop_front();
    places_[place_of(held.bytes())] = 0;
    return held;
  }

 private:
  // Of addresses and ports. Two connections that fall together are taken for one: an error too few.
  static std::size_t place_of(std::span<const std::byte> syn) {
    const auto& ip = *reinterpret_cast<const Ipv4Header*>(syn.data());
    uint32_t ports = 0;
    if (syn.size() >= ip.header_size() + sizeof ports)
      std::memcpy(&ports, syn.data() + ip.header_size(), sizeof ports);
    const uint64_t addresses = uint64_t{ip.source().value()} << 32 | ip.destination().value();
    return ((addresses ^ ports) * 0x9e3779b97f4a7c15) >> (64 - kPlacesLog2);
  }
  static constexpr unsigned kPlacesLog2 = 14;

  std::deque<Held> held_;
  std::array<uint8_t, std::size_t{1} << kPlacesLog2> places_{};
};

}  // namespace yonroku::engine
