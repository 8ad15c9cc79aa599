#include "share/nat/nat.h"

#include <algorithm>

#include "base/check.h"

namespace yonroku::share {
namespace {

// Folds both halves of the product: each bit of the result depends on every bit of both.
YONROKU_HOT_INLINE uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}
constexpr uint64_t word(const Ipv4Endpoint& endpoint) {
  return uint64_t{endpoint.address.value()} << 16 | endpoint.port;
}
YONROKU_HOT_INLINE uint32_t top(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

constexpr uint8_t kConnectionFlags = TcpHeader::kSyn | TcpHeader::kFin | TcpHeader::kRst;

// Opens a connection: a SYN, and neither an answer to one nor a refusal.
constexpr bool opens(uint8_t flags) {
  return (flags & (TcpHeader::kSyn | TcpHeader::kAck | TcpHeader::kRst)) == TcpHeader::kSyn;
}

}  // namespace

std::string_view to_string(NatProtocol protocol) {
  switch (protocol) {
    case NatProtocol::Udp: return "udp";
    case NatProtocol::Tcp: return "tcp";
    case NatProtocol::Icmp: break;
  }
  return "icmp";
}

Nat::Nat(const NatSettings& settings, uint64_t seed, uint16_t worker, uint16_t workers, Instant now,
         std::pmr::memory_resource* memory)
    : settings_(settings),
      random_(seed),
      secret_{},
      now_(now),
      pool_(settings, worker, workers),
      bindings_(settings.max_sessions / workers + 1 + settings.static_bindings.size(), memory),
      further_(settings.max_sessions / workers + 1, memory),
      subscribers_(settings.max_sessions / workers + 1 + settings.static_bindings.size(), memory),
      by_inside_(settings.max_sessions / workers + 1 + settings.static_bindings.size(), memory),
      by_outside_(settings.max_sessions / workers + 1 + settings.static_bindings.size(), memory),
      by_remote_(settings.max_sessions / workers + 1, memory),
      by_subscriber_(settings.max_sessions / workers + 1 + settings.static_bindings.size(), memory),
      lasting_(tick_of(now)),
      transitory_(tick_of(now)),
      blocks_taken_(pool_.address_count()) {
  // Seed 0 makes ports certain, not hashes the same.
  RandomSource secrets(seed == 0 ? 1 : seed ^ 0x5851f42d4c957f2d);
  for (uint64_t& secret : secret_) secret = secrets.next() | 1;
  set_timeouts();
  add_static_bindings(tick_of(now));
}

void Nat::set_timeouts() noexcept {
  const NatTimeouts& timeouts = settings_.timeouts;
  udp_ = ticks_of_seconds(timeouts.udp);
  icmp_ = ticks_of_seconds(timeouts.icmp);
  tcp_opening_ = ticks_of_seconds(timeouts.tcp_opening);
  tcp_established_ = ticks_of_seconds(timeouts.tcp_established);
  tcp_closing_ = ticks_of_seconds(timeouts.tcp_closing);
  port_rest_ = ticks_of_seconds(settings_.port_rest);
  block_rest_ = ticks_of_seconds(settings_.block_rest);
}

// --- finding ---

YONROKU_HOT_INLINE uint32_t Nat::hash_inside(const InsideEndpoint& inside, NatProtocol protocol,
                                             const Key& key) const noexcept {
  uint64_t remote = 0;
  if (key.dependence != Dependence::EndpointIndependent) {
    remote = uint64_t{key.remote.address.value()} << 16;
    if (key.dependence == Dependence::AddressAndPortDependent) remote |= key.remote.port;
  }
  const uint64_t rest =
      uint64_t{inside.ipv4.value()} << 32 | uint64_t{inside.port} << 8 | static_cast<uint8_t>(protocol);
  const uint64_t address = mix(inside.ipv6.high() ^ secret_[0], inside.ipv6.low() ^ secret_[1]);
  return top(mix(address ^ remote, rest ^ secret_[2]));
}

YONROKU_HOT_INLINE uint32_t Nat::hash_outside(const Ipv4Endpoint& outside,
                                              NatProtocol protocol) const noexcept {
  return top(mix(word(outside) ^ secret_[0], secret_[1] + static_cast<uint8_t>(protocol)));
}

uint32_t Nat::hash_shared(const Ipv4Endpoint& outside, NatProtocol protocol,
                          const Ipv4Endpoint& remote) const noexcept {
  return top(mix(mix(word(outside) ^ secret_[0], secret_[1] + static_cast<uint8_t>(protocol)),
                 word(remote) ^ secret_[2]));
}

uint32_t Nat::hash_session(uint32_t binding, const Ipv4Endpoint& remote) const noexcept {
  return top(mix(word(remote) ^ secret_[1], secret_[0] ^ (uint64_t{binding} << 20)));
}

uint32_t Nat::hash_subscriber(const Ipv6Address& ipv6, Ipv4Address ipv4) const noexcept {
  return top(mix(mix(ipv6.high() ^ secret_[2], ipv6.low() ^ secret_[0]), ipv4.value() ^ secret_[1]));
}

YONROKU_HOT_INLINE uint32_t Nat::lookup_inside(const Outbound& packet, Dependence dependence,
                                               bool statics) const noexcept {
  const uint32_t hash = hash_inside(packet.inside, packet.protocol, {dependence, packet.remote});
  const uint8_t wanted =
      static_cast<uint8_t>(packet.protocol) | (statics ? uint8_t{kStatic} : uint8_t{0}) | kInUse;
  return by_inside_.find(hash, [&](uint32_t id) YONROKU_HOT_LAMBDA {
    const Binding& b = bindings_[id];
    return b.inside_port == packet.inside.port && b.inside_ipv6 == packet.inside.ipv6 &&
           b.inside_ipv4 == packet.inside.ipv4 &&
           (b.first.flags & (kProtocol | kStatic | kInUse)) == wanted &&
           (dependence == Dependence::EndpointIndependent ||
            (b.first.remote == packet.remote.address &&
             (dependence == Dependence::AddressDependent || b.first.remote_port == packet.remote.port)));
  });
}

YONROKU_HOT_INLINE uint32_t Nat::binding_of(const Outbound& packet) const noexcept {
  if (shared_count_ > 0 && settings_.mapping != Dependence::AddressAndPortDependent) [[unlikely]]
    if (const uint32_t shared = lookup_inside(packet, Dependence::AddressAndPortDependent, false);
        shared != kNone)
      return shared;
  const uint32_t id = lookup_inside(packet, settings_.mapping, false);
  if (id != kNone) [[likely]]
    return id;
  return static_count_ > 0 ? lookup_inside(packet, Dependence::EndpointIndependent, true) : kNone;
}

uint32_t Nat::shared_binding_at(const Ipv4Endpoint& outside, NatProtocol protocol,
                                const Ipv4Endpoint& remote) const noexcept {
  return by_outside_.find(hash_shared(outside, protocol, remote), [&](uint32_t id) {
    const Binding& b = bindings_[id];
    return b.is_shared() && b.outside == outside.address && b.outside_port == outside.port &&
           b.protocol() == protocol && b.first.remote == remote.address && b.first.remote_port == remote.port;
  });
}

YONROKU_HOT_INLINE uint32_t Nat::binding_of(const Inbound& packet) const noexcept {
  if (shared_count_ > 0) [[unlikely]]
    if (const uint32_t shared = shared_binding_at(packet.outside, packet.protocol, packet.remote);
        shared != kNone)
      return shared;
  return by_outside_.find(hash_outside(packet.outside, packet.protocol), [&](uint32_t id) YONROKU_HOT_LAMBDA {
    const Binding& b = bindings_[id];
    return b.outside == packet.outside.address && b.outside_port == packet.outside.port &&
           b.protocol() == packet.protocol && !b.is_shared();
  });
}

YONROKU_HOT_INLINE uint32_t Nat::session_of(uint32_t binding, const Ipv4Endpoint& remote) const noexcept {
  const Binding& b = bindings_[binding];
  if (b.has_session() && b.first.remote == remote.address && b.first.remote_port == remote.port) [[likely]]
    return binding;
  if (b.further == kNone) return kNone;
  const uint32_t id = by_remote_.find(hash_session(binding, remote), [&](uint32_t candidate) {
    const FurtherSession& f = further_[candidate];
    return f.binding == binding && f.session.remote == remote.address && f.session.remote_port == remote.port;
  });
  return id == kNone ? kNone : id | kFurther;
}

bool Nat::has_session_with(uint32_t binding, Ipv4Address remote) const noexcept {
  constexpr int kMostLookedAt = 1024;
  const Binding& b = bindings_[binding];
  if (b.has_session() && b.first.remote == remote) return true;
  int left = kMostLookedAt;
  for (uint32_t i = b.further; i != kNone && left-- > 0; i = further_[i].older)
    if (further_[i].session.remote == remote) return true;
  return false;
}

Nat::Key Nat::key_of(const Binding& binding) const noexcept {
  if (binding.is_static()) return {Dependence::EndpointIndependent, {}};
  const Ipv4Endpoint remote{binding.first.remote, binding.first.remote_port};
  if (binding.is_shared()) return {Dependence::AddressAndPortDependent, remote};
  return {settings_.mapping, remote};
}

bool Nat::is_found_by(const Binding& binding, const Ipv4Endpoint& remote) const noexcept {
  const Key key = key_of(binding);
  if (key.dependence == Dependence::EndpointIndependent) return true;
  return key.remote.address == remote.address &&
         (key.dependence == Dependence::AddressDependent || key.remote.port == remote.port);
}

bool Nat::find_outside(const Outbound& packet, Ipv4Endpoint& outside) const noexcept {
  const uint32_t id = binding_of(packet);
  if (id == kNone) return false;
  outside = {bindings_[id].outside, bindings_[id].outside_port};
  return true;
}

bool Nat::find_inside(const Inbound& packet, InsideEndpoint& inside) const noexcept {
  const uint32_t id = binding_of(packet);
  if (id == kNone) return false;
  const Binding& b = bindings_[id];
  inside = {b.inside_ipv6, b.inside_ipv4, b.inside_port};
  return true;
}

bool Nat::has_session(const Inbound& packet) const noexcept {
  const uint32_t id = binding_of(packet);
  return id != kNone && session_of(id, packet.remote) != kNone;
}

uint32_t Nat::prefetch(const Outbound& packet) const noexcept {
  const uint32_t hash = hash_inside(packet.inside, packet.protocol, {settings_.mapping, packet.remote});
  by_inside_.prefetch(hash);
  return hash;
}

uint32_t Nat::prefetch(const Inbound& packet) const noexcept {
  const uint32_t hash = hash_outside(packet.outside, packet.protocol);
  by_outside_.prefetch(hash);
  return hash;
}

void Nat::prefetch_binding(NatSide side, uint32_t hash) const noexcept {
  const HashIndex& index = side == NatSide::Inside ? by_inside_ : by_outside_;
  const uint32_t id = index.likely(hash);
  if (id != kNone) __builtin_prefetch(&bindings_[id], 1);
}

// --- packets ---

DropReason Nat::outbound(const Outbound& packet, Instant now, Ipv4Endpoint& outside) noexcept {
  const Tick tick = tick_of(now);
  const uint32_t id = binding_of(packet);
  if (id == kNone) [[unlikely]] {
    now_ = now;
    return open_outbound(packet, tick, PortsToTake::Any, outside);
  }
  outside = {bindings_[id].outside, bindings_[id].outside_port};
  const uint32_t session = session_of(id, packet.remote);
  if (session != kNone) [[likely]] {
    touch(session, packet.protocol, NatSide::Inside, packet.tcp_flags, tick);
    return DropReason::None;
  }
  now_ = now;
  // Somebody else has the port for that destination: this flow gets another one.
  if (shared_count_ > 0 && !bindings_[id].is_shared() &&
      shared_binding_at(outside, packet.protocol, packet.remote) != kNone)
    return open_outbound(packet, tick, PortsToTake::Shared, outside);
  // RFC 6146 §3.5.2.2, CLOSED: what does not open a connection passes where there is a binding, and opens
  // nothing.
  if (packet.protocol == NatProtocol::Tcp && !opens(packet.tcp_flags)) return DropReason::None;
  return open_session(id, packet.remote, NatSide::Inside, tick);
}

DropReason Nat::inbound(const Inbound& packet, Instant now, InsideEndpoint& inside) noexcept {
  const Tick tick = tick_of(now);
  const bool is_opening = packet.protocol == NatProtocol::Tcp && opens(packet.tcp_flags);
  const uint32_t id = binding_of(packet);
  if (id == kNone) [[unlikely]] {
    if (is_opening) return DropReason::UnsolicitedSyn;
    return packet.protocol == NatProtocol::Tcp ? DropReason::TcpWithoutSession : DropReason::NoBinding;
  }
  const Binding& binding = bindings_[id];
  inside = {binding.inside_ipv6, binding.inside_ipv4, binding.inside_port};
  const uint32_t session = session_of(id, packet.remote);
  if (session != kNone) [[likely]] {
    touch(session, packet.protocol, NatSide::Outside, packet.tcp_flags, tick);
    return DropReason::None;
  }
  const bool is_let_in =
      binding.is_static() || settings_.filtering == Dependence::EndpointIndependent ||
      (settings_.filtering == Dependence::AddressDependent && has_session_with(id, packet.remote.address));
  if (!is_let_in) return is_opening ? DropReason::UnsolicitedSyn : DropReason::Filtered;
  if (packet.protocol == NatProtocol::Tcp && !is_opening) return DropReason::None;
  now_ = now;
  if (!is_found_by(binding, packet.remote)) return open_beside(id, packet.remote, tick);
  return open_session(id, packet.remote, NatSide::Outside, tick);
}

YONROKU_HOT_INLINE void Nat::touch(uint32_t session, NatProtocol protocol, NatSide side, uint8_t tcp_flags,
                                   Tick now) noexcept {
  Session& s = at(session);
  if (protocol == NatProtocol::Tcp) {
    if (static_cast<TcpState>(s.state) == TcpState::Established && (tcp_flags & kConnectionFlags) == 0)
        [[likely]]
      s.expires = now + tcp_established_;
    else
      touch_slowly(session, protocol, side, tcp_flags, now);
  } else if (protocol == NatProtocol::Udp) {
    s.expires = now + udp_;
    if (side == NatSide::Outside && s.state == 0) [[unlikely]]
      touch_slowly(session, protocol, side, tcp_flags, now);
  } else {
    s.expires = now + icmp_;
  }
}

void Nat::touch_slowly(uint32_t session, NatProtocol protocol, NatSide side, uint8_t tcp_flags,
                       Tick now) noexcept {
  Session& s = at(session);
  if (protocol == NatProtocol::Udp) {  // somebody answered: no longer among those that are ended for others
    --count_of(protocol, s);
    s.state = 1;
    ++count_of(protocol, s);
    wheel_of(s).cancel(session, links());
    begin_timer(session);
    return;
  }
  const TcpStep step = next_tcp_state(static_cast<TcpState>(s.state), side, tcp_flags);
  const Tick before = s.expires;
  switch (step.lifetime) {
    case TcpLifetime::Opening: s.expires = now + tcp_opening_; break;
    case TcpLifetime::Established: s.expires = now + tcp_established_; break;
    case TcpLifetime::Closing: s.expires = now + tcp_closing_; break;
    case TcpLifetime::Unchanged: break;
  }
  --count_of(protocol, s);
  s.state = static_cast<uint8_t>(step.state);
  ++count_of(protocol, s);
  const bool changes_wheel = is_transitory(step.state) != ((s.flags & kTransitory) != 0);
  if (changes_wheel || static_cast<int32_t>(s.expires - before) < 0) {
    wheel_of(s).cancel(session, links());
    begin_timer(session);
  }
}

// Puts the session into the wheel that fits its state.
void Nat::begin_timer(uint32_t session) noexcept {
  Session& s = at(session);
  const uint32_t binding = (session & kFurther) == 0 ? session : further_[session & ~kFurther].binding;
  const NatProtocol protocol = bindings_[binding].protocol();
  const bool transitory =
      protocol == NatProtocol::Icmp ||
      (protocol == NatProtocol::Udp ? s.state == 0 : is_transitory(static_cast<TcpState>(s.state)));
  s.flags = static_cast<uint8_t>(transitory ? s.flags | kTransitory : s.flags & ~kTransitory);
  wheel_of(s).schedule(session, s.expires, links());
}

// --- opening ---

DropReason Nat::open_outbound(const Outbound& packet, Tick now, PortsToTake ports_to_take,
                              Ipv4Endpoint& outside) noexcept {
  if (packet.protocol == NatProtocol::Tcp && !opens(packet.tcp_flags)) return DropReason::TcpWithoutSession;
  if (subscribers_.is_full() && !end_oldest_transitory()) {
    report_refusal(NatEvent::Kind::TableFull, packet.protocol, packet.inside);
    return DropReason::TableFull;
  }
  const uint32_t subscriber = find_or_add_subscriber(packet.inside, now);
  // Counted while it is served, so that it does not go with what is ended to make room for it.
  ++subscribers_[subscriber].bindings;
  const auto refuse = [&](DropReason reason, NatEvent::Kind kind) {
    --subscribers_[subscriber].bindings;
    drop_subscriber_if_idle(subscriber);
    report_refusal(kind, packet.protocol, packet.inside);
    return reason;
  };
  if (check_limits(subscriber, packet.protocol, kNone, now) != DropReason::None)
    return refuse(DropReason::SubscriberLimit, NatEvent::Kind::LimitExceeded);
  const uint32_t ports = settings_.ports_per_subscriber;
  if (ports != 0 && subscribers_[subscriber].bindings > ports &&
      !end_transitory_of(subscriber, packet.protocol, kNone))
    return refuse(DropReason::SubscriberLimit, NatEvent::Kind::LimitExceeded);
  if (bindings_.is_full() && !end_oldest_transitory())
    return refuse(DropReason::TableFull, NatEvent::Kind::TableFull);

  uint8_t flags = 0;
  Key key{settings_.mapping, packet.remote};
  bool may_own = ports_to_take == PortsToTake::Any;
  const auto take_own = [&] {
    if (!may_own || !take_port(subscribers_[subscriber], packet, outside)) return false;
    if (shared_count_ == 0 || shared_binding_at(outside, packet.protocol, packet.remote) == kNone)
      return true;
    // Free, but somebody who shared it before still talks to the same other end.
    give_back_port(subscribers_[subscriber], outside, packet.protocol, Rest::No);
    may_own = false;
    return false;
  };
  bool found = take_own();
  if (!found && (!may_own || settings_.when_exhausted == WhenExhausted::ReuseByDestination) &&
      share_port(subscribers_[subscriber], packet, outside)) {
    found = true;
    flags = kShared;
    key.dependence = Dependence::AddressAndPortDependent;
  }
  if (!found && may_own && end_transitory_of(subscriber, packet.protocol, kNone)) found = take_own();
  // Somebody else's port helps only where ports are not dealt out in blocks.
  constexpr int kMostEndedForOne = 8;
  for (int i = 0; !found && may_own && settings_.allocation == PortAllocation::Dynamic &&
                  i < kMostEndedForOne && end_oldest_transitory();
       ++i) {
    if (subscribers_[subscriber].bindings == 1)
      subscribers_[subscriber].address = kNone;  // it may have any address
    found = take_own();
  }
  if (!found) return refuse(DropReason::NoPort, NatEvent::Kind::PortsExhausted);

  --subscribers_[subscriber].bindings;
  const uint32_t id = add_binding(subscriber, packet.inside, outside, key, packet.protocol, flags);
  report(NatEvent::Kind::BindingCreated, bindings_[id]);
  const DropReason opened = open_session(id, packet.remote, NatSide::Inside, now);
  if (opened != DropReason::None) end_binding(id, Rest::No);
  return opened;
}

DropReason Nat::check_limits(uint32_t subscriber, NatProtocol protocol, uint32_t except, Tick now) noexcept {
  Subscriber& s = subscribers_[subscriber];
  if (!may_open(s, now)) return DropReason::SubscriberLimit;
  if (settings_.sessions_per_subscriber != 0 && s.sessions >= settings_.sessions_per_subscriber &&
      !end_transitory_of(subscriber, protocol, except))
    return DropReason::SubscriberLimit;
  return DropReason::None;
}

bool Nat::may_open(Subscriber& subscriber, Tick now) noexcept {
  const uint64_t rate = settings_.new_sessions_per_second;
  if (rate == 0) return true;
  constexpr uint64_t kMillisecondsPerTick = 134;
  const uint64_t earned = uint64_t{now - subscriber.allowance_at} * kMillisecondsPerTick * rate;
  const uint64_t allowance = std::min<uint64_t>(subscriber.allowance + earned, rate * 1000);
  subscriber.allowance_at = now;
  subscriber.allowance = static_cast<uint32_t>(allowance < 1000 ? allowance : allowance - 1000);
  return allowance >= 1000;
}

// Mapping depends on the other end, and somebody else was let in: the answers must leave from where it was
// addressed to, so it gets a binding of its own at the same place.
DropReason Nat::open_beside(uint32_t binding, const Ipv4Endpoint& remote, Tick now) noexcept {
  if (bindings_.is_full() && !end_oldest_transitory()) return DropReason::TableFull;
  if (!is_in_use(binding)) return DropReason::NoBinding;  // it was the oldest itself
  const Binding& b = bindings_[binding];
  const uint32_t id =
      add_binding(b.subscriber, {b.inside_ipv6, b.inside_ipv4, b.inside_port}, {b.outside, b.outside_port},
                  {Dependence::AddressAndPortDependent, remote}, b.protocol(), kShared);
  report(NatEvent::Kind::BindingCreated, bindings_[id]);
  const DropReason opened = open_session(id, remote, NatSide::Outside, now);
  if (opened != DropReason::None) end_binding(id, Rest::No);
  return opened;
}

DropReason Nat::open_session(uint32_t binding, const Ipv4Endpoint& remote, NatSide side, Tick now) noexcept {
  Binding& b = bindings_[binding];
  const NatProtocol protocol = b.protocol();
  const bool is_new = !b.has_session();
  if (!is_new || b.is_static()) {  // the first of a new binding was checked with it
    if (const DropReason limit = check_limits(b.subscriber, protocol, binding, now);
        limit != DropReason::None) {
      report_refusal(NatEvent::Kind::LimitExceeded, protocol, {b.inside_ipv6, b.inside_ipv4, b.inside_port});
      return limit;
    }
  }
  if (session_count_ >= settings_.max_sessions && !end_oldest_transitory()) return DropReason::TableFull;
  if (!is_in_use(binding)) return DropReason::TableFull;  // it was the oldest itself
  uint32_t id = binding;
  if (b.has_session()) {
    if (further_.is_full()) return DropReason::TableFull;
    const uint32_t further = further_.add();
    FurtherSession& f = further_[further];
    f.binding = binding;
    f.older = b.further;
    if (b.further != kNone) further_[b.further].newer = further;
    b.further = further;
    by_remote_.insert(hash_session(binding, remote), further);
    id = further | kFurther;
  } else {
    b.first.flags |= kHasSession;
  }
  Session& s = at(id);
  s.remote = remote.address;
  s.remote_port = remote.port;
  s.state = 0;
  switch (protocol) {
    case NatProtocol::Udp: s.expires = now + udp_; break;
    case NatProtocol::Icmp: s.expires = now + icmp_; break;
    case NatProtocol::Tcp:
      s.state = static_cast<uint8_t>(side == NatSide::Inside ? TcpState::InsideInit : TcpState::OutsideInit);
      s.expires = now + tcp_opening_;
      break;
  }
  begin_timer(id);
  ++session_count_;
  ++count_of(protocol, s);
  ++subscribers_[b.subscriber].sessions;
  report(NatEvent::Kind::SessionCreated, b, &s);
  return DropReason::None;
}

uint32_t Nat::add_binding(uint32_t subscriber, const InsideEndpoint& inside, const Ipv4Endpoint& outside,
                          const Key& key, NatProtocol protocol, uint8_t flags) noexcept {
  const uint32_t id = bindings_.add();
  Binding& b = bindings_[id];
  b.inside_ipv6 = inside.ipv6;
  b.inside_ipv4 = inside.ipv4;
  b.inside_port = inside.port;
  b.outside = outside.address;
  b.outside_port = outside.port;
  b.first.flags = static_cast<uint8_t>(static_cast<uint8_t>(protocol) | flags | kInUse);
  // Found by them before the session says so.
  b.first.remote = key.remote.address;
  b.first.remote_port = key.remote.port;
  b.subscriber = subscriber;
  Subscriber& s = subscribers_[subscriber];
  b.older = s.newest;
  if (s.newest != kNone) bindings_[s.newest].newer = id;
  s.newest = id;
  if (s.oldest == kNone) s.oldest = id;
  ++s.bindings;
  ++counts_.bindings[static_cast<std::size_t>(protocol)];
  by_inside_.insert(hash_inside(inside, protocol, key), id);
  by_outside_.insert(
      b.is_shared() ? hash_shared(outside, protocol, key.remote) : hash_outside(outside, protocol), id);
  shared_count_ += b.is_shared() ? 1u : 0u;
  static_count_ += b.is_static() ? 1u : 0u;
  return id;
}

void Nat::add_static_bindings(Tick now) noexcept {
  static_owners_.clear();
  uint32_t first_to_go = 0;
  for (const StaticBinding& wanted : settings_.static_bindings) {
    const InsideEndpoint inside{wanted.inside, wanted.inside_ipv4, wanted.inside_port};
    const Ipv4Endpoint outside{wanted.outside, wanted.outside_port};
    // The subscriber's worker has it, whoever's the port is.
    const uint16_t owner = owner_of(inside);
    static_owners_.push_back({wanted.protocol, outside, owner});
    if (binding_of(Inbound{outside, {}, wanted.protocol, 0}) != kNone) continue;  // It stayed.
    if (const auto place = pool_.place_of(wanted.outside, wanted.outside_port))
      (void)pool_.take(*place, wanted.protocol);
    if (owner != pool_.worker()) continue;
    if (!make_room(first_to_go)) {
      report_refusal(NatEvent::Kind::TableFull, wanted.protocol, inside);
      continue;
    }
    const uint32_t subscriber = find_or_add_subscriber(inside, now);
    add_binding(subscriber, inside, outside, {Dependence::EndpointIndependent, {}}, wanted.protocol, kStatic);
  }
}

// --- subscribers ---

uint32_t Nat::find_or_add_subscriber(const InsideEndpoint& inside, Tick now) noexcept {
  const Ipv6Address ipv6 = subscriber_of(inside);
  // Behind a B4 all are one; without IPv6 each host is one.
  const Ipv4Address ipv4 = inside.ipv6 == Ipv6Address{} ? inside.ipv4 : Ipv4Address{};
  const uint32_t hash = hash_subscriber(ipv6, ipv4);
  const uint32_t found = by_subscriber_.find(
      hash, [&](uint32_t id) { return subscribers_[id].ipv6 == ipv6 && subscribers_[id].ipv4 == ipv4; });
  if (found != kNone) return found;
  const uint32_t id = subscribers_.add();
  Subscriber& s = subscribers_[id];
  s.ipv6 = ipv6;
  s.ipv4 = ipv4;
  s.address = kNone;
  s.allowance = static_cast<uint32_t>(
      std::min<uint64_t>(uint64_t{settings_.new_sessions_per_second} * 1000, UINT32_MAX));
  s.allowance_at = now;
  by_subscriber_.insert(hash, id);
  return id;
}

void Nat::drop_subscriber_if_idle(uint32_t subscriber) noexcept {
  const Subscriber& s = subscribers_[subscriber];
  if (s.bindings > 0) return;
  by_subscriber_.erase(hash_subscriber(s.ipv6, s.ipv4), subscriber);
  subscribers_.remove(subscriber);
}

// Of two at random the one with more room; where both are full, the next that is not.
uint32_t Nat::choose_address(NatProtocol protocol) noexcept {
  constexpr uint32_t kMostTried = 64;
  const uint32_t count = pool_.address_count();
  const auto room = [&](uint32_t address) {
    const PortPool::Span share = pool_.share_of(address);
    const uint32_t used = pool_.used(address, protocol);
    return share.end - share.begin > used ? share.end - share.begin - used : 0u;
  };
  const auto one = static_cast<uint32_t>(random_.below(count));
  const auto other = static_cast<uint32_t>(random_.below(count));
  const uint32_t better = room(other) > room(one) ? other : one;
  for (uint32_t i = 0; i < std::min(count, kMostTried); ++i)
    if (const uint32_t address = (better + i) % count; room(address) > 0) return address;
  return better;
}

// RFC 7422 §2: which block it is follows from the subscriber's number alone.
std::optional<PortPool::Place> Nat::deterministic_place(const Ipv6Address& subscriber) const noexcept {
  const auto number_in = [&](const Ipv6Prefix& prefix) {
    const auto shifted = [&](const Ipv6Address& a) {
      const auto whole = static_cast<unsigned __int128>(a.high()) << 64 | a.low();
      return whole >> (128 - settings_.subscriber_prefix_length);
    };
    return static_cast<uint64_t>(shifted(subscriber) - shifted(prefix.address()));
  };
  uint64_t number = 0;
  const auto home = std::ranges::find_if(settings_.subscribers, [&](const Ipv6Prefix& prefix) {
    if (prefix.contains(subscriber)) {
      number += number_in(prefix);
      return true;
    }
    number += uint64_t{1} << (settings_.subscriber_prefix_length - prefix.length());
    return false;
  });
  if (home == settings_.subscribers.end()) return std::nullopt;
  for (uint32_t address = 0; address < pool_.address_count(); ++address) {
    const uint32_t blocks = pool_.slots_of(address).count / settings_.block_size;
    if (number < blocks)
      return PortPool::Place{address, static_cast<uint32_t>(number) * settings_.block_size};
    number -= blocks;
  }
  return std::nullopt;
}

uint16_t Nat::owner_of(const InsideEndpoint& inside) const noexcept {
  if (pool_.workers() == 1) return 0;
  const Ipv6Address subscriber = subscriber_of(inside);
  if (settings_.allocation == PortAllocation::Deterministic) {
    const auto place = deterministic_place(subscriber);
    return place ? pool_.worker_of(*place) : uint16_t{0};
  }
  // The same for all workers: no secret in it.
  const Ipv4Address ipv4 = inside.ipv6 == Ipv6Address{} ? inside.ipv4 : Ipv4Address{};
  const uint64_t hash =
      mix(subscriber.high() ^ 0x9e3779b97f4a7c15, subscriber.low() ^ ipv4.value() ^ 0xd6e8feb86659fd93);
  return static_cast<uint16_t>(uint64_t{top(hash)} * pool_.workers() >> 32);
}

uint16_t Nat::owner_of(const Ipv4Endpoint& outside, NatProtocol protocol) const noexcept {
  if (pool_.workers() == 1) return 0;
  for (const StaticOwner& made : static_owners_)
    if (made.outside == outside && made.protocol == protocol) return made.worker;
  const auto place = pool_.place_of(outside.address, outside.port);
  return place ? pool_.worker_of(*place) : pool_.worker();
}

// --- ports ---

bool Nat::take_port(Subscriber& subscriber, const Outbound& packet, Ipv4Endpoint& outside) noexcept {
  if (settings_.keep_contiguity && settings_.allocation == PortAllocation::Dynamic &&
      take_next_port(packet, outside))
    return true;
  if (subscriber.address == kNone) {
    if (settings_.allocation == PortAllocation::Deterministic) {
      const auto place = deterministic_place(subscriber.ipv6);
      if (!place) return false;
      subscriber.address = place->address;
      subscriber.blocks[0] = {place->slot / settings_.block_size, 0};
    } else {
      subscriber.address = choose_address(packet.protocol);
    }
  }
  if (settings_.allocation == PortAllocation::Dynamic)
    return take_port_in(subscriber.address, pool_.share_of(subscriber.address), packet, outside);
  for (Block& block : subscriber.blocks) {
    if (block.number == kNone || !take_port_in(subscriber.address, span_of(block), packet, outside)) continue;
    ++block.used;
    return true;
  }
  Block* fresh = nullptr;
  if (settings_.allocation == PortAllocation::Deterministic || !take_block(subscriber, fresh)) return false;
  if (!take_port_in(subscriber.address, span_of(*fresh), packet, outside)) return false;
  ++fresh->used;
  return true;
}

bool Nat::take_port_in(uint32_t address, PortPool::Span span, const Outbound& packet,
                       Ipv4Endpoint& outside) noexcept {
  using Parity = PortPool::Parity;
  const PortSlots& slots = pool_.slots_of(address);
  const uint32_t user_ports = std::clamp(slots.first_from(1024), span.begin, span.end);
  Parity parity = Parity::Any;
  if (settings_.keep_parity && packet.protocol == NatProtocol::Udp)
    parity = packet.inside.port % 2 == 0 ? Parity::Even : Parity::Odd;
  // What is wished first, then whatever there is.
  const bool is_system = packet.inside.port < 1024;
  const bool keeps_range = settings_.keep_range && packet.protocol != NatProtocol::Icmp;
  const PortPool::Span wished = !keeps_range ? span
                                : is_system  ? PortPool::Span{span.begin, user_ports}
                                             : PortPool::Span{user_ports, span.end};
  std::optional<uint32_t> slot;
  for (const PortPool::Span& among : {wished, span})
    for (const Parity with : {parity, Parity::Any})
      if (!slot) slot = pool_.take_any(address, packet.protocol, among, with, random_);
  if (!slot) return false;
  outside = {pool_.address(address), slots.port(*slot)};
  return true;
}

// RFC 4787 §4.2.3: RTCP's port is the one above RTP's, outside too where that can be.
bool Nat::take_next_port(const Outbound& packet, Ipv4Endpoint& outside) noexcept {
  if (packet.protocol != NatProtocol::Udp || packet.inside.port == 0) return false;
  Outbound below = packet;
  --below.inside.port;
  Ipv4Endpoint neighbour;
  if (!find_outside(below, neighbour) || neighbour.port == UINT16_MAX) return false;
  const Ipv4Endpoint next{neighbour.address, static_cast<uint16_t>(neighbour.port + 1)};
  const auto place = pool_.place_of(next.address, next.port);
  if (!place) return false;
  const PortPool::Span share = pool_.share_of(place->address);
  if (place->slot < share.begin || place->slot >= share.end || !pool_.take(*place, packet.protocol))
    return false;
  outside = next;
  return true;
}

// RFC 7857 §3: the same port again, to a destination that nobody else reaches from it.
bool Nat::share_port(const Subscriber& subscriber, const Outbound& packet, Ipv4Endpoint& outside) noexcept {
  constexpr uint32_t kMostTried = 256;
  if (subscriber.address == kNone || packet.protocol == NatProtocol::Icmp) return false;
  const auto try_span = [&](PortPool::Span span) {
    if (span.begin >= span.end) return false;
    const uint32_t size = span.end - span.begin;
    const auto start = static_cast<uint32_t>(random_.below(size));
    for (uint32_t i = 0; i < std::min(size, kMostTried); ++i) {
      const Ipv4Endpoint candidate{pool_.address(subscriber.address),
                                   pool_.port_of({subscriber.address, span.begin + (start + i) % size})};
      const uint32_t other = binding_of(Inbound{candidate, packet.remote, packet.protocol, 0});
      if (other != kNone && (bindings_[other].is_shared() || bindings_[other].is_static() ||
                             session_of(other, packet.remote) != kNone))
        continue;
      outside = candidate;
      return true;
    }
    return false;
  };
  if (settings_.allocation == PortAllocation::Dynamic) return try_span(pool_.share_of(subscriber.address));
  return std::ranges::any_of(subscriber.blocks,
                             [&](const Block& b) { return b.number != kNone && try_span(span_of(b)); });
}

PortPool::Span Nat::span_of(const Block& block) const noexcept {
  return {block.number * settings_.block_size, (block.number + 1) * settings_.block_size};
}

bool Nat::take_block(Subscriber& subscriber, Block*& block) noexcept {
  const auto free_entry = std::ranges::find(subscriber.blocks, kNone, &Block::number);
  if (free_entry - subscriber.blocks >= settings_.blocks_per_subscriber) return false;
  const PortPool::Span share = pool_.share_of(subscriber.address);
  const uint32_t first = share.begin / settings_.block_size;
  const uint32_t count = share.end / settings_.block_size - first;
  if (count == 0) return false;
  auto& taken = blocks_taken_[subscriber.address];
  if (taken.empty()) taken.resize(first + count);
  const auto start = static_cast<uint32_t>(random_.below(count));
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t number = first + (start + i) % count;
    if (taken[number]) continue;
    taken[number] = true;
    ++used_blocks_;
    *free_entry = {number, 0};
    block = free_entry;
    if (sink_ != nullptr) {
      NatEvent event = event_of(NatEvent::Kind::PortBlockTaken, {});
      event.inside = {subscriber.ipv6, subscriber.ipv4, 0};
      event.outside = {pool_.address(subscriber.address),
                       pool_.port_of({subscriber.address, number * settings_.block_size})};
      sink_->on(event);
    }
    return true;
  }
  return false;
}

