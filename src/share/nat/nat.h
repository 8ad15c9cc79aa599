// The NAT: who inside stands behind an outside address and port, and with whom they talk (RFC 6146 §3, RFC
// 4787, RFC 5382, RFC 5508, RFC 7857). One for every mechanism; what differs is who is inside
// (InsideEndpoint) and which ports there are (NatSettings).
//
//   Binding: subscriber's inside endpoint  <->  outside endpoint (RFC 6146: BIB entry)
//   Session: a binding and one other end, with a time that it lasts and, of TCP, a state
//
// A binding takes a cache line and holds its first session; further ones take 32 octets each. Both directions
// find the binding in an index and the session in it or in a third index. Belongs to one worker: no locks, no
// atomics, no allocation per packet. Never waits and never scans: what has ended is taken from a wheel in
// portions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <optional>
#include <vector>

#include "base/hot.h"
#include "base/instant.h"
#include "base/random_source.h"
#include "packet/verdict.h"
#include "share/nat/chunked_queue.h"
#include "share/nat/hash_index.h"
#include "share/nat/nat_end.h"
#include "share/nat/nat_event.h"
#include "share/nat/nat_settings.h"
#include "share/nat/nat_views.h"
#include "share/nat/offload_marks.h"
#include "share/nat/port_pool.h"
#include "share/nat/session_offload.h"
#include "share/nat/slab.h"
#include "share/nat/tcp_state.h"
#include "share/nat/timer_wheel.h"

namespace yonroku::share {

class Nat {
 public:
  // Of worker `worker` of `workers`. `settings` are copied.
  Nat(const NatSettings& settings, uint64_t seed, uint16_t worker, uint16_t workers, Instant now,
      std::pmr::memory_resource* memory = std::pmr::get_default_resource());
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;

  // A packet from inside. `remote.port` is 0 for ICMP queries, whose identifier is the inside port.
  struct Outbound {
    InsideEndpoint inside;
    Ipv4Endpoint remote;
    NatProtocol protocol{};
    uint8_t tcp_flags = 0;
  };
  // A packet from outside, likewise.
  struct Inbound {
    Ipv4Endpoint outside;
    Ipv4Endpoint remote;
    NatProtocol protocol{};
    uint8_t tcp_flags = 0;
  };

  // What the packet's source becomes; opens a binding and a session where there is none. None, or:
  // tcp-without-session, no-port, subscriber-limit, table-full.
  DropReason outbound(const Outbound& packet, Instant now, Ipv4Endpoint& outside) noexcept;
  // Whom the packet is for; opens a session where filtering lets it. None, or: no-binding, filtered,
  // tcp-without-session, unsolicited-syn (either of these for a TCP SYN, which is to be kept: RFC 5382
  // REQ-4), subscriber-limit, table-full.
  DropReason inbound(const Inbound& packet, Instant now, InsideEndpoint& inside) noexcept;
  // The binding of an inside endpoint that `expected.remote` is going to send to (nat_reserve.cc): made where
  // there is none, kept for 30 seconds at least. Whom it lets in, filtering decides as for a packet that was
  // sent there. None, or what outbound() may return.
  DropReason reserve(const Outbound& expected, Instant now, Ipv4Endpoint& outside) noexcept;
  // The same for two UDP ports, `lower` (an even one) and the next: RTP and RTCP. The outside ports are
  // neighbours as well where they can be. The second may be missing when the reason is not None.
  DropReason reserve_pair(const Outbound& lower, Instant now, Ipv4Endpoint& outside,
                          Ipv4Endpoint& outside_above) noexcept;
  // As outbound() and inbound() for a packet that an ICMP error quotes, as it was on its way out or in.
  // Changes nothing (RFC 5508 REQ-6). False when there is no such binding.
  bool find_outside(const Outbound& packet, Ipv4Endpoint& outside) const noexcept;
  bool find_inside(const Inbound& packet, InsideEndpoint& inside) const noexcept;

  // With whom an inside endpoint has begun to talk last, where mapping is endpoint-independent.
  struct Newest {
    Ipv4Endpoint remote;
    TcpState state{};  // of TCP
  };
  [[nodiscard]] std::optional<Newest> newest_session(const InsideEndpoint& inside,
                                                     NatProtocol protocol) const noexcept;

  // Whether the packet belongs to a session.
  [[nodiscard]] bool has_session(const Inbound& packet) const noexcept;

