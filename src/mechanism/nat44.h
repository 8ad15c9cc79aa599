// What a NAT decides about an IPv4 packet that stays IPv4, be it alone or inside a tunnel: the NAT44 of
// customer edges (RFC 7597 §4, RFC 7596 §5.2) and of the AFTR (RFC 6333 §6). Looks and opens bindings;
// writes nothing.
#pragma once

#include <cstddef>
#include <span>

#include "carry/crossing.h"
#include "carry/translate/transport.h"
#include "mechanism/worker_state.h"
#include "packet/flow.h"
#include "packet/ipv4_view.h"
#include "packet/verdict.h"
#include "share/nat/nat.h"

namespace yonroku::mechanism {

// The packet's new addresses and port.
struct Nat44Change {
  carry::Crossing4 outer;
  carry::Crossing4 quoted;  // of the packet that an ICMP error quotes
  bool is_error = false;
};

// Whether this address and port are a customer's: of an address that customers share, the ports in its set
// are. What has no port is then whoever's it is told to be: the customer's.
[[nodiscard]] inline bool is_own(Ipv4Address address, uint16_t port, Ipv4Flow::Ports ports,
                                 const share::NatSettings& settings, const WorkerState& state) noexcept {
  if (!state.nat->owns(address)) return false;
  const auto& port_set = settings.pools.front().port_set;
  return !port_set || ports != Ipv4Flow::Ports::Present || port_set->contains(port);
}

// The same of a packet's destination. Whoever pings a shared address pings itself: the identifier becomes one
// of its own.
[[nodiscard]] inline bool is_to_own(const Ipv4Flow& flow, const share::NatSettings& settings,
                                    const WorkerState& state) noexcept {
  const bool is_query = flow.protocol == IpProtocol::Icmp && !flow.is_icmp_error;
  return is_own(flow.destination, flow.destination_port, is_query ? Ipv4Flow::Ports::None : flow.ports,
                settings, state);
}

// A fragment of a packet that begins `at` octets into the one that carries it: reassemble, or hand-over to
// the worker where the packet's fragments meet, since the IPv6 packets that bring them may come to different
// ones.
[[nodiscard]] Verdict gather_fragments(const Ipv4View& ip, std::size_t at, const WorkerState& state) noexcept;

// A packet from inside, which begins `at` octets into the packet that carries it. `softwire` is the IPv6
// address of its subscriber's end of the tunnel; unspecified where the inside is IPv4 alone. ToIpv4: `change`
// is what becomes of it, and the NAT may have a candidate to offer_session(). Otherwise reassemble,
// hand-over, or why it is dropped; then a detail other than 0 says that its sender is to be told.
Verdict nat44_outbound(const Ipv4View& ip, std::size_t at, const Ipv6Address& softwire, WorkerState& state,
                       Nat44Change& change) noexcept;

// A packet to one of the NAT's addresses, likewise; `inside` is who gets it.
Verdict nat44_inbound(const Ipv4View& ip, std::size_t at, WorkerState& state, Nat44Change& change,
                      share::InsideEndpoint& inside) noexcept;

// The way back in of a packet that nat44_outbound() has changed into `outward`, and whose destination is one
// of the NAT's addresses (RFC 4787 §6, RFC 5508 §5): `back` is the change after that one. None, or why it
// is dropped.
DropReason nat44_hairpin(const Ipv4View& ip, const Nat44Change& outward, WorkerState& state,
                         Nat44Change& back, share::InsideEndpoint& inside) noexcept;

// Writes the change into the IPv4 packet, whose plan is carry::plan_rewrite()'s.
void apply(std::span<std::byte> ipv4, const carry::TransportPlan& plan, const Nat44Change& change) noexcept;

// Makes the worker's tables where they are missing, and lets them have these settings where they are not.
void prepare_nat(const share::NatSettings& settings, WorkerState& state);

// Whether nobody inside has opened the connection that a TCP SYN from outside asked for.
[[nodiscard]] bool is_still_unsolicited(const Ipv4View& syn, const WorkerState& state) noexcept;

// Whether a verdict of these lets the packet go on.
inline bool passes(const Verdict& verdict) { return verdict.action == Verdict::Action::ToIpv4; }

}  // namespace yonroku::mechanism
