// Bindings and sessions begin (RFC 6146 §3.5), or are refused.
#include "share/nat/nat_lookup.h"

namespace yonroku::share {
namespace {

constexpr int kMostEndedForOne = 8;  // to make room for it

}  // namespace

DropReason Nat::open_outbound(const Outbound& packet, Tick now, PortsToTake ports_to_take,
                              Ipv4Endpoint& outside) noexcept {
  if (packet.protocol == NatProtocol::Tcp && !opens(packet.tcp_flags)) return DropReason::TcpWithoutSession;
  if (subscribers_.is_full() && !end_oldest_transitory())
    return refuse(NatRefusal::TableFull, packet.protocol, packet.inside);
  const uint32_t subscriber = find_or_add_subscriber(packet.inside, now);
  // Counted while it is served, so that it does not go with what is ended to make room for it.
  ++subscribers_[subscriber].bindings;
  const auto give_up = [&](NatRefusal why, Ipv4Address at = {}) {
    --subscribers_[subscriber].bindings;
    drop_subscriber_if_idle(subscriber);
    return refuse(why, packet.protocol, packet.inside, at);
  };
  if (const auto limit = check_limits(subscriber, packet.protocol, kNone, now)) return give_up(*limit);
  const uint32_t ports = settings_.ports_per_subscriber;
  if (ports != 0 && subscribers_[subscriber].bindings > ports &&
      !end_transitory_of(subscriber, packet.protocol, kNone))
    return give_up(NatRefusal::SubscriberPorts);
  if (bindings_.is_full() && !end_oldest_transitory()) return give_up(NatRefusal::TableFull);

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
  for (int i = 0; !found && may_own && settings_.allocation == PortAllocation::Dynamic &&
                  i < kMostEndedForOne && end_oldest_transitory();
       ++i) {
    if (subscribers_[subscriber].bindings == 1)
      subscribers_[subscriber].address = kNone;  // it may have any address
    found = take_own();
  }
  if (!found) {
    const uint32_t address = subscribers_[subscriber].address;
    return give_up(NatRefusal::PortsExhausted, address == kNone ? Ipv4Address{} : pool_.address(address));
  }

  --subscribers_[subscriber].bindings;
  const uint32_t id = add_binding(subscriber, packet.inside, outside, key, packet.protocol, flags);
  report(NatEvent::Kind::BindingCreated, bindings_[id]);
  const DropReason opened = open_session(id, packet.remote, NatSide::Inside, now);
  if (opened != DropReason::None) end_binding(id, Rest::No);
  return opened;
}

// Mapping depends on the other end, and somebody else was let in: the answers must leave from where it was
// addressed to, so it gets a binding of its own at the same place.
DropReason Nat::open_beside(uint32_t binding, const Ipv4Endpoint& remote, Tick now) noexcept {
  const Binding& b = bindings_[binding];
  if (bindings_.is_full() && !end_oldest_transitory())
    return refuse(NatRefusal::TableFull, b.protocol(), {b.inside_ipv6, b.inside_ipv4, b.inside_port});
  if (!is_in_use(binding)) return DropReason::NoBinding;  // it was the oldest itself
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
  const InsideEndpoint inside{b.inside_ipv6, b.inside_ipv4, b.inside_port};
  const bool is_new = !b.has_session();
  if (!is_new || b.is_static()) {  // the first of a new binding was checked with it
    if (const auto limit = check_limits(b.subscriber, protocol, binding, now))
      return refuse(*limit, protocol, inside);
  }
  // The oldest may be the binding itself, and need not be a further session.
  const auto has_room = [&] {
    return session_count_ < settings_.max_sessions && !(b.has_session() && further_.is_full());
  };
  for (int ended = 0; !has_room(); ++ended)
    if (ended == kMostEndedForOne || !end_oldest_transitory() || !is_in_use(binding))
      return refuse(NatRefusal::TableFull, protocol, inside);
  uint32_t session = kNone;
  switch (protocol) {
    case NatProtocol::Udp: session = add_session(binding, remote, 0, now + udp_lifetime(remote.port)); break;
    case NatProtocol::Icmp: session = add_session(binding, remote, 0, now + icmp_); break;
    case NatProtocol::Tcp: {
      const TcpState state = side == NatSide::Inside ? TcpState::InsideInit : TcpState::OutsideInit;
      session = add_session(binding, remote, static_cast<uint8_t>(state), now + tcp_opening_);
      break;
    }
  }
  if (side == NatSide::Outside)
    at(session).flags |= kFromOutside;
  else if (marks_)
    (*marks_)[mark_place(session)].set_heard();
  return DropReason::None;
}

uint32_t Nat::add_session(uint32_t binding, const Ipv4Endpoint& remote, uint8_t state,
                          Tick expires) noexcept {
  Binding& b = bindings_[binding];
  uint32_t id = binding;
  if (b.has_session()) {
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
  s.state = state;
  s.flags = static_cast<uint8_t>(s.flags & ~kFromOutside);
  s.expires = expires;
  if (marks_) marks_->set(mark_place(id), OffloadMark::after(settings_.offload_after));
  begin_timer(id);
  ++session_count_;
  ++count_of(b.protocol(), s);
  ++subscribers_[b.subscriber].sessions;
  report(NatEvent::Kind::SessionCreated, b, &s);
  return id;
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
  if (marks_) marks_->set(id, OffloadMark::after(settings_.offload_after));
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
    static_owners_.push_back({key_of_place(outside, wanted.protocol), owner});
    if (binding_of(Inbound{outside, {}, wanted.protocol, 0}) != kNone) continue;  // It stayed.
    if (const auto place = pool_.place_of(wanted.outside, wanted.outside_port))
      (void)pool_.take(*place, wanted.protocol);
    if (owner != pool_.worker()) continue;
    if (!make_room(first_to_go)) {
      (void)refuse(NatRefusal::TableFull, wanted.protocol, inside);
      continue;
    }
    const uint32_t subscriber = find_or_add_subscriber(inside, now);
    add_binding(subscriber, inside, outside, {Dependence::EndpointIndependent, {}}, wanted.protocol, kStatic);
  }
  std::ranges::sort(static_owners_, {}, &StaticOwner::place);
}

}  // namespace yonroku::share
