// IPv4 in IPv6 without state: MAP-E border relay (RFC 7597), lwAFTR (RFC 7596), public 4over6 (RFC 7040), the
// B4 of DS-Lite (RFC 6333) and fixed-address IPIP.
//
//   IPv4 packet -> whose are its destination address and port? (share::MapRuleTable) -> carry::Encapsulate ->
//   IPv6 IPv6 packet -> does its inner source belong to its outer source? (the same table) ->
//   carry::Encapsulate -> IPv4
//
// The ends differ only in their rules: a border relay has one for each customer or each kind of customer, a
// customer has one that leads everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "carry/encapsulate/encapsulate.h"
#include "carry/encapsulate/path_mtu_table.h"
#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "packet/prefix.h"
#include "packet/verdict.h"
#include "share/mapping/map_rule_table.h"

namespace yonroku::mechanism {

enum class SoftwireHairpinning : uint8_t { Off, On };     // RFC 7596 §6.2
enum class PathMtuDiscovery : uint8_t { Ignore, Learn };  // RFC 2473 §6.7

// RFC 7596 §8.1: which ICMPv4 messages from the IPv4 side cross.
enum class InboundIcmp : uint8_t {
  Forward,  // all, by the identifier or the quoted packet's port where the address is shared
  Errors,   // those that are about a packet; fragments are none
  Drop,     // none but errors of our own, which the IPv4 routing brings back
};

struct SoftwireSettings {
  carry::EncapsulateSettings encapsulate;
  std::vector<Ipv6Address>
      border_addresses;  // this end of the tunnels; a rule says which one its customer talks to
  // Where this end is a customer's: its IPv4 prefixes, all that it may send from and receive for. Empty: any.
  std::vector<Ipv4Prefix> own_prefixes;
  SoftwireHairpinning hairpinning = SoftwireHairpinning::On;
  PathMtuDiscovery path_mtu_discovery = PathMtuDiscovery::Learn;
  InboundIcmp inbound_icmp = InboundIcmp::Forward;
  Ipv4Address icmp_source;  // of ICMPv4 errors that relay what happened inside the tunnel
};

class Softwire {
 public:
  // `table` and `path_mtus` outlive this.
  Softwire(const SoftwireSettings& settings, const share::MapRuleTable& table, carry::PathMtuTable& path_mtus)
      : settings_(settings), table_(&table), path_mtus_(&path_mtus), encapsulate_(settings.encapsulate) {}

  // Brings what process() will look up towards the cache. Any octets will do.
  void prefetch(std::span<const std::byte> packet) const noexcept;

  // One IPv4 or IPv6 packet. A verdict ToIpv6 for an IPv6 packet says that it was hairpinned, or that it is
  // the reply to an echo request for this end.
  Verdict process(Packet& packet, WorkerState& state) const noexcept;

  [[nodiscard]] static constexpr bool ends_tunnels() { return true; }
  [[nodiscard]] const SoftwireSettings& settings() const { return settings_; }

 private:
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_tunnel(Packet& packet, const Ipv6View& ip, const Ipv4View& inner,
                      WorkerState& state) const noexcept;
  Verdict icmp_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  Verdict hairpin(Packet& packet, const Ipv6View& outer, const Ipv4View& inner, const Ipv4Flow& flow,
                  const carry::Crossing6& ends, WorkerState& state) const noexcept;
  [[nodiscard]] bool keeps_out(const Ipv4Flow& flow) const noexcept;
  [[nodiscard]] bool is_own_address(Ipv4Address address) const noexcept;
  [[nodiscard]] bool is_border_address(const Ipv6Address& address) const noexcept;
  [[nodiscard]] uint32_t path_mtu(const Ipv6Address& exit, const WorkerState& state) const noexcept {
    return settings_.path_mtu_discovery == PathMtuDiscovery::Learn ? path_mtus_->of(exit, state.now)
                                                                   : UINT16_MAX;
  }

  SoftwireSettings settings_;
  const share::MapRuleTable* table_;
  carry::PathMtuTable* path_mtus_;
  carry::Encapsulate encapsulate_;
};

}  // namespace yonroku::mechanism
