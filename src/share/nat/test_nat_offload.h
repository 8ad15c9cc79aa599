// For tests of a NAT beside an offload.
#pragma once

#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "share/nat/test_nat.h"

namespace yonroku::share {

inline constexpr int kMoreWithoutAnswer = 64;                    // packets
inline constexpr int kUntilOneWay = 1 + 4 + kMoreWithoutAnswer;  // the first opens the session
inline const Ipv4Endpoint kResolver{Ipv4Address(203, 0, 113, 53), 53};
inline const Ipv6Address kNear(0x20010db8eeee0000, 1);
inline const Ipv6Address kFar(0x20010db8ffff0000, 1);

// What the programs do, and a record of it.
class FakeOffload final : public SessionOffload {
 public:
  uint32_t begin(const OffloadedSession& session) noexcept override {
    ++offers_;
    if (flows_.size() >= capacity_) return kNone;
    for (const auto& [number, flow] : flows_) EXPECT_NE(flow.session, session) << "nothing is begun twice";
    flows_[next_] = {session, {}};
    return next_++;
  }
  void end(uint32_t flow) noexcept override { EXPECT_EQ(flows_.erase(flow), 1u) << flow; }
  [[nodiscard]] Seen seen(uint32_t flow) const noexcept override { return flows_.at(flow).seen; }

  [[nodiscard]] bool is_of(uint32_t flow, const OffloadedSession& session) const noexcept override {
    OffloadedSession then = flows_.at(flow).session;
    then.is_newest = session.is_newest;  // not the flow's
    return then == session;
  }

  // True when the programs forward the packet, and the NAT does not see it.
  bool forwards_out(const Nat::Outbound& packet, Instant now) {
    for (auto& [number, flow] : flows_) {
      const OffloadedSession& s = flow.session;
      if (std::tie(s.inside, s.remote, s.protocol) !=
              std::tie(packet.inside, packet.remote, packet.protocol) ||
          !is_plain(packet.tcp_flags))
        continue;
      flow.seen.out = now;
      return true;
    }
    return false;
  }
  bool forwards_in(const Nat::Inbound& packet, Instant now) {
    for (auto& [number, flow] : flows_) {
      const OffloadedSession& s = flow.session;
      if (std::tie(s.outside, s.remote, s.protocol) !=
              std::tie(packet.outside, packet.remote, packet.protocol) ||
          !is_plain(packet.tcp_flags) || !s.is_answered)
        continue;
      flow.seen.in = now;
      return true;
    }
    return false;
  }
  struct FakeFlow {
    OffloadedSession session;
    Seen seen;
  };
  std::map<uint32_t, FakeFlow> flows_;
  std::size_t capacity_ = 1000;
  uint32_t next_ = 7;
  int offers_ = 0;

