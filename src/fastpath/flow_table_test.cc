#include "fastpath/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace yonroku::fastpath {
namespace {

constexpr uint64_t kSeed = 0x0123'4567'89ab'cdef;

struct Memory {
  explicit Memory(std::size_t records, std::size_t buckets) : flows(records), index(buckets) {}
  FlowTable table(uint32_t first, std::size_t records) {
    return {std::span(flows).subspan(first, records), first, index, hash_keys_of(kSeed)};
  }
  // The flow that a program would find.
  uint32_t find(const FlowContent& content, FlowDirection direction) const {
    const uint64_t hash = hash_of(key_of(content, direction), hash_keys_of(kSeed));
    for (const uint64_t entry : index[bucket_of(hash, static_cast<uint32_t>(index.size()))].entries) {
      if (entry == 0 || entry >> 32 != hash >> 32 || direction_of(entry) != direction) continue;
      const uint32_t number = flow_of(entry);
      if (flows[number].sequence % 2 == 0 &&
          std::memcmp(&flows[number].content, &content, sizeof content) == 0)
        return number;
    }
    return FlowTable::kNone;
  }
  std::size_t entries() const {
    std::size_t count = 0;
    for (const FlowBucket& bucket : index)
      count += std::size_t(std::ranges::count_if(bucket.entries, [](uint64_t entry) { return entry != 0; }));
    return count;
  }

