// The border relay of MAP-T (RFC 7599): the translator of SIIT, with the mapping rules of MAP-E.
//
//   IPv4 packet -> whose are its destination address and port? (share::MapRuleTable) -> carry::Translate ->
//   IPv6 IPv6 packet -> whose is its source, and is the port among its ports? (the same table) ->
//   carry::Translate -> IPv4
//
// Hosts of the IPv4 Internet are embedded in the default mapping rule's prefix (RFC 7599 §5.1). Explicit
// address mappings may stand beside the rules, for hosts that have an IPv4 address of their own. Packets
// between two customers go to IPv4 and come back by routing.
#pragma once

#include <cstdint>
#include <expected>

#include "carry/translate/translate.h"
#include "mechanism/siit_settings.h"
#include "mechanism/worker_state.h"
#include "packet/flow.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/mapping/eam_table.h"
#include "share/mapping/map_rule_table.h"
#include "share/mapping/rfc6052.h"

namespace yonroku::mechanism {

struct MapTSettings {
  explicit MapTSettings(const share::Pref64& prefix) : dmr(prefix) {}
  carry::TranslateSettings translate;
  share::Pref64 dmr;
  NodeIdentification node_identification = NodeIdentification::Append;
};

class MapT {
 public:
  // The tables outlive this. `rules` has Index::BothWays.
  MapT(const MapTSettings& settings, const share::EamTable& mappings, const share::MapRuleTable& rules)
      : settings_(settings), mappings_(&mappings), rules_(&rules), translate_(settings.translate) {}

  // Brings what process() will look up towards the cache. Any octets will do.
  void prefetch(std::span<const std::byte> packet) const noexcept;
  Verdict process(Packet& packet, WorkerState& state) const noexcept;
  [[nodiscard]] const MapTSettings& settings() const { return settings_; }
  [[nodiscard]] static constexpr bool ends_tunnels() { return false; }

 private:
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  // What was looked up, or what becomes of the packet instead: it is dropped, or a fragment whose packet must
  // be put together first.
  template <class Address>
  using LookedUp = std::expected<Address, Verdict>;
  // The customer's or mapped host's IPv6 address: no-softwire, port-not-assigned, protocol-without-ports or
  // inner-packet-truncated.
  LookedUp<Ipv6Address> customer_to_ipv6(Ipv4Address address, uint16_t port, Ipv4Flow::Ports ports,
                                         Trace* trace) const noexcept;
  // The IPv4 address behind a customer's IPv6 address, whose port must be its own: source-not-mapped,
  // source-spoofed, protocol-without-ports or inner-packet-truncated.
  LookedUp<Ipv4Address> customer_to_ipv4(const Ipv6Address& address, const Ipv6SourcePort& port,
                                         Trace* trace) const noexcept;

  MapTSettings settings_;
  const share::EamTable* mappings_;
  const share::MapRuleTable* rules_;
  carry::Translate translate_;
};

}  // namespace yonroku::mechanism