  // Brings what outbound() or inbound() will look up towards the cache, in two steps with other work between
  // them: the place in the index, then, with the number that the first step returned, the binding.
  uint32_t prefetch(const Outbound& packet) const noexcept;
  uint32_t prefetch(const Inbound& packet) const noexcept;
  void prefetch_binding(NatSide side, uint32_t hash) const noexcept;

  // Which worker's tables a packet from inside, or to an outside endpoint, belongs into.
  [[nodiscard]] uint16_t owner_of(const InsideEndpoint& inside) const noexcept;
  [[nodiscard]] uint16_t owner_of(const Ipv4Endpoint& outside, NatProtocol protocol) const noexcept;

  // Whether the pool has the address.
  [[nodiscard]] bool owns(Ipv4Address address) const { return pool_.number_of(address).has_value(); }

  // Ends what has ended by `now`: at most `most` sessions, and as many ports and blocks that have rested.
  // After a change of timeouts also looks at `most` places for sessions that last too long now. True when
  // there is more to do.
  bool expire(Instant now, std::size_t most) noexcept;

  // Takes over other settings; `max_sessions` and how ports are dealt out stay as they are. Bindings that
  // could not be made now (their outside endpoint is no longer given out or is a static binding's, or mapping
  // depends on something else) end, and where the table has no room left for new static bindings some others.
  // Looks at each binding if such a setting changed.
  void change(const NatSettings& settings, Instant now) noexcept;

  // --- the offload (nat_offload.cc) ---

  // Who forwards packets of sessions that last, from now on; null: nobody. It outlives the NAT, or is
  // replaced. Ends what the one before has; a NAT that is destroyed leaves its flows as they are.
  void set_session_offload(SessionOffload* offload) noexcept;
  // Whether it is time to offload the session of the packet that outbound() or inbound() has just let
  // through. Whoever can tell asks before anything else happens, and then says offload() or
  // keep_from_offload().
  [[nodiscard]] bool has_candidate() const { return candidate_ != kNone; }
  // Without the mechanism's addresses.
  [[nodiscard]] OffloadedSession candidate() const noexcept;
  // Takes it down for begin_offers(). A session with one of the NAT's own addresses stays nevertheless: it is
  // hairpinned.
  void offload(const Ipv6Address& near, const Ipv6Address& far, uint16_t far_port = 0) noexcept;
  // Its packets must be looked at, all of them.
  void keep_from_offload() noexcept;
  // Leaves to the offload what offload() was said of, as far as that still holds. At a moment when no packet
  // waits for the NAT: the offload's packets would overtake it. Not needed for what offload_all() offers.
  void begin_offers() noexcept;
  [[nodiscard]] bool has_offers() const noexcept { return !offers_.empty(); }
  // Where mapping is endpoint-independent: the NAT sees all packets of an inside endpoint again, until its
  // sessions are offered anew.
  void take_back(const InsideEndpoint& inside, NatProtocol protocol) noexcept;
  // Sets near and far (and its port) of a session, or returns false: it may not be offloaded.
  using AddEnds = std::function<bool(OffloadedSession&)>;
  // After change(): looks at `most` places. Flows whose ends are others now, or that may not be offloaded any
  // more, end; what was kept from the offload is offered anew.
  void review_flows(std::size_t most, const AddEnds& add_ends);
  [[nodiscard]] bool has_flows_to_review() const noexcept { return review_from_ != kEnd; }
  // With an offload, before the NAT's end: all that may be offloaded is, as far as there is room, however few
  // packets it had.
  void offload_all(const AddEnds& add_ends);
  // With an offload: a session whose packets it has forwarded since before the NAT began (TCP: established),
  // with its binding where that is missing. False, and nothing has changed: it is another worker's,
  // its port is taken or not given out, the inside has another binding, or there is no room.
  bool adopt(const OffloadedSession& session, const SessionOffload::Seen& seen, uint32_t flow,
             Instant now) noexcept;

  void set_event_sink(NatEventSink* sink) { sink_ = sink; }
  [[nodiscard]] const NatSettings& settings() const { return settings_; }
  [[nodiscard]] std::size_t binding_count() const { return bindings_.size(); }
  [[nodiscard]] std::size_t session_count() const { return session_count_; }
  [[nodiscard]] std::size_t subscriber_count() const { return subscribers_.size(); }

  [[nodiscard]] NatCounts counts() const noexcept;
  [[nodiscard]] uint32_t address_count() const { return pool_.address_count(); }  // of the pools

