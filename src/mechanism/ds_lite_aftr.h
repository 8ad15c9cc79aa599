// The AFTR of DS-Lite (RFC 6333 §6): customers reach it in IPv4-in-IPv6 tunnels and share its IPv4 addresses.
// Their own IPv4 addresses are private and may be the same everywhere: a host is an IPv4 address behind the
// IPv6 address of its B4.
//
//   IPv6 packet -> whom does its inner source, behind its outer source, become? (share::Nat) ->
//   carry::Encapsulate, carry::rewrite() -> IPv4
//   IPv4 packet -> whom is it for? (the same NAT) -> carry::Encapsulate, carry::rewrite() -> IPv6
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "carry/encapsulate/encapsulate.h"
#include "carry/encapsulate/path_mtu_table.h"
#include "mechanism/alg/alg_settings.h"
#include "mechanism/nat44.h"
#include "mechanism/nat44_text.h"
#include "mechanism/softwire.h"
#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "packet/prefix.h"
#include "packet/verdict.h"
#include "share/nat/nat_settings.h"

namespace yonroku::mechanism {

struct DsLiteAftrSettings {
  carry::EncapsulateSettings encapsulate;
  Ipv6Address own_address;                  // this end of all tunnels
  std::vector<Ipv6Prefix> b4_prefixes;      // where B4s may be; empty: anywhere
  std::vector<Ipv4Prefix> inside_prefixes;  // what customers may send from (RFC 6333 §11)
  share::NatSettings nat;
  AlgSettings alg;
  bool hairpin = true;  // RFC 4787 §6, REQ-9
  PathMtuDiscovery path_mtu_discovery = PathMtuDiscovery::Learn;
  Ipv4Address own_ipv4;  // answers customers (RFC 6333 §6.5), and is where errors about tunnels come from
};

class DsLiteAftr {
 public:
  // `path_mtus` outlives this.
  DsLiteAftr(const DsLiteAftrSettings& settings, carry::PathMtuTable& path_mtus)
      : settings_(settings), path_mtus_(&path_mtus), encapsulate_(settings.encapsulate) {}

  // Brings what process() will look up for each of the packets towards the cache. Any octets will do.
  void prefetch(std::span<const Packet> packets, const WorkerState& state) const noexcept;
  Verdict process(Packet& packet, WorkerState& state) const noexcept;
  [[nodiscard]] static constexpr bool ends_tunnels() { return true; }
  [[nodiscard]] const DsLiteAftrSettings& settings() const { return settings_; }

  void prepare(WorkerState& state) const {
    prepare_nat(settings_.nat, state);
    prepare_alg(settings_.alg, state);
  }
  // Near and far end (share::OffloadedSession) of the session if it were offloaded now, under these settings,
  // by what else is known of it; nullopt: it would not be.
  [[nodiscard]] std::optional<carry::Crossing6> ends_of(
      const share::OffloadedSession& session) const noexcept;
  [[nodiscard]] bool is_still_unsolicited(std::span<const std::byte> syn,
                                          const WorkerState& state) const noexcept;
  // Brings an ICMPv4 message about the packet inside of `about`, an IPv6 packet from a B4, back to the B4.
  Verdict send_back(Packet& message, std::span<const std::byte> about, WorkerState& state) const noexcept;

 private:
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_tunnel(Packet& packet, const Ipv6View& outer, const Ipv4View& inner,
                      WorkerState& state) const noexcept;
  Verdict hairpin(Packet& packet, const Ipv6View& outer, const Ipv4View& inner,
                  const carry::TransportPlan& plan, const Nat44Change& outward,
                  WorkerState& state) const noexcept;
  Verdict answer_customer(Packet& packet, const Ipv6View& outer, const Ipv4View& inner,
                          WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  [[nodiscard]] bool may_be_b4(const Ipv6Address& address) const noexcept;
  [[nodiscard]] bool is_inside(Ipv4Address address) const noexcept;
  [[nodiscard]] uint32_t path_mtu(const Ipv6Address& exit, const WorkerState& state) const noexcept {
    return settings_.path_mtu_discovery == PathMtuDiscovery::Learn ? path_mtus_->of(exit, state.now)
                                                                   : UINT16_MAX;
  }
  // The largest IPv4 packet that reaches that end uncut.
  [[nodiscard]] std::size_t largest_to(const Ipv6Address& exit, const WorkerState& state) const noexcept {
    return std::min<std::size_t>(settings_.encapsulate.ipv6_mtu, path_mtu(exit, state)) -
           encapsulate_.overhead();
  }

  DsLiteAftrSettings settings_;
  carry::PathMtuTable* path_mtus_;
  carry::Encapsulate encapsulate_;
};

}  // namespace yonroku::mechanism
