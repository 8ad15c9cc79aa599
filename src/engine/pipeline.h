// One packet through one mechanism, and what follows from the verdict: counting, fragmenting, segmenting,
// ICMP errors. Devices, files and tests feed it alike; results go to `emit(Packet&)`, in order, before
// process() returns.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "base/hot.h"
#include "base/instant.h"
#include "carry/fragmentation.h"
#include "engine/frequent_sources.h"
#include "engine/held_syns.h"
#include "engine/rate_limit.h"
#include "engine/reassembly.h"
#include "engine/segmentation.h"
#include "engine/snapshot.h"
#include "mechanism/session_offer.h"
#include "observe/counters.h"

namespace yonroku::engine {

class Pipeline {
 public:
  // Room that a received packet needs in front, to grow into.
  static constexpr std::size_t kHeadroom = 128;
  static constexpr std::size_t kLargestPacket = 65535 + 40;

  // Worker `index` of `count`. Seed 0 makes every outcome certain (tests, offline translation).
  // `memory` is for tables that a mechanism keeps.
  explicit Pipeline(uint64_t seed, uint16_t index = 0, uint16_t count = 1,
                    std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : state_(seed, index, count, memory),
        workers_(count),
        segment_buffer_(kHeadroom + kLargestPacket),
        result_buffer_(kHeadroom + kLargestPacket),
        reassembly_(state_.random.next()),
        whole_buffer_(kHeadroom + Reassembly::kLargest) {}

  [[nodiscard]] const observe::Counters& counters() const { return counters_; }
  [[nodiscard]] observe::Counters& counters() { return counters_; }
  // Whether what was emitted is one segment of a super-packet that was split here.
  [[nodiscard]] bool is_segment(const Packet& result) const {
    return result.data() >= segment_buffer_.data() &&
           result.data() < segment_buffer_.data() + segment_buffer_.size();
  }
  void set_trace(Trace* trace) { state_.trace = trace; }

  // Makes what the mechanism keeps where it is missing: before the first packet, since it may take a while.
  // True when it keeps something, and expire() has to be called now and then.
  template <class Mech>
  bool prepare(const Mech& mechanism, Instant now) {
    if constexpr (requires { mechanism.prepare(state_); }) {
      state_.now = now;
      mechanism.prepare(state_);
      return true;
    }
    return false;
  }
  // Brings what process() will look up for each of the packets towards the cache.
  template <class Mech>
  void prefetch(const Mech& mechanism, std::span<const Packet> packets) const {
    if constexpr (requires { mechanism.prefetch(packets, state_); }) {
      mechanism.prefetch(packets, state_);
    } else {
      for (const Packet& packet : packets) mechanism.prefetch(packet.bytes());
    }
  }
  // What time brings about: sessions end, SYNs that were held are answered. True when there is more to do at
  // once.
  template <class Mech, class Emit>
  bool expire(const Snapshot& snapshot, const Mech& mechanism, Instant now, Emit&& emit) {
    bool more = false;
    if constexpr (requires { mechanism.prepare(state_); }) {
      constexpr std::size_t kMostAtOnce = 64;  // as many as a batch can open; some 25 microseconds
      if (state_.nat != nullptr) more = state_.nat->expire(now, kMostAtOnce);
      if constexpr (has_ends_of_sessions<Mech>())
        if (state_.nat != nullptr && state_.nat->has_flows_to_review()) [[unlikely]] {
          state_.nat->review_flows(kMostAtOnce, mechanism::adder_of_ends(mechanism, state_));
          more = true;
        }
      while (held_syns_.has_due(now)) {
        HeldSyns::Held held = held_syns_.take();
        if (mechanism.is_still_unsolicited(held.bytes(), state_)) {
          const Packet syn(held.bytes(), 0, held.size);
          const bool is_ipv6 = static_cast<uint8_t>(*syn.data()) >> 4 == 6;
          reply(snapshot, mechanism, Verdict::drop(DropReason::UnsolicitedSyn, held.at), syn, is_ipv6, now,
                emit);
        }
      }
    }
    return more;
  }
  // Who forwards packets of sessions of the NAT that last; null: nobody. It outlives this, or is replaced. At
  // any time in the worker's thread, where it ends what the one before has, and takes as long as that is
  // much.
  void set_session_offload(share::SessionOffload* offload) noexcept {
    state_.session_offload = offload;
    if (state_.nat != nullptr) state_.nat->set_session_offload(offload);
  }
  // Sessions that wait until begin_offers() may leave them to the offload (share::Nat::begin_offers()).
  [[nodiscard]] bool has_offers() const noexcept { return state_.nat != nullptr && state_.nat->has_offers(); }
  void begin_offers() noexcept {
    if (state_.nat != nullptr) state_.nat->begin_offers();
  }
  // Whether the mechanism has a NAT whose sessions can be offloaded.
  template <class Mech>
  static constexpr bool has_ends_of_sessions() {
    return requires(const Mech& mechanism, const share::OffloadedSession& session) {
      mechanism.ends_of(session);
    };
  }
  // Before the worker's end: sessions go on in the offload, those too that were not offered yet.
  template <class Mech>
  void offload_all(const Mech& mechanism) {
    if constexpr (has_ends_of_sessions<Mech>())
      if (state_.nat != nullptr) state_.nat->offload_all(mechanism::adder_of_ends(mechanism, state_));
  }
  // Null for mechanisms without one, and before prepare().
  [[nodiscard]] share::Nat* nat() { return state_.nat.get(); }
  [[nodiscard]] const share::Nat* nat() const { return state_.nat.get(); }
  // Null for mechanisms without application level gateways, and where they were never on.
  [[nodiscard]] const mechanism::Alg* alg() const { return state_.alg.get(); }
  // Of a load balancer: flows begun with each server, by its number.
  [[nodiscard]] std::span<const uint64_t> server_flows() const { return state_.server_flows; }

  // Who sends most of the packets whose outer IPv6 source may not send what is in them.
  [[nodiscard]] const FrequentSources& spoofers() const { return spoofers_; }

  // Where packets go whose state another worker has.
  class Peers {
   public:
    // Takes a copy. False: that worker has too many.
    virtual bool give(uint16_t worker, const Packet& packet) = 0;

   protected:
    ~Peers() = default;
  };
  void set_peers(Peers* peers) { peers_ = peers; }
  // One packet that another worker has received, and counted as received.
  template <class Mech, class Emit>
  void take_over(const Snapshot& snapshot, const Mech& mechanism, Packet& packet, Instant now, Emit&& emit) {
    const bool was_ipv6 = packet.size() != 0 && static_cast<uint8_t>(*packet.data()) >> 4 == 6;
    state_.now = now;
    decide(snapshot, mechanism, packet, was_ipv6, now, emit, MaySegment::Yes, nullptr);
  }

  // Processes one packet. Returns the verdict about it, for explain and tests; `replied` says whether an ICMP
  // error about it was emitted.
  struct Outcome {
    Verdict verdict;
    bool replied = false;
  };
  template <class Mech, class Emit>
  Outcome process(const Snapshot& snapshot, const Mech& mechanism, Packet& packet, Instant now, Emit&& emit) {
    Outcome outcome;
    receive(snapshot, mechanism, packet, now, emit, &outcome);
    return outcome;
  }
  // The same for those who do not ask what became of it.
  template <class Mech, class Emit>
  YONROKU_HOT_INLINE void forward(const Snapshot& snapshot, const Mech& mechanism, Packet& packet,
                                  Instant now, Emit&& emit) {
    receive(snapshot, mechanism, packet, now, emit, nullptr);
  }

 private:
  enum class MaySegment : uint8_t { No, Yes };

  template <class Mech, class Emit>
  YONROKU_HOT_INLINE void receive(const Snapshot& snapshot, const Mech& mechanism, Packet& packet,
                                  Instant now, Emit& emit, Outcome* outcome) {
    const auto first = packet.size() == 0 ? uint8_t{0} : static_cast<uint8_t>(*packet.data());
    const bool was_ipv6 = first >> 4 == 6;
    counters_.received[was_ipv6 ? 1 : 0].add(1);
    state_.now = now;
    decide(snapshot, mechanism, packet, was_ipv6, now, emit, MaySegment::Yes, outcome);
  }

  template <class Mech, class Emit>
  void decide(const Snapshot& snapshot, const Mech& mechanism, Packet& packet, bool was_ipv6, Instant now,
              Emit& emit, MaySegment may_segment, Outcome* outcome) {
    const std::size_t size = packet.size();
    const Verdict verdict = mechanism.process(packet, state_);
    if (verdict.action == Verdict::Action::ToIpv4 || verdict.action == Verdict::Action::ToIpv6) [[likely]] {
      count_translated(verdict, packet, was_ipv6, size);
      send(verdict, packet, emit);
      if (outcome != nullptr) *outcome = {verdict, false};
    } else if (verdict.action == Verdict::Action::Segment && may_segment == MaySegment::Yes) {
      segment(snapshot, mechanism, packet, was_ipv6, now, emit, outcome);
    } else if (verdict.action == Verdict::Action::HandOver && peers_ != nullptr) {
      if (peers_->give(static_cast<uint16_t>(verdict.detail), packet))
        counters_.handed_over.add(1);
      else
        count_drop(DropReason::WorkerBusy, packet);
      if (outcome != nullptr) *outcome = {verdict, false};
    } else if (verdict.action == Verdict::Action::Reassemble) {
      reassemble(snapshot, mechanism, packet, verdict.detail, was_ipv6, now, emit, outcome);
    } else {
      const Outcome dropped = drop(
          snapshot, mechanism,
          verdict.action == Verdict::Action::Drop ? verdict : Verdict::drop(DropReason::BadOffloadMetadata),
          packet, was_ipv6, now, emit);
      if (outcome != nullptr) *outcome = dropped;
    }
  }

  template <class Mech, class Emit>
  YONROKU_COLD Outcome drop(const Snapshot& snapshot, const Mech& mechanism, Verdict verdict,
                            const Packet& packet, bool was_ipv6, Instant now, Emit& emit) {
    count_drop(verdict.reason, packet);
    if (was_ipv6 &&
        (verdict.reason == DropReason::SourceSpoofed || verdict.reason == DropReason::B4NotAllowed))
      spoofers_.add(reinterpret_cast<const Ipv6Header*>(packet.data())->source(), now);
    if (verdict.reason == DropReason::UnsolicitedSyn) {
      held_syns_.add(packet.bytes(), verdict.detail, now + snapshot.held_syn);
      return {verdict, false};
    }
    return reply(snapshot, mechanism, verdict, packet, was_ipv6, now, emit);
  }

  // Sends the ICMP error about a dropped packet, if there is to be one.
  template <class Mech, class Emit>
  Outcome reply(const Snapshot& snapshot, const Mech& mechanism, Verdict verdict, const Packet& packet,
                bool was_ipv6, Instant now, Emit& emit) {
    Packet message(result_buffer_, kHeadroom, kLargestIcmpReply);
    const std::size_t size = make_icmp_reply(packet, verdict, snapshot.icmp, message.bytes());
    if (size == 0) return {verdict, false};
    if (snapshot.icmp_error_rate != limited_rate_) {
      limited_rate_ = snapshot.icmp_error_rate;
      too_big_limit_ = other_limit_ = RateLimit((limited_rate_ + workers_ - 1) / workers_);
    }
    RateLimit& limit = verdict.reason == DropReason::PacketTooBig ? too_big_limit_ : other_limit_;
    if (!limit.allow(now)) {
      counters_.icmp_errors_limited.add(1);
      return {verdict, false};
    }
    message.truncate(size);
    counters_.icmp_errors_sent[was_ipv6 ? 1 : 0].add(1);
    if (verdict.reason == DropReason::PacketTooBig) counters_.too_big_sent[was_ipv6 ? 1 : 0].add(1);
    if constexpr (requires { mechanism.send_back(message, packet.bytes(), state_); }) {
      // About the packet inside of a tunnel packet: its sender is at the tunnel's other end.
      const bool is_inside = was_ipv6 && static_cast<uint8_t>(*message.data()) >> 4 == 4;
      if (is_inside && mechanism.send_back(message, packet.bytes(), state_).action != Verdict::Action::ToIpv6)
        return {verdict, false};
    }
    emit(message);
    return {verdict, true};
  }

  template <class Mech, class Emit>
  void segment(const Snapshot& snapshot, const Mech& mechanism, Packet& packet, bool was_ipv6, Instant now,
               Emit& emit, Outcome* outcome) {
    const std::size_t least = was_ipv6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header);
    const std::size_t field = packet.offload.checksum_start + std::size_t{packet.offload.checksum_offset};
    if (!packet.offload.is_super_packet() && packet.offload.partial_checksum &&
        packet.offload.checksum_start >= least && field + sizeof(be16) <= packet.size()) {
      complete_checksum(packet);
      decide(snapshot, mechanism, packet, was_ipv6, now, emit, MaySegment::No, outcome);
      return;
    }
    const auto segments = Segments::of(packet);
    if (!segments || segments->largest() > kLargestPacket) {
      const Outcome dropped = drop(snapshot, mechanism, Verdict::drop(DropReason::BadOffloadMetadata), packet,
                                   was_ipv6, now, emit);
      if (outcome != nullptr) *outcome = dropped;
      return;
    }
    counters_.segmented.add(1);
    for (std::size_t i = 0; i < segments->count(); ++i) {
      Packet one(segment_buffer_, kHeadroom, segments->largest());
      one.truncate(segments->write(i, one.bytes()));
      one.offload = segments->offload();
      counters_.segments.add(1);
      decide(snapshot, mechanism, one, was_ipv6, now, emit, MaySegment::No, outcome);
    }
  }