 private:
  static bool is_plain(uint8_t flags) { return (flags & (kSyn | kFin | kRst)) == 0; }
};

class Events final : public NatEventSink {
 public:
  void on(const NatEvent& event) noexcept override { events_.push_back(event); }
  [[nodiscard]] std::vector<NatEvent::Kind> kinds() const {
    std::vector<NatEvent::Kind> kinds;
    for (const NatEvent& event : events_) kinds.push_back(event.kind);
    return kinds;
  }
  std::vector<NatEvent> events_;
};

// A NAT and its clock. Random numbers are always 0: the lowest free port is taken.
class Side {
 public:
  Side(const NatSettings& settings, Instant now, FakeOffload* offload)
      : nat_(settings, 0, 0, 1, now), offload_(offload) {
    nat_.set_event_sink(&events_);
    nat_.set_session_offload(offload);
  }
  // As a mechanism does it.
  DropReason out(const Nat::Outbound& packet, Instant now) {
    if (offload_ != nullptr && offload_->forwards_out(packet, now)) return DropReason::None;
    const DropReason reason = nat_.outbound(packet, now, outside_);
    take_candidate();
    return reason;
  }
  DropReason in(const Nat::Inbound& packet, Instant now) {
    if (offload_ != nullptr && offload_->forwards_in(packet, now)) return DropReason::None;
    const DropReason reason = nat_.inbound(packet, now, inside_);
    take_candidate();
    return reason;
  }
  void expire(Instant now) {
    while (nat_.expire(now, 16)) {
    }
    while (nat_.has_flows_to_review())
      nat_.review_flows(3, [this](OffloadedSession& session) {
        session.near = kNear;
        session.far = far_;
        return true;
      });
  }
  struct Row {
    NatProtocol protocol;
    uint64_t host;
    uint16_t outside_port;
    Ipv4Address remote;
    uint16_t remote_port;
    uint8_t state;
    uint32_t seconds_left;
    friend auto operator<=>(const Row&, const Row&) = default;
  };
  [[nodiscard]] std::vector<Row> sessions(Instant now) const {
    std::vector<Row> rows;
    nat_.visit_sessions(0, SIZE_MAX, now, [&](const SessionView& s) {
      rows.push_back({s.protocol, s.inside.ipv6.low(), s.outside.port, s.remote.address, s.remote.port,
                      s.state, s.seconds_left});
    });
    return rows;
  }
  [[nodiscard]] std::vector<uint32_t> binding_seconds(Instant now) const {
    std::vector<uint32_t> seconds;
    nat_.visit_bindings(0, SIZE_MAX, now, [&](const BindingView& b) { seconds.push_back(b.seconds_left); });
    return seconds;
  }
  void take_candidate() {
    if (nat_.has_candidate()) nat_.offload(kNear, far_);
    if (is_calm_) nat_.begin_offers();
  }
  Events events_;
  Nat nat_;
  bool is_calm_ = true;  // no packet waits for the NAT
  Ipv6Address far_ = kFar;
  FakeOffload* offload_;
  Ipv4Endpoint outside_;
  InsideEndpoint inside_;
};

class NatOffload : public testing::Test {
 protected:
  NatOffload() {
    settings_.pools = {{{Ipv4Prefix::holding(kPool, 32)}, 5000, 5063}};
    settings_.max_sessions = 1000;
    settings_.port_rest = 0;
    settings_.offload_after = 4;
  }
  Side& side() {
    if (!side_) side_.emplace(settings_, now_, &offload_);
    return *side_;
  }
  Nat& nat() { return side().nat_; }
  DropReason out(NatProtocol protocol, uint8_t flags = 0, const Ipv4Endpoint& remote = kServer,
                 const InsideEndpoint& inside = host(1)) {
    return side().out({inside, remote, protocol, flags}, now_);
  }
  DropReason in(NatProtocol protocol, uint8_t flags = 0, const Ipv4Endpoint& remote = kServer) {
    return side().in({side().outside_, remote, protocol, flags}, now_);
  }
  void connect(const InsideEndpoint& inside = host(1)) {
    ASSERT_EQ(out(NatProtocol::Tcp, kSyn, kServer, inside), DropReason::None);
    ASSERT_EQ(in(NatProtocol::Tcp, kSyn | kAck), DropReason::None);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(out(NatProtocol::Tcp, kAck, kServer, inside), DropReason::None);
  }
  void converse(const InsideEndpoint& inside = host(1), const Ipv4Endpoint& remote = kServer) {
    ASSERT_EQ(out(NatProtocol::Udp, 0, remote, inside), DropReason::None);
    ASSERT_EQ(in(NatProtocol::Udp, 0, remote), DropReason::None);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(out(NatProtocol::Udp, 0, remote, inside), DropReason::None);
  }
  void pass(int64_t seconds) {
    for (int64_t i = 0; i < seconds; ++i) {
      now_ = now_ + Duration::seconds(1);
      side().expire(now_);
    }
  }
  void restart() { side_.emplace(settings_, now_, &offload_); }
  NatSettings settings_;
  FakeOffload offload_;
  std::optional<Side> side_;
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
};

}  // namespace yonroku::share
