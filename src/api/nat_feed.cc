#include "api/nat_feed.h"

#include <fmt/format.h>

#include <thread>

#include "api/nat_listing.h"

namespace yonroku::api {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

std::string NatFeed::next_lines() {
  constexpr milliseconds kWait{100};
  constexpr std::chrono::seconds kEmptyLineAfter{1};
  const control::NatFollower::News news = follower_->read();
  has_ended_ = news.is_over;
  // Events bear the time of a clock that stands still between boots: CLOCK_MONOTONIC, as steady_clock.
  const auto offset = std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()) -
                      std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch());
  std::string text;
  if (news.missed > 0) text += fmt::format("{{\"event\":\"missed\",\"count\":{}}}\n", news.missed);
  for (const share::NatEvent& event : news.events) {
    append_json(text, event, event.time.nanoseconds() / 1'000'000 + offset.count());
    text += '\n';
  }
  const auto now = steady_clock::now();
  if (text.empty() && !has_ended_) std::this_thread::sleep_for(kWait);
  if (text.empty() && now - written_ >= kEmptyLineAfter) text = "\n";
  if (!text.empty()) written_ = now;
  return text;
}

}  // namespace yonroku::api
