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
  // A SYN with all options that it can have, in its IPv4 packet and that in a tunnel.
  static constexpr std::size_t kKept = 168;

  struct Held {
    Instant due;
    std::size_t size = 0;
    uint32_t at = 0;  // where in the packet the IPv4 packet of a tunnel begins
    std::array<std::byte, kKept> octets{};
    [[nodiscard]] std::span<std::byte> bytes() { return std::span(octets).first(size); }
  };

  // A TCP packet in IPv4 or IPv6, or in IPv4 that begins `at` octets in; `due` is not before that of the SYN
  // before.
  void add(std::span<const std::byte> syn, uint32_t at, Instant due) {
    if (held_.size() == kMost || syn.size() > kKept) return;
    uint8_t& same = places_[place_of(syn.subspan(at))];
    if (same != 0) return;
    same = 1;
    Held& held = held_.emplace_back();
    held.due = due;
    held.at = at;
    held.size = syn.size();
    std::ranges::copy(syn, held.octets.begin());
  }
  [[nodiscard]] bool has_due(Instant now) const { return !held_.empty() && held_.front().due <= now; }
  Held take() {
    Held held = held_.front();
    held_.pop_front();
    places_[place_of(held.bytes().subspan(held.at))] = 0;
    return held;
  }

 private:
  // Of addresses and ports. Two connections that fall together are taken for one: an error too few.
  static std::size_t place_of(std::span<const std::byte> syn) {
    const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(syn.data());
    uint64_t addresses = 0;
    std::size_t ports_at = sizeof(Ipv6Header);
    if (ipv4.version() == 4) {
      addresses = uint64_t{ipv4.source().value()} << 32 | ipv4.destination().value();
      ports_at = ipv4.header_size();
    } else if (syn.size() >= sizeof(Ipv6Header)) {
      const auto& ipv6 = *reinterpret_cast<const Ipv6Header*>(syn.data());
      addresses = ipv6.source().high() ^ ipv6.source().low() * 3 ^ ipv6.destination().low() * 5;
    }
    uint32_t ports = 0;
    if (syn.size() >= ports_at + sizeof ports) std::memcpy(&ports, syn.data() + ports_at, sizeof ports);
    return ((addresses ^ ports) * 0x9e3779b97f4a7c15) >> (64 - kPlacesLog2);
  }
  static constexpr unsigned kPlacesLog2 = 14;

  std::deque<Held> held_;
  std::array<uint8_t, std::size_t{1} << kPlacesLog2> places_{};
};

}  // namespace yonroku::engine
