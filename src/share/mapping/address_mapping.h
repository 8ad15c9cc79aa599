// Stateless address mapping (RFC 7915 §6): an explicit mapping if one matches, else RFC 6052 with the prefix
// of the side that the address belongs to. A SIIT has one prefix for both sides; a CLAT has the PLAT-side
// prefix for hosts beyond the IPv6 network and its own prefix for the hosts behind it (RFC 6877 §6.3).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/hot.h"
#include "packet/trace.h"
#include "packet/verdict.h"
#include "share/mapping/eam_table.h"
#include "share/mapping/ipv4_ranges.h"
#include "share/mapping/rfc6052.h"

namespace yonroku::share {

enum class WellKnownPrefixNonGlobal : uint8_t { Drop, Translate };  // RFC 6052 §3.1

struct AddressMappingSettings {
  // Stands for hosts on the translator's IPv4 side: sources of IPv4 packets, destinations of IPv6 packets.
  std::optional<Pref64> ipv4_side_prefix;
  // Stands for hosts beyond its IPv6 side: destinations of IPv4 packets, sources of IPv6 packets.
  std::optional<Pref64> ipv6_side_prefix;
  WellKnownPrefixNonGlobal well_known_prefix_non_global = WellKnownPrefixNonGlobal::Drop;
  std::vector<Ipv4Prefix> denylist_ipv4;
  std::vector<Ipv6Prefix> denylist_ipv6;
  // IPv4 prefixes that are routed to this translator as a whole. A packet that leaves for an address in them,
  // as IPv4 or embedded in the prefix, comes straight back, until its TTL runs out, unless the address has a
  // mapping. So such a destination is refused: always towards IPv4; towards IPv6 when explicit mappings are
  // in use (without any, it may be a host with an IPv4-translatable address, RFC 6052 §1.3, and a more
  // specific route).
  std::vector<Ipv4Prefix> routed_here;
  // The translator's own IPv4 address, source of its ICMP errors: never a destination.
  std::optional<Ipv4Address> own_address;
};

enum class Role : uint8_t { Source, Destination };
enum class Side : uint8_t { Ipv4, Ipv6 };
enum class UseMappings : uint8_t { Yes, No };

class AddressMapping {
 public:
  AddressMapping(const AddressMappingSettings& settings, const EamTable& table)
      : settings_(settings),
        table_(&table),
        own_address_(settings.own_address.value_or(Ipv4Address())),
        is_plain_(settings.denylist_ipv4.empty() && settings.denylist_ipv6.empty()),
        routed_here_(settings.routed_here) {}

  struct Mapped4 {
    Ipv4Address address;
    bool by_prefix = false;
  };

  // The common case in registers: an explicit mapping or a prefix, nothing denied, no notes wanted. False,
  // and nothing written, when the other overload must decide or say why not.
  YONROKU_HOT_INLINE bool map(Ipv4Address address, Role role, Side side, Ipv6Address& mapped) const noexcept {
    if (!is_plain_) return false;
    if (table_->translate(address, mapped)) return true;
    const auto& prefix = prefix_of(side);
    if (!prefix || is_restricted(*prefix)) return false;
    if (role == Role::Destination && (address == own_address_ || comes_back(address, side, Side::Ipv6)))
      return false;
    mapped = prefix->embed(address);
    return true;
  }
  YONROKU_HOT_INLINE bool map(const Ipv6Address& address, Role role, Side side, Ipv4Address& mapped,
                              bool& by_prefix) const noexcept {
    by_prefix = false;
    if (!is_plain_) return false;
    if (table_->translate(address, mapped)) return true;
    const auto& prefix = prefix_of(side);
    by_prefix = true;
    return prefix && !is_restricted(*prefix) && prefix->extract(address, mapped) &&
           !(role == Role::Destination && (mapped == own_address_ || comes_back(mapped, side, Side::Ipv4)));
  }

  // source-not-mapped or destination-not-mapped (by `role`), denied-address, well-known-prefix-non-global.
  Checked<Ipv6Address> to_ipv6(Ipv4Address address, Role role, Side side, Trace* trace,
                               UseMappings use_mappings = UseMappings::Yes) const noexcept;
  Checked<Mapped4> to_ipv4(const Ipv6Address& address, Role role, Side side, Trace* trace) const noexcept;

  [[nodiscard]] bool has_mapping(Ipv4Address address) const noexcept {
    Ipv6Address ignored;
    return table_->translate(address, ignored);
  }
  void prefetch(Ipv4Address address) const noexcept { table_->prefetch(address); }
  // Also the entry that hairpinning asks for.
  void prefetch(const Ipv6Address& address) const noexcept {
    table_->prefetch(address);
    Ipv4Address embedded;
    if (settings_.ipv4_side_prefix && settings_.ipv4_side_prefix->extract(address, embedded))
      table_->prefetch(embedded);
  }
  // Whether lookups are likely to miss the cache.
  [[nodiscard]] bool is_large() const noexcept { return table_->size() > 4096; }

 private:
  Checked<Ipv6Address> look_up(Ipv4Address address, Role role, Side side, Trace* trace,
                               UseMappings use_mappings) const noexcept;
  [[nodiscard]] const std::optional<Pref64>& prefix_of(Side side) const {
    return side == Side::Ipv4 ? settings_.ipv4_side_prefix : settings_.ipv6_side_prefix;
  }
  // Whether a packet for an unmapped destination would be routed back to us. Asked about destinations of the
  // packet itself, which lie on the side that it is going to; those of a quoted packet lie on the other.
  [[nodiscard]] bool comes_back(Ipv4Address destination, Side side, Side going_to) const {
    return side == going_to && routed_here_.contains(destination);
  }
  // RFC 6052 §3.1 applies: it depends on the address.
  [[nodiscard]] bool is_restricted(const Pref64& prefix) const {
    return settings_.well_known_prefix_non_global == WellKnownPrefixNonGlobal::Drop && prefix.is_well_known();
  }
  [[nodiscard]] bool may_carry(const Pref64& prefix, Ipv4Address address) const noexcept;

  AddressMappingSettings settings_;
  const EamTable* table_;
  Ipv4Address own_address_;  // 0.0.0.0: none
  bool is_plain_;            // no denylists
  Ipv4Ranges routed_here_;
};

}  // namespace yonroku::share