void Nat::give_back_port(Subscriber& subscriber, const Ipv4Endpoint& outside, NatProtocol protocol,
                         Rest rest) noexcept {
  const auto place = pool_.place_of(outside.address, outside.port);
  if (!place) return;
  // RFC 6888 REQ-8: a port that anybody outside can reach is not soon another's. TCP's are watched until the
  // connection is over, and what filtering lets in is not for the one before.
  const bool rests = rest == Rest::Yes && protocol == NatProtocol::Udp && settings_.port_rest > 0 &&
                     settings_.filtering == Dependence::EndpointIndependent;
  if (rests)
    pool_.give_back(*place, protocol, tick_of(now_) + port_rest_);
  else
    pool_.give_back(*place, protocol);
  if (settings_.allocation == PortAllocation::Dynamic) return;
  const uint32_t number = place->slot / settings_.block_size;
  const auto block = std::ranges::find(subscriber.blocks, number, &Block::number);
  if (block == std::end(subscriber.blocks) || --block->used > 0 ||
      settings_.allocation == PortAllocation::Deterministic)
    return;
  block->number = kNone;
  resting_blocks_.push_back({tick_of(now_) + block_rest_, place->address, number});
  if (sink_ != nullptr) {
    NatEvent event = event_of(NatEvent::Kind::PortBlockReturned, {});
    event.inside = {subscriber.ipv6, subscriber.ipv4, 0};
    event.outside = {outside.address, pool_.port_of({place->address, number * settings_.block_size})};
    sink_->on(event);
  }
}

