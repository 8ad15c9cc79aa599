#include "mechanism/session_offer.h"

#include "mechanism/alg/alg.h"

namespace yonroku::mechanism {

void offer_session(const AlgSettings& alg, const Ipv6Address& near, const Ipv6Address& far,
                   WorkerState& state) noexcept {
  if (may_offload(alg, state.nat->candidate()))
    state.nat->offload(near, far);
  else
    state.nat->keep_from_offload();
}

bool may_offload(const AlgSettings& alg, const share::OffloadedSession& session) noexcept {
  Conversation conversation;
  conversation.protocol = session.protocol;
  conversation.inside = session.inside;
  conversation.outside = session.outside;
  conversation.remote = session.remote;
  return !Alg::concerns(alg, conversation);
}

}  // namespace yonroku::mechanism
