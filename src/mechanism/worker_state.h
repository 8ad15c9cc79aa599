// What one worker keeps for its mechanism: never shared, survives a change of settings.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>

#include "base/instant.h"
#include "base/random_source.h"
#include "carry/translate/identification.h"
#include "packet/trace.h"
#include "share/nat/nat.h"

namespace yonroku::mechanism {

struct WorkerState {
  explicit WorkerState(uint64_t seed, uint16_t index = 0, uint16_t count = 1,
                       std::pmr::memory_resource* for_tables = std::pmr::get_default_resource())
      : worker(index),
        workers(count),
        memory(for_tables),
        random(seed),
        identifications(random, index, count) {}
  uint16_t worker;  // of `workers`
  uint16_t workers;
  std::pmr::memory_resource* memory;
  RandomSource random;
  carry::Identifications identifications;
  std::unique_ptr<share::Nat> nat;  // of mechanisms that have one
  Instant now;                      // when the batch under way was received
  Trace* trace = nullptr;           // set while a packet is explained
};

}  // namespace yonroku::mechanism
