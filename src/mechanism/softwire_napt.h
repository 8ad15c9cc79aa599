// The customer edge of MAP-E (RFC 7597) and the lwB4 (RFC 7596): private IPv4 hosts share the customer's
// public address, or the ports of it that the customer has, and the packets cross in IPv6.
//
//   IPv4 packet of the LAN -> what does its source become? (share::Nat in a port set) -> to whom?
//   (share::MapRuleTable: another customer, or the border) -> carry::Encapsulate, carry::rewrite() -> IPv6
//   IPv6 packet -> does its inner source belong to its outer source? (the same table) -> whom is it for?
//   (the same NAT) -> carry::Encapsulate, carry::rewrite() -> IPv4
//
// The packet is rewritten last, where it is certain to cross: one that is refused still shows its sender's
// own address to the ICMP error about it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "carry/encapsulate/encapsulate.h"
#include "carry/encapsulate/path_mtu_table.h"
#include "carry/encapsulate/tunnel_error.h"
#include "mechanism/alg/alg_settings.h"
#include "mechanism/nat44.h"
#include "mechanism/nat44_text.h"
#include "mechanism/softwire.h"
#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/mapping/map_rule_table.h"
#include "share/nat/nat_settings.h"

namespace yonroku::mechanism {

struct SoftwireNaptSettings {
  carry::EncapsulateSettings encapsulate;
  Ipv6Address own_address;                    // this end of all tunnels
  std::vector<Ipv6Address> border_addresses;  // may send for every IPv4 address (RFC 7597 §8.1)
  share::NatSettings nat;                     // its pool is what the customer has
  AlgSettings alg;
  bool hairpin = true;  // RFC 4787 §6, REQ-9
  PathMtuDiscovery path_mtu_discovery = PathMtuDiscovery::Learn;
  Ipv4Address icmp_source;  // of ICMPv4 errors that relay what happened inside the tunnel
};

class SoftwireNapt {
 public:
  // `table` says who is behind which tunnel: forwarding mapping rules, and one for 0.0.0.0/0 that leads to
  // the border. It and `path_mtus` outlive this.
  SoftwireNapt(const SoftwireNaptSettings& settings, const share::MapRuleTable& table,
               carry::PathMtuTable& path_mtus)
      : settings_(settings), table_(&table), path_mtus_(&path_mtus), encapsulate_(settings.encapsulate) {}

  // A customer's tables fit the cache.
  void prefetch(std::span<const std::byte> /*packet*/) const noexcept {}
  Verdict process(Packet& packet, WorkerState& state) const noexcept;
  [[nodiscard]] static constexpr bool ends_tunnels() { return true; }
  [[nodiscard]] const SoftwireNaptSettings& settings() const { return settings_; }

  void prepare(WorkerState& state) const {
    prepare_nat(settings_.nat, state);
    prepare_alg(settings_.alg, state);
  }
  // Near and far end (share::OffloadedSession) of the session if it were offloaded now, under these settings,
  // by what else is known of it; nullopt: it would not be.
  [[nodiscard]] std::optional<carry::Crossing6> ends_of(
      const share::OffloadedSession& session) const noexcept;
  // `syn` is the IPv6 packet that the SYN came in.
  [[nodiscard]] bool is_still_unsolicited(std::span<const std::byte> syn,
                                          const WorkerState& state) const noexcept;
  // Brings an ICMPv4 message about the packet inside of `about`, an IPv6 packet from a tunnel, back into it.
  Verdict send_back(Packet& message, std::span<const std::byte> about, WorkerState& state) const noexcept;

 private:
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict hairpin(Packet& packet, const Ipv4View& ip, const carry::TransportPlan& plan,
                  const Nat44Change& outward, WorkerState& state) const noexcept;
  Verdict back_from_routing(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_tunnel(Packet& packet, const Ipv6View& outer, const Ipv4View& inner,
                      WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  [[nodiscard]] bool is_border(const Ipv6Address& address) const noexcept;
  [[nodiscard]] uint32_t path_mtu(const Ipv6Address& exit, const WorkerState& state) const noexcept {
    return settings_.path_mtu_discovery == PathMtuDiscovery::Learn ? path_mtus_->of(exit, state.now)
                                                                   : UINT16_MAX;
  }
  // The largest IPv4 packet that reaches that end uncut.
  [[nodiscard]] std::size_t largest_to(const Ipv6Address& exit, const WorkerState& state) const noexcept {
    return std::min<std::size_t>(settings_.encapsulate.ipv6_mtu, path_mtu(exit, state)) -
           encapsulate_.overhead();
  }

  SoftwireNaptSettings settings_;
  const share::MapRuleTable* table_;
  carry::PathMtuTable* path_mtus_;
  carry::Encapsulate encapsulate_;
};

}  // namespace yonroku::mechanism
