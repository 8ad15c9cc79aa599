// The log's embedded store: how many events a second it takes, and how long `who` takes over a history. As a
// benchmark, a short history in a temporary folder; for a long one:
//
//   natlog_bench write KIND EVENTS FOLDER   KIND: blocks or sessions; a history with that many events
//   natlog_bench ask FOLDER QUESTIONS       about moments and places of such a history

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <random>
#include <string_view>
#include <vector>

#include "api/who.h"
#include "natlog/clock.h"
#include "natlog/store/store.h"

namespace {

using namespace yonroku;  // NOLINT(google-build-using-namespace)
using namespace natlog;   // NOLINT(google-build-using-namespace)
using EventKind = share::NatEvent::Kind;
using std::chrono::steady_clock;

constexpr uint16_t kBlockSize = 512;
constexpr uint32_t kBlocksOfAddress = 126;
constexpr std::size_t kBatch = 4096;

// A history in which each place is taken, held for a while, and taken by another: `held` at a time.
class World {
 public:
  World(const Source* source, bool has_blocks) : source_(source), has_blocks_(has_blocks) {}

  Event next(uint64_t number, Milliseconds time) {
    Event event{time, source_, {}, 0};
    const bool begins = open_.size() < kHeld || number % 2 == 0;
    if (begins) {
      const auto place = take_place();
      const uint64_t who = random_() % kSubscribers;
      open_.push_back({place, who});
      fill(event, place, who, has_blocks_ ? EventKind::PortBlockTaken : EventKind::SessionCreated);
      return event;
    }
    // Mostly old ones end, but not in their order.
    const std::size_t index = random_() % (open_.size() / 2);
    const auto [place, who] = open_[index];
    open_[index] = open_.front();
    open_.pop_front();
    free_.push_back(place);
    fill(event, place, who, has_blocks_ ? EventKind::PortBlockReturned : EventKind::SessionEnded);
    return event;
  }

 private:
  static constexpr std::size_t kHeld = 100'000;
  static constexpr uint64_t kSubscribers = 1'000'000;

