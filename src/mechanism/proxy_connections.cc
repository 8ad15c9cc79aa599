#include "mechanism/proxy_connections.h"

#include "carry/proxy_header.h"

namespace yonroku::mechanism {

using share::Ipv4Endpoint;
using share::NatProtocol;

// The header stands in front of the first octet. Once it is acknowledged, everything lies behind it.
carry::SequenceShift ProxyConnection::shift() const noexcept {
  constexpr auto kSize = static_cast<uint32_t>(carry::kProxyHeaderSize);
  if (is_delivered) return carry::SequenceShift(kSize);
  carry::SequenceShift shift;
  (void)shift.add(first, first, kSize);
  return shift;
}

ProxyConnections::ProxyConnections(std::size_t sessions, uint64_t seed, std::pmr::memory_resource* memory)
    : secret_(seed | 1), connections_(2 * sessions + 2, memory), by_outside_(2 * sessions + 2, memory) {}

uint32_t ProxyConnections::hash(const Ipv4Endpoint& outside) const noexcept {
  const uint64_t word = uint64_t{outside.address.value()} << 16 | outside.port;
  const auto product = static_cast<unsigned __int128>(word ^ 0x9e3779b97f4a7c15) * secret_;
  return static_cast<uint32_t>((static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64)) >> 32);
}

uint32_t ProxyConnections::id_of(const Ipv4Endpoint& outside) const noexcept {
  return by_outside_.find(hash(outside), [&](uint32_t i) { return connections_[i].outside == outside; });
}

ProxyConnection* ProxyConnections::find(const Ipv4Endpoint& outside) noexcept {
  const uint32_t id = id_of(outside);
  return id == share::HashIndex::kNone ? nullptr : &connections_[id];
}

bool ProxyConnections::open(const Ipv4Endpoint& outside, const Ipv4Endpoint& server,
                            uint32_t initial_sequence, const share::Nat& nat) noexcept {
  ProxyConnection* connection = find(outside);
  if (connection == nullptr) {
    forget_some(nat);
    if (connections_.is_full()) return false;
    const uint32_t id = connections_.add();
    by_outside_.insert(hash(outside), id);
    connection = &connections_[id];
    connection->is_in_use = true;
    connection->outside = outside;
  }
  connection->server = server;
  connection->first = initial_sequence + 1;
  // Also of a SYN that comes again: an acknowledgment since then was of a connection before this one.
  connection->is_delivered = false;
  return true;
}

void ProxyConnections::forget_some(const share::Nat& nat) noexcept {
  for (int i = 0; i < 2 && connections_.used() > 0; ++i) {
    next_looked_at_ = next_looked_at_ + 1 < connections_.used() ? next_looked_at_ + 1 : 0;
    const ProxyConnection& old = connections_[next_looked_at_];
    if (old.is_in_use && !nat.has_session({old.outside, old.server, NatProtocol::Tcp, 0}))
      forget(next_looked_at_);
  }
}

void ProxyConnections::forget(uint32_t connection) noexcept {
  by_outside_.erase(hash(connections_[connection].outside), connection);
  connections_[connection].is_in_use = false;
  connections_.remove(connection);
}

void ProxyConnections::close(const Ipv4Endpoint& outside) noexcept {
  if (const uint32_t id = id_of(outside); id != share::HashIndex::kNone) forget(id);
}

}  // namespace yonroku::mechanism
