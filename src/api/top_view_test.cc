#include "api/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "api/json.h"

namespace yonroku::api {
namespace {

using control::InstanceCounters;
using nlohmann::ordered_json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TopModel model_of_two() {
  TopModel model;
  model.headline = "yonroku 1.2.3, process 77, up for 3 days 4 h: all is well";
  TopInstance& plat = model.instances.emplace_back();
  plat.name = "plat";
  plat.mechanism = "nat64";
  plat.packets_to_ipv6 = 1'234'567;
  plat.bits_to_ipv6 = 9'876'543'210;
  plat.packets_to_ipv4 = 999;
  plat.bits_to_ipv4 = 45'600;
  plat.offloaded = 0.974;
  plat.sessions = 10'000'000;
  plat.new_sessions = 0.2;
  plat.drops = 12;
  plat.busy = 0.42;
  plat.drop_reasons = {{"no-binding", 12, 3456}, {"filtered", 0, 7}};
  TopInstance& dc = model.instances.emplace_back();
  dc.name = "a-very-long-name-of-an-instance";
  dc.mechanism = "siit";
  model.subscribers = {{"2001:db8:12::/56", 512, 1234}, {"2001:db8:13::/56", 1, 1}};
  return model;
}

TEST(TopView, APlainScreen) {
  EXPECT_EQ(top_text(model_of_two(), {120, 0}, TopStyle::Plain),
            R"(yonroku 1.2.3, process 77, up for 3 days 4 h: all is well
 INSTANCE       MECHANISM     pkt>6  bit>6  pkt>4  bit>4  OFFL   SESS  NEW/s DROP/s  BUSY
>plat           nat64         1.23M  9.88G    999  45.6k   97%  10.0M      1     12   42%
 a-very-long-na siit              0      0      0      0     -      -      -      0     -

plat: dropped
      12/s            3,456  no-binding
       0/s                7  filtered

plat: the busiest subscribers
  512 ports 1,234 sessions  2001:db8:12::/56
     1 port     1 session  2001:db8:13::/56
)");
}

TEST(TopView, FitsIntoASmallTerminal) {
  TopModel model = model_of_two();
  for (int i = 0; i < 50; ++i) model.instances.push_back(model.instances[1]);
  model.problems = {"one thing is wrong, and it takes a long time to say what it is and what to do", "2", "3",
                    "4"};
  model.chosen = 30;
  model.instances[30].name = "chosen";
  for (std::size_t rows = 1; rows < 40; ++rows) {
    const std::string text = top_text(model, {60, rows}, TopStyle::Plain);
    EXPECT_LE(static_cast<std::size_t>(std::ranges::count(text, '\n')), rows);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 60U) << line;
    if (rows > 10) {
      EXPECT_THAT(text, HasSubstr("\n>chosen ")) << rows;
      EXPECT_THAT(text, HasSubstr("! and 1 more: yonroku show status\n"));
    }
  }
}

TEST(TopView, StylesAreEndedOnTheirLine) {
  std::istringstream lines(top_text(model_of_two(), {80, 24}, TopStyle::Ansi));
  int styled = 0;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("\x1b[")) {
      ++styled;
      EXPECT_THAT(line, EndsWith("\x1b[0m"));
    }
  EXPECT_GT(styled, 3);
  EXPECT_THAT(top_text(model_of_two(), {80, 24}, TopStyle::Plain), Not(HasSubstr("\x1b")));
}

TEST(TopView, WithoutInstances) {
  TopModel model;
  model.headline = "nothing";
  EXPECT_THAT(top_text(model, {80, 24}, TopStyle::Plain), HasSubstr("nothing\n INSTANCE"));
}

TEST(TopView, RatesAreDifferencesOfCounters) {
  using observe::Direction;
  InstanceCounters before{"plat", {}, 100, 0, {std::chrono::seconds(1), std::chrono::seconds(1)}, {}};
  before.nat.emplace().sessions[0][0] = 50;
  InstanceCounters after = before;
  after.totals.translated[static_cast<std::size_t>(Direction::ToIpv6)][1] = {30, 3000};
  after.totals.translated[static_cast<std::size_t>(Direction::Hairpin)][0] = {10, 1000};
  after.totals.translated[static_cast<std::size_t>(Direction::ToIpv4)][0] = {40, 4000};
  after.offloaded_packets = 160;
  after.totals.dropped[static_cast<std::size_t>(DropReason::TtlExceeded)] = 8;
  after.nat->sessions[0][0] = 20;
  after.nat->ended_sessions[0][0] = 40;
  after.cpu_times = {std::chrono::seconds(2), std::chrono::seconds(1)};
  control::Status status;
  status.instances.emplace_back();
  status.instances[0].name = "plat";
  status.instances[0].mechanism = "nat64";
  const auto json = [](const InstanceCounters& one) {
    return to_json(std::span<const InstanceCounters>(&one, 1));
  };
  const auto tops = top_instances(to_json(status), json(before), json(after), 2);
  ASSERT_EQ(tops.size(), 1U);
  const TopInstance& top = tops[0];
  EXPECT_EQ(top.mechanism, "nat64");
  EXPECT_EQ(top.packets_to_ipv6, 20);
  EXPECT_EQ(top.bits_to_ipv6, 16'000);
  EXPECT_EQ(top.packets_to_ipv4, 20);
  EXPECT_EQ(top.bits_to_ipv4, 16'000);
  EXPECT_EQ(top.offloaded, 0.75);
  EXPECT_EQ(top.sessions, 20U);
  EXPECT_EQ(top.new_sessions, 5);
  EXPECT_EQ(top.drops, 4);
  EXPECT_EQ(top.busy, 0.25);
  ASSERT_EQ(top.drop_reasons.size(), 1U);
  EXPECT_EQ(top.drop_reasons[0].reason, "ttl-exceeded");
  EXPECT_EQ(top.drop_reasons[0].rate, 4);
  // One that has begun anew.
  EXPECT_EQ(top_instances(to_json(status), json(after), json(before), 2)[0].packets_to_ipv4, 0);
}

TEST(TopView, SubscribersAreThoseOfTheAnswer) {
  const auto answer = ordered_json::parse(
      R"({"subscribers":[{"subscriber":"2001:db8::/56","bindings":3,"sessions":4}],"next":null})");
  const auto subscribers = top_subscribers(answer);
  ASSERT_EQ(subscribers.size(), 1U);
  EXPECT_EQ(subscribers[0].bindings, 3U);
  EXPECT_TRUE(top_subscribers(ordered_json::parse(R"({"error":{}})")).empty());
}

}  // namespace
}  // namespace yonroku::api
