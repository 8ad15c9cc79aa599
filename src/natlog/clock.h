// What time it is, for entries of the log.
#pragma once

#include <chrono>

#include "base/instant.h"
#include "natlog/record.h"

namespace yonroku::natlog {

[[nodiscard]] inline Milliseconds utc_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Events bear CLOCK_MONOTONIC, which stands still between boots and does not jump.
class ClockOffset {
 public:
  ClockOffset()
      : offset_(utc_now() - std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::chrono::steady_clock::now().time_since_epoch())
                                .count()) {}
  [[nodiscard]] Milliseconds utc(Instant time) const { return time.nanoseconds() / 1'000'000 + offset_; }

 private:
  Milliseconds offset_;
};

}  // namespace yonroku::natlog
