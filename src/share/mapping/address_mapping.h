// Stateless address mapping (RFC 7915 §6): an explicit mapping if one matches, else RFC 6052 with the prefix of the
// side that the address belongs to. A SIIT has one prefix for both sides; a CLAT has the PLAT-side prefix for hosts
// beyond the IPv6 network and its own prefix for the hosts behind it (RFC 6877 §6.3).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "packet/trace.h"
#include "packet/verdict.h"
#include "share/mapping/eam_table.h"
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
  // IPv4 prefixes that are routed to this translator as a whole. With explicit mappings in use, a destination in one
  // of them that has no mapping must not be embedded in the prefix: it would come back until its TTL runs out.
  std::vector<Ipv4Prefix> routed_here;
};

enum class Role : uint8_t { Source, Destination };
enum class Side : uint8_t { Ipv4, Ipv6 };
enum class UseMappings : uint8_t { Yes, No };

class AddressMapping {
 public:
  AddressMapping(const AddressMappingSettings& settings, const EamTable& table)
      : settings_(settings), table_(&table) {}

  struct Mapped4 {
    Ipv4Address address;
    bool by_prefix = false;
  };

  // source-not-mapped or destination-not-mapped (by `role`), denied-address, well-known-prefix-non-global.
  Checked<Ipv6Address> to_ipv6(Ipv4Address address, Role role, Side side, Trace* trace,
                               UseMappings use_mappings = UseMappings::Yes) const noexcept;
  Checked<Mapped4> to_ipv4(const Ipv6Address& address, Role role, Side side, Trace* trace) const noexcept;

  [[nodiscard]] bool has_mapping(Ipv4Address address) const noexcept { return table_->find(address).has_value(); }
  void prefetch(Ipv4Address address) const noexcept { table_->prefetch(address); }
  void prefetch(const Ipv6Address& address) const noexcept { table_->prefetch(address); }

 private:
  [[nodiscard]] const std::optional<Pref64>& prefix_of(Side side) const {
    return side == Side::Ipv4 ? settings_.ipv4_side_prefix : settings_.ipv6_side_prefix;
  }
  [[nodiscard]] bool may_carry(const Pref64& prefix, Ipv4Address address) const noexcept;

  AddressMappingSettings settings_;
  const EamTable* table_;
};

}  // namespace yonroku::share
