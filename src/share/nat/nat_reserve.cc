// Bindings in advance: for connections and streams that an application announced in text, before their first
// packet (RFC 6384 §7.2, RFC 3550 §11). They are bindings and sessions as any: counted, limited, reported,
// and ended when nothing comes.
#include <algorithm>

#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

constexpr uint32_t kLeastSeconds = 30;  // RFC 6384 §12

}  // namespace

DropReason Nat::reserve(const Outbound& expected, Instant now, Ipv4Endpoint& outside) noexcept {
  Outbound opening = expected;
  opening.tcp_flags = expected.protocol == NatProtocol::Tcp ? TcpHeader::kSyn : uint8_t{0};
  const DropReason reason = outbound(opening, now, outside);
  candidate_ = kNone;
  if (reason != DropReason::None) return reason;
  const uint32_t session = session_of(opening);
  if (session == kNone) return DropReason::None;
  Session& s = at(session);
  // It is the other end that opens the connection: only the inside's answer establishes it.
  if (expected.protocol == NatProtocol::Tcp && static_cast<TcpState>(s.state) == TcpState::InsideInit) {
    --count_of(expected.protocol, s);
    s.state = static_cast<uint8_t>(TcpState::OutsideInit);
    ++count_of(expected.protocol, s);
  }
  const Tick least = tick_of(now) + ticks_of_seconds(kLeastSeconds);
  if (static_cast<int32_t>(least - s.expires) > 0) s.expires = least;
  return DropReason::None;
}

DropReason Nat::reserve_pair(const Outbound& lower, Instant now, Ipv4Endpoint& outside,
                             Ipv4Endpoint& outside_above) noexcept {
  constexpr int kMostTries = 8;
  Outbound upper = lower;
  ++upper.inside.port;
  const bool was_bound = find_outside(lower, outside) || find_outside(upper, outside_above);
  DropReason reason = DropReason::None;
  for (int i = 0; i < kMostTries; ++i) {
    is_reserving_pair_ = true;
    reason = reserve(lower, now, outside);
    if (reason == DropReason::None) reason = reserve(upper, now, outside_above);
    is_reserving_pair_ = false;
    const bool is_pair = outside_above.address == outside.address && outside_above.port == outside.port + 1;
    if (reason != DropReason::None || was_bound || is_pair || i + 1 == kMostTries) break;
    // Made for nothing, and nobody was told of them.
    for (const Outbound* made : std::initializer_list<const Outbound*>{&lower, &upper})
      if (const uint32_t session = session_of(*made); session != kNone)
        end_session(session, SessionEnd::MadeRoom);
  }
  return reason;
}

}  // namespace yonroku::share
