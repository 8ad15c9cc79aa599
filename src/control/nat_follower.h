// Who watches what happens in an instance's NAT: reads the rings that its workers write to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "control/nat_view.h"
#include "engine/nat_event_ring.h"

namespace yonroku::control {

using engine::NatEventRings;

class NatFollower {
 public:
  // Events of the table from now on. `leave` is called at the end.
  NatFollower(std::shared_ptr<const NatEventRings> rings, const NatQuery& query, std::function<void()> leave);
  ~NatFollower() { leave_(); }
  NatFollower(const NatFollower&) = delete;
  NatFollower& operator=(const NatFollower&) = delete;

  struct News {
    std::vector<share::NatEvent> events;  // those of one worker in their order
    uint64_t missed = 0;                  // too many came at once
    bool is_over = false;
  };
  // What has happened since the last call, or some of it. Does not wait.
  [[nodiscard]] News read();

 private:
  std::shared_ptr<const NatEventRings> rings_;
  NatQuery query_;
  std::function<void()> leave_;
  std::vector<uint64_t> next_;  // of each ring
};

}  // namespace yonroku::control
