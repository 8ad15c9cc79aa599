// Tells of changes of routes, next hops, neighbours, addresses and interfaces of this namespace
// (rtnetlink(7)).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "base/result.h"
#include "control/neighbour_table.h"
#include "control/route_blocks.h"
#include "io/file_descriptor.h"

namespace yonroku::control {

class RouteWatcher {
 public:
  struct Listener {
    std::function<void()> routes_changed;      // or whom they lead to
    std::function<void()> interfaces_changed;  // or rules; routes_changed() was called before
    // Whether there are routes for some sources or traffic classes only, from now on.
    std::function<void(bool)> routing_depends_on_more;
    std::function<void()> blocks_are_right;  // as of now, once a second at least
  };
  // All are called in a thread of its own, now and then without need. `whole_blocks` as fastpath::Programs
  // has them: a route that splits blocks has done so before routes_changed().
  static Result<std::unique_ptr<RouteWatcher>> start(Listener listener, std::span<uint64_t> whole_blocks);
  ~RouteWatcher();
  RouteWatcher(const RouteWatcher&) = delete;
  RouteWatcher& operator=(const RouteWatcher&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  RouteWatcher(Listener listener, std::span<uint64_t> whole_blocks)
      : listener_(std::move(listener)), blocks_(whole_blocks) {}
  void run();
  void read_changes();
  void dump_neighbours();
  void dump_routes();
  [[nodiscard]] bool is_stopped() const;

  Listener listener_;
  NeighbourTable neighbours_;
  RouteBlocks blocks_;
  bool told_of_more_ = false;    // what was told last
  bool has_dumped_ = false;      // since changes were lost, if ever
  Clock::time_point next_dump_;  // not earlier
  io::FileDescriptor socket_;
  io::FileDescriptor stop_;  // an eventfd
  std::thread thread_;
};

// Whether routing asks for more than the destination: rules beyond those that every system has (ip-rule(8)).
[[nodiscard]] Result<bool> has_policy_rules();

}  // namespace yonroku::control
