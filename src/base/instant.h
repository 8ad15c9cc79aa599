// Time as the pure core sees it: a parameter. Nanoseconds of a monotonic clock, or of a capture's time
// stamps.
#pragma once

#include <compare>
#include <cstdint>

namespace yonroku {

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration nanoseconds(int64_t n) { return Duration(n); }
  static constexpr Duration milliseconds(int64_t n) { return Duration(n * 1'000'000); }
  static constexpr Duration seconds(int64_t n) { return Duration(n * 1'000'000'000); }
  [[nodiscard]] constexpr int64_t nanoseconds() const { return nanoseconds_; }
  friend constexpr auto operator<=>(Duration, Duration) = default;

 private:
  explicit constexpr Duration(int64_t n) : nanoseconds_(n) {}
  int64_t nanoseconds_ = 0;
};

class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant from_nanoseconds(int64_t n) { return Instant(n); }
  [[nodiscard]] constexpr int64_t nanoseconds() const { return nanoseconds_; }
  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Duration operator-(Instant a, Instant b) {
    return Duration::nanoseconds(a.nanoseconds_ - b.nanoseconds_);
  }
  friend constexpr Instant operator+(Instant a, Duration d) {
    return Instant(a.nanoseconds_ + d.nanoseconds());
  }

 private:
  explicit constexpr Instant(int64_t n) : nanoseconds_(n) {}
  int64_t nanoseconds_ = 0;
};

}  // namespace yonroku
