// The offload's programs against the engine: packets of the golden corpus, and generated ones, through both.
// Needs root. YONROKU_OFFLOAD_PACKETS says how many are generated, YONROKU_OFFLOAD_SEED from what.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "differential.h"
#include "golden_file.h"
#include "packets.h"

namespace yonroku::offload {
namespace {

constexpr const char* kMissNames[] = {
#define YONROKU_MISS(enumerator, name, meaning) name,
#include "fastpath/misses.def"
#undef YONROKU_MISS
};

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Golden {
  std::string path;  // below tests/golden
  golden::GoldenFile file;
};

// By configuration: changing it takes a while.
using Corpus = std::map<std::string, std::vector<Golden>>;

Corpus read_corpus() {
  Corpus corpus;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(YONROKU_GOLDEN_DIR)) {
    if (entry.path().extension() != ".golden") continue;
    auto file = golden::read_golden_file(entry.path());
    EXPECT_TRUE(file) << file.error().to_string();
    if (!file) continue;
    auto& of_config = corpus[file->config];
    of_config.push_back({std::filesystem::relative(entry.path(), YONROKU_GOLDEN_DIR), *std::move(file)});
  }
  for (auto& [config, files] : corpus) std::ranges::sort(files, {}, &Golden::path);
  return corpus;
}

test::Octets octets_of(const golden::Step& step) {
  const test::View octets = test::octets_of(step.input);
  return {octets.begin(), octets.end()};
}

std::vector<test::Octets> inputs_of(const std::vector<Golden>& files) {
  std::vector<test::Octets> inputs;
  for (const Golden& golden : files)
    for (const golden::Step& step : golden.file.steps)
      if (!step.until) inputs.push_back(octets_of(step));
  return inputs;
}

// What became of packets; printed, so that one sees what a run was worth.
struct Tally {
  uint64_t forwarded = 0, passed_up = 0, not_run = 0;
  std::array<uint64_t, fastpath::kMissCount> misses{};

  void add(const Compared& compared) {
    switch (compared.result) {
      case Compared::Result::Forwarded: ++forwarded; break;
      case Compared::Result::PassedUp: ++passed_up; break;
      case Compared::Result::NotRun: ++not_run; break;
    }
  }
  void add(const fastpath::CountersView& counters) {
    for (std::size_t i = 0; i < misses.size(); ++i) misses[i] += counters.misses[i];
  }
  void print() const {
    fmt::print("{} runs: {} forwarded, {} passed up; of a size that BPF_PROG_TEST_RUN does not take: {}\n",
               forwarded + passed_up, forwarded, passed_up, not_run);
    uint64_t others = passed_up;
    for (std::size_t i = 0; i < misses.size(); ++i) {
      others -= misses[i];
      if (misses[i] != 0) fmt::print("  passed up: {:8} {}\n", misses[i], kMissNames[i]);
    }
    fmt::print("  passed up: {:8} not routed to the instance\n", others);
  }
};

class Offload : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto world = World::create();
    ASSERT_TRUE(world) << world.error().to_string();
    world_.emplace(*std::move(world));
  }
  // Nothing when the offload does not serve the configuration.
  std::unique_ptr<Differential> create(const std::string& config) {
    auto made = Differential::create(std::string(YONROKU_GOLDEN_DIR) + "/configs/" + config);
    EXPECT_TRUE(made) << made.error().to_string();
    if (!made || !(*made)->reason_unserved().empty()) return nullptr;
    return *std::move(made);
  }
  std::unique_ptr<Differential> enter(const std::string& config) {
    auto made = create(config);
    if (made == nullptr) return nullptr;
    const auto entered = made->enter(*world_);
    EXPECT_TRUE(entered) << entered.error().to_string();
    return made;
  }
  // How many packets of the file were forwarded.
  uint64_t run(Differential& differential, const Golden& golden, fastpath::Sum sum);
  void run_golden_corpus(fastpath::Sum sum);
  // Until they differ. How many super-packets were forwarded.
  uint64_t run(Differential& differential, Packets& packets, uint64_t runs);
  bool agree(Differential& differential, Hook hook, const Arrival& arrival) {
    const Compared compared = differential.compare(hook, arrival);
    EXPECT_EQ(compared.problem, "");
    tally_.add(compared);
    return compared.problem.empty();
  }

  std::optional<World> world_;
  Tally tally_;
};

