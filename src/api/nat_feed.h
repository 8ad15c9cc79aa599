// What happens in a NAT as lines of JSON, as it happens.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "control/nat_follower.h"

namespace yonroku::api {

class NatFeed {
 public:
  explicit NatFeed(std::shared_ptr<control::NatFollower> follower) : follower_(std::move(follower)) {}

  // What is new; waits a tenth of a second when there is nothing. Now and then an empty line.
  [[nodiscard]] std::string next_lines();
  // The instance is gone.
  [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
  std::shared_ptr<control::NatFollower> follower_;
  std::chrono::steady_clock::time_point written_{};
  bool has_ended_ = false;
};

}  // namespace yonroku::api
