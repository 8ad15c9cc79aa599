// Looks at what instances have counted each second, and puts it into the history.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "control/history.h"

namespace yonroku::control {

class Recorder {
 public:
  // `counters` is called in a thread of the recorder's, until it ends.
  explicit Recorder(std::function<std::vector<InstanceCounters>()> counters);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  [[nodiscard]] const History& history() const { return history_; }

 private:
  void run();

  std::function<std::vector<InstanceCounters>()> counters_;
  History history_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace yonroku::control