  // Each calls visitor(...View) for entries from the place `from` on, looks at `most` places at most, and
  // returns where to go on, or kEnd. Begins at 0. What begins or ends between two calls, or moves to the
  // place of one that ends, may not be seen.
  static constexpr uint64_t kEnd = UINT64_MAX;
  // SessionView.
  template <class Visitor>
  uint64_t visit_sessions(uint64_t from, std::size_t most, Instant now, Visitor&& visitor) const;
  // BindingView. A place counts as many as the sessions that are counted at it.
  template <class Visitor>
  uint64_t visit_bindings(uint64_t from, std::size_t most, Instant now, Visitor&& visitor) const;
  // SubscriberView.
  template <class Visitor>
  uint64_t visit_subscribers(uint64_t from, std::size_t most, Visitor&& visitor) const;
  // NatEndView, of what the change would end: all that change() ends but for want of room.
  template <class Visitor>
  uint64_t visit_ends(const NatChange& change, uint64_t from, std::size_t most, Instant now,
                      Visitor&& visitor) const;
  // What visit_addresses() calls `address`: one of the pools, by its place among them.
  void add_taken_ports(uint64_t address, TakenPorts& ports) const noexcept;
  // PoolAddressView, of every address of the pools, in their order.
  template <class Visitor>
  uint64_t visit_addresses(uint64_t from, std::size_t most, Visitor&& visitor) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kFurther = uint32_t{1} << 31;          // marks the number of a further session
  static constexpr uint64_t kFurtherSessions = uint64_t{1} << 32;  // places of visits: here they begin

  // What one session needs, wherever it is.
  struct Session {
    Ipv4Address remote;
    Tick expires = 0;
    TimerLinks links{};
    uint16_t remote_port = 0;
    uint8_t state = 0;  // TcpState; of UDP whether the other side has answered
    uint8_t flags = 0;  // kSessionFlags; of a binding's own session also kBindingFlags
  };
  static_assert(sizeof(Session) == 20);
  enum Flags : uint8_t {
    kProtocol = 0x03,
    kStatic = 0x04,
    kShared = 0x08,  // the port is given out again for other destinations
    kHasSession = 0x10,
    kInUse = 0x20,
    kFromOutside = 0x40,  // of the session: who opened it
    kTransitory = 0x80,   // of the session: which wheel it is in
  };

  struct Binding {
    Ipv6Address inside_ipv6;
    Ipv4Address inside_ipv4;
    Ipv4Address outside;
    uint16_t inside_port = 0;
    uint16_t outside_port = 0;
    Session first;
    uint32_t subscriber = kNone;
    uint32_t further = kNone;  // the newest further session
    uint32_t older = kNone;    // of the same subscriber
    uint32_t newer = kNone;
    [[nodiscard]] NatProtocol protocol() const { return static_cast<NatProtocol>(first.flags & kProtocol); }
    [[nodiscard]] bool is_static() const { return (first.flags & kStatic) != 0; }
    [[nodiscard]] bool is_shared() const { return (first.flags & kShared) != 0; }
    [[nodiscard]] bool has_session() const { return (first.flags & kHasSession) != 0; }
    friend uint32_t& free_link(Binding& b) { return b.further; }
  };
  static_assert(sizeof(Binding) == 64);

  struct FurtherSession {
    Session session;
    uint32_t binding = kNone;
    uint32_t older = kNone;  // of the same binding
    uint32_t newer = kNone;
    friend uint32_t& free_link(FurtherSession& s) { return s.older; }
  };
  static_assert(sizeof(FurtherSession) == 32);

  static constexpr std::size_t kMostBlocks = 8;
  struct Block {
    uint32_t number = kNone;  // of its address
    uint32_t used = 0;        // ports of all protocols
  };
  struct Subscriber {
    Ipv6Address ipv6;
    Ipv4Address ipv4;
    uint32_t address = 0;  // the pool's, for all its bindings (RFC 4787 REQ-2)
    uint32_t bindings = 0;
    uint32_t sessions = 0;
    uint32_t newest = kNone;
    uint32_t oldest = kNone;
    uint32_t allowance = 0;  // thousandths of sessions that it may open now
    Tick allowance_at = 0;
    Block blocks[kMostBlocks];
    friend uint32_t& free_link(Subscriber& s) { return s.newest; }
  };

