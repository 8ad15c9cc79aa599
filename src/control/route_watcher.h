// Tells of changes of routes, neighbours, addresses and interfaces of this namespace (rtnetlink(7)).
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace yonroku::control {

class RouteWatcher {
 public:
  struct Listener {
    std::function<void()> routes_changed;
    std::function<void()> interfaces_changed;  // or rules; routes_changed() was called before
  };
  // Both are called in a thread of its own, now and then without need.
  static Result<std::unique_ptr<RouteWatcher>> start(Listener listener);
  ~RouteWatcher();
  RouteWatcher(const RouteWatcher&) = delete;
  RouteWatcher& operator=(const RouteWatcher&) = delete;

 private:
  explicit RouteWatcher(Listener listener) : listener_(std::move(listener)) {}
  void run();

  Listener listener_;
  io::FileDescriptor socket_;
  io::FileDescriptor stop_;  // an eventfd
  std::thread thread_;
};

// Whether routing asks for more than the destination: rules beyond those that every system has (ip-rule(8)).
[[nodiscard]] Result<bool> has_policy_rules();

}  // namespace yonroku::control
