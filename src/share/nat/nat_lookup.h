// How a packet finds its binding, and a binding its session: what is on the path of every packet, to be
// inlined. Only for the files that Nat itself is made of.
#pragma once

#include "share/nat/nat.h"

namespace yonroku::share {

// Folds both halves of the product: each bit of the result depends on every bit of both.
YONROKU_HOT_INLINE uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

constexpr uint64_t word(const Ipv4Endpoint& endpoint) {
  return uint64_t{endpoint.address.value()} << 16 | endpoint.port;
}

constexpr uint64_t key_of_place(const Ipv4Endpoint& outside, NatProtocol protocol) {
  return static_cast<uint64_t>(protocol) << 48 | word(outside);
}

YONROKU_HOT_INLINE uint32_t top(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

YONROKU_HOT_INLINE uint32_t Nat::hash_inside(const InsideEndpoint& inside, NatProtocol protocol,
                                             const Key& key) const noexcept {
  uint64_t remote = 0;
  if (key.dependence != Dependence::EndpointIndependent) {
    remote = uint64_t{key.remote.address.value()} << 16;
    if (key.dependence == Dependence::AddressAndPortDependent) remote |= key.remote.port;
  }
  const uint64_t rest =
      uint64_t{inside.ipv4.value()} << 32 | uint64_t{inside.port} << 8 | static_cast<uint8_t>(protocol);
  const uint64_t address = mix(inside.ipv6.high() ^ secret_[0], inside.ipv6.low() ^ secret_[1]);
  return top(mix(address ^ remote, rest ^ secret_[2]));
}

YONROKU_HOT_INLINE uint32_t Nat::hash_outside(const Ipv4Endpoint& outside,
                                              NatProtocol protocol) const noexcept {
  return top(mix(word(outside) ^ secret_[0], secret_[1] + static_cast<uint8_t>(protocol)));
}

YONROKU_HOT_INLINE uint32_t Nat::lookup_inside(const Outbound& packet, Dependence dependence,
                                               bool statics) const noexcept {
  const uint32_t hash = hash_inside(packet.inside, packet.protocol, {dependence, packet.remote});
  const uint8_t wanted =
      static_cast<uint8_t>(packet.protocol) | (statics ? uint8_t{kStatic} : uint8_t{0}) | kInUse;
  return by_inside_.find(hash, [&](uint32_t id) YONROKU_HOT_LAMBDA {
    const Binding& b = bindings_[id];
    return b.inside_port == packet.inside.port && b.inside_ipv6 == packet.inside.ipv6 &&
           b.inside_ipv4 == packet.inside.ipv4 &&
           (b.first.flags & (kProtocol | kStatic | kInUse)) == wanted &&
           (dependence == Dependence::EndpointIndependent ||
            (b.first.remote == packet.remote.address &&
             (dependence == Dependence::AddressDependent || b.first.remote_port == packet.remote.port)));
  });
}

YONROKU_HOT_INLINE uint32_t Nat::binding_of(const Outbound& packet) const noexcept {
  if (shared_count_ > 0 && settings_.mapping != Dependence::AddressAndPortDependent) [[unlikely]]
    if (const uint32_t shared = lookup_inside(packet, Dependence::AddressAndPortDependent, false);
        shared != kNone)
      return shared;
  const uint32_t id = lookup_inside(packet, settings_.mapping, false);
  if (id != kNone) [[likely]]
    return id;
  return static_count_ > 0 ? lookup_inside(packet, Dependence::EndpointIndependent, true) : kNone;
}

YONROKU_HOT_INLINE uint32_t Nat::binding_of(const Inbound& packet) const noexcept {
  if (shared_count_ > 0) [[unlikely]]
    if (const uint32_t shared = shared_binding_at(packet.outside, packet.protocol, packet.remote);
        shared != kNone)
      return shared;
  return by_outside_.find(hash_outside(packet.outside, packet.protocol), [&](uint32_t id) YONROKU_HOT_LAMBDA {
    const Binding& b = bindings_[id];
    return b.outside == packet.outside.address && b.outside_port == packet.outside.port &&
           b.protocol() == packet.protocol && !b.is_shared();
  });
}

YONROKU_HOT_INLINE uint32_t Nat::session_of(uint32_t binding, const Ipv4Endpoint& remote) const noexcept {
  const Binding& b = bindings_[binding];
  if (b.has_session() && b.first.remote == remote.address && b.first.remote_port == remote.port) [[likely]]
    return binding;
  if (b.further == kNone) return kNone;
  const uint32_t id = by_remote_.find(hash_session(binding, remote), [&](uint32_t candidate) {
    const FurtherSession& f = further_[candidate];
    return f.binding == binding && f.session.remote == remote.address && f.session.remote_port == remote.port;
  });
  return id == kNone ? kNone : id | kFurther;
}

}  // namespace yonroku::share