  // Which part of the other end a binding is found by.
  struct Key {
    Dependence dependence;
    Ipv4Endpoint remote;
  };

  [[nodiscard]] uint32_t hash_inside(const InsideEndpoint& inside, NatProtocol protocol,
                                     const Key& key) const noexcept;
  [[nodiscard]] uint32_t hash_outside(const Ipv4Endpoint& outside, NatProtocol protocol) const noexcept;
  [[nodiscard]] uint32_t hash_shared(const Ipv4Endpoint& outside, NatProtocol protocol,
                                     const Ipv4Endpoint& remote) const noexcept;
  [[nodiscard]] uint32_t hash_session(uint32_t binding, const Ipv4Endpoint& remote) const noexcept;
  [[nodiscard]] uint32_t hash_subscriber(const Ipv6Address& ipv6, Ipv4Address ipv4) const noexcept;

  [[nodiscard]] uint32_t binding_of(const Outbound& packet) const noexcept;
  [[nodiscard]] uint32_t binding_of(const Inbound& packet) const noexcept;
  [[nodiscard]] uint32_t shared_binding_at(const Ipv4Endpoint& outside, NatProtocol protocol,
                                           const Ipv4Endpoint& remote) const noexcept;
  [[nodiscard]] uint32_t lookup_inside(const Outbound& packet, Dependence dependence,
                                       bool statics) const noexcept;
  // The number of the session, or kNone.
  [[nodiscard]] uint32_t session_of(uint32_t binding, const Ipv4Endpoint& remote) const noexcept;
  [[nodiscard]] uint32_t session_of(const Outbound& packet) const noexcept;
  [[nodiscard]] bool has_session_with(uint32_t binding, Ipv4Address remote) const noexcept;
  static constexpr bool is_dns(uint16_t remote_port) { return remote_port == 53; }
  [[nodiscard]] Tick udp_lifetime(uint16_t remote_port) const { return is_dns(remote_port) ? dns_ : udp_; }
  [[nodiscard]] bool is_in_use(uint32_t binding) const {
    return (bindings_[binding].first.flags & kInUse) != 0;
  }
  [[nodiscard]] Key key_of(const Binding& binding) const noexcept;
  // Whether a packet to that other end finds the binding, if it comes from where the binding's do.
  [[nodiscard]] bool is_found_by(const Binding& binding, const Ipv4Endpoint& remote) const noexcept;

  Session& at(uint32_t session) noexcept {
    return (session & kFurther) == 0 ? bindings_[session].first : further_[session & ~kFurther].session;
  }
  [[nodiscard]] const Session& at(uint32_t session) const noexcept {
    return (session & kFurther) == 0 ? bindings_[session].first : further_[session & ~kFurther].session;
  }
  [[nodiscard]] uint32_t binding_with(uint32_t session) const noexcept {
    return (session & kFurther) == 0 ? session : further_[session & ~kFurther].binding;
  }
  auto links() noexcept {
    return [this](uint32_t session) -> TimerLinks& { return at(session).links; };
  }

  enum class PortsToTake : uint8_t { Any, Shared };
  DropReason open_outbound(const Outbound& packet, Tick now, PortsToTake ports_to_take,
                           Ipv4Endpoint& outside) noexcept;
  DropReason open_beside(uint32_t binding, const Ipv4Endpoint& remote, Tick now) noexcept;
  DropReason open_session(uint32_t binding, const Ipv4Endpoint& remote, NatSide side, Tick now) noexcept;
  void touch(uint32_t session, NatProtocol protocol, NatSide side, uint8_t tcp_flags, Tick now) noexcept;
  void touch_slowly(uint32_t session, NatProtocol protocol, NatSide side, uint8_t tcp_flags,
                    Tick now) noexcept;
  void begin_timer(uint32_t session) noexcept;
  // A further one where the binding has a session; there is room for it.
  uint32_t add_session(uint32_t binding, const Ipv4Endpoint& remote, uint8_t state, Tick expires) noexcept;
  // Whether a session that nobody has answered is, by a packet from this side. What strangers send to an open
  // port is no answer, however much it is.
  static constexpr bool is_answer(const Session& session, NatSide side) {
    return (side == NatSide::Inside) == ((session.flags & kFromOutside) != 0);
  }
  TimerWheel& wheel_of(const Session& session) noexcept {
    return (session.flags & kTransitory) != 0 ? transitory_ : lasting_;
  }

