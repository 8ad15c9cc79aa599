#include "mechanism/session_offer.h"

#include "mechanism/alg/alg.h"

namespace yonroku::mechanism {

void offer_session(const AlgSettings& alg, const Ipv6Address& near, const Ipv6Address& far,
                   WorkerState& state) noexcept {
  const share::OffloadedSession session = state.nat->candidate();
  Conversation conversation;
  conversation.protocol = session.protocol;
  conversation.inside = session.inside;
  conversation.outside = session.outside;
  conversation.remote = session.remote;
  if (Alg::concerns(alg, conversation))
    state.nat->keep_from_offload();
  else
    state.nat->offload(near, far);
}

}  // namespace yonroku::mechanism
