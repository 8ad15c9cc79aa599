// Mapping rules and softwires in the slots of their table.
#pragma once

#include <cstdint>

#include "base/hot.h"
#include "share/mapping/map_rule.h"
#include "share/mapping/slot.h"

namespace yonroku::share {

// What tells rules apart on the IPv4 side.
struct MapRuleKey {
  Ipv4Prefix ipv4;
  PortParameters given;  // of a given PSID; zeros otherwise
  uint16_t psid = 0;     // likewise
  static constexpr MapRuleKey of(const MapRule& rule) {
    if (!rule.has_given_psid()) return {rule.ipv4(), {}, 0};
    return {rule.ipv4(), rule.ports(), rule.parts().given_psid};
  }
  friend constexpr auto operator<=>(const MapRuleKey&, const MapRuleKey&) = default;
};

// Words of both tables, high half of word 0: IPv4 length 6 bits, IPv6 length 8, EA length 6, PSID offset 4,
// given PSID length 5, format 1. Words 1 and 2: IPv6 prefix. Word 3: IPv4 prefix 32, given PSID 16, border 8.
struct MapRuleTraits {
  using Value = MapRule;
  static uint64_t mix(uint64_t v) noexcept {
    v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93;
    return (v ^ (v >> 29)) * 0x9e3779b97f4a7c15;
  }
  static Words words(const MapRule& rule) noexcept {
    const MapRule::Parts& p = rule.parts();
    const uint64_t head = p.ipv4.length() | p.ipv6.length() << 6 | unsigned{p.ea_length} << 14 |
                          unsigned{p.psid_offset} << 20 | unsigned{p.given_psid_length} << 24 |
                          unsigned{p.format == InterfaceIdentifierFormat::Draft03} << 29;
    return {head << 32, p.ipv6.address().high(), p.ipv6.address().low(),
            uint64_t{p.ipv4.address().value()} << 32 | uint64_t{p.given_psid} << 16 | p.border};
  }
  YONROKU_HOT_INLINE static MapRule value(const Words& w) noexcept {
    const auto head = static_cast<uint32_t>(w.w0 >> 32);
    return MapRule({.ipv6 = Ipv6Prefix::holding({w.w1, w.w2}, head >> 6 & 0xff),
                    .ipv4 = Ipv4Prefix::holding(Ipv4Address(static_cast<uint32_t>(w.w3 >> 32)), head & 0x3f),
                    .ea_length = static_cast<uint8_t>(head >> 14 & 0x3f),
                    .psid_offset = static_cast<uint8_t>(head >> 20 & 0xf),
                    .format = (head >> 29 & 1) != 0 ? InterfaceIdentifierFormat::Draft03
                                                    : InterfaceIdentifierFormat::Rfc7597,
                    .given_psid_length = static_cast<uint8_t>(head >> 24 & 0x1f),
                    .given_psid = static_cast<uint16_t>(w.w3 >> 16),
                    .border = static_cast<uint8_t>(w.w3)});
  }
};

struct MapRuleByIpv4 : MapRuleTraits {
  using Key = MapRuleKey;
  static uint64_t pack(const Key& k) noexcept {
    return uint64_t{k.ipv4.address().value()} << 32 | uint64_t{k.psid} << 16 |
           (k.ipv4.length() << 10 | unsigned{k.given.psid_length} << 5 | k.given.psid_offset);
  }
  static uint64_t hash(const Key& k, uint64_t seed) noexcept { return mix(pack(k) ^ seed); }
  static bool matches(const Words& w, const Key& k) noexcept {
    const auto head = static_cast<uint32_t>(w.w0 >> 32);
    const unsigned given = head >> 24 & 0x1f;
    return w.w3 >> 16 == (uint64_t{k.ipv4.address().value()} << 16 | k.psid) &&
           (head & 0x3f) == k.ipv4.length() && given == k.given.psid_length &&
           (given == 0 || (head >> 20 & 0xf) == k.given.psid_offset);
  }
  static Words words(const Key&, const MapRule& rule) noexcept { return MapRuleTraits::words(rule); }
  static Key key(const Words& w) noexcept { return MapRuleKey::of(value(w)); }
};

struct MapRuleByIpv6 : MapRuleTraits {
  using Key = Ipv6Prefix;
  static uint64_t hash(const Key& k, uint64_t seed) noexcept {
    return mix(mix(k.address().high() ^ seed) + k.address().low() + k.length());
  }
  static bool matches(const Words& w, const Key& k) noexcept {
    return w.w1 == k.address().high() && w.w2 == k.address().low() && (w.w0 >> 38 & 0xff) == k.length();
  }
  static Words words(const Key&, const MapRule& rule) noexcept { return MapRuleTraits::words(rule); }
  static Key key(const Words& w) noexcept { return value(w).ipv6(); }
};

// How many rules with a given PSID an IPv4 prefix has. Words: 0, its length in the high half; 1, its address;
// 2, the count.
struct SharedPrefixes {
  using Key = Ipv4Prefix;
  using Value = uint64_t;
  static uint64_t hash(const Key& k, uint64_t seed) noexcept {
    return MapRuleTraits::mix((uint64_t{k.address().value()} << 8 | k.length()) ^ seed);
  }
  static bool matches(const Words& w, const Key& k) noexcept {
    return w.w1 == k.address().value() && w.w0 >> 32 == k.length();
  }
  static Value value(const Words& w) noexcept { return w.w2; }
  static Words words(const Key& k, Value count) noexcept {
    return {uint64_t{k.length()} << 32, k.address().value(), count, 0};
  }
  static Key key(const Words& w) noexcept {
    return Ipv4Prefix::holding(Ipv4Address(static_cast<uint32_t>(w.w1)), static_cast<unsigned>(w.w0 >> 32));
  }
};

// A bit for each /16, 64 to a word: whether a rule has a prefix there, or had one.
struct NearBits {
  static constexpr uint32_t kWords = 65536 / 64;
  static constexpr uint32_t word_of(Ipv4Address address) { return address.value() >> 22; }
  static constexpr uint64_t bit_of(Ipv4Address address) {
    return uint64_t{1} << (address.value() >> 16) % 64;
  }
};

}  // namespace yonroku::share