  // What a refusal cost: nothing yet, or one who had less need of it.
  enum class Rest : uint8_t { No, Yes };
  // Its port rests where its time had come.
  void end_session(uint32_t session, SessionEnd why) noexcept;
  // Why a session whose time has come ends.
  [[nodiscard]] SessionEnd timeout_of(const Session& session, NatProtocol protocol) const noexcept;
  void end_binding(uint32_t binding, Rest rest) noexcept;

  uint32_t find_or_add_subscriber(const InsideEndpoint& inside, Tick now) noexcept;
  void drop_subscriber_if_idle(uint32_t subscriber) noexcept;
  [[nodiscard]] bool may_open(Subscriber& subscriber, Tick now) noexcept;
  // Of a subscriber who is about to open something: the limit that forbids it. `except` is not ended for it.
  [[nodiscard]] std::optional<NatRefusal> check_limits(uint32_t subscriber, NatProtocol protocol,
                                                       uint32_t except, Tick now) noexcept;
  [[nodiscard]] uint32_t choose_address(NatProtocol protocol) noexcept;
  // The subscriber's one block, or nullopt: it has no number.
  [[nodiscard]] std::optional<PortPool::Place> deterministic_place(
      const Ipv6Address& subscriber) const noexcept;
  [[nodiscard]] Ipv6Address subscriber_of(const InsideEndpoint& inside) const noexcept {
    return Ipv6Prefix::holding(inside.ipv6, settings_.subscriber_prefix_length).address();
  }
  [[nodiscard]] bool take_port(Subscriber& subscriber, const Outbound& packet,
                               Ipv4Endpoint& outside) noexcept;
  [[nodiscard]] bool take_port_in(uint32_t address, PortPool::Span span, const Outbound& packet,
                                  Ipv4Endpoint& outside) noexcept;
  [[nodiscard]] bool take_next_port(Subscriber& subscriber, const Outbound& packet,
                                    Ipv4Endpoint& outside) noexcept;
  [[nodiscard]] bool share_port(const Subscriber& subscriber, const Outbound& packet,
                                Ipv4Endpoint& outside) noexcept;
  [[nodiscard]] PortPool::Span span_of(const Block& block) const noexcept;
  [[nodiscard]] bool take_block(Subscriber& subscriber, Block*& block) noexcept;
  // Whether each block of the address is taken.
  [[nodiscard]] std::vector<bool>& blocks_of(uint32_t address) noexcept;
  // A free block of the subscriber's address, into a free entry.
  void take_block_number(Subscriber& subscriber, Block& entry, uint32_t number) noexcept;
  void give_back_port(Subscriber& subscriber, const Ipv4Endpoint& outside, NatProtocol protocol,
                      Rest rest) noexcept;
  [[nodiscard]] bool may_be_ended(uint32_t session, NatProtocol protocol) noexcept;
  [[nodiscard]] bool end_transitory_of(uint32_t subscriber, NatProtocol protocol, uint32_t except) noexcept;
  [[nodiscard]] bool end_oldest_transitory() noexcept;
  uint32_t add_binding(uint32_t subscriber, const InsideEndpoint& inside, const Ipv4Endpoint& outside,
                       const Key& key, NatProtocol protocol, uint8_t flags) noexcept;
  void end_all_of(uint32_t binding) noexcept;
  [[nodiscard]] NatEnd why_ends(const Binding& binding, const NatChange& change) const noexcept;
  [[nodiscard]] bool keeps_place(const Binding& binding, const PortPool& pool) const noexcept;
  void change_places(const NatSettings& settings, NatChange& change) noexcept;
  void move_subscribers(const PortPool& pool, bool same_pools) noexcept;
  void shorten_sessions(Tick now, std::size_t most) noexcept;
  [[nodiscard]] bool make_room(uint32_t& from) noexcept;
  // How long a session in this state lasts without a packet.
  [[nodiscard]] Tick lifetime_of(const Session& session, NatProtocol protocol) const noexcept;
  void set_timeouts() noexcept;
  void add_static_bindings(Tick now) noexcept;
  [[nodiscard]] NatEvent event_of(NatEvent::Kind kind, NatProtocol protocol) const noexcept;
  void report(NatEvent::Kind kind, const Binding& binding, const Session* session = nullptr) noexcept;
  void report_block(NatEvent::Kind kind, const Subscriber& subscriber, uint32_t address,
                    const Block& block) noexcept;
  // Counts and tells it, and says what becomes of the packet. `outside`: where ports are used up.
  DropReason refuse(NatRefusal why, NatProtocol protocol, const InsideEndpoint& inside,
                    Ipv4Address outside = {}) noexcept;
  [[nodiscard]] SessionView view_of(const Binding& binding, uint32_t session, Tick now) const noexcept;
  [[nodiscard]] BindingView view_of_binding(uint32_t binding, Tick now) const noexcept;
  [[nodiscard]] SubscriberView view_of(const Subscriber& subscriber) const noexcept;
  [[nodiscard]] PoolAddressView view_of_address(uint32_t number) const noexcept;

