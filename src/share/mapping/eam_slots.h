// The Explicit Address Mapping Table's mappings in slots.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/hot.h"
#include "share/mapping/eam.h"
#include "share/mapping/slot.h"

namespace yonroku::share {

namespace detail {

// Both tables keep the whole mapping: word 0 holds the lengths, 1 and 2 the IPv6 prefix, 3 the IPv4 prefix.
template <class Prefix>
struct EamTraits {
  using Key = Prefix;
  using Value = EamMapping;

  static uint64_t mix(uint64_t v) noexcept {
    v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93;
    return (v ^ (v >> 29)) * 0x9e3779b97f4a7c15;
  }
  static uint64_t hash(const Ipv4Prefix& p, uint64_t seed) noexcept {
    return mix((uint64_t{p.length()} << 32 | p.address().value()) ^ seed);
  }
  static uint64_t hash(const Ipv6Prefix& p, uint64_t seed) noexcept {
    return mix(mix(p.address().high() ^ seed) + p.address().low() + p.length());
  }
  static Words words(const Prefix&, const EamMapping& m) noexcept {
    return {uint64_t{m.ipv4.length()} << 32 | uint64_t{m.ipv6.length()} << 40, m.ipv6.address().high(),
            m.ipv6.address().low(), m.ipv4.address().value()};
  }
  static bool matches(const Words& w, const Ipv4Prefix& p) noexcept {
    return w.w3 == p.address().value() && (w.w0 >> 32 & 0xff) == p.length();
  }
  static bool matches(const Words& w, const Ipv6Prefix& p) noexcept {
    return w.w1 == p.address().high() && w.w2 == p.address().low() && (w.w0 >> 40 & 0xff) == p.length();
  }
  YONROKU_HOT_INLINE static EamMapping value(const Words& w) noexcept {
    return {Ipv4Prefix::holding(Ipv4Address(static_cast<uint32_t>(w.w3)),
                                static_cast<unsigned>(w.w0 >> 32 & 0xff)),
            Ipv6Prefix::holding({w.w1, w.w2}, static_cast<unsigned>(w.w0 >> 40 & 0xff))};
  }
  static Prefix key(const Words& w) noexcept {
    if constexpr (std::is_same_v<Prefix, Ipv4Prefix>) {
      return value(w).ipv4;
    } else {
      return value(w).ipv6;
    }
  }
};

}  // namespace detail

}  // namespace yonroku::share
