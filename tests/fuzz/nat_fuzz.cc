// The NAT's tables with an oracle. The input is a list of events: four octets each say who sends what to
// whom, from which side, or that time passes. After each event that is let through, both directions must
// agree about who is bound to what; at the end nothing may be left over when all time-outs have passed.
#include <algorithm>
#include <set>
#include <span>
#include <tuple>

#include "require.h"
#include "share/nat/nat.h"

namespace {

using namespace yonroku;
using share::Dependence;
using share::InsideEndpoint;
using share::Ipv4Endpoint;
using share::Nat;
using share::NatProtocol;

constexpr uint32_t kPool = 0xc0000200;

share::NatSettings choose(uint8_t a, uint8_t b) {
  share::NatSettings settings;
  settings.mapping = static_cast<Dependence>(a % 3);
  settings.filtering = static_cast<Dependence>(a / 3 % 3);
  settings.allocation = a / 9 % 2 == 0 ? share::PortAllocation::Dynamic : share::PortAllocation::Blocks;
  settings.block_size = 4;
  settings.blocks_per_subscriber = static_cast<uint8_t>(1 + a / 18 % 4);
  settings.when_exhausted =
      a / 72 % 2 == 0 ? share::WhenExhausted::Refuse : share::WhenExhausted::ReuseByDestination;
  settings.keep_parity = (b & 1) != 0;
  settings.keep_contiguity = (b & 2) != 0;
  settings.port_rest = (b & 4) != 0 ? 120 : 0;
  settings.ports_per_subscriber = (b & 8) != 0 ? 6 : 0;
  settings.sessions_per_subscriber = (b & 16) != 0 ? 9 : 0;
  settings.new_sessions_per_second = (b & 32) != 0 ? 20 : 0;
  settings.max_sessions = (b & 64) != 0 ? 40 : 400;
  settings.subscriber_prefix_length = (b & 128) != 0 ? 126 : 128;
  settings.pools = {{{Ipv4Prefix::holding(Ipv4Address(kPool), 31)}, 1016, 1039}};
  settings.static_bindings = {
      {NatProtocol::Tcp, {0x20010db800000000, 1}, {}, 22, Ipv4Address(kPool), 1020},
      {NatProtocol::Udp, {0x20010db800000000, 2}, {}, 53, Ipv4Address(kPool), 53},
  };
  return settings;
}

class CheckedNat {
 public:
  CheckedNat(const share::NatSettings& settings, uint64_t seed) : nat_(settings, seed, 0, 1, now_) {}

  void event(std::span<const uint8_t, 4> e) {
    if (e[0] % 16 == 0) {
      pass(e[1]);
      return;
    }
    const auto protocol = static_cast<NatProtocol>(e[0] / 16 % 3);
    constexpr uint8_t kFlags[] = {TcpHeader::kSyn, TcpHeader::kSyn | TcpHeader::kAck, TcpHeader::kAck,
                                  TcpHeader::kFin | TcpHeader::kAck, TcpHeader::kRst};
    const uint8_t flags = protocol == NatProtocol::Tcp ? kFlags[e[0] / 48 % 5] : uint8_t{0};
    const Ipv4Endpoint remote{Ipv4Address(0xcb007100u + e[1] % 4),
                              static_cast<uint16_t>(protocol == NatProtocol::Icmp ? 0 : 80 + e[1] / 4 % 4)};
    if (e[0] % 2 != 0) {
      const InsideEndpoint inside{{0x20010db800000000, e[2] % 8u}, {}, static_cast<uint16_t>(20 + e[3] % 40)};
      Ipv4Endpoint outside;
      if (nat_.outbound({inside, remote, protocol, flags}, now_, outside) != DropReason::None) return;
      InsideEndpoint found;
      REQUIRE(nat_.find_inside({outside, remote, protocol, 0}, found));
      REQUIRE(found == inside);
    } else {
      const Ipv4Endpoint outside{Ipv4Address(kPool + e[2] % 3u), static_cast<uint16_t>(1012 + e[3] % 32)};
      InsideEndpoint inside;
      if (nat_.inbound({outside, remote, protocol, flags}, now_, inside) != DropReason::None) return;
      InsideEndpoint found;
      REQUIRE(nat_.find_inside({outside, remote, protocol, 0}, found));
      REQUIRE(found == inside);
    }
  }
  void change(const share::NatSettings& settings) { nat_.change(settings, now_); }
  void check() const {
    std::set<std::tuple<NatProtocol, uint32_t, uint16_t, uint32_t, uint16_t>> seen;
    std::size_t sessions = 0;
    (void)nat_.visit_sessions(0, SIZE_MAX, now_, [&](const share::SessionView& view) {
      ++sessions;
      REQUIRE(seen.insert({view.protocol, view.outside.address.value(), view.outside.port,
                           view.remote.address.value(), view.remote.port})
                  .second);
      InsideEndpoint inside;
      REQUIRE(nat_.find_inside({view.outside, view.remote, view.protocol, 0}, inside) &&
              inside == view.inside);
      REQUIRE(nat_.has_session({view.outside, view.remote, view.protocol, 0}));
    });
    REQUIRE(sessions == nat_.session_count());
    REQUIRE(sessions <= nat_.settings().max_sessions);
  }
  void pass(uint32_t seconds) {
    now_ = now_ + Duration::seconds(seconds);
    while (nat_.expire(now_, 7)) {
    }
  }
  void drain() {
    for (int i = 0; i < 80; ++i) pass(100);
    check();
    REQUIRE(nat_.session_count() == 0);
    REQUIRE(nat_.binding_count() == 2 && nat_.subscriber_count() <= 2);  // the static ones
  }

 private:
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  Nat nat_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::span<const uint8_t> left(data, size);
  if (left.size() < 4) return 0;
  const share::NatSettings settings = choose(left[0], left[1]);
  CheckedNat nat(settings, left[2]);
  const std::size_t change_at = left[3] * 4u;
  left = left.subspan(4);
  for (std::size_t at = 0; left.size() >= 4; ++at, left = left.subspan(4)) {
    nat.event(left.first<4>());
    if (at == change_at && change_at > 0) {
      share::NatSettings other = settings;
      other.pools[0].last_port = 1031;
      other.filtering = Dependence::EndpointIndependent;
      nat.change(other);
      nat.check();
    }
    if (at % 16 == 0) nat.check();
  }
  nat.check();
  nat.drain();
  return 0;
}