  [[nodiscard]] std::size_t mark_place(uint32_t session) const noexcept {
    return (session & kFurther) == 0 ? session : bindings_.capacity() + (session & ~kFurther);
  }
  [[nodiscard]] OffloadedSession offloaded_session(uint32_t session) const noexcept;
  [[nodiscard]] bool is_offloaded(uint32_t session) const noexcept {
    return marks_ && (*marks_)[mark_place(session)].is_offloaded();
  }
  // A packet of a session; only where there is an offload.
  void count_packet(uint32_t session, NatProtocol protocol, NatSide side) noexcept;
  // The first answer to a UDP session.
  void have_answer(uint32_t session) noexcept;
  // When the session ends, as far as packets are known that were seen by the NAT or the offload.
  [[nodiscard]] Tick expiry_of(uint32_t session, NatProtocol protocol) const noexcept;
  // The NAT knows what the offload has seen until now.
  void take_over_time(uint32_t session) noexcept {
    if (is_offloaded(session)) [[unlikely]]
      at(session).expires = expiry_of(session, bindings_[binding_with(session)].protocol());
  }
  // The session comes back from the offload, where it is offloaded, with what was seen there; where it is
  // offered, it is no longer.
  void end_flow(uint32_t session) noexcept;
  struct Offer {
    uint32_t session;
    Ipv6Address near;
    Ipv6Address far;
    uint16_t far_port;
  };
  void begin_flow(const Offer& offer) noexcept;
  // All come back from the offload, and are offered again with their next packets. Looks at each place.
  void end_all_flows() noexcept;
  void withdraw_offers() noexcept;
  // kNone: somebody else's port, or none that is given out.
  [[nodiscard]] bool is_answered(uint32_t session, NatProtocol protocol) const noexcept;
  [[nodiscard]] uint32_t adopt_binding(const OffloadedSession& session, Tick now) noexcept;
  [[nodiscard]] bool adopt_port(Subscriber& subscriber, const PortPool::Place& place,
                                NatProtocol protocol) noexcept;
  // The subscriber's entry for the block that the place is in, with the block taken; nullptr: it can't have
  // it.
  [[nodiscard]] Block* adopt_block(Subscriber& subscriber, const PortPool::Place& place) noexcept;

  // The count that the session belongs to.
  uint64_t& count_of(NatProtocol protocol, const Session& session) noexcept {
    return counts_.sessions[static_cast<std::size_t>(protocol)][session.state];
  }

  NatSettings settings_;
  std::pmr::memory_resource* memory_;
  RandomSource random_;
  uint64_t secret_[3];
  Instant now_;  // of the call under way, for events
  Tick udp_, dns_, icmp_, tcp_opening_, tcp_established_, tcp_closing_, port_rest_, block_rest_;

