#include "share/nat/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random_source.h"

namespace yonroku::share {
namespace {

class Wheel {
  auto access() {
    return [this](uint32_t id) -> TimerLinks& { return links_[id]; };
  }

 public:
  explicit Wheel(Tick now) : wheel_(now), links_(1000) {}
  void schedule(uint32_t id, Tick at) { wheel_.schedule(id, at, access()); }
  void cancel(uint32_t id) { wheel_.cancel(id, access()); }
  std::vector<uint32_t> due(Tick now) {
    wheel_.advance(now, access());
    std::vector<uint32_t> ids;
    for (uint32_t id = wheel_.take_due(access()); id != TimerWheel::kNone; id = wheel_.take_due(access()))
      ids.push_back(id);
    return ids;
  }
  uint32_t soonest() { return wheel_.soonest(); }

 private:
  TimerWheel wheel_;
  std::vector<TimerLinks> links_;
};

TEST(TimerWheel, EntriesComeAtTheirTick) {
  Wheel wheel(100);
  wheel.schedule(1, 110);
  wheel.schedule(2, 105);
  wheel.schedule(3, 110);
  wheel.schedule(4, 90);  // past already
  EXPECT_EQ(wheel.soonest(), 4U);
  EXPECT_EQ(wheel.due(104), std::vector<uint32_t>{4});
  EXPECT_EQ(wheel.soonest(), 2U);
  EXPECT_EQ(wheel.due(109), std::vector<uint32_t>{2});
  wheel.cancel(1);
  EXPECT_EQ(wheel.due(110), std::vector<uint32_t>{3});
  EXPECT_EQ(wheel.soonest(), TimerWheel::kNone);
}

TEST(TimerWheel, TicksWrap) {
  Wheel wheel(UINT32_MAX - 5);
  wheel.schedule(1, UINT32_MAX);
  wheel.schedule(2, 10);
  EXPECT_EQ(wheel.due(UINT32_MAX), std::vector<uint32_t>{1});
  EXPECT_EQ(wheel.due(9), std::vector<uint32_t>{});
  EXPECT_EQ(wheel.due(10), std::vector<uint32_t>{2});
}

// Entries that come early are scheduled again, as a NAT does; then each comes exactly at its tick.
TEST(TimerWheel, RandomTimesAreKept) {
  RandomSource random(7);
  constexpr Tick kStart = 12345;
  Wheel wheel(kStart);
  std::map<uint32_t, Tick> wanted;
  for (uint32_t id = 0; id < 1000; ++id) {
    const auto ahead = static_cast<Tick>(random.below(id % 3 == 0 ? 2000 : id % 3 == 1 ? 100'000 : 900'000));
    wanted[id] = kStart + 1 + ahead;
    wheel.schedule(id, wanted[id]);
  }
  for (Tick now = kStart; !wanted.empty(); now += 1 + static_cast<Tick>(random.below(300))) {
    for (const uint32_t id : wheel.due(now)) {
      if (!is_past(wanted[id], now)) {
        wheel.schedule(id, wanted[id]);
        continue;
      }
      wanted.erase(id);
    }
    for (const auto& [id, tick] : wanted) ASSERT_FALSE(is_past(tick, now)) << id;
  }
}

}  // namespace
}  // namespace yonroku::share
