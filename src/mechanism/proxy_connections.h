// What a load balancer remembers of each TCP connection whose server is told the client by the PROXY
// protocol: where its first octet is, and whether the server has the header. An entry is of use while the NAT
// has the session, and is found by the binding's outside endpoint.
//
// Nobody tells when a session ends: each new connection looks at two older ones and forgets what is over. So
// there are never more than twice as many as sessions, and no scan. Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include "carry/sequence_shift.h"
#include "share/nat/hash_index.h"
#include "share/nat/nat.h"
#include "share/nat/slab.h"

namespace yonroku::mechanism {

struct ProxyConnection {
  share::Ipv4Endpoint outside;
  share::Ipv4Endpoint server;
  uint32_t first = 0;  // the sequence number of the client's first octet
  uint32_t next_free = 0;
  bool is_in_use = false;
  bool is_delivered = false;  // the server has acknowledged the header
  friend uint32_t& free_link(ProxyConnection& c) { return c.next_free; }

  // Between what the client counts and what the server does.
  [[nodiscard]] carry::SequenceShift shift() const noexcept;
};

class ProxyConnections {
 public:
  // Room for the connections of `sessions` sessions.
  ProxyConnections(std::size_t sessions, uint64_t seed, std::pmr::memory_resource* memory);

  // Null: there is none.
  [[nodiscard]] ProxyConnection* find(const share::Ipv4Endpoint& outside) noexcept;
  // A client's SYN, whose session the NAT has. False: no room.
  [[nodiscard]] bool open(const share::Ipv4Endpoint& outside, const share::Ipv4Endpoint& server,
                          uint32_t initial_sequence, const share::Nat& nat) noexcept;
  // Another connection begins there, without a header.
  void close(const share::Ipv4Endpoint& outside) noexcept;
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  [[nodiscard]] uint32_t id_of(const share::Ipv4Endpoint& outside) const noexcept;
  [[nodiscard]] uint32_t hash(const share::Ipv4Endpoint& outside) const noexcept;
  void forget_some(const share::Nat& nat) noexcept;
  void forget(uint32_t connection) noexcept;

  uint64_t secret_;
  share::Slab<ProxyConnection> connections_;
  share::HashIndex by_outside_;
  uint32_t next_looked_at_ = 0;
};

}  // namespace yonroku::mechanism
