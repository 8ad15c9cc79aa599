// Which sessions are offloaded, and what becomes of what the offload has seen of them.
#include <algorithm>
#include <utility>

#include "share/nat/nat_lookup.h"

namespace yonroku::share {
namespace {

constexpr uint32_t kPacketsUntilNextOffer = 256;  // after one for which there was no room
// That UDP nobody answers has to send more than other sessions: more than scans, and than programs that try
// again and again (docs/offload.md).
constexpr uint32_t kMoreWithoutAnswer = 64;
constexpr std::size_t kMostOffers = 64;  // as many as a batch can make

}  // namespace

void Nat::set_session_offload(SessionOffload* offload) noexcept {
  end_all_flows();
  candidate_ = kNone;
  offload_ = offload;
  marks_.reset();
  if (offload == nullptr) return;
  marks_.emplace(bindings_.capacity() + further_.capacity(), memory_);
  offers_.reserve(kMostOffers);
  const OffloadMark mark = OffloadMark::after(settings_.offload_after);
  for (uint32_t id = 0; id < bindings_.used(); ++id) marks_->set(mark_place(id), mark);
  for (uint32_t id = 0; id < further_.used(); ++id) marks_->set(mark_place(id | kFurther), mark);
}

// Who is inside must have taken part: what others send to an open port is not to fill the offload.
void Nat::count_packet(uint32_t session, NatProtocol protocol, NatSide side) noexcept {
  OffloadMark& mark = (*marks_)[mark_place(session)];
  if (mark.is_offloaded()) return;  // one that the programs have left to the engine
  const bool has_enough = mark.count();
  if (side == NatSide::Inside)
    mark.set_heard();
  else
    mark.set_lasting();
  if (!has_enough || !mark.is_heard()) return;
  const bool is_udp = protocol == NatProtocol::Udp;
  if (is_answered(session, protocol) || (is_udp && mark.is_lasting())) {
    candidate_ = session;
  } else if (is_udp) {
    mark.set_lasting();
    mark.restart(kMoreWithoutAnswer);
  }
}

bool Nat::is_answered(uint32_t session, NatProtocol protocol) const noexcept {
  const uint8_t state = at(session).state;
  if (protocol == NatProtocol::Tcp) return static_cast<TcpState>(state) == TcpState::Established;
  return protocol == NatProtocol::Udp ? state != 0 : (*marks_)[mark_place(session)].is_lasting();
}

// The way in is not the programs' yet: the session is offered anew, as one that is answered.
void Nat::have_answer(uint32_t session) noexcept {
  if (!marks_) return;
  end_flow(session);
  OffloadMark& mark = (*marks_)[mark_place(session)];
  if (mark.is_lasting()) mark.restart(0);
}

OffloadedSession Nat::candidate() const noexcept { return offloaded_session(candidate_); }

OffloadedSession Nat::offloaded_session(uint32_t session) const noexcept {
  const Binding& b = bindings_[binding_with(session)];
  const Session& s = at(session);
  const bool is_newest = b.further == kNone ? (session & kFurther) == 0 : session == (b.further | kFurther);
  return {b.protocol(),
          {b.inside_ipv6, b.inside_ipv4, b.inside_port},
          {b.outside, b.outside_port},
          {s.remote, s.remote_port},
          {},
          {},
          0,
          b.protocol() != NatProtocol::Udp || s.state != 0,
          is_newest};
}

void Nat::offload(const Ipv6Address& near, const Ipv6Address& far, uint16_t far_port) noexcept {
  const Offer offer{std::exchange(candidate_, kNone), near, far, far_port};
  (*marks_)[mark_place(offer.session)].set_offered();
  // One that was offered is no candidate: what has its place in the list is over.
  if (const auto over = std::ranges::find(offers_, offer.session, &Offer::session); over != offers_.end()) {
    *over = offer;
    return;
  }
  if (offers_.size() == kMostOffers) begin_offers();
  offers_.push_back(offer);
}

void Nat::begin_offers() noexcept {
  for (const Offer& offer : offers_)
    if ((*marks_)[mark_place(offer.session)].is_offered()) begin_flow(offer);
  offers_.clear();
}

void Nat::begin_flow(const Offer& offer) noexcept {
  OffloadedSession session = offloaded_session(offer.session);
  session.near = offer.near;
  session.far = offer.far;
  session.far_port = offer.far_port;
  OffloadMark& mark = (*marks_)[mark_place(offer.session)];
  if (owns(session.remote.address)) {
    mark = OffloadMark::never();
    return;
  }
  const uint32_t flow = offload_->begin(session);
  if (flow == SessionOffload::kNone) {
    ++counts_.refused_offloads;
    mark.restart(kPacketsUntilNextOffer);
    return;
  }
  ++counts_.offloaded_sessions;
  mark = OffloadMark::offloaded(flow);
}

void Nat::keep_from_offload() noexcept {
  (*marks_)[mark_place(std::exchange(candidate_, kNone))] = OffloadMark::never();
}

void Nat::take_back(const InsideEndpoint& inside, NatProtocol protocol) noexcept {
  if (!marks_) return;
  const uint32_t id = binding_of(Outbound{inside, {}, protocol, 0});
  if (id == kNone) return;
  if (bindings_[id].has_session()) end_flow(id);
  for (uint32_t each = bindings_[id].further; each != kNone; each = further_[each].older)
    end_flow(each | kFurther);
}

// The offload forwards only what leaves the state as it is and prolongs the session, from either side.
Tick Nat::expiry_of(uint32_t session, NatProtocol protocol) const noexcept {
  const Session& s = at(session);
  if (!is_offloaded(session)) [[likely]]
    return s.expires;
  const SessionOffload::Seen seen = offload_->seen((*marks_)[mark_place(session)].flow());
  const Instant last = std::max(seen.out, seen.in);
  if (last == Instant()) return s.expires;
  const Tick expires = tick_of(last) + lifetime_of(s, protocol);
  return is_past(expires, s.expires) ? s.expires : expires;
}

void Nat::end_flow(uint32_t session) noexcept {
  if (!marks_) return;
  OffloadMark& mark = (*marks_)[mark_place(session)];
  if (mark.is_offloaded()) {
    take_over_time(session);
    offload_->end(mark.flow());
    --counts_.offloaded_sessions;
  } else if (!mark.is_offered()) [[likely]] {
    return;
  }
  mark.restart(settings_.offload_after);
}

void Nat::withdraw_offers() noexcept {
  for (const Offer& offer : offers_)
    if (OffloadMark& mark = (*marks_)[mark_place(offer.session)]; mark.is_offered()) mark.restart(0);
  offers_.clear();
}

void Nat::review_flows(std::size_t most, const AddEnds& add_ends) {
  const auto review = [&](uint32_t session) {
    OffloadMark& mark = (*marks_)[mark_place(session)];
    if (mark.is_offloaded()) {
      OffloadedSession offered = offloaded_session(session);
      if (add_ends(offered) && offload_->is_of(mark.flow(), offered)) return;
      end_flow(session);
    }
    mark.restart(0);
  };
  uint64_t& place = review_from_;
  for (; place < bindings_.used(); ++place) {
    if (most-- == 0) return;
    const auto id = static_cast<uint32_t>(place);
    if (is_in_use(id) && bindings_[id].has_session()) review(id);
  }
  for (place = std::max(place, kFurtherSessions); place - kFurtherSessions < further_.used(); ++place) {
    if (most-- == 0) return;
    const auto id = static_cast<uint32_t>(place - kFurtherSessions);
    if (further_[id].binding != kNone) review(id | kFurther);
  }
  place = kEnd;
}

void Nat::end_all_flows() noexcept {
  if (!marks_) return;
  offers_.clear();
  review_from_ = kEnd;
  const auto end = [&](uint32_t session) {
    end_flow(session);
    (*marks_)[mark_place(session)].restart(0);
  };
  for (uint32_t id = 0; id < bindings_.used(); ++id) end(id);
  for (uint32_t id = 0; id < further_.used(); ++id) end(id | kFurther);
}

// --- flows that outlive the NAT ---

void Nat::offload_all(const AddEnds& add_ends) {
  if (!marks_) return;
  const auto consider = [&](uint32_t session) {
    if (is_offloaded(session) || !is_answered(session, bindings_[binding_with(session)].protocol())) return;
    OffloadedSession offered = offloaded_session(session);
    if (add_ends(offered)) begin_flow({session, offered.near, offered.far, offered.far_port});
  };
  for (uint32_t id = 0; id < bindings_.used(); ++id)
    if (is_in_use(id) && bindings_[id].has_session()) consider(id);
  for (uint32_t id = 0; id < further_.used(); ++id)
    if (further_[id].binding != kNone) consider(id | kFurther);
}

// --- flows that were there before the NAT ---

bool Nat::adopt(const OffloadedSession& session, const SessionOffload::Seen& seen, uint32_t flow,
                Instant now) noexcept {
  if (owner_of(session.inside) != pool_.worker() ||
      owner_of(session.outside, session.protocol) != pool_.worker() || owns(session.remote.address))
    return false;
  const bool is_inside_ipv4_alone = session.inside.ipv6 == Ipv6Address{};
  if (is_inside_ipv4_alone && owns(session.inside.ipv4)) return false;
  if (session_count_ >= settings_.max_sessions || further_.is_full()) return false;
  uint32_t binding = binding_of(Inbound{session.outside, session.remote, session.protocol, 0});
  if (binding != binding_of(Outbound{session.inside, session.remote, session.protocol, 0})) return false;
  if (binding != kNone && session_of(binding, session.remote) != kNone) return false;
  now_ = now;
  is_adopting_ = true;
  if (binding == kNone) binding = adopt_binding(session, tick_of(now));
  if (binding != kNone) {
    const auto state =
        session.protocol == NatProtocol::Tcp
            ? static_cast<uint8_t>(TcpState::Established)
            : static_cast<uint8_t>(session.protocol == NatProtocol::Udp && session.is_answered);
    const Session like{session.remote.address, 0, {}, session.remote.port, state, 0};
    const Instant last = std::max(seen.out, seen.in);
    const Tick expires = tick_of(last == Instant() ? now : last) + lifetime_of(like, session.protocol);
    const uint32_t id = add_session(binding, session.remote, state, expires);
    (*marks_)[mark_place(id)] = OffloadMark::offloaded(flow);
    ++counts_.offloaded_sessions;
  }
  is_adopting_ = false;
  return binding != kNone;
}

uint32_t Nat::adopt_binding(const OffloadedSession& session, Tick now) noexcept {
  const auto place = pool_.place_of(session.outside.address, session.outside.port);
  if (!place || bindings_.is_full() || subscribers_.is_full()) return kNone;
  const uint32_t subscriber = find_or_add_subscriber(session.inside, now);
  if (!adopt_port(subscribers_[subscriber], *place, session.protocol)) {
    drop_subscriber_if_idle(subscriber);
    return kNone;
  }
  const uint32_t id = add_binding(subscriber, session.inside, session.outside,
                                  {settings_.mapping, session.remote}, session.protocol, 0);
  report(NatEvent::Kind::BindingCreated, bindings_[id]);
  return id;
}

bool Nat::adopt_port(Subscriber& subscriber, const PortPool::Place& place, NatProtocol protocol) noexcept {
  if (subscriber.address != kNone && subscriber.address != place.address) return false;
  const PortPool::Span share = pool_.share_of(place.address);
  if (place.slot < share.begin || place.slot >= share.end) return false;
  if (!pool_.take(place, protocol)) return false;
  if (settings_.allocation != PortAllocation::Dynamic) {
    Block* const block = adopt_block(subscriber, place);
    if (block == nullptr) {
      pool_.give_back(place, protocol);
      return false;
    }
    ++block->used;
  }
  subscriber.address = place.address;
  return true;
}

Nat::Block* Nat::adopt_block(Subscriber& subscriber, const PortPool::Place& place) noexcept {
  const uint32_t number = place.slot / settings_.block_size;
  auto* const last = subscriber.blocks + settings_.blocks_per_subscriber;
  if (auto* const block = std::ranges::find(subscriber.blocks, last, number, &Block::number); block != last)
    return block;
  if (settings_.allocation == PortAllocation::Deterministic) {
    const auto own = deterministic_place(subscriber.ipv6);
    if (!own || own->address != place.address || own->slot / settings_.block_size != number) return nullptr;
    subscriber.blocks[0] = {number, 0};
    return subscriber.blocks;
  }
  auto* const free_entry = std::ranges::find(subscriber.blocks, last, kNone, &Block::number);
  const std::vector<bool>& taken = blocks_of(place.address);
  if (free_entry == last || number >= taken.size() || taken[number]) return nullptr;
  subscriber.address = place.address;
  take_block_number(subscriber, *free_entry, number);
  return free_entry;
}

}  // namespace yonroku::share
