// What a mechanism says when a session's packets may be left to the offload.
#pragma once

#include "mechanism/alg/alg_settings.h"
#include "mechanism/worker_state.h"
#include "packet/ipv6_address.h"

namespace yonroku::mechanism {

// Offers the NAT's candidate, unless a gateway has to read it; `near` and `far` as in
// share::OffloadedSession.
void offer_session(const AlgSettings& alg, const Ipv6Address& near, const Ipv6Address& far,
                   WorkerState& state) noexcept;

// Whether none of the gateways that are on has to read the session.
[[nodiscard]] bool may_offload(const AlgSettings& alg, const share::OffloadedSession& session) noexcept;

// Offers the candidate of a packet on its way in: the mechanism knows a session's ends (`ends_of`), or that
// the offload may not have it.
template <class Mechanism>
void offer_inbound(const Mechanism& mechanism, WorkerState& state) noexcept {
  if (const auto ends = mechanism.ends_of(state.nat->candidate()))
    state.nat->offload(ends->source, ends->destination);
  else
    state.nat->keep_from_offload();
}

// What the NAT asks of sessions one after the other.
template <class Mechanism>
auto adder_of_ends(const Mechanism& mechanism, const WorkerState& state) {
  return [&](share::OffloadedSession& session) {
    const auto ends = [&] {
      if constexpr (requires { mechanism.ends_of(session, state); })
        return mechanism.ends_of(session, state);
      else
        return mechanism.ends_of(session);
    }();
    if (!ends) return false;
    session.near = ends->source;
    session.far = ends->destination;
    session.far_port = ends->port.port;
    return true;
  };
}

// Of the session's packets, where they come from inside: an ICMP query has its identifier (Ipv4Flow).
[[nodiscard]] constexpr uint16_t destination_port_of(const share::OffloadedSession& session) noexcept {
  return session.protocol == share::NatProtocol::Icmp ? session.inside.port : session.remote.port;
}

}  // namespace yonroku::mechanism