  // A whole packet may need another round: the fragments of what a tunnel's fragments carried.
  template <class Mech, class Emit>
  YONROKU_COLD void reassemble(const Snapshot& snapshot, const Mech& mechanism, Packet& packet,
                               std::size_t at, bool was_ipv6, Instant now, Emit& emit, Outcome* outcome) {
    count_lost(DropReason::ReassemblyTimeout, reassembly_.expire(now));
    Packet whole(whole_buffer_, kHeadroom, 0);
    const auto result = reassembly_.add(
        packet, at, now, whole,
        mechanism.ends_tunnels() ? Reassembly::FragmentHeader::Remove : Reassembly::FragmentHeader::Keep);
    count_lost(DropReason::ReassemblyNoRoom, reassembly_.take_evicted());
    if (outcome != nullptr) *outcome = {Verdict::reassemble(static_cast<uint32_t>(at)), false};
    if (result.dropped != DropReason::None) {
      count_drop(result.dropped, packet, result.fragments);
      if (outcome != nullptr) *outcome = {Verdict::drop(result.dropped), false};
    } else if (result.is_complete) {
      counters_.reassembled.add(1);
      counters_.reassembled_fragments.add(result.fragments);
      if (state_.trace != nullptr) state_.trace->put_together(whole.bytes(), result.fragments);
      // What it carries may be a fragment too, and the mechanism writes in front of it: it moves out of the
      // way.
      std::vector<std::byte> copy(whole_buffer_.begin(), whole_buffer_.begin() + kHeadroom +
                                                             static_cast<std::ptrdiff_t>(whole.size()));
      whole = Packet(copy, kHeadroom, whole.size());
      decide(snapshot, mechanism, whole, was_ipv6, now, emit, MaySegment::No, outcome);
    }
  }

