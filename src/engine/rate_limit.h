// A token bucket: so many events a second, as many at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"

namespace yonroku::engine {

class RateLimit {
 public:
  // rate 0 lets nothing pass.
  explicit RateLimit(uint32_t per_second) : per_second_(per_second), tokens_(int64_t{per_second} * kToken) {}

  bool allow(Instant now) noexcept {
    const int64_t passed = std::clamp<int64_t>((now - last_).nanoseconds(), 0, kToken);
    last_ = now;
    tokens_ = std::min(tokens_ + passed * per_second_, int64_t{per_second_} * kToken);
    if (tokens_ < kToken) return false;
    tokens_ -= kToken;
    return true;
  }

 private:
  static constexpr int64_t kToken = 1'000'000'000;  // one event, in nanoseconds times the rate
  uint32_t per_second_;
  int64_t tokens_;
  Instant last_;
};

}  // namespace yonroku::engine