  PortPool pool_;
  Slab<Binding> bindings_;
  Slab<FurtherSession> further_;
  Slab<Subscriber> subscribers_;
  HashIndex by_inside_;
  HashIndex by_outside_;
  HashIndex by_remote_;  // further sessions, by their binding and other end
  HashIndex by_subscriber_;
  TimerWheel lasting_;
  TimerWheel transitory_;
  std::size_t session_count_ = 0;
  uint64_t review_from_ = kEnd;   // likewise, of flows that may have to end
  uint64_t shorten_from_ = kEnd;  // the place of a visit from which on sessions may last too long
  std::size_t shared_count_ = 0;
  std::size_t static_count_ = 0;
  bool is_reserving_pair_ = false;  // ports of like parity, and the next one, whatever the settings say
  bool is_adopting_ = false;        // what begins has been there before
  NatEventSink* sink_ = nullptr;
  SessionOffload* offload_ = nullptr;
  uint32_t candidate_ = kNone;         // the session that has_candidate() is about
  std::optional<OffloadMarks> marks_;  // of all sessions, when there is an offload
  std::vector<Offer> offers_;          // of sessions whose marks say so, and of some that are over
  struct RestingBlock {
    Tick until = 0;
    uint32_t address = 0;
    uint32_t number = 0;
  };
  struct StaticOwner {
    uint64_t place;  // key_of_place()
    uint16_t worker;
  };
  std::vector<StaticOwner> static_owners_;       // of the outside endpoints of static bindings, by place
  std::vector<std::vector<bool>> blocks_taken_;  // of each address, made when needed
  ChunkedQueue<RestingBlock> resting_blocks_;
  std::size_t used_blocks_ = 0;  // those at rest too
  NatCounts counts_;             // of bindings and sessions; the rest is counted elsewhere
};

// The first sessions of all bindings, then the further ones.
template <class Visitor>
uint64_t Nat::visit_sessions(uint64_t from, std::size_t most, Instant now, Visitor&& visitor) const {
  const Tick tick = tick_of(now);
  uint64_t at = from;
  for (; at < bindings_.used(); ++at) {
    if (most-- == 0) return at;
    const Binding& binding = bindings_[static_cast<uint32_t>(at)];
    if ((binding.first.flags & (kInUse | kHasSession)) == (kInUse | kHasSession))
      visitor(view_of(binding, static_cast<uint32_t>(at), tick));
  }
  for (at = std::max(at, kFurtherSessions); at - kFurtherSessions < further_.used(); ++at) {
    if (most-- == 0) return at;
    const auto id = static_cast<uint32_t>(at - kFurtherSessions);
    if (const uint32_t binding = further_[id].binding; binding != kNone)
      visitor(view_of(bindings_[binding], id | kFurther, tick));
  }
  return kEnd;
}

template <class Visitor>
uint64_t Nat::visit_bindings(uint64_t from, std::size_t most, Instant now, Visitor&& visitor) const {
  for (uint64_t at = from; at < bindings_.used(); ++at) {
    if (most == 0) return at;
    --most;
    if (!is_in_use(static_cast<uint32_t>(at))) continue;
    const BindingView view = view_of_binding(static_cast<uint32_t>(at), tick_of(now));
    most -= std::min<std::size_t>(most, view.sessions);
    visitor(view);
  }
  return kEnd;
}

template <class Visitor>
uint64_t Nat::visit_ends(const NatChange& change, uint64_t from, std::size_t most, Instant now,
                         Visitor&& visitor) const {
  const Tick tick = tick_of(now);
  uint64_t at = from;
  for (; at < bindings_.used(); ++at) {
    if (most-- == 0) return at;
    const Binding& binding = bindings_[static_cast<uint32_t>(at)];
    if ((binding.first.flags & kInUse) == 0) continue;
    NatEndView view{why_ends(binding, change), true, {}, {}};
    if (view.why == NatEnd::None) continue;
    if (binding.has_session())
      view.session = view_of(binding, static_cast<uint32_t>(at), tick);
    else
      view.binding = view_of_binding(static_cast<uint32_t>(at), tick);
    visitor(view);
  }
  for (at = std::max(at, kFurtherSessions); at - kFurtherSessions < further_.used(); ++at) {
    if (most-- == 0) return at;
    const auto id = static_cast<uint32_t>(at - kFurtherSessions);
    if (further_[id].binding == kNone) continue;
    const Binding& binding = bindings_[further_[id].binding];
    if (const NatEnd why = why_ends(binding, change); why != NatEnd::None)
      visitor(NatEndView{why, false, view_of(binding, id | kFurther, tick), {}});
  }
  return kEnd;
}

template <class Visitor>
uint64_t Nat::visit_subscribers(uint64_t from, std::size_t most, Visitor&& visitor) const {
  for (uint64_t at = from; at < subscribers_.used(); ++at) {
    if (most-- == 0) return at;
    const Subscriber& subscriber = subscribers_[static_cast<uint32_t>(at)];
    if (subscriber.bindings > 0) visitor(view_of(subscriber));  // otherwise the place is free
  }
  return kEnd;
}

template <class Visitor>
uint64_t Nat::visit_addresses(uint64_t from, std::size_t most, Visitor&& visitor) const {
  for (uint64_t at = from; at < pool_.address_count(); ++at) {
    if (most-- == 0) return at;
    visitor(view_of_address(static_cast<uint32_t>(at)));
  }
  return kEnd;
}

}  // namespace yonroku::share
