#include "control/recorder.h"

#include <chrono>

namespace yonroku::control {

Recorder::Recorder(std::function<std::vector<InstanceCounters>()> counters)
    : counters_(std::move(counters)), thread_([this] { run(); }) {}

Recorder::~Recorder() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

void Recorder::run() {
  using Clock = History::Clock;
  Clock::time_point next = Clock::now();
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    const auto counters = counters_();
    const Clock::time_point now = Clock::now();
    history_.add(counters, now, std::chrono::system_clock::now());
    while (next <= now) next += std::chrono::seconds(1);
    lock.lock();
    stop_.wait_until(lock, next, [&] { return is_stopping_; });
  }
}

}  // namespace yonroku::control
