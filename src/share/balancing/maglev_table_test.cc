#include "share/balancing/maglev_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace yonroku::share {
namespace {

using Entry = MaglevTable::Entry;

// Names as services have them: an address and a port.
std::vector<Entry> servers(std::initializer_list<uint32_t> weights) {
  std::vector<Entry> made;
  for (const uint32_t weight : weights) made.push_back({(0xc000020aull + made.size()) << 16 | 80, weight});
  return made;
}

uint64_t owner(const MaglevTable& table, const std::vector<Entry>& entries, uint32_t place) {
  const uint64_t hash = ((uint64_t{place} << 32) + MaglevTable::kSize - 1) / MaglevTable::kSize;
  return entries[table.at(static_cast<uint32_t>(hash))].name;
}

std::map<uint64_t, uint32_t> places(const std::vector<Entry>& entries) {
  const MaglevTable table(entries);
  std::map<uint64_t, uint32_t> counts;
  for (uint32_t place = 0; place < MaglevTable::kSize; ++place) ++counts[owner(table, entries, place)];
  return counts;
}

TEST(MaglevTable, SharesFollowTheWeights) {
  for (const auto& entries :
       {servers({1}), servers({1, 1}), servers({1, 1, 1, 1, 1, 1, 1}), servers({3, 2, 1}), servers({10, 1}),
        servers({1000, 1000, 500}), servers({1, 100}), std::vector<Entry>(servers({7, 0, 7, 5, 5, 3, 1}))}) {
    uint64_t sum = 0;
    for (const Entry& entry : entries) sum += entry.weight;
    const auto counts = places(entries);
    for (const Entry& entry : entries) {
      const double wanted = static_cast<double>(entry.weight) * MaglevTable::kSize / static_cast<double>(sum);
      const double got = counts.contains(entry.name) ? counts.at(entry.name) : 0;
      EXPECT_NEAR(got, wanted, wanted * 0.02 + 1) << entry.weight << " of " << sum;
    }
  }
}

TEST(MaglevTable, AsManyServersAsFit) {
  std::vector<Entry> entries;
  for (uint32_t i = 0; i < MaglevTable::kMostServers; ++i) entries.push_back({uint64_t{i} << 16 | 443, 1});
  for (const auto& [name, count] : places(entries)) EXPECT_NEAR(count, 257.0, 1.0) << name;
}

TEST(MaglevTable, OneThatGoesTakesLittleElseAlong) {
  for (const std::size_t count : {2u, 3u, 10u, 50u}) {
    std::vector<Entry> before;
    for (std::size_t i = 0; i < count; ++i) before.push_back({(0xc0000200ull + i) << 16 | 80, 1});
    const MaglevTable old_table(before);
    for (const bool drained : {false, true}) {
      std::vector<Entry> after = before;
      const uint64_t gone = after[count / 2].name;
      if (drained)
        after[count / 2].weight = 0;
      else
        after.erase(after.begin() + static_cast<std::ptrdiff_t>(count / 2));
      const MaglevTable new_table(after);
      uint32_t moved = 0;
      for (uint32_t place = 0; place < MaglevTable::kSize; ++place) {
        const uint64_t was = owner(old_table, before, place);
        const uint64_t now = owner(new_table, after, place);
        EXPECT_NE(now, gone);
        if (was != gone && was != now) ++moved;
      }
      // Of what the others had; Maglev's own measurement is of the same size.
      EXPECT_LT(moved, MaglevTable::kSize / 20) << count;
    }
  }
}

TEST(MaglevTable, TheOrderOfTheSettingsDoesNotCount) {
  const std::vector<Entry> there = servers({3, 1, 2, 2});
  const std::vector<Entry> back(there.rbegin(), there.rend());
  const MaglevTable one(there);
  const MaglevTable other(back);
  for (uint32_t place = 0; place < MaglevTable::kSize; ++place)
    ASSERT_EQ(owner(one, there, place), owner(other, back, place));
}

// Every machine has this table: who changes the computation moves flows while two versions run side by side.
// The digest comes from a dozen lines of Python that know the same rule.
TEST(MaglevTable, IsTheSameEverywhere) {
  const std::vector<Entry> entries = servers({1, 1, 1});
  const MaglevTable table(entries);
  uint64_t digest = 0;
  for (uint32_t place = 0; place < MaglevTable::kSize; ++place)
    digest = digest * 31 + (owner(table, entries, place) >> 16);
  EXPECT_EQ(digest, 14253423859536357322u);
}

TEST(MaglevTable, NobodyToChoose) {
  EXPECT_TRUE(MaglevTable().is_empty());
  EXPECT_TRUE(MaglevTable(servers({})).is_empty());
  EXPECT_TRUE(MaglevTable(servers({0, 0})).is_empty());
  EXPECT_FALSE(MaglevTable(servers({0, 1})).is_empty());
}

}  // namespace
}  // namespace yonroku::share
