// A store in a folder of its own, whose clock the tests move.
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

#include "natlog/store/history.h"
#include "natlog/store/store.h"

namespace yonroku::natlog::store_test {

using share::NatEvent;
using share::NatProtocol;
using EventKind = NatEvent::Kind;

inline constexpr Milliseconds kDay = 86'400'000;
inline constexpr Milliseconds kNoon = 1'795'348'800'000;  // 2026-11-22T12:00:00Z

inline config::InstanceSettings nat64(uint16_t block_size = 512) {
  config::InstanceSettings settings;
  settings.name = "plat";
  settings.mechanism = config::Mechanism::Nat64;
  settings.nat.allocation = share::PortAllocation::Blocks;
  settings.nat.block_size = block_size;
  settings.nat.subscriber_prefix_length = 56;
  settings.nat.pools.push_back({.addresses = {*Ipv4Prefix::parse("198.51.100.0/24")}});
  return settings;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(testing::TempDir() + "/store-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  void start(uint64_t rows_of_segment = 1'000'000) {
    limits_.rows_of_segment = rows_of_segment;
    store_ = std::make_unique<Store>(folder_, limits_, [this] { return now_.load(); });
  }
  // What a crash leaves: the files as they are.
  void crash() {
    ASSERT_TRUE(store_->tick());
    const std::string left = folder_ + ".left";
    std::filesystem::remove_all(left);
    std::filesystem::copy(folder_, left);
    store_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::rename(left, folder_);
  }
  void stop() { store_.reset(); }

  void write(const Batch& batch) {
    const auto written = store_->write(batch);
    ASSERT_TRUE(written) << written.error().to_string();
  }
  const Source* source(config::InstanceSettings settings = nat64(), uint32_t number = 1) {
    return &sources_.emplace_back(Source{number, std::move(settings)});
  }
  const Source* begin(const Source* source) {
    write(Note{now_, Note::Kind::Began, source});
    return source;
  }
  void event(const Source* source, EventKind kind, const char* inside, uint16_t port,
             bool is_recovered = false, bool was_there = false) {
    NatEvent event;
    event.kind = kind;
    event.protocol = NatProtocol::Tcp;
    event.inside = {*Ipv6Address::parse(inside), {}, 40000};
    event.outside = {Ipv4Address(198, 51, 100, 2), port};
    event.is_recovered = is_recovered;
    const bool is_block = kind == EventKind::PortBlockTaken || kind == EventKind::PortBlockReturned;
    const auto last = static_cast<uint16_t>(port + (is_block ? source->settings.nat.block_size - 1 : 0));
    write(std::vector<Event>{{now_, source, event, last, was_there}});
  }
  void tick() {
    const auto done = store_->tick();
    ASSERT_TRUE(done) << done.error().to_string();
  }
  void pass(Milliseconds time) { now_ += time; }

  History history() {
    auto history = History::open(folder_);
    if (!history) ADD_FAILURE() << history.error().to_string();
    return *std::move(history);
  }
  // "2001:db8::1 0..60": seconds since noon; "-" where it goes on.
  std::vector<std::string> who(uint16_t port, Milliseconds second, Milliseconds skew = 0) {
    const Milliseconds time = kNoon + second * 1000;
    const auto found = history().holders({Ipv4Address(198, 51, 100, 2), port}, std::nullopt,
                                         {time - skew * 1000, time + skew * 1000});
    if (!found) ADD_FAILURE() << found.error().to_string();
    return found ? words(*found) : std::vector<std::string>();
  }
  std::vector<std::string> used(const char* subscriber) {
    const auto found = history().used_by(*Ipv6Prefix::parse(subscriber), {0, kOpen - 1}, 1000);
    if (!found) ADD_FAILURE() << found.error().to_string();
    return found ? words(found->holders) : std::vector<std::string>();
  }
  static std::vector<std::string> words(const std::vector<Holder>& holders) {
    std::vector<std::string> words;
    for (const auto& [interval, source] : holders) {
      const auto second = [](Milliseconds time) {
        return time == kOpen ? "-" : std::to_string((time - kNoon) / 1000);
      };
      words.push_back(interval.inside.ipv6.to_string() + " " +
                      (interval.is_begin_known ? second(interval.begin) : "?") + ".." +
                      second(interval.until));
    }
    return words;
  }
  std::size_t segment_count() {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder_))
      count += file.path().extension() == ".db" && file.path().filename() != "catalogue.db";
    return count;
  }

  std::string folder_;
  StoreLimits limits_{.age = 180 * kDay, .size = uint64_t{1} << 40};
  std::atomic<Milliseconds> now_ = kNoon;
  std::deque<Source> sources_;
  std::unique_ptr<Store> store_;
};

}  // namespace yonroku::natlog::store_test
