#include "mechanism/session_offer.h"

#include "mechanism/alg/alg.h"

namespace yonroku::mechanism {

void offer_candidate(const SessionOffer& offer, const share::Nat::Outbound& packet,
                     WorkerState& state) noexcept {
  const Conversation conversation{
      share::NatSide::Inside, packet.protocol, packet.tcp_flags, packet.inside, {}, packet.remote};
  if (Alg::concerns(offer.alg, conversation))
    state.nat->keep_from_offload();
  else
    state.nat->offload(offer.far_end);
}

}  // namespace yonroku::mechanism
