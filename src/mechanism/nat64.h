// Stateful NAT64 (RFC 6146), also the PLAT of 464XLAT (RFC 6877): IPv6-only hosts reach IPv4 servers through
// a few shared IPv4 addresses.
//
//   IPv6 packet -> its destination's IPv4 address (share::Pref64) -> whom does its source become?
//   (share::Nat) -> carry::Translate -> IPv4 IPv4 packet -> whom is it for? (the same NAT) ->
//   carry::Translate -> IPv6
//
// Fragments are put together first, since only the first has ports. The NAT's tables belong to the worker
// (WorkerState) and survive a change of settings.
#pragma once

#include <cstdint>
#include <optional>

#include "carry/translate/translate.h"
#include "mechanism/alg/alg.h"
#include "mechanism/nat_prefetch.h"
#include "mechanism/nat_transport.h"
#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/mapping/address_mapping.h"
#include "share/mapping/rfc6052.h"
#include "share/nat/nat.h"

namespace yonroku::mechanism {

struct Nat64Settings {
  explicit Nat64Settings(const share::Pref64& prefix) : pref64(prefix) {}
  carry::TranslateSettings translate;
  share::Pref64 pref64;
  share::NatSettings nat;
  AlgSettings alg;
  bool hairpin = true;  // RFC 6146 §3.8
  share::WellKnownPrefixNonGlobal well_known_prefix_non_global = share::WellKnownPrefixNonGlobal::Drop;
};

class Nat64 {
 public:
  explicit Nat64(const Nat64Settings& settings) : settings_(settings), translate_(settings.translate) {}

  // Brings what process() will look up for each of the packets towards the cache. Any octets will do.
  void prefetch(std::span<const Packet> packets, const WorkerState& state) const noexcept;
  Verdict process(Packet& packet, WorkerState& state) const noexcept;
  [[nodiscard]] static constexpr bool ends_tunnels() { return false; }
  [[nodiscard]] const Nat64Settings& settings() const { return settings_; }

  // Makes the worker's tables where they are missing, and lets them have these settings where they are not.
  // Takes as long as they are large: before packets come, and when settings change.
  void prepare(WorkerState& state) const;
  // Near and far end (share::OffloadedSession) of the session if it were offloaded now, under these settings,
  // by what else is known of it; nullopt: it would not be.
  [[nodiscard]] std::optional<carry::Crossing6> ends_of(
      const share::OffloadedSession& session) const noexcept;
  // Whether nobody inside has opened the connection that a SYN from outside asked for, since it was dropped
  // as unsolicited-syn (RFC 5382 REQ-4).
  [[nodiscard]] bool is_still_unsolicited(std::span<const std::byte> syn,
                                          const WorkerState& state) const noexcept;

 private:
  [[nodiscard]] Prefetched prefetch_index(std::span<const std::byte> packet,
                                          const share::Nat& nat) const noexcept;
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict error_from_ipv4(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  Verdict hairpin(Packet& packet, const Ipv6View& ip, const carry::Crossing4& outward,
                  const NatTransport& transport, WorkerState& state) const noexcept;
  // Has the text rewritten, of what concerns a gateway. nullopt: go on, with another look at the packet.
  std::optional<Verdict> rewrite_text(Packet& packet, share::NatSide from, const NatTransport& transport,
                                      const share::InsideEndpoint& inside, const share::Ipv4Endpoint& outside,
                                      const share::Ipv4Endpoint& remote, WorkerState& state) const noexcept;
  // Whether the prefix may carry the address.
  [[nodiscard]] bool may_embed(Ipv4Address address) const noexcept;

  Nat64Settings settings_;
  carry::Translate translate_;
};

}  // namespace yonroku::mechanism
