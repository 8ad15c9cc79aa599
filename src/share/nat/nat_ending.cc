// Sessions and bindings end: their time has come, or somebody else has more need of their place.
#include <utility>

#include "share/nat/nat_lookup.h"

namespace yonroku::share {

bool Nat::expire(Instant now, std::size_t most) noexcept {
  now_ = now;
  candidate_ = kNone;
  const Tick tick = tick_of(now);
  bool more = pool_.end_rests(tick, most);
  if (shorten_from_ != kEnd) {
    shorten_sessions(tick, most);
    more = true;
  }
  for (std::size_t i = 0;
       i < most && !resting_blocks_.empty() && is_past(resting_blocks_.front().until, tick); ++i) {
    const RestingBlock& block = resting_blocks_.front();
    blocks_taken_[block.address][block.number] = false;
    --used_blocks_;
    resting_blocks_.pop();
  }
  // What lasts has its half, however much there is of what does not.
  for (TimerWheel* wheel : {&transitory_, &lasting_}) {
    wheel->advance(tick, links());
    const std::size_t share = wheel == &transitory_ && lasting_.has_due() ? most / 2 : most;
    std::size_t done = 0;
    for (; done < share; ++done) {
      const uint32_t id = wheel->take_due(links());
      if (id == kNone) break;
      take_over_time(id);
      // In no list, as end_session() would have it: it goes back into one, or is ended there.
      wheel->schedule(id, at(id).expires, links());
      if (is_past(at(id).expires, tick))
        end_session(id, timeout_of(at(id), bindings_[binding_with(id)].protocol()));
    }
    most -= done;
    more = more || wheel->has_due();
  }
  return more;
}

void Nat::end_session(uint32_t session, SessionEnd why) noexcept {
  const uint32_t binding = binding_with(session);
  Binding& b = bindings_[binding];
  Session& s = at(session);
  end_flow(session);
  report(NatEvent::Kind::SessionEnded, b, &s);
  wheel_of(s).cancel(session, links());
  --session_count_;
  --count_of(b.protocol(), s);
  ++counts_.ended_sessions[static_cast<std::size_t>(b.protocol())][static_cast<std::size_t>(why)];
  --subscribers_[b.subscriber].sessions;

  if ((session & kFurther) == 0) {
    b.first.flags = static_cast<uint8_t>(b.first.flags & ~(kHasSession | kFromOutside));
    if (b.further == kNone) {
      const bool is_wanted = why == SessionEnd::MadeRoom || why == SessionEnd::Removed;
      if (!b.is_static()) end_binding(binding, is_wanted ? Rest::No : Rest::Yes);
      return;
    }
    // The newest of the further ones takes its place.
    Session& heir = further_[b.further].session;
    session = b.further | kFurther;
    wheel_of(heir).cancel(session, links());
    if (review_from_ != kEnd) end_flow(session);  // its new place may have been looked at
    b.first.remote = heir.remote;
    b.first.remote_port = heir.remote_port;
    b.first.expires = heir.expires;
    b.first.state = heir.state;
    if (marks_) {  // nothing that is over has a flow
      OffloadMark& mark = (*marks_)[binding];
      mark = std::exchange((*marks_)[mark_place(session)], OffloadMark::never());
      if (mark.is_offered()) mark.restart(0);  // the offer names the other place
    }
    const Tick latest = tick_of(now_) + lifetime_of(heir, b.protocol());
    if (shorten_from_ != kEnd && !is_past(heir.expires, latest)) b.first.expires = latest;
    b.first.flags |= kHasSession | (heir.flags & kFromOutside);
    begin_timer(binding);
  }
  const uint32_t id = session & ~kFurther;
  const FurtherSession gone = further_[id];
  by_remote_.erase(hash_session(binding, {gone.session.remote, gone.session.remote_port}), id);
  if (gone.newer != kNone)
    further_[gone.newer].older = gone.older;
  else
    b.further = gone.older;
  if (gone.older != kNone) further_[gone.older].newer = gone.newer;
  further_[id].binding = kNone;  // seen by visit_sessions()
  further_.remove(id);
}

// A binding without sessions.
void Nat::end_binding(uint32_t binding, Rest rest) noexcept {
  Binding& b = bindings_[binding];
  const uint32_t subscriber = b.subscriber;
  Subscriber& s = subscribers_[subscriber];
  report(NatEvent::Kind::BindingEnded, b);
  const Key key = key_of(b);
  const NatProtocol protocol = b.protocol();
  const Ipv4Endpoint outside{b.outside, b.outside_port};
  by_inside_.erase(hash_inside({b.inside_ipv6, b.inside_ipv4, b.inside_port}, protocol, key), binding);
  by_outside_.erase(
      b.is_shared() ? hash_shared(outside, protocol, key.remote) : hash_outside(outside, protocol), binding);
  shared_count_ -= b.is_shared() ? 1u : 0u;
  if (b.is_static()) {
    // Of no block's ports, wherever it lies.
    if (const auto place = pool_.place_of(outside.address, outside.port)) pool_.give_back(*place, protocol);
    --static_count_;
  } else if (!b.is_shared()) {
    give_back_port(s, outside, protocol, rest);
  }
  if (b.newer != kNone)
    bindings_[b.newer].older = b.older;
  else
    s.newest = b.older;
  if (b.older != kNone)
    bindings_[b.older].newer = b.newer;
  else
    s.oldest = b.newer;
  --s.bindings;
  --counts_.bindings[static_cast<std::size_t>(protocol)];
  ++counts_.ended_bindings[static_cast<std::size_t>(protocol)];
  b.first.flags = 0;
  bindings_.remove(binding);
  drop_subscriber_if_idle(subscriber);
}

Tick Nat::lifetime_of(const Session& session, NatProtocol protocol) const noexcept {
  if (protocol == NatProtocol::Udp) return udp_lifetime(session.remote_port);
  if (protocol == NatProtocol::Icmp) return icmp_;
  switch (static_cast<TcpState>(session.state)) {
    case TcpState::InsideInit:
    case TcpState::OutsideInit: return tcp_opening_;
    case TcpState::BothFin:
    case TcpState::Transitory: return tcp_closing_;
    default: return tcp_established_;
  }
}

SessionEnd Nat::timeout_of(const Session& session, NatProtocol protocol) const noexcept {
  if (protocol == NatProtocol::Udp)
    return is_dns(session.remote_port) ? SessionEnd::DnsTimeout : SessionEnd::UdpTimeout;
  if (protocol == NatProtocol::Icmp) return SessionEnd::IcmpTimeout;
  switch (static_cast<TcpState>(session.state)) {
    case TcpState::InsideInit:
    case TcpState::OutsideInit: return SessionEnd::TcpOpeningTimeout;
    case TcpState::BothFin:
    case TcpState::Transitory: return SessionEnd::Closed;
    default: return SessionEnd::TcpEstablishedTimeout;
  }
}

// Whether it may give way to somebody else's: nobody has answered yet, or it is over, and it had time for
// more.
bool Nat::may_be_ended(uint32_t id, NatProtocol protocol) noexcept {
  constexpr Tick kFairTime = ticks_of_seconds(4);
  const Session& session = at(id);
  if ((session.flags & kTransitory) == 0) return false;
  take_over_time(id);
  return is_past(session.expires - lifetime_of(session, protocol) + kFairTime, tick_of(now_));
}

// The oldest of the subscriber's bindings that stand for nothing but one unanswered or closing session.
bool Nat::end_transitory_of(uint32_t subscriber, NatProtocol protocol, uint32_t except) noexcept {
  constexpr int kMostLookedAt = 64;
  int left = kMostLookedAt;
  for (uint32_t id = subscribers_[subscriber].oldest; id != kNone && left-- > 0; id = bindings_[id].newer) {
    const Binding& b = bindings_[id];
    if (id == except || b.is_static() || !b.has_session() || b.further != kNone || b.protocol() != protocol ||
        !may_be_ended(id, protocol))
      continue;
    end_session(id, SessionEnd::MadeRoom);
    return true;
  }
  return false;
}

bool Nat::end_oldest_transitory() noexcept {
  constexpr int kMostLookedAt = 8;
  uint32_t id = transitory_.soonest();
  for (int i = 0; i < kMostLookedAt && id != kNone; ++i) {
    // It may have been prolonged since it was scheduled.
    take_over_time(id);
    transitory_.cancel(id, links());
    transitory_.schedule(id, at(id).expires, links());
    const uint32_t now_first = transitory_.soonest();
    if (now_first == id) break;
    id = now_first;
  }
  if (id == kNone) return false;
  if (!may_be_ended(id, bindings_[binding_with(id)].protocol())) return false;
  end_session(id, SessionEnd::MadeRoom);
  return true;
}

}  // namespace yonroku::share
