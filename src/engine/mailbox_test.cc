#include "engine/mailbox.h"

#include <gtest/gtest.h>

#include <vector>

namespace yonroku::engine {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatience{20'000};
constexpr auto kDoNotNudge = [] { return Mailbox::Owner::Runs; };

// A thread with a table of its own, which it changes in every round.
class Owner {
 public:
  Owner() : thread_([this] { run(); }) {}
  ~Owner() { end(); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  void end() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Mailbox::Outcome ask(const Mailbox::Question& question, milliseconds limit = kPatience) {
    return mailbox.ask(question, limit,
                       [this] { return ended_ ? Mailbox::Owner::HasEnded : Mailbox::Owner::Runs; });
  }
  Mailbox mailbox;
  std::vector<uint64_t> table = std::vector<uint64_t>(8);  // all entries equal between two rounds

 private:
  void run() {
    while (!ending_) {
      for (uint64_t& entry : table) ++entry;
      if (mailbox.has_question()) mailbox.answer();
    }
    ended_ = true;
  }
  std::atomic<bool> ending_ = false;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

TEST(Mailbox, ManyAskWhileTheOwnerWorks) {
  Owner owner;
  std::vector<std::thread> askers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 4; ++i)
    askers.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        std::vector<uint64_t> seen;
        if (owner.ask([&] { seen = owner.table; }) != Mailbox::Outcome::Answered) continue;
        EXPECT_EQ(seen, std::vector<uint64_t>(8, seen.front()));
        ++answered;
      }
    });
  for (auto& asker : askers) asker.join();
  EXPECT_EQ(answered, 800);
}

TEST(Mailbox, AnswersInTheOwnersThreadAndLaterInTheAskers) {
  Owner owner;
  std::thread::id in_life, after_death;
  ASSERT_EQ(owner.ask([&] { in_life = std::this_thread::get_id(); }), Mailbox::Outcome::Answered);
  EXPECT_NE(in_life, std::this_thread::get_id());
  owner.end();
  ASSERT_EQ(owner.ask([&] { after_death = std::this_thread::get_id(); }), Mailbox::Outcome::Answered);
  EXPECT_EQ(after_death, std::this_thread::get_id());
}

TEST(Mailbox, AnOwnerThatEndsLeavesNobodyWaiting) {
  for (int round = 0; round < 20; ++round) {
    Owner owner;
    std::thread asker([&] {
      for (int i = 0; i < 50; ++i)
        EXPECT_EQ(owner.ask([&] { ++owner.table[0]; }), Mailbox::Outcome::Answered);
    });
    owner.end();
    asker.join();
  }
}

TEST(Mailbox, AQuestionThatNobodyTakesTimesOutAndIsForgotten) {
  Mailbox mailbox;
  bool was_run = false;
  EXPECT_EQ(mailbox.ask([&] { was_run = true; }, milliseconds(5), kDoNotNudge), Mailbox::Outcome::TimedOut);
  EXPECT_FALSE(mailbox.has_question());
  mailbox.answer();
  EXPECT_FALSE(was_run);
}

TEST(Mailbox, AQuestionUnderWayIsWaitedForBeyondTheLimit) {
  Mailbox mailbox;
  std::atomic<bool> has_begun = false;
  bool is_done = false;
  std::thread owner([&] {
    while (!mailbox.has_question()) std::this_thread::yield();
    mailbox.answer();
  });
  const auto outcome = mailbox.ask(
      [&] {
        has_begun = true;
        std::this_thread::sleep_for(milliseconds(50));
        is_done = true;
      },
      milliseconds(25), kDoNotNudge);
  // A slow machine may not have begun in time.
  EXPECT_EQ(outcome == Mailbox::Outcome::Answered, has_begun);
  EXPECT_EQ(is_done, has_begun);
  if (!has_begun) (void)mailbox.ask([] {}, kPatience, kDoNotNudge);
  owner.join();
}

TEST(Mailbox, ThoseWhoWaitForTheirTurnTimeOutToo) {
  Mailbox mailbox;
  std::thread first(
      [&] { EXPECT_EQ(mailbox.ask([] {}, milliseconds(100), kDoNotNudge), Mailbox::Outcome::TimedOut); });
  while (!mailbox.has_question()) std::this_thread::yield();
  EXPECT_EQ(mailbox.ask([] {}, milliseconds(5), kDoNotNudge), Mailbox::Outcome::TimedOut);
  first.join();
}

}  // namespace
}  // namespace yonroku::engine
