// What one worker keeps for its mechanism: never shared, survives a change of settings.
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "base/random_source.h"
#include "carry/translate/identification.h"
#include "packet/trace.h"

namespace yonroku::mechanism {

struct WorkerState {
  explicit WorkerState(uint64_t seed, uint16_t worker = 0, uint16_t workers = 1)
      : random(seed), identifications(random, worker, workers) {}
  RandomSource random;
  carry::Identifications identifications;
  Instant now;             // when the batch under way was received
  Trace* trace = nullptr;  // set while a packet is explained
};

}  // namespace yonroku::mechanism
