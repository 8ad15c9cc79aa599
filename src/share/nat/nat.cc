#include "share/nat/nat.h"

#include "share/nat/nat_lookup.h"

namespace yonroku::share {
namespace {

constexpr uint8_t kConnectionFlags = TcpHeader::kSyn | TcpHeader::kFin | TcpHeader::kRst;

}  // namespace

std::string_view to_string(NatEvent::Kind kind) {
  static constexpr std::string_view kWords[] = {"binding-created", "binding-ended",    "session-created",
                                                "session-ended",   "port-block-taken", "port-block-returned",
                                                "ports-exhausted", "subscriber-limit", "table-full"};
  return kWords[static_cast<std::size_t>(kind)];
}

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
      memory_(memory),
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
  dns_ = ticks_of_seconds(std::min(timeouts.dns, timeouts.udp));
  icmp_ = ticks_of_seconds(timeouts.icmp);
  tcp_opening_ = ticks_of_seconds(timeouts.tcp_opening);
  tcp_established_ = ticks_of_seconds(timeouts.tcp_established);
  tcp_closing_ = ticks_of_seconds(timeouts.tcp_closing);
  port_rest_ = ticks_of_seconds(settings_.port_rest);
  block_rest_ = ticks_of_seconds(settings_.block_rest);
}

// --- packets ---

DropReason Nat::outbound(const Outbound& packet, Instant now, Ipv4Endpoint& outside) noexcept {
  const Tick tick = tick_of(now);
  candidate_ = kNone;
  const uint32_t id = binding_of(packet);
  if (id == kNone) [[unlikely]] {
    now_ = now;
    return open_outbound(packet, tick, PortsToTake::Any, outside);
  }
  outside = {bindings_[id].outside, bindings_[id].outside_port};
  const uint32_t session = session_of(id, packet.remote);
  if (session != kNone) [[likely]] {
    touch(session, packet.protocol, NatSide::Inside, packet.tcp_flags, tick);
    if (offload_ != nullptr) [[unlikely]]
      count_packet(session, packet.protocol, NatSide::Inside);
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
  candidate_ = kNone;
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
    if (offload_ != nullptr) [[unlikely]]
      count_packet(session, packet.protocol, NatSide::Outside);
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
    s.expires = now + udp_lifetime(s.remote_port);
    if (s.state == 0 && is_answer(s, side)) [[unlikely]]
      touch_slowly(session, protocol, side, tcp_flags, now);
  } else {
    s.expires = now + icmp_;
  }
}

void Nat::touch_slowly(uint32_t session, NatProtocol protocol, NatSide side, uint8_t tcp_flags,
                       Tick now) noexcept {
  Session& s = at(session);
  if (protocol == NatProtocol::Udp) {  // answered: no longer among those that are ended for others
    if (side == NatSide::Outside) have_answer(session);
    --count_of(protocol, s);
    s.state = 1;
    ++count_of(protocol, s);
    wheel_of(s).cancel(session, links());
    begin_timer(session);
    return;
  }
  if ((tcp_flags & (TcpHeader::kFin | TcpHeader::kRst)) != 0) end_flow(session);
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
  const NatProtocol protocol = bindings_[binding_with(session)].protocol();
  const bool transitory =
      protocol == NatProtocol::Icmp ||
      (protocol == NatProtocol::Udp ? s.state == 0 : is_transitory(static_cast<TcpState>(s.state)));
  s.flags = static_cast<uint8_t>(transitory ? s.flags | kTransitory : s.flags & ~kTransitory);
  wheel_of(s).schedule(session, s.expires, links());
}

// --- telling ---

NatEvent Nat::event_of(NatEvent::Kind kind, NatProtocol protocol) const noexcept {
  NatEvent event;
  event.kind = kind;
  event.protocol = protocol;
  event.time = now_;
  event.is_recovered = is_adopting_;
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

void Nat::report_block(NatEvent::Kind kind, const Subscriber& subscriber, uint32_t address,
                       const Block& block) noexcept {
  if (sink_ == nullptr) return;
  NatEvent event = event_of(kind, {});
  const PortPool::Span span = span_of(block);
  event.inside = {subscriber.ipv6, subscriber.ipv4, 0};
  event.outside = {pool_.address(address), pool_.port_of({address, span.begin})};
  event.last_port = pool_.port_of({address, span.end - 1});
  sink_->on(event);
}

DropReason Nat::refuse(NatRefusal why, NatProtocol protocol, const InsideEndpoint& inside,
                       Ipv4Address outside) noexcept {
  ++counts_.refusals[static_cast<std::size_t>(protocol)][static_cast<std::size_t>(why)];
  auto kind = NatEvent::Kind::LimitExceeded;
  DropReason reason = DropReason::SubscriberLimit;
  if (why == NatRefusal::PortsExhausted) {
    kind = NatEvent::Kind::PortsExhausted;
    reason = DropReason::NoPort;
  } else if (why == NatRefusal::TableFull) {
    kind = NatEvent::Kind::TableFull;
    reason = DropReason::TableFull;
  }
  if (sink_ == nullptr) return reason;
  NatEvent event = event_of(kind, protocol);
  event.inside = inside;
  event.outside.address = outside;
  event.limit = why;
  sink_->on(event);
  return reason;
}

}  // namespace yonroku::share
