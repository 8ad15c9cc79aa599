// Deterministic NAT (RFC 7422 §2): which block of ports a subscriber has follows from its number alone, and
// the other way round.
#pragma once

#include <optional>
#include <vector>

#include "packet/prefix.h"
#include "share/nat/port_pool.h"

namespace yonroku::share {

// The first place of the subscriber's block. nullopt: it has no number, or the pools have too few blocks.
[[nodiscard]] std::optional<PortPool::Place> deterministic_place(const NatSettings& settings,
                                                                 const PortPool& pool,
                                                                 const Ipv6Address& subscriber);

struct DeterministicBlock {
  Ipv6Prefix subscriber;
  PortPool::Place place;  // the first
};
// Of the subscribers that are in the prefix, or of the one that it is in, by number; `most` at most.
[[nodiscard]] std::vector<DeterministicBlock> deterministic_blocks(const NatSettings& settings,
                                                                   const PortPool& pool,
                                                                   const Ipv6Prefix& prefix,
                                                                   std::size_t most);

// Whose block the place is in. nullopt: it is in no block, or that is nobody's.
[[nodiscard]] std::optional<Ipv6Prefix> deterministic_subscriber(const NatSettings& settings,
                                                                 const PortPool& pool,
                                                                 const PortPool::Place& place);

}  // namespace yonroku::share
