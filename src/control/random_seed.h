// Keys of hashes, which nobody outside may guess.
#pragma once

#include <cstdint>
#include <random>

namespace yonroku::control {

// Never 0.
inline uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32 | device()) | 1;
}

}  // namespace yonroku::control