// --- ending ---

bool Nat::expire(Instant now, std::size_t most) noexcept {
  now_ = now;
  const Tick tick = tick_of(now);
  bool more = pool_.end_rests(tick, most);
  for (std::size_t i = 0;
       i < most && !resting_blocks_.empty() && is_past(resting_blocks_.front().until, tick); ++i) {
    const RestingBlock& block = resting_blocks_.front();
    blocks_taken_[block.address][block.number] = false;
    --used_blocks_;
    resting_blocks_.pop_front();
  }
  for (TimerWheel* wheel : {&transitory_, &lasting_}) {
    wheel->advance(tick, links());
    for (std::size_t left = most; left > 0; --left) {
      const uint32_t id = wheel->take_due(links());
      if (id == kNone) break;
      // In no list, as end_session() would have it: it goes back into one, or is ended there.
      wheel->schedule(id, at(id).expires, links());
      if (is_past(at(id).expires, tick)) end_session(id, Rest::Yes);
    }
    more = more || wheel->has_due();
  }
  return more;
}

void Nat::end_session(uint32_t session, Rest rest) noexcept {
  const uint32_t binding = (session & kFurther) == 0 ? session : further_[session & ~kFurther].binding;
  Binding& b = bindings_[binding];
  Session& s = at(session);
  report(NatEvent::Kind::SessionEnded, b, &s);
  wheel_of(s).cancel(session, links());
  --session_count_;
  --count_of(b.protocol(), s);
  --subscribers_[b.subscriber].sessions;

  if ((session & kFurther) == 0) {
    b.first.flags = static_cast<uint8_t>(b.first.flags & ~kHasSession);
    if (b.further == kNone) {
      if (!b.is_static()) end_binding(binding, rest);
      return;
    }
    // The newest of the further ones takes its place.
    Session& heir = further_[b.further].session;
    session = b.further | kFurther;
    wheel_of(heir).cancel(session, links());
    b.first.remote = heir.remote;
    b.first.remote_port = heir.remote_port;
    b.first.expires = heir.expires;
    b.first.state = heir.state;
    b.first.flags |= kHasSession;
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
  b.first.flags = 0;
  bindings_.remove(binding);
  drop_subscriber_if_idle(subscriber);
}

Tick Nat::lifetime_of(const Session& session, NatProtocol protocol) const noexcept {
  if (protocol == NatProtocol::Udp) return udp_;
  if (protocol == NatProtocol::Icmp) return icmp_;
  switch (static_cast<TcpState>(session.state)) {
    case TcpState::InsideInit:
    case TcpState::OutsideInit: return tcp_opening_;
    case TcpState::BothFin:
    case TcpState::Transitory: return tcp_closing_;
    default: return tcp_established_;
  }
}

// Whether it may give way to somebody else's: nobody has answered yet, or it is over, and it had time for
// more.
bool Nat::may_be_ended(const Session& session, NatProtocol protocol) const noexcept {
  constexpr Tick kFairTime = ticks_of_seconds(4);
  if ((session.flags & kTransitory) == 0) return false;
  return is_past(session.expires - lifetime_of(session, protocol) + kFairTime, tick_of(now_));
}

// The oldest of the subscriber's bindings that stand for nothing but one unanswered or closing session.
bool Nat::end_transitory_of(uint32_t subscriber, NatProtocol protocol, uint32_t except) noexcept {
  constexpr int kMostLookedAt = 64;
  int left = kMostLookedAt;
  for (uint32_t id = subscribers_[subscriber].oldest; id != kNone && left-- > 0; id = bindings_[id].newer) {
    const Binding& b = bindings_[id];
    if (id == except || b.is_static() || !b.has_session() || b.further != kNone || b.protocol() != protocol ||
        !may_be_ended(b.first, protocol))
      continue;
    end_session(id, Rest::No);
    return true;
  }
  return false;
}

bool Nat::end_oldest_transitory() noexcept {
  constexpr int kMostLookedAt = 8;
  uint32_t id = transitory_.soonest();
  for (int i = 0; i < kMostLookedAt && id != kNone; ++i) {
    // It may have been prolonged since it was scheduled.
    transitory_.cancel(id, links());
    transitory_.schedule(id, at(id).expires, links());
    const uint32_t now_first = transitory_.soonest();
    if (now_first == id) break;
    id = now_first;
  }
  if (id == kNone) return false;
  const uint32_t binding = (id & kFurther) == 0 ? id : further_[id & ~kFurther].binding;
  if (!may_be_ended(at(id), bindings_[binding].protocol())) return false;
  end_session(id, Rest::No);
  return true;
}

// --- telling ---

NatEvent Nat::event_of(NatEvent::Kind kind, NatProtocol protocol) const noexcept {
  NatEvent event;
  event.kind = kind;
  event.protocol = protocol;
  event.time = now_;
  return event;
}

void Nat::report(NatEvent::Kind kind, const Binding& binding, const Session* session) noexcept {
  if (sink_ == nullptr) return;
  NatEvent event = event_of(kind, binding.protocol());
  event.inside = {binding.inside_ipv6, binding.inside_ipv4, binding.inside_port};
  event.outside = {binding.outside, binding.outside_port};
  if (session != nullptr) event.remote = {session->remote, session->remote_port};
  sink_->on(event);
}

void Nat::report_refusal(NatEvent::Kind kind, NatProtocol protocol, const InsideEndpoint& inside) noexcept {
  if (sink_ == nullptr) return;
  NatEvent event = event_of(kind, protocol);
  event.inside = inside;
  sink_->on(event);
}

}  // namespace yonroku::share
