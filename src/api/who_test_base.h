// Of the tests of who it was: a log that they write, with a clock that they move.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "api/who.h"
#include "api/who_request.h"
#include "natlog/store/store.h"

namespace yonroku::api::who_test {

using natlog::Milliseconds;
using natlog::Note;
using natlog::Source;
using natlog::TableChange;
using share::NatEvent;
using share::NatProtocol;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

inline constexpr Milliseconds kNoon = 1'795'348'800'000;  // 2026-11-22T12:00:00Z

inline config::InstanceSettings settings_of(const char* name, config::Mechanism mechanism) {
  config::InstanceSettings settings;
  settings.name = name;
  settings.mechanism = mechanism;
  return settings;
}

inline config::InstanceSettings nat64(share::PortAllocation allocation) {
  config::InstanceSettings settings = settings_of("plat", config::Mechanism::Nat64);
  settings.nat.allocation = allocation;
  settings.nat.block_size = 512;
  settings.nat.subscriber_prefix_length = 56;
  settings.nat.pools = {{.addresses = {*Ipv4Prefix::parse("198.51.100.0/24")}}};
  if (allocation == share::PortAllocation::Deterministic)
    settings.nat.subscribers = {*Ipv6Prefix::parse("2001:db8:1200::/48")};
  return settings;
}

inline share::MapRule rule(const share::MapRule::Parts& parts) { return *share::MapRule::create(parts); }

class WhoTest : public testing::Test {
 protected:
  WhoTest() : folder_(testing::TempDir() + "/who-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  ~WhoTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    store_ = std::make_unique<natlog::Store>(
        folder_, natlog::StoreLimits{.age = Milliseconds{1} << 50, .size = UINT64_MAX},
        [this] { return now_.load(); });
  }
  // A log in which nothing is.
  void open_again() {
    store_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  void write(const natlog::Batch& batch) {
    const auto written = store_->write(batch);
    ASSERT_TRUE(written) << written.error().to_string();
  }
  const Source* begin(config::InstanceSettings settings) {
    const auto number = static_cast<uint32_t>(sources_.size() + 1);
    const Source* const source = &sources_.emplace_back(Source{number, std::move(settings)});
    write(Note{now_, Note::Kind::Began, source});
    return source;
  }
  void event(const Source* source, NatEvent::Kind kind, const char* inside, uint16_t port, uint16_t last) {
    NatEvent event;
    event.kind = kind;
    event.protocol = NatProtocol::Udp;
    event.inside = {*Ipv6Address::parse(inside), {}, 40000};
    event.outside = {Ipv4Address(198, 51, 100, 2), port};
    write(std::vector<natlog::Event>{{now_, source, event, last}});
  }
  WhoResult ask(const char* address, uint16_t port, Milliseconds second, Milliseconds skew = 0) {
    EXPECT_TRUE(store_->tick());
    auto who = Who::open(folder_);
    const auto result =
        who->ask({*Ipv4Address::parse(address), port, std::nullopt, kNoon + second * 1000, skew * 1000});
    if (!result) ADD_FAILURE() << result.error().to_string();
    return result.value_or(WhoResult());
  }
  void session(const Source* source, const char* inside, share::Ipv4Endpoint remote,
               NatProtocol protocol = NatProtocol::Tcp) {
    NatEvent event;
    event.kind = NatEvent::Kind::SessionCreated;
    event.protocol = protocol;
    event.inside = {*Ipv6Address::parse(inside), {}, 40000};
    event.outside = {Ipv4Address(198, 51, 100, 2), 5000};
    event.remote = remote;
    write(std::vector<natlog::Event>{{now_, source, event, 5000}});
  }
  // Of 198.51.100.2, now.
  WhoResult ask_about_remote(uint16_t port, const char* remote) {
    EXPECT_TRUE(store_->tick());
    auto who = Who::open(folder_);
    WhoRequest request;
    request.address = "198.51.100.2";
    request.port = std::to_string(port);
    request.remote = remote;
    const auto result = answer(*who, request, now_);
    if (!result) ADD_FAILURE() << result.error().to_string();
    return result.value_or(WhoResult());
  }
  WhoResult used(const char* subscriber, std::size_t most = 100) {
    EXPECT_TRUE(store_->tick());
    auto who = Who::open(folder_);
    const auto result = who->used_by(*Ipv6Prefix::parse(subscriber), {0, now_}, most);
    if (!result) ADD_FAILURE() << result.error().to_string();
    return result.value_or(WhoResult());
  }

  std::string folder_;
  std::atomic<Milliseconds> now_ = kNoon;
  std::deque<Source> sources_;
  std::unique_ptr<natlog::Store> store_;
};

}  // namespace yonroku::api::who_test