  std::vector<Flow> flows;
  std::vector<FlowBucket> index;
};

FlowContent content(uint32_t number) {
  FlowContent flow{};
  flow.near_high = 0x2001'0db8'0000'0000;
  flow.near_low = number;
  flow.far_high = 0x0064'ff9b'0000'0000;
  flow.far_low = 0xc000'0201;
  flow.outside = 0xc633'6401;
  flow.remote = 0xc000'0201;
  flow.inside_port = 1000;
  flow.outside_port = static_cast<uint16_t>(number);
  flow.remote_port = static_cast<uint16_t>(number >> 16);
  flow.protocol = 6;
  flow.kind = FlowKind::Nat64;
  return flow;
}

TEST(FlowTable, InstallsAndRemoves) {
  Memory memory(8, 4);
  FlowTable table = memory.table(4, 4);
  const uint32_t number = table.install(content(1));
  EXPECT_EQ(number, 4u);
  EXPECT_EQ(memory.find(content(1), FlowDirection::Out), number);
  EXPECT_EQ(memory.find(content(1), FlowDirection::In), number);
  EXPECT_EQ(memory.find(content(2), FlowDirection::In), FlowTable::kNone);
  EXPECT_EQ(table.used(), 1u);
  table.remove(number);
  EXPECT_EQ(memory.find(content(1), FlowDirection::Out), FlowTable::kNone);
  EXPECT_EQ(memory.find(content(1), FlowDirection::In), FlowTable::kNone);
  EXPECT_EQ(memory.entries(), 0u);
  EXPECT_EQ(table.used(), 0u);
}

TEST(FlowTable, OneWay) {
  Memory memory(2, 1);
  FlowContent flow = content(1);
  flow.is_one_way = 1;
  const uint32_t number = memory.table(0, 2).install(flow);
  EXPECT_EQ(memory.find(flow, FlowDirection::Out), number);
  EXPECT_EQ(memory.find(flow, FlowDirection::In), FlowTable::kNone);
  FlowTable table = memory.table(0, 2);
  table.recover([](uint32_t, const FlowContent&) { return true; });
  EXPECT_EQ(memory.find(flow, FlowDirection::Out), number);
  table.remove(number);
  EXPECT_EQ(memory.entries(), 0u);
}

TEST(FlowTable, SaysWhenPacketsWereSeen) {
  Memory memory(1, 1);
  FlowTable table = memory.table(0, 1);
  const uint32_t number = table.install(content(1));
  EXPECT_EQ(table.seen(number).out, 0u);
  memory.flows[number].seen[0] = 7;
  memory.flows[number].seen[1] = 8;
  EXPECT_EQ(table.seen(number).out, 7u);
  EXPECT_EQ(table.seen(number).in, 8u);
  table.remove(number);
  EXPECT_EQ(table.seen(table.install(content(2))).in, 0u) << "stamps of a flow before";
}

TEST(FlowTable, RefusesWithoutARecord) {
  Memory memory(3, 64);
  FlowTable table = memory.table(0, 3);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_NE(table.install(content(i)), FlowTable::kNone);
  EXPECT_EQ(table.install(content(3)), FlowTable::kNone);
  EXPECT_EQ(table.refused(), 1u);
  EXPECT_EQ(memory.entries(), 6u);
  table.remove(1);
  EXPECT_EQ(table.install(content(3)), 1u);
}

// One bucket has room for four flows, with two entries each; what does not fit leaves nothing behind.
TEST(FlowTable, RefusesWithoutAnEntry) {
  Memory memory(8, 1);
  FlowTable table = memory.table(0, 8);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_NE(table.install(content(i)), FlowTable::kNone);
  EXPECT_EQ(table.install(content(4)), FlowTable::kNone);
  memory.index[0].entries[7] = 0;  // room for one of its two entries
  EXPECT_EQ(table.install(content(4)), FlowTable::kNone);
  EXPECT_EQ(memory.entries(), 7u);
  EXPECT_EQ(table.used(), 4u);
  EXPECT_EQ(table.refused(), 2u);
  EXPECT_EQ(memory.find(content(4), FlowDirection::Out), FlowTable::kNone);
}

TEST(FlowTable, RemovedRecordsRest) {
  Memory memory(4, 64);
  FlowTable table = memory.table(0, 4);
  const uint32_t first = table.install(content(0));
  const uint64_t sequence = memory.flows[first].sequence;
  table.remove(first);
  for (uint32_t i = 1; i < 4; ++i) EXPECT_NE(table.install(content(i)), first);
  EXPECT_EQ(table.install(content(4)), first);
  EXPECT_GT(memory.flows[first].sequence, sequence);
}

TEST(FlowTable, RecoversWhatAnEarlierViewLeft) {
  Memory memory(4, 64);
  std::vector<uint32_t> numbers;
  {
    FlowTable table = memory.table(0, 4);
    for (uint32_t i = 0; i < 3; ++i) numbers.push_back(table.install(content(i)));
    table.remove(numbers[1]);
  }
  FlowTable table = memory.table(0, 4);
  EXPECT_EQ(table.used(), 2u) << "not to be handed out";
  EXPECT_EQ(memory.find(content(0), FlowDirection::Out), numbers[0]) << "packets go on";
  std::vector<uint32_t> asked;
  table.recover([&](uint32_t number, const FlowContent& found) {
    asked.push_back(number);
    EXPECT_EQ(found.near_low, number);
    return number == numbers[2];
  });
  EXPECT_EQ(asked, (std::vector{numbers[0], numbers[2]}));
  EXPECT_EQ(memory.find(content(0), FlowDirection::Out), FlowTable::kNone);
  EXPECT_EQ(memory.find(content(2), FlowDirection::In), numbers[2]);
  EXPECT_EQ(memory.entries(), 2u);
  for (uint32_t i = 3; i < 6; ++i) EXPECT_NE(table.install(content(i)), numbers[2]);
  EXPECT_EQ(table.install(content(6)), FlowTable::kNone);
  table.remove(numbers[2]);
  EXPECT_EQ(table.install(content(6)), numbers[2]);
}

// The program was killed in the middle of it.
TEST(FlowTable, AFlowThatOneDirectionDoesNotLeadToIsRemoved) {
  Memory memory(2, 1);
  (void)memory.table(0, 2).install(content(1));
  for (uint64_t& entry : memory.index[0].entries)
    if (entry != 0 && direction_of(entry) == FlowDirection::In) entry = 0;
  FlowTable table = memory.table(0, 2);
  table.recover([](uint32_t, const FlowContent&) { return true; });
  EXPECT_EQ(table.used(), 0u);
  EXPECT_EQ(memory.entries(), 0u);
}

// Two workers whose flows meet in the same few buckets: each entry is one's, and all are found.
TEST(FlowTable, WorkersShareTheIndex) {
  constexpr uint32_t kEach = 400;
  Memory memory(2 * std::size_t{kEach}, 256);
  const auto work = [&](uint32_t first) {
    FlowTable table = memory.table(first, kEach);
    for (int round = 0; round < 200; ++round) {
      std::vector<uint32_t> numbers;
      for (uint32_t i = 0; i < kEach; ++i) numbers.push_back(table.install(content(first + i)));
      for (uint32_t i = 0; i < kEach; ++i) {
        if (numbers[i] == FlowTable::kNone) continue;
        ASSERT_EQ(memory.find(content(first + i), FlowDirection::Out), numbers[i]);
        ASSERT_EQ(memory.find(content(first + i), FlowDirection::In), numbers[i]);
        if (round != 199) table.remove(numbers[i]);
      }
    }
  };
  std::thread other(work, kEach);
  work(0);
  other.join();
  std::size_t used = 0;
  for (const Flow& flow : memory.flows) used += flow.sequence % 2 == 0 ? 1 : 0;
  EXPECT_EQ(memory.entries(), 2 * used);
  EXPECT_GT(used, kEach);
}

// A key is what the packet shows, and no more.
TEST(FlowKey, ShowsWhatPacketsOfItsKindShow) {
  FlowContent flow = content(1);
  flow.inside = 0xc000'0002;
  const auto out = [&](FlowKind kind) {
    flow.kind = kind;
    return key_of(flow, FlowDirection::Out);
  };
  const auto in = [&](FlowKind kind) {
    flow.kind = kind;
    return key_of(flow, FlowDirection::In);
  };
  EXPECT_EQ(out(FlowKind::Nat64).source, 0u);
  EXPECT_EQ(out(FlowKind::Nat64).ipv6_source_low, 1u);
  EXPECT_EQ(out(FlowKind::DsLiteAftr).source, 0xc000'0002u);
  EXPECT_EQ(out(FlowKind::DsLiteAftr).ipv6_source_low, 1u);
  EXPECT_EQ(out(FlowKind::SoftwireNapt).ipv6_source_low, 0u);
  EXPECT_EQ(in(FlowKind::Nat64).ipv6_destination_low, 0u);
  EXPECT_EQ(in(FlowKind::SoftwireNapt).ipv6_destination_low, 1u);
  EXPECT_EQ(in(FlowKind::SoftwireNapt).destination, 0xc633'6401u);
  EXPECT_EQ(in(FlowKind::MapTCe).destination, 0u);
  EXPECT_EQ(in(FlowKind::MapTCe).ipv6_source_low, 0xc000'0201u);
}

}  // namespace
}  // namespace yonroku::fastpath
