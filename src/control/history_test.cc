#include "control/history.h"

#include <gtest/gtest.h>

#include <cmath>

namespace yonroku::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using Clock = History::Clock;
using System = std::chrono::system_clock;

constexpr auto kUdp = static_cast<std::size_t>(share::NatProtocol::Udp);

class HistoryTest : public testing::Test {
 protected:
  void add(seconds after = seconds(1)) {
    now_ += after;
    time_ += after;
    history_.add(counters_, now_, time_);
  }
  std::vector<float> series(Series which, HistorySpan span = HistorySpan::TenMinutes) {
    const auto view = history_.of("", span);
    return view ? view->series[static_cast<std::size_t>(which)] : std::vector<float>{-1};
  }
  observe::Totals& totals() { return counters_[0].totals; }

  History history_;
  std::vector<InstanceCounters> counters_{InstanceCounters{"plat", {}, 0, 0, {nanoseconds(0)}, std::nullopt}};
  Clock::time_point now_{};
  System::time_point time_{};
};

TEST_F(HistoryTest, RatesAreDifferencesAndTheRestIsAsItIs) {
  counters_[0].nat.emplace();
  add();
  EXPECT_TRUE(series(Series::Drops).empty()) << "one look tells no rate";
  totals().translated[static_cast<std::size_t>(observe::Direction::ToIpv6)][0] = {10, 1000};
  totals().translated[static_cast<std::size_t>(observe::Direction::Hairpin)][1] = {5, 500};
  totals().translated[static_cast<std::size_t>(observe::Direction::ToIpv4)][0] = {3, 300};
  totals().dropped[1] = 4;
  totals().dropped[2] = 2;
  counters_[0].offloaded_packets = 8;
  counters_[0].nat->subscribers = 7;
  counters_[0].nat->sessions[kUdp][0] = 20;
  counters_[0].nat->ended_sessions[kUdp][0] = 10;
  add(seconds(2));
  using Values = std::vector<float>;
  EXPECT_EQ(series(Series::PacketsToIpv6), (Values{7.5, 7.5})) << "a value for each second that has passed";
  EXPECT_EQ(series(Series::BitsToIpv6), (Values{6000, 6000}));
  EXPECT_EQ(series(Series::BitsToIpv4), (Values{1200, 1200}));
  EXPECT_EQ(series(Series::PacketsToIpv4), (Values{1.5, 1.5}));
  EXPECT_EQ(series(Series::Drops), (Values{3, 3}));
  EXPECT_EQ(series(Series::OffloadedPackets), (Values{4, 4}));
  EXPECT_EQ(series(Series::Subscribers), (Values{7, 7}));
  EXPECT_EQ(series(Series::UdpSessions), (Values{20, 20}));
  EXPECT_EQ(series(Series::NewSessions), (Values{15, 15})) << "those that have ended already too";
  EXPECT_EQ(history_.of("plat", HistorySpan::TenMinutes)->end, time_);
}

TEST_F(HistoryTest, WhatNobodyKnowsIsNaN) {
  add();
  add();
  EXPECT_TRUE(std::isnan(series(Series::Subscribers).at(0))) << "no NAT, or none that answers";
  EXPECT_TRUE(std::isnan(series(Series::NewSessions).at(0)));
  EXPECT_EQ(series(Series::Drops).at(0), 0);
  totals().dropped[1] = 5;
  add();
  totals().dropped[1] = 1;  // another instance of the same name
  add();
  EXPECT_TRUE(std::isnan(series(Series::Drops).at(2)));
}

