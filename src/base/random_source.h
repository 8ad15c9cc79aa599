// Where the pure core takes its randomness from, so that tests can make it certain.
#pragma once

#include <cstdint>

namespace yonroku {

class RandomSource {
 public:
  // SplitMix64 over a seed: not for secrets, good for identifications and for picking from a pool.
  // Seed 0 is the deterministic source of tests and offline runs: it yields zeros only.
  explicit constexpr RandomSource(uint64_t seed) : state_(seed), constant_(seed == 0) {}

  constexpr uint64_t next() {
    if (constant_) return 0;
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // A number in [0, bound), for bound > 0.
  constexpr uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
  bool constant_;
};

}  // namespace yonroku
