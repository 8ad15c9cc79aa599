// SIIT and CLAT: translate, mapped statelessly.
//
//   IPv4 packet -> who are its source and destination in IPv6? (share::AddressMapping) -> carry::Translate ->
//   IPv6
//
// with hairpinning (RFC 7757 §4) and the stand-ins for senders of ICMP errors that have no address on the
// other side.
#pragma once

#include "carry/translate/translate.h"
#include "mechanism/siit_settings.h"
#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "packet/trace.h"
#include "packet/verdict.h"
#include "share/mapping/address_mapping.h"

namespace yonroku::mechanism {

class Siit {
 public:
  // `table` outlives this.
  Siit(const SiitSettings& settings, const share::EamTable& table)
      : settings_(settings), mapping_(settings.mapping, table), translate_(settings.translate) {}

  // Brings what process() will look up towards the cache. Any octets will do.
  void prefetch(std::span<const std::byte> packet) const noexcept;

  // One IPv4 or IPv6 packet. A verdict ToIpv6 for an IPv6 packet says that it was hairpinned.
  Verdict process(Packet& packet, WorkerState& state) const noexcept;

  // Whether packets come out of it that were many on the way (engine::Coalescing).
  [[nodiscard]] static constexpr bool ends_tunnels() { return false; }
  [[nodiscard]] const SiitSettings& settings() const { return settings_; }

 private:
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict error_from_ipv4(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  Verdict hairpin(Packet& packet, const carry::Crossing6& crossing) const noexcept;
  Verdict hairpin_error(Packet& packet, WorkerState& state) const noexcept;

  // RFC 7757 §4.2.1, rules 1 to 3, for one packet.
  struct ErrorCrossing6 {
    carry::Crossing6 outer;
    carry::Crossing6 inner;
  };
  Checked<carry::Crossing6> cross_to_ipv6(const carry::Crossing4& addresses, share::UseMappings for_source,
                                          Trace* trace) const noexcept;
  Checked<ErrorCrossing6> cross_error_to_ipv6(const carry::Crossing4& outer, const carry::Crossing4& inner,
                                              bool simple_hairpinning, Trace* trace) const noexcept;
  [[nodiscard]] Ipv4Address pool_address(RandomSource& random) const noexcept;

  SiitSettings settings_;
  share::AddressMapping mapping_;
  carry::Translate translate_;
};

}  // namespace yonroku::mechanism
