// Who shares an address: each subscriber's limits, its number, the worker that has its bindings.
#include <algorithm>

#include "share/nat/deterministic.h"
#include "share/nat/nat_lookup.h"

namespace yonroku::share {

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

std::optional<NatRefusal> Nat::check_limits(uint32_t subscriber, NatProtocol protocol, uint32_t except,
                                            Tick now) noexcept {
  Subscriber& s = subscribers_[subscriber];
  if (!may_open(s, now)) return NatRefusal::SubscriberSessionRate;
  if (settings_.sessions_per_subscriber != 0 && s.sessions >= settings_.sessions_per_subscriber &&
      !end_transitory_of(subscriber, protocol, except))
    return NatRefusal::SubscriberSessions;
  return std::nullopt;
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

std::optional<PortPool::Place> Nat::deterministic_place(const Ipv6Address& subscriber) const noexcept {
  return share::deterministic_place(settings_, pool_, subscriber);
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
  const uint64_t key = key_of_place(outside, protocol);
  const auto made = std::ranges::lower_bound(static_owners_, key, {}, &StaticOwner::place);
  if (made != static_owners_.end() && made->place == key) return made->worker;
  const auto place = pool_.place_of(outside.address, outside.port);
  return place ? pool_.worker_of(*place) : pool_.worker();
}

}  // namespace yonroku::share
