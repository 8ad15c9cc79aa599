#include "fastpath/session_offload.h"

#include "packet/headers.h"

namespace yonroku::fastpath {
namespace {

using share::NatProtocol;

static_assert(FlowTable::kNone == share::SessionOffload::kNone);

uint8_t number_of(NatProtocol protocol) {
  switch (protocol) {
    case NatProtocol::Udp: return static_cast<uint8_t>(IpProtocol::Udp);
    case NatProtocol::Tcp: return static_cast<uint8_t>(IpProtocol::Tcp);
    case NatProtocol::Icmp: break;
  }
  return static_cast<uint8_t>(IpProtocol::Icmp);
}

NatProtocol protocol_of(uint8_t number) {
  if (number == static_cast<uint8_t>(IpProtocol::Udp)) return NatProtocol::Udp;
  return number == static_cast<uint8_t>(IpProtocol::Tcp) ? NatProtocol::Tcp : NatProtocol::Icmp;
}

// Who inside is known by an IPv6 address: of NAT64, DS-Lite and load balancers it is the near end.
constexpr bool is_inside_near(FlowKind kind) { return direction_from_ipv6(kind) == FlowDirection::Out; }

}  // namespace

FlowContent FlowOffload::content_of(const share::OffloadedSession& session, FlowKind kind,
                                    uint8_t instance) noexcept {
  FlowContent content{};
  content.near_high = session.near.high();
  content.near_low = session.near.low();
  content.far_high = session.far.high();
  content.far_low = session.far.low();
  // The number of a load balancer's service, which is there, is another after a restart.
  content.inside = kind == FlowKind::Slb64 ? 0 : session.inside.ipv4.value();
  content.outside = session.outside.address.value();
  content.remote = session.remote.address.value();
  content.inside_port = session.inside.port;
  content.outside_port = session.outside.port;
  content.remote_port = session.remote.port;
  content.protocol = number_of(session.protocol);
  content.instance = instance;
  content.kind = kind;
  content.is_one_way = session.is_answered ? 0 : 1;
  content.far_port = session.far_port;
  return content;
}

share::OffloadedSession FlowOffload::session_of(const FlowContent& content) noexcept {
  const Ipv6Address near(content.near_high, content.near_low);
  return {
      protocol_of(content.protocol),
      {is_inside_near(content.kind) ? near : Ipv6Address{}, Ipv4Address(content.inside), content.inside_port},
      {Ipv4Address(content.outside), content.outside_port},
      {Ipv4Address(content.remote), content.remote_port},
      near,
      {content.far_high, content.far_low},
      content.far_port,
      content.is_one_way == 0};
}

FlowOffload::Recovered FlowOffload::recover(share::Nat& nat, Instant now,
                                            const std::function<bool(share::OffloadedSession&)>& right) {
  Recovered recovered;
  const uint32_t before = table_.used();
  table_.recover([&](uint32_t number, const FlowContent& content) {
    if (content.kind != kind_ || content.instance != instance_) return false;
    share::OffloadedSession session = session_of(content);
    return right(session) && nat.adopt(session, seen(number), number, now);
  });
  recovered.kept = table_.used();
  recovered.removed = before - recovered.kept;
  return recovered;
}

// CLOCK_MONOTONIC_COARSE is CLOCK_MONOTONIC, which instants of the engine are of, at the last timer tick.
FlowOffload::Seen FlowOffload::seen(uint32_t flow) const noexcept {
  const auto instant = [](uint64_t nanoseconds) {
    return Instant::from_nanoseconds(static_cast<int64_t>(nanoseconds));
  };
  const FlowTable::Seen seen = table_.seen(flow);
  return {instant(seen.out), instant(seen.in)};
}

}  // namespace yonroku::fastpath
