// Whether a server is up, by how its checks have ended so far. Pure.
#pragma once

#include <cstdint>

namespace yonroku::control {

class HealthState {
 public:
  // `rise` successes in a row make a server that is down an up one, `fall` failures in a row the opposite.
  // Both are 1 or more. At first it is up.
  constexpr HealthState(uint8_t rise, uint8_t fall) : rise_(rise), fall_(fall) {}

  enum class Outcome : uint8_t { Failure, Success };
  // True: the server is no longer what it was.
  constexpr bool add(Outcome outcome) {
    if ((outcome == Outcome::Success) == is_up_) {
      in_a_row_ = 0;
      return false;
    }
    if (++in_a_row_ < (is_up_ ? fall_ : rise_)) return false;
    is_up_ = !is_up_;
    in_a_row_ = 0;
    return true;
  }
  [[nodiscard]] constexpr bool is_up() const { return is_up_; }

 private:
  uint8_t rise_;
  uint8_t fall_;
  uint8_t in_a_row_ = 0;  // against what it is
  bool is_up_ = true;
};

}  // namespace yonroku::control
