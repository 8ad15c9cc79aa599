// What other threads want to know of a worker's own tables: a question is a short function that runs in the
// worker's thread between two batches (docs/decisions/0016-questions-between-batches.md).
//
//   asker:  lays down the question ──► nudges ──► waits ─────────────────► goes on
//   owner:  ... batch ──► one load: is there a question? ──► answers it ──► batch ...
//
// The owner never waits. Those who ask wait for one another.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "base/hot.h"

namespace yonroku::engine {

class Mailbox {
 public:
  using Question = std::function<void()>;
  enum class Outcome : uint8_t { Answered, TimedOut };
  // Who may run a question: the owner, or whoever asks, once the owner has ended and touches nothing any
  // more.
  enum class Owner : uint8_t { Runs, HasEnded };

  // Has the owner run the question, or runs it here when `nudge()` says that there is no owner any more. When
  // it returns, nobody is at the question or will be. Times out when the owner does not get round to it
  // within `limit`. `nudge` is called at once and then about every millisecond: it wakes an owner that waits.
  template <class Nudge>
  Outcome ask(const Question& question, std::chrono::milliseconds limit, Nudge&& nudge) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + limit;
    std::unique_lock turn(mutex_, std::try_to_lock);
    while (!turn.owns_lock()) {
      if (Clock::now() >= end) return Outcome::TimedOut;
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      (void)turn.try_lock();
    }
    Letter letter{&question, false};
    waiting_.store(&letter, std::memory_order_release);
    Clock::time_point next_nudge{};
    for (;;) {
      if (letter.is_answered.load(std::memory_order_acquire)) return Outcome::Answered;
      const Clock::time_point now = Clock::now();
      if (now >= next_nudge) {
        next_nudge = now + std::chrono::milliseconds(1);
        if (nudge() == Owner::HasEnded && take() != nullptr) {
          question();
          return Outcome::Answered;
        }
      }
      // Taken back, or the owner is at it and soon done.
      if (now >= end && take() != nullptr) return Outcome::TimedOut;
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }

  // Of the owner: whether answer() has something to do. One load.
  [[nodiscard]] YONROKU_HOT_INLINE bool has_question() const noexcept {
    return waiting_.load(std::memory_order_relaxed) != nullptr;
  }
  // Of the owner: runs the question that waits, if there is one.
  void answer();

 private:
  struct Letter {
    const Question* question;
    std::atomic<bool> is_answered;
  };
  // Who gets the letter is alone with it.
  Letter* take() noexcept { return waiting_.exchange(nullptr, std::memory_order_acq_rel); }

  std::mutex mutex_;  // of those who ask
  alignas(64) std::atomic<Letter*> waiting_ = nullptr;
};

}  // namespace yonroku::engine
