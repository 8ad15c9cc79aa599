#include "share/nat/nat_lookup.h"

namespace yonroku::share {

uint32_t Nat::hash_shared(const Ipv4Endpoint& outside, NatProtocol protocol,
                          const Ipv4Endpoint& remote) const noexcept {
  return top(mix(mix(word(outside) ^ secret_[0], secret_[1] + static_cast<uint8_t>(protocol)),
                 word(remote) ^ secret_[2]));
}

uint32_t Nat::hash_session(uint32_t binding, const Ipv4Endpoint& remote) const noexcept {
  return top(mix(word(remote) ^ secret_[1], secret_[0] ^ (uint64_t{binding} << 20)));
}

uint32_t Nat::hash_subscriber(const Ipv6Address& ipv6, Ipv4Address ipv4) const noexcept {
  return top(mix(mix(ipv6.high() ^ secret_[2], ipv6.low() ^ secret_[0]), ipv4.value() ^ secret_[1]));
}

uint32_t Nat::shared_binding_at(const Ipv4Endpoint& outside, NatProtocol protocol,
                                const Ipv4Endpoint& remote) const noexcept {
  return by_outside_.find(hash_shared(outside, protocol, remote), [&](uint32_t id) {
    const Binding& b = bindings_[id];
    return b.is_shared() && b.outside == outside.address && b.outside_port == outside.port &&
           b.protocol() == protocol && b.first.remote == remote.address && b.first.remote_port == remote.port;
  });
}

bool Nat::has_session_with(uint32_t binding, Ipv4Address remote) const noexcept {
  constexpr int kMostLookedAt = 1024;
  const Binding& b = bindings_[binding];
  if (b.has_session() && b.first.remote == remote) return true;
  int left = kMostLookedAt;
  for (uint32_t i = b.further; i != kNone && left-- > 0; i = further_[i].older)
    if (further_[i].session.remote == remote) return true;
  return false;
}

Nat::Key Nat::key_of(const Binding& binding) const noexcept {
  if (binding.is_static()) return {Dependence::EndpointIndependent, {}};
  const Ipv4Endpoint remote{binding.first.remote, binding.first.remote_port};
  if (binding.is_shared()) return {Dependence::AddressAndPortDependent, remote};
  return {settings_.mapping, remote};
}

bool Nat::is_found_by(const Binding& binding, const Ipv4Endpoint& remote) const noexcept {
  const Key key = key_of(binding);
  if (key.dependence == Dependence::EndpointIndependent) return true;
  return key.remote.address == remote.address &&
         (key.dependence == Dependence::AddressDependent || key.remote.port == remote.port);
}

bool Nat::find_outside(const Outbound& packet, Ipv4Endpoint& outside) const noexcept {
  const uint32_t id = binding_of(packet);
  if (id == kNone) return false;
  outside = {bindings_[id].outside, bindings_[id].outside_port};
  return true;
}

bool Nat::find_inside(const Inbound& packet, InsideEndpoint& inside) const noexcept {
  const uint32_t id = binding_of(packet);
  if (id == kNone) return false;
  const Binding& b = bindings_[id];
  inside = {b.inside_ipv6, b.inside_ipv4, b.inside_port};
  return true;
}

std::optional<Nat::Newest> Nat::newest_session(const InsideEndpoint& inside,
                                               NatProtocol protocol) const noexcept {
  const uint32_t id = binding_of(Outbound{inside, {}, protocol, 0});
  if (id == kNone || !bindings_[id].has_session()) return std::nullopt;
  const Binding& b = bindings_[id];
  const Session& session = b.further == kNone ? b.first : further_[b.further].session;
  return Newest{{session.remote, session.remote_port}, static_cast<TcpState>(session.state)};
}

uint32_t Nat::session_of(const Outbound& packet) const noexcept {
  const uint32_t id = binding_of(packet);
  return id == kNone ? kNone : session_of(id, packet.remote);
}

bool Nat::has_session(const Inbound& packet) const noexcept {
  const uint32_t id = binding_of(packet);
  return id != kNone && session_of(id, packet.remote) != kNone;
}

uint32_t Nat::prefetch(const Outbound& packet) const noexcept {
  const uint32_t hash = hash_inside(packet.inside, packet.protocol, {settings_.mapping, packet.remote});
  by_inside_.prefetch(hash);
  return hash;
}

uint32_t Nat::prefetch(const Inbound& packet) const noexcept {
  const uint32_t hash = hash_outside(packet.outside, packet.protocol);
  by_outside_.prefetch(hash);
  return hash;
}

void Nat::prefetch_binding(NatSide side, uint32_t hash) const noexcept {
  const HashIndex& index = side == NatSide::Inside ? by_inside_ : by_outside_;
  const uint32_t id = index.likely(hash);
  if (id != kNone) __builtin_prefetch(&bindings_[id], 1);
}

}  // namespace yonroku::share