uint64_t Offload::run(Differential& differential, const Golden& golden, fastpath::Sum sum) {
  SCOPED_TRACE(golden.path);
  const uint64_t before = tally_.forwarded;
  differential.start_over();
  for (const golden::Step& step : golden.file.steps) {
    if (step.until) {
      differential.let_time_pass(*step.until);
      continue;
    }
    Arrival arrival{octets_of(step)};
    if (can_have_sum(arrival.packet)) arrival.sum = sum;
    for (const Hook hook : kHooks) (void)agree(differential, hook, arrival);
  }
  return tally_.forwarded - before;
}

// Of these folders at least so many packets are forwarded, counting each at tc and at XDP.
const std::map<std::string, uint64_t> kForwarded = {{"mss-clamp", 8}, {"rfc6052", 44},  {"rfc6877", 28},
                                                    {"rfc7757", 82},  {"rfc7915", 164}, {"rfc8021", 14}};

void Offload::run_golden_corpus(fastpath::Sum sum) {
  std::map<std::string, uint64_t> forwarded;  // by folder
  std::size_t served = 0, unserved = 0;       // files
  for (const auto& [config, files] : read_corpus()) {
    const auto differential = enter(config);
    (differential == nullptr ? unserved : served) += files.size();
    if (differential == nullptr) continue;
    for (const Golden& golden : files)
      forwarded[golden.path.substr(0, golden.path.find('/'))] += run(*differential, golden, sum);
    EXPECT_EQ(differential->compare_counters(), "") << config;
    tally_.add(differential->counters());
  }
  tally_.print();
  fmt::print("  {} files; {} more have a configuration that the offload leaves to the engine\n", served,
             unserved);
  for (const auto& [folder, least] : kForwarded) EXPECT_GE(forwarded[folder], least) << folder;
}

TEST_F(Offload, GoldenCorpus) { run_golden_corpus(fastpath::Sum::None); }

// Whoever gets a packet with a sum of all its octets believes it.
TEST_F(Offload, GoldenCorpusWithSums) {
  if (!world_->knows_sums()) GTEST_SKIP() << "needs Linux 6.11";
  run_golden_corpus(fastpath::Sum::Complete);
}

constexpr Differential::Routes kRoutes[] = {Differential::Routes::Both, Differential::Routes::Ipv4,
                                            Differential::Routes::Ipv6};

// Packets of a family that nothing routes to the instance are not worth a run.
bool concerns(Differential::Routes routes, test::View packet) {
  const bool is_ipv6 = !packet.empty() && packet[0] >> 4 == 6;
  return routes == Differential::Routes::Both || (routes == Differential::Routes::Ipv6) == is_ipv6;
}

uint64_t Offload::run(Differential& differential, Packets& packets, uint64_t runs) {
  uint64_t super_packets = 0;
  const bool knows_sums = world_->knows_sums();
  for (uint64_t i = runs / std::size(kHooks); i > 0; --i) {
    Arrival arrival = packets.next();
    if (knows_sums && i % 2 == 0 && arrival.segment_size == 0 && can_have_sum(arrival.packet))
      arrival.sum = fastpath::Sum::Complete;
    const uint64_t before = tally_.forwarded;
    if (!agree(differential, Hook::Tc, arrival)) break;
    super_packets += arrival.segment_size != 0 ? tally_.forwarded - before : 0;
    arrival.segment_size = 0;
    arrival.sum = fastpath::Sum::None;
    if (!agree(differential, Hook::Xdp, arrival)) break;
  }
  return super_packets;
}

