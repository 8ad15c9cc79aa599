// What a mechanism adds when a session's packets may be left to the offload: who must not be, and where the
// other end is.
#pragma once

#include "base/hot.h"
#include "mechanism/alg/alg_settings.h"
#include "mechanism/worker_state.h"
#include "packet/ipv6_address.h"
#include "share/nat/nat.h"

namespace yonroku::mechanism {

struct SessionOffer {
  const AlgSettings& alg;  // what its gateways read is not offered
  Ipv6Address far_end;     // share::OffloadedSession::far_end
};

void offer_candidate(const SessionOffer& offer, const share::Nat::Outbound& packet,
                     WorkerState& state) noexcept;

// The session of a packet that Nat::outbound() has just let through, if it is time.
YONROKU_HOT_INLINE void offer_session(const SessionOffer& offer, const share::Nat::Outbound& packet,
                                      WorkerState& state) noexcept {
  if (state.nat->has_candidate()) [[unlikely]]
    offer_candidate(offer, packet, state);
}

}  // namespace yonroku::mechanism
