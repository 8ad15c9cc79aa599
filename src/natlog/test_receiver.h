// A receiver for tests, which remembers what it got.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>

#include "natlog/sink.h"

namespace yonroku::natlog {

// What a receiver got, in words.
struct Received {
  std::mutex mutex;
  std::condition_variable change;
  std::vector<std::string> words;
  std::vector<Event> events;
  std::vector<const Source*> sources;  // of notes
  bool refuses = false;
  std::size_t attempts = 0;
  std::size_t flushes = 0;

  std::vector<std::string> wait(std::size_t count) {
    std::unique_lock lock(mutex);
    change.wait_for(lock, std::chrono::seconds(10), [&] { return words.size() >= count; });
    return words;
  }
  void wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(change.wait_for(lock, std::chrono::seconds(10), condition));
  }
};

class Receiver : public Sink {
 public:
  explicit Receiver(std::shared_ptr<Received> received, std::string name = "receiver")
      : received_(std::move(received)), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  Result<void> write(const Batch& batch) override {
    const std::scoped_lock lock(received_->mutex);
    ++received_->attempts;
    received_->change.notify_all();
    if (received_->refuses) return fail(name_, "refuses");
    std::visit([&](const auto& each) { put(each); }, batch);
    return {};
  }
  Result<void> flush() override {
    const std::scoped_lock lock(received_->mutex);
    ++received_->flushes;
    received_->change.notify_all();
    return {};
  }

 private:
  void put(const std::vector<Event>& events) {
    for (const Event& event : events) {
      received_->events.push_back(event);
      received_->words.push_back(event.source->instance() + " " +
                                 std::to_string(static_cast<int>(event.what.kind)) + " " +
                                 std::to_string(event.what.outside.port));
    }
  }
  void put(const Note& note) {
    received_->sources.push_back(note.source);
    static constexpr const char* kWords[] = {"began", "changed", "ended", "lost"};
    received_->words.push_back((note.source != nullptr ? note.source->instance() : "all") + " " +
                               kWords[static_cast<int>(note.kind)] +
                               (note.count != 0 ? " " + std::to_string(note.count) : ""));
  }
  void put(const TableChange& change) {
    received_->words.push_back("table +" + std::to_string(change.added_mappings.size()) + " -" +
                               std::to_string(change.removed_mappings.size()));
  }
  std::shared_ptr<Received> received_;
  std::string name_;
};

}  // namespace yonroku::natlog
