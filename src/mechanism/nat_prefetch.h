// Brings the bindings of a batch of packets towards the cache, in the two steps that share::Nat has for it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "share/nat/nat.h"

namespace yonroku::mechanism {

// The first step for one packet; none where no binding can be told from its octets.
struct Prefetched {
  share::NatSide side{};
  uint32_t hash = 0;
  bool is_any = false;
};

// `first_step(octets, nat)` returns a Prefetched.
template <class FirstStep>
void prefetch_bindings(std::span<const Packet> packets, const WorkerState& state, FirstStep&& first_step) {
  constexpr std::size_t kAtOnce = 64;
  constexpr std::size_t kFitsTheCache = 4096;  // bindings
  if (state.nat == nullptr || state.nat->binding_count() < kFitsTheCache) return;
  std::array<Prefetched, kAtOnce> prefetched;
  const std::size_t count = std::min(packets.size(), kAtOnce);
  for (std::size_t i = 0; i < count; ++i) prefetched[i] = first_step(packets[i].bytes(), *state.nat);
  for (std::size_t i = 0; i < count; ++i)
    if (prefetched[i].is_any) state.nat->prefetch_binding(prefetched[i].side, prefetched[i].hash);
}

}  // namespace yonroku::mechanism
