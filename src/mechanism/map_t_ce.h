// The customer edge of MAP-T (RFC 7599): private IPv4 hosts share the customer's public address, or the ports
// of it that the customer has, and the packets cross as IPv6 packets.
//
//   IPv4 packet of the LAN -> what does its source become? (share::Nat in a port set), which IPv6 addresses
//   are both? (share::MapRule, share::MapRuleTable, share::Pref64) -> carry::Translate -> IPv6 IPv6 packet ->
//   which IPv4 addresses are its own? (the same) -> whom is it for? (the same NAT) -> carry::Translate ->
//   IPv4
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "carry/translate/translate.h"
#include "mechanism/alg/alg_settings.h"
#include "mechanism/nat44.h"
#include "mechanism/nat44_text.h"
#include "mechanism/siit_settings.h"
#include "mechanism/worker_state.h"
#include "packet/flow.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/mapping/map_rule_table.h"
#include "share/mapping/rfc6052.h"
#include "share/nat/nat_settings.h"

namespace yonroku::mechanism {

struct MapTCeSettings {
  explicit MapTCeSettings(const share::Pref64& prefix) : dmr(prefix) {}
  carry::TranslateSettings translate;
  share::Pref64 dmr;    // where the IPv4 Internet is (RFC 7599 §5.1)
  share::MapRule rule;  // the basic mapping rule
  uint16_t psid = 0;
  share::NatSettings nat;  // its pool is what the customer has
  AlgSettings alg;
  bool hairpin = true;  // RFC 4787 §6, REQ-9
  NodeIdentification node_identification = NodeIdentification::Append;
};

class MapTCe {
 public:
  // `rules` are the forwarding mapping rules, with Index::BothWays; they outlive this.
  MapTCe(const MapTCeSettings& settings, const share::MapRuleTable& rules)
      : settings_(settings), rules_(&rules), translate_(settings.translate) {}

  // A customer's tables fit the cache.
  void prefetch(std::span<const std::byte> /*packet*/) const noexcept {}
  Verdict process(Packet& packet, WorkerState& state) const noexcept;
  [[nodiscard]] static constexpr bool ends_tunnels() { return false; }
  [[nodiscard]] const MapTCeSettings& settings() const { return settings_; }

  void prepare(WorkerState& state) const {
    prepare_nat(settings_.nat, state);
    prepare_alg(settings_.alg, state);
  }
  // Near and far end (share::OffloadedSession) of the session if it were offloaded now, under these settings,
  // by what else is known of it; nullopt: it would not be.
  [[nodiscard]] std::optional<carry::Crossing6> ends_of(
      const share::OffloadedSession& session) const noexcept;
  // `syn` is the IPv6 packet.
  [[nodiscard]] bool is_still_unsolicited(std::span<const std::byte> syn,
                                          const WorkerState& state) const noexcept;

 private:
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict error_from_ipv4(Packet& packet, const Ipv4View& ip, const Nat44Change& change,
                          const Ipv6Address& destination) const noexcept;
  Verdict within(Packet& packet, const Ipv4View& ip, const Nat44Change& change,
                 const Nat44Change* then) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;

  // Our own IPv6 address for one of our IPv4 addresses, and back; false when it is not ours.
  [[nodiscard]] Ipv6Address own_to_ipv6(Ipv4Address address) const noexcept {
    return settings_.rule.host_address_of({address, settings_.psid});
  }
  bool own_to_ipv4(const Ipv6Address& address, Ipv4Address& own) const noexcept;
  // The other end's: another customer's by a rule, or one of the IPv4 Internet's. None, or
  // protocol-without-ports.
  DropReason remote_to_ipv6(Ipv4Address address, uint16_t port, Ipv4Flow::Ports ports,
                            Ipv6Address& remote) const noexcept;
  // None, or source-not-mapped, or source-spoofed, where `remote` is whom it claims to be.
  DropReason remote_to_ipv4(const Ipv6Address& address, const Ipv6SourcePort& port,
                            Ipv4Address& remote) const noexcept;

  MapTCeSettings settings_;
  const share::MapRuleTable* rules_;
  carry::Translate translate_;
};

}  // namespace yonroku::mechanism
