#include "share/nat/nat_views.h"

#include <algorithm>

#include "share/nat/nat.h"

namespace yonroku::share {
namespace {

// A tick is 2^27 nanoseconds.
uint32_t seconds_until(Tick expires, Tick now) {
  const auto ticks = static_cast<int32_t>(expires - now);
  return ticks <= 0 ? 0u
                    : static_cast<uint32_t>((uint64_t{static_cast<uint32_t>(ticks)} << 27) / 1'000'000'000);
}

template <class Array>
void add_each(Array& sum, const Array& other) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
}

}  // namespace

std::string_view session_state_text(NatProtocol protocol, uint8_t state) {
  if (protocol == NatProtocol::Icmp) return "query";
  if (protocol == NatProtocol::Udp) return state == 0 ? "unanswered" : "answered";
  return to_string(static_cast<TcpState>(state));
}

std::string_view to_string(SessionEnd end) {
  constexpr std::string_view kTexts[kSessionEndCount] = {
      "udp-timeout", "dns-timeout", "icmp-timeout", "tcp-opening-timeout", "tcp-established-timeout",
      "closed",      "made-room",   "removed"};
  return kTexts[static_cast<std::size_t>(end)];
}

bool can_end(NatProtocol protocol, SessionEnd end) {
  switch (end) {
    case SessionEnd::UdpTimeout:
    case SessionEnd::DnsTimeout: return protocol == NatProtocol::Udp;
    case SessionEnd::IcmpTimeout: return protocol == NatProtocol::Icmp;
    case SessionEnd::TcpOpeningTimeout:
    case SessionEnd::TcpEstablishedTimeout:
    case SessionEnd::Closed: return protocol == NatProtocol::Tcp;
    case SessionEnd::MadeRoom:
    case SessionEnd::Removed: return true;
  }
  return false;
}

std::string_view to_string(NatRefusal refusal) {
  constexpr std::string_view kTexts[kNatRefusalCount] = {
      "subscriber-ports", "subscriber-sessions", "subscriber-session-rate", "ports-exhausted", "table-full"};
  return kTexts[static_cast<std::size_t>(refusal)];
}

void NatCounts::add(const NatCounts& other) {
  add_each(bindings, other.bindings);
  for (std::size_t i = 0; i < sessions.size(); ++i) add_each(sessions[i], other.sessions[i]);
  subscribers += other.subscribers;
  ports += other.ports;
  add_each(used_ports, other.used_ports);
  resting_ports += other.resting_ports;
  blocks += other.blocks;
  used_blocks += other.used_blocks;
  resting_blocks += other.resting_blocks;
  offloaded_sessions += other.offloaded_sessions;
  refused_offloads += other.refused_offloads;
  add_each(ended_bindings, other.ended_bindings);
  for (std::size_t i = 0; i < kNatProtocolCount; ++i) {
    add_each(ended_sessions[i], other.ended_sessions[i]);
    add_each(refusals[i], other.refusals[i]);
  }
}

NatCounts Nat::counts() const noexcept {
  NatCounts counts = counts_;
  counts.subscribers = subscribers_.size();
  counts.ports = pool_.total();
  for (std::size_t i = 0; i < kNatProtocolCount; ++i)
    counts.used_ports[i] = pool_.total_used(static_cast<NatProtocol>(i));
  counts.resting_ports = pool_.resting();
  if (settings_.allocation == PortAllocation::Blocks) {
    counts.blocks = pool_.total() / settings_.block_size;
    counts.used_blocks = used_blocks_;
    counts.resting_blocks = resting_blocks_.size();
  }
  return counts;
}

SessionView Nat::view_of(const Binding& binding, uint32_t id, Tick now) const noexcept {
  const Session& session = at(id);
  return {binding.protocol(),
          {binding.inside_ipv6, binding.inside_ipv4, binding.inside_port},
          {binding.outside, binding.outside_port},
          {session.remote, session.remote_port},
          session.state,
          seconds_until(expiry_of(id, binding.protocol()), now)};
}

BindingView Nat::view_of_binding(uint32_t id, Tick now) const noexcept {
  const Binding& binding = bindings_[id];
  BindingView view{binding.protocol(),
                   {binding.inside_ipv6, binding.inside_ipv4, binding.inside_port},
                   {binding.outside, binding.outside_port},
                   binding.is_static(),
                   binding.is_shared()};
  if (!binding.has_session()) return view;
  view.sessions = 1;
  view.seconds_left = seconds_until(expiry_of(id, view.protocol), now);
  for (uint32_t i = binding.further; i != kNone && view.sessions < BindingView::kMostCounted;
       i = further_[i].older, ++view.sessions)
    view.seconds_left =
        std::max(view.seconds_left, seconds_until(expiry_of(i | kFurther, view.protocol), now));
  return view;
}

SubscriberView Nat::view_of(const Subscriber& subscriber) const noexcept {
  SubscriberView view;
  const bool has_ipv6 = subscriber.ipv6 != Ipv6Address{};
  view.ipv6 = Ipv6Prefix::holding(subscriber.ipv6, has_ipv6 ? settings_.subscriber_prefix_length : 0);
  view.ipv4 = subscriber.ipv4;
  view.bindings = subscriber.bindings;
  view.sessions = subscriber.sessions;
  if (subscriber.address == kNone) return view;
  view.outside = pool_.address(subscriber.address);
  for (const Block& block : subscriber.blocks) {
    if (block.number == kNone) continue;
    const PortPool::Span span = span_of(block);
    view.blocks[view.block_count++] = {pool_.port_of({subscriber.address, span.begin}),
                                       pool_.port_of({subscriber.address, span.end - 1}), block.used};
  }
  return view;
}

void Nat::add_taken_ports(uint64_t address, TakenPorts& ports) const noexcept {
  const auto number = static_cast<uint32_t>(address);
  ports.slots = pool_.slots_of(number);
  for (std::size_t i = 0; i < kNatProtocolCount; ++i)
    pool_.add_taken(number, static_cast<NatProtocol>(i), ports.bits[i]);
}

PoolAddressView Nat::view_of_address(uint32_t number) const noexcept {
  const PortPool::Span share = pool_.share_of(number);
  PoolAddressView view{pool_.address(number), share.end - share.begin, {}, pool_.port_set_of(number)};
  for (std::size_t i = 0; i < kNatProtocolCount; ++i)
    view.used[i] = pool_.used(number, static_cast<NatProtocol>(i));
  return view;
}

}  // namespace yonroku::share