  // The IPv4 packet behind the first `front` octets in pieces, each with a copy of these.
  template <class Emit>
  YONROKU_COLD void send_pieces(Packet& packet, std::size_t front, std::size_t size, Emit& emit) {
    if (packet.offload.partial_checksum) complete_checksum(packet);
    const auto cuts = carry::Cuts::of_ipv4(packet.bytes().subspan(front), size);
    for (std::size_t i = 0; i < cuts.count(); ++i) {
      Packet piece(result_buffer_, kHeadroom, front + size);
      std::memcpy(piece.data(), packet.data(), front);
      piece.truncate(front + cuts.write(i, piece.bytes().subspan(front)));
      reinterpret_cast<Ipv6Header*>(piece.data())->payload_length =
          be16::from_host(static_cast<uint16_t>(piece.size() - sizeof(Ipv6Header)));
      counters_.fragments.add(1);
      emit(piece);
    }
  }

  template <class Emit>
  void send(Verdict verdict, Packet& packet, Emit& emit) {
    if (verdict.fragment_size == 0 || packet.size() <= verdict.fragment_size) [[likely]] {
      emit(packet);
      return;
    }
    if (verdict.detail != 0) {
      send_pieces(packet, verdict.detail, verdict.fragment_size, emit);
      return;
    }
    const bool is_ipv4 = verdict.action == Verdict::Action::ToIpv4;
    if (packet.offload.partial_checksum) complete_checksum(packet);
    const auto cuts = is_ipv4 ? carry::Cuts::of_ipv4(packet.bytes(), verdict.fragment_size)
                              : carry::Cuts::of_ipv6(packet.bytes(), verdict.fragment_size);
    for (std::size_t i = 0; i < cuts.count(); ++i) {
      Packet fragment(result_buffer_, kHeadroom, verdict.fragment_size);
      fragment.truncate(cuts.write(i, fragment.bytes()));
      counters_.fragments.add(1);
      emit(fragment);
    }
  }

  void complete_checksum(Packet& packet) noexcept;
  // `packet` is as it came, or the fragment that brought about the loss of `count`.
  YONROKU_COLD void count_drop(DropReason reason, const Packet& packet, uint64_t count = 1) noexcept;
  void count_lost(DropReason reason, const Reassembly::Lost& lost) noexcept;
  YONROKU_COLD void count_icmp(observe::Direction direction, const Packet& packet) noexcept;
  void count_translated(Verdict verdict, const Packet& packet, bool was_ipv6, std::size_t size) noexcept;

  mechanism::WorkerState state_;
  observe::Counters counters_;
  uint32_t limited_rate_ = 0;
  uint32_t workers_;
  // Apart, so that a flood of junk does not silence path MTU discovery.
  RateLimit too_big_limit_{0};
  RateLimit other_limit_{0};
  std::vector<std::byte> segment_buffer_;
  std::vector<std::byte> result_buffer_;
  Reassembly reassembly_;
  HeldSyns held_syns_;
  FrequentSources spoofers_;
  Peers* peers_ = nullptr;
  std::vector<std::byte> whole_buffer_;
};

}  // namespace yonroku::engine