// So the values of several answers can be put together.
TEST_F(HistoryTest, EveryValueHasItsOwnTime) {
  add();
  const System::time_point begin = time_;
  std::vector<float> all;
  std::chrono::sys_seconds end = floor<seconds>(begin);
  for (int i = 1; i <= 25; ++i) {
    totals().dropped[1] += static_cast<uint64_t>(i);
    add();
    time_ += milliseconds(40);  // the wall clock is fast
    const auto view = history_.of("plat", HistorySpan::TenMinutes, end);
    const auto& fresh = view->series[static_cast<std::size_t>(Series::Drops)];
    EXPECT_EQ(fresh.size(), 1U) << i;
    EXPECT_EQ(view->busy.at(0).size(), 1U);
    EXPECT_EQ(view->end - end, seconds(1)) << i;
    all.insert(all.end(), fresh.begin(), fresh.end());
    end = view->end;
  }
  EXPECT_EQ(all, series(Series::Drops));
  const auto since = [&](seconds ago, HistorySpan span = HistorySpan::TenMinutes) {
    const auto view = history_.of("plat", span, end - ago);
    return view->series[static_cast<std::size_t>(Series::Drops)].size();
  };
  EXPECT_EQ(since(seconds(0)), 0U);
  EXPECT_EQ(since(seconds(-100)), 0U) << "of the future";
  EXPECT_EQ(since(seconds(3)), 3U);
  EXPECT_EQ(since(seconds(3600)), 25U) << "all that there is";
  const auto hour = history_.of("plat", HistorySpan::Hour);
  EXPECT_EQ(end - hour->end, seconds(5)) << "of a step under way nothing is told";
  EXPECT_EQ(since(seconds(5), HistorySpan::Hour), 0U);
  EXPECT_EQ(since(seconds(6), HistorySpan::Hour), 1U) << "a step that was over one second later";
  EXPECT_EQ(since(seconds(15), HistorySpan::Hour), 1U);
}

TEST_F(HistoryTest, AClockThatIsSetIsFollowed) {
  add();
  time_ += std::chrono::hours(-3);
  add();
  EXPECT_EQ(history_.of("plat", HistorySpan::TenMinutes)->end, time_);
}

TEST_F(HistoryTest, WorkersAreBusyForAShareOfTheTime) {
  add();
  counters_[0].cpu_times[0] = milliseconds(250);
  add();
  counters_[0].cpu_times[0] = std::nullopt;
  add();
  counters_[0].cpu_times[0] = seconds(9);
  add();
  counters_[0].cpu_times[0] = seconds(11);  // clocks do not agree
  add();
  const auto busy = history_.of("plat", HistorySpan::TenMinutes)->busy.at(0);
  ASSERT_EQ(busy.size(), 4U);
  EXPECT_FLOAT_EQ(busy[0], 0.25);
  EXPECT_TRUE(std::isnan(busy[1]) && std::isnan(busy[2]));
  EXPECT_EQ(busy[3], 1);
}

TEST_F(HistoryTest, CoarserStepsAreMeansAndOldValuesGo) {
  add();
  for (int i = 0; i < 4000; ++i) {
    totals().dropped[1] += i % 2 == 0 ? 0 : 10;
    add();
  }
  EXPECT_EQ(series(Series::Drops).size(), 600U);
  EXPECT_EQ(series(Series::Drops, HistorySpan::Hour).size(), 360U);
  const auto day = series(Series::Drops, HistorySpan::Day);
  EXPECT_EQ(day.size(), 66U) << "4000 seconds";
  for (const float value : day) EXPECT_FLOAT_EQ(value, 5);
  EXPECT_EQ(series(Series::Drops).front(), 0);
  EXPECT_EQ(series(Series::Drops).back(), 10) << "the newest is last";
}

TEST_F(HistoryTest, InstancesComeAndGo) {
  counters_.push_back(counters_[0]);
  counters_[1].name = "dc";
  add();
  add();
  EXPECT_FALSE(history_.of("", HistorySpan::Day)) << "which one?";
  EXPECT_TRUE(history_.of("dc", HistorySpan::Day));
  EXPECT_EQ(history_.of("dd", HistorySpan::Day).error().where, "instance");
  counters_.pop_back();
  add();
  EXPECT_FALSE(history_.of("dc", HistorySpan::Day));
  EXPECT_TRUE(history_.of("", HistorySpan::Day));
}

}  // namespace
}  // namespace yonroku::control