  uint64_t take_place() {
    if (free_.size() < kHeld) return next_++;
    const uint64_t place = free_.front();
    free_.pop_front();
    return place;
  }
  void fill(Event& event, uint64_t place, uint64_t who, EventKind kind) const {
    const uint64_t of_address = has_blocks_ ? kBlocksOfAddress : 64512;
    const auto address = static_cast<uint32_t>(place / of_address);
    const auto port = static_cast<uint16_t>(1024 + place % of_address * (has_blocks_ ? kBlockSize : 1));
    event.what.kind = kind;
    event.what.protocol = share::NatProtocol::Tcp;
    event.what.inside = {Ipv6Address(0x20010db800000000 + (who << 8), has_blocks_ ? 0 : 1), {}, 0};
    if (!has_blocks_) event.what.inside.port = port;
    event.what.outside = {Ipv4Address((100u << 24 | 64u << 16) + address), port};
    event.last_port = static_cast<uint16_t>(port + (has_blocks_ ? kBlockSize - 1 : 0));
  }
  const Source* source_;
  bool has_blocks_;
  std::mt19937_64 random_{42};
  uint64_t next_ = 0;
  struct Held {
    uint64_t place, who;
  };
  std::deque<Held> open_;
  std::deque<uint64_t> free_;
};

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

int write(std::string_view kind, uint64_t events, const std::string& folder) {
  std::filesystem::create_directories(folder);
  config::InstanceSettings settings;
  settings.name = "plat";
  settings.mechanism = config::Mechanism::Nat64;
  settings.nat.block_size = kBlockSize;
  settings.nat.subscriber_prefix_length = kind == "blocks" ? 56 : 128;
  settings.nat.allocation = kind == "blocks" ? share::PortAllocation::Blocks : share::PortAllocation::Dynamic;
  const Source source{1, settings};
  // Time in the history goes as fast as it is written, at 50,000 events a second.
  const Milliseconds start = utc_now() - static_cast<Milliseconds>(events / 50);
  std::atomic<Milliseconds> now = start;
  Store store(folder, {.age = Milliseconds{1} << 50, .size = UINT64_MAX}, [&now] { return now.load(); });
  World world(&source, kind == "blocks");
  if (!store.write(Note{now, Note::Kind::Began, &source})) return 1;
  const auto begin = steady_clock::now();
  auto told = begin;
  double longest = 0;
  for (uint64_t done = 0; done < events;) {
    std::vector<Event> batch;
    for (std::size_t i = 0; i < kBatch && done < events; ++i, ++done)
      batch.push_back(world.next(done, start + static_cast<Milliseconds>(done / 50)));
    now = batch.back().time;
    const auto before = steady_clock::now();
    const auto written = store.write(batch);
    const auto flushed = store.flush();
    if (!written || !flushed) {
      fmt::print("{}\n", (!written ? written : flushed).error().to_string());
      return 1;
    }
    longest = std::max(longest, seconds_since(before));
    if (seconds_since(told) > 20) {
      told = steady_clock::now();
      fmt::print("{} events, {:.0f} a second, longest wait {:.2f} s\n", done,
                 static_cast<double>(done) / seconds_since(begin), longest);
      std::fflush(stdout);
    }
  }
  fmt::print("{} events in {:.1f} s: {:.0f} a second, longest wait {:.2f} s\n", events, seconds_since(begin),
             static_cast<double>(events) / seconds_since(begin), longest);
  return 0;
}

// Places are those of the first million, times anywhere in the history.
int ask(const std::string& folder, uint64_t questions) {
  auto history = History::open(folder);
  if (!history || !history->begin()) return 1;
  const bool has_blocks = history->sources()[0]->settings.nat.allocation == share::PortAllocation::Blocks;
  const Milliseconds first = *history->begin(), last = history->sources()[0]->ended;
  std::mt19937_64 random{7};
  std::vector<double> times;
  uint64_t found = 0;
  for (uint64_t i = 0; i < questions; ++i) {
    const uint64_t place = random() % 200'000;
    const uint64_t of_address = has_blocks ? kBlocksOfAddress : 64512;
    const api::WhoQuestion question{
        Ipv4Address((100u << 24 | 64u << 16) + static_cast<uint32_t>(place / of_address)),
        static_cast<uint16_t>(1024 + place % of_address * (has_blocks ? kBlockSize : 1)),
        share::NatProtocol::Tcp,
        first + static_cast<Milliseconds>(random() % static_cast<uint64_t>(last - first)), 0};
    // As the program does it: nothing is open yet.
    const auto begin = steady_clock::now();
    auto who = api::Who::open(folder);
    const auto result = who ? who->ask(question) : std::unexpected(who.error());
    times.push_back(seconds_since(begin) * 1000);
    if (!result) {
      fmt::print("{}\n", result.error().to_string());
      return 1;
    }
    if (!result->answers.empty()) ++found;
  }
  std::ranges::sort(times);
  fmt::print("{} questions, {} with an answer: median {:.2f} ms, 99 % {:.2f} ms, longest {:.2f} ms\n",
             questions, found, times[times.size() / 2], times[times.size() * 99 / 100], times.back());
  return 0;
}

// With every index, until all is in the files.
void BM_StoreTakes(benchmark::State& state, bool has_blocks) {
  constexpr uint64_t kEvents = 400'000;
  const std::string folder = std::filesystem::temp_directory_path() / "yonroku-natlog-bench";
  const Source source{1, {}};
  for (auto _ : state) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    Store store(folder, {.age = Milliseconds{1} << 50, .size = UINT64_MAX}, utc_now);
    World world(&source, has_blocks);
    (void)store.write(Note{utc_now(), Note::Kind::Began, &source});
    for (uint64_t done = 0; done < kEvents;) {
      std::vector<Event> batch;
      for (std::size_t i = 0; i < kBatch; ++i) batch.push_back(world.next(done++, utc_now()));
      if (const auto written = store.write(batch); !written)
        state.SkipWithError(written.error().to_string().c_str());
    }
  }
  std::filesystem::remove_all(folder);
  state.SetItemsProcessed(state.iterations() * int64_t{kEvents});
}
BENCHMARK_CAPTURE(BM_StoreTakes, blocks, true)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(BM_StoreTakes, sessions, false)->Unit(benchmark::kMillisecond)->UseRealTime();

uint64_t number(const char* text) {
  uint64_t value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "write" && count == 5) return write(arguments[2], number(arguments[3]), arguments[4]);
  if (what == "ask" && count == 4) return ask(arguments[2], std::max<uint64_t>(1, number(arguments[3])));
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
