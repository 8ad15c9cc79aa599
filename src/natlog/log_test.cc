#include "natlog/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "natlog/test_receiver.h"

namespace yonroku::natlog {
namespace {

using config::LoggedEvents;
using share::NatEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = NatEvent::Kind;

Sinks one(const std::shared_ptr<Received>& received, std::string name = "receiver") {
  Sinks sinks;
  sinks.push_back(std::make_unique<Receiver>(received, std::move(name)));
  return sinks;
}

NatEvent event(Kind kind, uint16_t port) {
  NatEvent event;
  event.kind = kind;
  event.outside.port = port;
  event.remote.port = 443;
  return event;
}

config::InstanceSettings instance(share::PortAllocation allocation = share::PortAllocation::Dynamic) {
  config::InstanceSettings settings;
  settings.name = "plat";
  settings.mechanism = config::Mechanism::Nat64;
  settings.nat.allocation = allocation;
  settings.nat.block_size = 512;
  return settings;
}

TEST(Log, TellsWhatHappensInOrder) {
  const auto received = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(2, 16);
  rings->of_worker[0].on(event(Kind::BindingCreated, 1));  // before the log: not its business
  {
    Log log({}, one(received));
    log.begin(instance(), rings);
    rings->of_worker[0].on(event(Kind::BindingCreated, 2));
    rings->of_worker[0].on(event(Kind::SessionCreated, 2));
    rings->of_worker[0].on(event(Kind::BindingEnded, 2));
    EXPECT_THAT(received->wait(3), ElementsAre("plat began", "plat 0 2", "plat 1 2"));
    log.change_table("plat", {.added_mappings = {{}}});
    log.change_table("nobody", {.added_mappings = {{}}});
    rings->of_worker[1].on(event(Kind::BindingCreated, 3));  // and at once the end
  }
  const auto words = received->wait(6);
  EXPECT_EQ(words.size(), 6u);
  EXPECT_EQ(words.back(), "plat ended");
  EXPECT_THAT(words, testing::Contains("plat 0 3"));
  EXPECT_THAT(words, testing::Contains("table +1 -0"));
  EXPECT_GT(received->flushes, 0u);
}

TEST(Log, WhatIsLogged) {
  struct Case {
    LoggedEvents events;
    share::PortAllocation allocation;
    std::vector<Kind> kinds;
  };
  using enum share::PortAllocation;
  const std::vector<Kind> refusals = {Kind::PortsExhausted, Kind::LimitExceeded, Kind::TableFull};
  for (const Case& each : {
           Case{LoggedEvents::Auto, Dynamic, {Kind::BindingCreated, Kind::BindingEnded}},
           Case{LoggedEvents::Auto, Blocks, {Kind::PortBlockTaken, Kind::PortBlockReturned}},
           Case{LoggedEvents::Auto, Deterministic, {}},
           Case{LoggedEvents::PortBlocks, Dynamic, {Kind::PortBlockTaken, Kind::PortBlockReturned}},
           Case{LoggedEvents::Bindings, Blocks, {Kind::BindingCreated, Kind::BindingEnded}},
           Case{LoggedEvents::Sessions, Dynamic, {Kind::SessionCreated, Kind::SessionEnded}},
       }) {
    const Detail detail = detail_of(each.events, instance(each.allocation));
    std::vector<Kind> logged;
    for (uint8_t kind = 0; kind <= static_cast<uint8_t>(Kind::TableFull); ++kind)
      if (is_logged(static_cast<Kind>(kind), detail)) logged.push_back(static_cast<Kind>(kind));
    std::vector<Kind> wanted = each.kinds;
    wanted.insert(wanted.end(), refusals.begin(), refusals.end());
    EXPECT_EQ(logged, wanted) << static_cast<int>(each.events) << " " << static_cast<int>(each.allocation);
  }
}

TEST(Log, DestinationsOnlyWhenAskedFor) {  // RFC 6888 REQ-12
  for (const bool wanted : {false, true}) {
    const auto received = std::make_shared<Received>();
    const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
    Log log({.events = LoggedEvents::Sessions, .destinations = wanted}, one(received));
    log.begin(instance(), rings);
    rings->of_worker[0].on(event(Kind::SessionCreated, 2));
    received->wait(2);
    ASSERT_EQ(received->events.size(), 1u);
    EXPECT_EQ(received->events[0].what.remote.port, wanted ? 443 : 0);
  }
}

TEST(Log, ABlockHasALastPort) {
  const auto received = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  Log log({}, one(received));
  log.begin(instance(share::PortAllocation::Blocks), rings);
  NatEvent block = event(Kind::PortBlockTaken, 1024);
  block.last_port = 1535;
  rings->of_worker[0].on(block);
  received->wait(2);
  ASSERT_EQ(received->events.size(), 1u);
  EXPECT_EQ(received->events[0].last_port, 1535);
}

TEST(Log, RefusalsAreLimited) {  // RFC 8158 §5.2
  const auto received = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(1, 1024);
  {
    Log log({}, one(received));
    log.begin(instance(), rings);
    for (int i = 0; i < 100; ++i) rings->of_worker[0].on(event(Kind::PortsExhausted, 0));
  }
  EXPECT_EQ(received->events.size(), RefusalLimit::kPerSecond);
}

TEST(Log, WhatWorkersOverwroteIsLoggedAsLost) {
  const auto received = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  {
    Log log({}, one(received));
    log.begin(instance(), rings);
    const auto settings = instance();
    // The log reads it when its settings change at the latest.
    for (uint16_t i = 0; i < 10'000; ++i) rings->of_worker[0].on(event(Kind::BindingCreated, i));
    log.change_settings(settings);
    const LogStatus status = log.status();
    EXPECT_EQ(status.events + status.missed, 10'000u);
    EXPECT_GT(status.missed, 0u);
  }
  uint64_t lost = 0;
  for (const std::string& word : received->words)
    if (word.starts_with("plat lost ")) lost += std::stoull(word.substr(10));
  EXPECT_EQ(received->events.size() + lost, 10'000u);
}

TEST(Log, AReceiverThatRefusesGetsItAgain) {
  const auto received = std::make_shared<Received>();
  received->refuses = true;
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  Log log({}, one(received));
  log.begin(instance(), rings);
  rings->of_worker[0].on(event(Kind::BindingCreated, 2));
  received->wait_for([&] { return received->attempts >= 2; });
  const auto failing = log.status().receivers.at(0);
  EXPECT_TRUE(failing.error.has_value());
  EXPECT_GE(failing.waiting, 1u);
  {
    const std::scoped_lock lock(received->mutex);
    received->refuses = false;
  }
  EXPECT_THAT(received->wait(2), ElementsAre("plat began", "plat 0 2"));
}

TEST(Log, AReceiverThatStallsFillsItsQueueOnly) {
  const auto stalled = std::make_shared<Received>(), quick = std::make_shared<Received>();
  stalled->refuses = true;
  Sinks sinks = one(stalled, "stalled");
  sinks.push_back(std::make_unique<Receiver>(quick, "quick"));
  const auto rings = std::make_shared<engine::NatEventRings>(1, 4096);
  Log log({.queue = 1024}, std::move(sinks));
  log.begin(instance(), rings);
  for (uint16_t i = 0; i < 3000; ++i) {
    rings->of_worker[0].on(event(Kind::BindingCreated, i));
    if (i % 100 == 99) quick->wait(i + 2u);  // batches of 100 at most
  }
  EXPECT_EQ(quick->wait(3001).size(), 3001u);
  const LogStatus status = log.status();
  EXPECT_LE(status.receivers[0].waiting, 1024u);
  EXPECT_EQ(status.receivers[0].waiting + status.receivers[0].lost, 3001u);
  EXPECT_EQ(status.receivers[1].lost, 0u);
  {
    const std::scoped_lock lock(stalled->mutex);
    stalled->refuses = false;
  }
  // Once there is room, it is told how much it lacks.
  stalled->wait(1 + status.receivers[0].waiting - 1);
  rings->of_worker[0].on(event(Kind::BindingCreated, 9));
  stalled->wait_for([&] { return stalled->words.back() == "plat 0 9"; });
  EXPECT_THAT(stalled->words, testing::Contains("all lost " + std::to_string(status.receivers[0].lost)));
}

TEST(Log, OtherReceiversWhileItRuns) {
  const auto first = std::make_shared<Received>(), second = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  Log log({}, one(first, "a"));
  log.begin(instance(), rings);
  first->wait(1);
  Sinks more = one(std::make_shared<Received>(), "a");  // the same name: the first goes on
  more.push_back(std::make_unique<Receiver>(second, "b"));
  EXPECT_TRUE(log.use({.events = LoggedEvents::Sessions}, std::move(more)));
  rings->of_worker[0].on(event(Kind::SessionCreated, 5));
  EXPECT_THAT(first->wait(4), ElementsAre("plat began", "plat ended", "plat began", "plat 2 5"));
  EXPECT_THAT(second->wait(2), ElementsAre("plat began", "plat 2 5"));
  EXPECT_FALSE(log.use({.events = LoggedEvents::Sessions}, one(std::make_shared<Received>(), "a")));
  (void)log.use({}, {});
  EXPECT_THAT(log.status().receivers, IsEmpty());
}

// Ends of what is not logged any more are not told, and those of sessions do not match where the remote end
// is known of the beginning only.
TEST(Log, WhatIsLoggedInAnotherWayEnds) {
  using enum LoggedEvents;
  const auto received = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  Log log({.events = Sessions, .destinations = true}, one(received));
  log.begin(instance(), rings);
  rings->of_worker[0].on(event(Kind::SessionCreated, 5));
  const auto use = [&](LoggedEvents events, bool destinations) {
    (void)log.use({.events = events, .destinations = destinations}, one(std::make_shared<Received>()));
  };
  use(Sessions, false);
  EXPECT_THAT(received->wait(4), ElementsAre("plat began", "plat 2 5", "plat ended", "plat began"));
  use(Bindings, false);
  EXPECT_EQ(received->wait(6).size(), 6u);
  use(Auto, false);     // the same
  use(Bindings, true);  // which have none
  rings->of_worker[0].on(event(Kind::BindingCreated, 6));
  EXPECT_EQ(received->wait(7).back(), "plat 0 6");
  EXPECT_EQ(received->words.size(), 7u);
  const std::set<const Source*> sources{received->sources.begin(), received->sources.end()};
  EXPECT_EQ(sources.size(), 3u);
  for (const Source* source : sources) EXPECT_EQ(source->number, 1u);
}

// Of a table that has changed the table is told.
TEST(Log, SettingsThatAreTheSameAreNoChange) {
  const auto received = std::make_shared<Received>();
  {
    Log log({}, one(received));
    log.begin(instance(), nullptr);
    config::InstanceSettings settings = instance();
    settings.mappings = {{*Ipv4Prefix::parse("192.0.2.1/32"), *Ipv6Prefix::parse("2001:db8::1/128")}};
    log.change_settings(settings);
    settings.nat.max_sessions = 7;
    log.change_settings(settings);
  }
  EXPECT_THAT(received->words, ElementsAre("plat began", "plat changed", "plat ended"));
}

// An offload kept the one while the program did not run; the other was there before somebody listened.
TEST(Log, WhatIsRecoveredAndWhatIsTold) {
  const auto received = std::make_shared<Received>();
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  Log log({}, one(received));
  log.begin(instance(), rings);
  NatEvent recovered = event(Kind::BindingCreated, 1);
  recovered.is_recovered = true;
  rings->of_worker[0].on(recovered);
  log.tell_what_is_there("plat");
  rings->of_worker[0].on(recovered);
  rings->of_worker[0].on(event(Kind::BindingCreated, 2));
  received->wait(4);
  ASSERT_EQ(received->events.size(), 3u);
  EXPECT_FALSE(received->events[0].was_there);
  EXPECT_TRUE(received->events[1].was_there);
  EXPECT_TRUE(received->events[1].what.is_recovered);  // for those who do not tell them apart
  EXPECT_FALSE(received->events[2].was_there);
}

TEST(Log, WhatNeedNotBeToldNowWaitsForRoom) {
  const auto stalled = std::make_shared<Received>(), failing = std::make_shared<Received>();
  failing->refuses = true;
  Sinks sinks = one(stalled, "stalled");
  sinks.push_back(std::make_unique<Receiver>(failing, "failing"));
  const auto rings = std::make_shared<engine::NatEventRings>(1, 1024);
  Log log({.queue = 1024}, std::move(sinks));
  log.begin(instance(), rings);
  stalled->wait(1);
  failing->wait_for([&] { return failing->attempts >= 1; });
  EXPECT_TRUE(log.has_room_for(500));
  EXPECT_FALSE(log.has_room_for(513));
  {
    const std::scoped_lock lock(stalled->mutex);  // it takes nothing now
    for (uint16_t i = 0; i < 600; ++i) rings->of_worker[0].on(event(Kind::BindingCreated, i));
    EXPECT_FALSE(log.has_room_for(1));
  }
  EXPECT_EQ(stalled->wait(601).size(), 601u);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!log.has_room_for(1) && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(log.has_room_for(1)) << "the one that fails does not count";
  const std::scoped_lock lock(failing->mutex);
  failing->refuses = false;  // not to wait for it
}

TEST(Log, NobodyWaitsForAReceiverThatEnds) {
  const auto received = std::make_shared<Received>();
  received->refuses = true;
  const auto rings = std::make_shared<engine::NatEventRings>(1, 16);
  Log log({}, one(received));
  log.begin(instance(), rings);
  rings->of_worker[0].on(event(Kind::BindingCreated, 2));
  received->wait_for([&] { return received->attempts >= 2; });
  const auto before = std::chrono::steady_clock::now();
  (void)log.use({}, {});
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  EXPECT_THAT(log.status().receivers, IsEmpty());
  {
    const std::scoped_lock lock(received->mutex);
    received->refuses = false;
  }
  EXPECT_THAT(received->wait(2), ElementsAre("plat began", "plat 0 2"));  // it goes on for a while
}

}  // namespace
}  // namespace yonroku::natlog
