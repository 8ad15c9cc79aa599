// Brings the log to one receiver, in a thread of its own: a receiver that stalls fills its own queue and
// stops nobody else. What finds no room is counted, and told to the receiver once there is room again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "natlog/sink.h"

namespace yonroku::natlog {

struct DeliveryStatus {
  std::string name;
  uint64_t written = 0;  // entries
  uint64_t lost = 0;     // likewise, for want of room or time
  uint64_t waiting = 0;
  std::optional<std::string> error;             // of the last attempt
  std::optional<std::string> remark;            // of the receiver, while it works
  std::chrono::system_clock::time_point since;  // of the error, or of the first success after one
};

class Delivery {
 public:
  // `most` events wait at once; notes and changes of tables, which are few, find room always.
  // At the end it goes on for `time_to_end`.
  Delivery(std::unique_ptr<Sink> sink, std::size_t most,
           std::chrono::milliseconds time_to_end = std::chrono::milliseconds{5000});
  // Ends it, and waits for that.
  ~Delivery();

  // Goes on for that time with what waits, in its own thread. Nothing is offered to it any more.
  void end();
  [[nodiscard]] bool has_ended() const;

  // Does not wait for the receiver.
  void offer(std::shared_ptr<const Batch> batch);
  [[nodiscard]] DeliveryStatus status() const;
  // And half of the queue for what happens meanwhile; also when the receiver fails, which nobody waits for.
  [[nodiscard]] bool has_room_for(std::size_t entries) const;
  [[nodiscard]] const Sink& sink() const { return *sink_; }
  [[nodiscard]] Sink& sink() { return *sink_; }

 private:
  void run();
  void deliver();
  std::shared_ptr<const Batch> next();
  bool write(const Batch& batch);
  void flush();
  void succeeded();
  void failed(const Error& error);
  [[nodiscard]] bool is_late() const;

  std::unique_ptr<Sink> sink_;
  std::size_t most_;
  std::chrono::milliseconds time_to_end_;
  mutable std::mutex mutex_;
  std::condition_variable change_;
  std::deque<std::shared_ptr<const Batch>> queue_;
  DeliveryStatus status_;
  uint64_t untold_ = 0;  // entries that were lost, here or before
  bool has_unflushed_ = false;
  bool has_flushed_ = true;  // the last time that it tried
  bool is_stopping_ = false;
  bool has_ended_ = false;
  std::chrono::steady_clock::time_point deadline_;  // once it is stopping
  std::thread thread_;
};

}  // namespace yonroku::natlog