TEST_F(Offload, GeneratedPackets) {
  const uint64_t seed = number_from_environment("YONROKU_OFFLOAD_SEED", 1);
  const uint64_t runs = number_from_environment("YONROKU_OFFLOAD_PACKETS", 1'000'000);
  fmt::print("YONROKU_OFFLOAD_SEED={} YONROKU_OFFLOAD_PACKETS={}\n", seed, runs);
  Corpus corpus = read_corpus();
  std::erase_if(corpus, [&](const auto& each) { return create(each.first) == nullptr; });
  ASSERT_FALSE(corpus.empty());
  uint64_t super_packets = 0;  // forwarded
  for (const auto& [config, files] : corpus) {
    SCOPED_TRACE(config);
    const auto differential = enter(config);
    for (const auto routes : kRoutes) {
      auto examples = inputs_of(files);
      std::erase_if(examples, [&](const auto& packet) { return !concerns(routes, packet); });
      if (examples.empty()) continue;
      ASSERT_TRUE(differential->choose_routes(routes));
      Packets packets(seed, std::move(examples));
      super_packets += run(*differential, packets, runs / corpus.size() / std::size(kRoutes));
    }
    EXPECT_EQ(differential->compare_counters(), "");
    tally_.add(differential->counters());
  }
  tally_.print();
  fmt::print("  super-packets forwarded: {}\n", super_packets);
  EXPECT_GT(tally_.forwarded, runs / 4) << "most packets are not about anything";
  EXPECT_GT(super_packets, runs / 200);
}

// The changed checksum depends on what was in the field and nothing else of the packet's data.
TEST_F(Offload, EveryChecksum) {
  const auto differential = enter("eam-basic.yaml");
  ASSERT_NE(differential, nullptr);
  const test::Octets segments[] = {test::udp({1, 2}), test::tcp({1, 2})};
  const uint8_t protocols[] = {test::kUdp, test::kTcp};
  std::vector<test::Octets> packets;
  for (std::size_t i = 0; i < std::size(segments); ++i) {
    packets.push_back(test::ipv4({.protocol = protocols[i]}, segments[i]));
    packets.push_back(test::ipv6({.next_header = protocols[i]}, segments[i]));
  }
  packets.push_back(test::ipv4({.protocol = test::kIcmp}, test::icmp(8, 0, 7, {1, 2})));
  packets.push_back(test::ipv6({.next_header = test::kIcmpv6}, test::icmp(129, 0, 7, {1, 2})));
  for (const test::Octets& packet : packets)
    for (uint32_t checksum = 0; checksum <= 0xffff; ++checksum) {
      Arrival arrival{packet};
      test::put16(arrival.packet, *test::checksum_offset(*test::see(packet)), checksum);
      for (const Hook hook : kHooks) ASSERT_TRUE(agree(*differential, hook, arrival));
    }
  tally_.add(differential->counters());
  tally_.print();
  // Only UDP without one is the engine's.
  EXPECT_EQ(tally_.passed_up, 2 * std::size(kHooks));
}

// The kernel routes nothing that has such a source, which says nothing about the destination.
TEST_F(Offload, WhatComesFromALinkLocalAddressIsNotRemembered) {
  const auto differential = enter("eam-basic.yaml");
  ASSERT_NE(differential, nullptr);
  test::Ipv6Spec spec;
  spec.source = test::address6({0xfe80}, 1);
  for (const Hook hook : kHooks) {
    EXPECT_TRUE(agree(*differential, hook, {test::ipv6(spec, test::udp({}))}));
    EXPECT_TRUE(agree(*differential, hook, {test::ipv6({}, test::udp({}))}));
  }
  EXPECT_EQ(tally_.forwarded, 2u);
}

// A packet is routed to the TUN device, translated, and routed again from there.
TEST_F(Offload, CountsTheKernelsHopsToo) {
  const auto differential = enter("eam-basic.yaml");
  ASSERT_NE(differential, nullptr);
  world_->set_kernel_hops(1);
  for (const Hook hook : kHooks)
    for (uint8_t ttl = 0; ttl <= 6; ++ttl) {
      const auto outcome = world_->run(0, hook, framed({test::ipv4({.ttl = ttl}, test::udp({}))}), {});
      ASSERT_TRUE(outcome);
      ASSERT_EQ(outcome->action, ttl > 3 ? World::Action::Forwarded : World::Action::PassedUp) << int{ttl};
      if (ttl > 3) {
        EXPECT_EQ(outcome->frame.at(kEthernetHeader + 7), ttl - 3);
      }
    }
}

}  // namespace
}  // namespace yonroku::offload
