#include "share/mapping/concurrent_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <unordered_map>

#include "base/random_source.h"
#include "share/mapping/eam_table.h"

namespace yonroku::share {
namespace {

// Keys that all have one home when told so; a value is its own check: two words that belong together.
struct Traits {
  struct Value {
    uint64_t number = 0;
    uint64_t complement = 0;
    friend bool operator==(const Value&, const Value&) = default;
  };
  using Key = uint64_t;
  static inline bool collide = false;
  static uint64_t hash(Key key, uint64_t seed) { return collide ? 0 : (key ^ seed) * 0x9e3779b97f4a7c15; }
  static bool matches(const Words& words, Key key) { return words.w1 == key; }
  static Value value(const Words& words) { return {words.w2, words.w3}; }
  static Key key(const Words& words) { return words.w1; }
  static Words words(Key key, const Value& value) { return {0, key, value.number, value.complement}; }
};
using Table = ConcurrentTable<Traits>;

Traits::Value value(uint64_t number) { return {number, ~number}; }

class Collisions : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { Traits::collide = GetParam(); }
  void TearDown() override { Traits::collide = false; }
};

TEST_P(Collisions, InsertReplaceErase) {
  Table table(7);
  EXPECT_FALSE(table.find(1));
  EXPECT_TRUE(table.insert(1, value(10)));
  EXPECT_FALSE(table.insert(1, value(11))) << "there already";
  EXPECT_EQ(table.find(1), value(10));
  EXPECT_TRUE(table.replace(1, value(12)));
  EXPECT_EQ(table.find(1), value(12));
  EXPECT_FALSE(table.replace(2, value(20)));
  EXPECT_FALSE(table.find(2));
  EXPECT_TRUE(table.erase(1));
  EXPECT_FALSE(table.erase(1));
  EXPECT_FALSE(table.find(1));
  EXPECT_EQ(table.size(), 0u);
}

// What lies behind a tombstone is still found, and a key that is behind one is not inserted twice.
TEST_P(Collisions, TombstonesDoNotHideWhatIsBehindThem) {
  Table table(7);
  for (uint64_t key = 0; key < 8; ++key) ASSERT_TRUE(table.insert(key, value(key)));
  for (uint64_t key = 0; key < 7; ++key) ASSERT_TRUE(table.erase(key));
  EXPECT_EQ(table.find(7), value(7));
  EXPECT_FALSE(table.insert(7, value(0)));
  EXPECT_TRUE(table.insert(3, value(33)));  // into a tombstone
  EXPECT_EQ(table.find(3), value(33));
  EXPECT_EQ(table.find(7), value(7));
  EXPECT_EQ(table.size(), 2u);
}

TEST_P(Collisions, RandomOperationsAgreeWithAMap) {
  Table table(8);
  std::unordered_map<uint64_t, uint64_t> model;
  RandomSource random(99);
  for (int i = 0; i < 30'000; ++i) {
    const uint64_t key = random.below(200);
    const uint64_t number = random.next();
    switch (random.below(3)) {
      case 0: ASSERT_EQ(table.insert(key, value(number)), model.emplace(key, number).second); break;
      case 1:
        ASSERT_EQ(table.replace(key, value(number)), model.contains(key));
        if (model.contains(key)) model[key] = number;
        break;
      default: ASSERT_EQ(table.erase(key), model.erase(key) == 1);
    }
    ASSERT_EQ(table.size(), model.size());
    const uint64_t probe = random.below(200);
    const auto found = table.find(probe);
    ASSERT_EQ(found.has_value(), model.contains(probe));
    if (found) {
      ASSERT_EQ(*found, value(model[probe]));
    }
  }
  std::size_t visited = 0;
  table.for_each([&](uint64_t key, const Traits::Value& v) {
    ++visited;
    EXPECT_EQ(v, value(model.at(key)));
  });
  EXPECT_EQ(visited, model.size());
}

INSTANTIATE_TEST_SUITE_P(ConcurrentTable, Collisions, testing::Bool(),
                         [](const auto& each) { return each.param ? "AllKeysCollide" : "KeysAreSpread"; });

TEST(ConcurrentTable, TheSequenceNumberMayWrapAround) {
  // 2^29 writes would wrap it; the state in the two lowest bits must survive each of them.
  Table table(9);
  ASSERT_TRUE(table.insert(1, value(0)));
  for (uint64_t i = 0; i < 300'000; ++i) ASSERT_TRUE(table.replace(1, value(i)));
  EXPECT_EQ(table.find(1), value(299'999));
  EXPECT_TRUE(table.erase(1));
  EXPECT_FALSE(table.find(1));
}

// One writer, several readers. Keys 0 to 99 are replaced but never removed: every lookup must find them, with
// a value that is whole. Keys above come and go, and make the table grow again and again.
TEST(ConcurrentTable, ReadersAlwaysFindWhatIsNeverRemoved) {
  constexpr uint64_t kLasting = 100;
  constexpr int kReaders = 3;
  Table table(10);
  for (uint64_t key = 0; key < kLasting; ++key) ASSERT_TRUE(table.insert(key, value(key)));
  std::atomic<bool> done = false;
  std::atomic<uint64_t> missing = 0, torn = 0, looked_up = 0;
  std::vector<std::thread> readers;
  readers.reserve(kReaders);
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] {
      RandomSource random(static_cast<uint64_t>(i) + 1);
      uint64_t count = 0;
      while (!done.load(std::memory_order_relaxed)) {
        const uint64_t key = random.below(kLasting * 4);
        const auto found = table.find(key);
        if (!found && key < kLasting) ++missing;
        if (found && found->complement != ~found->number) ++torn;
        // What a key is replaced by keeps its remainder, so a value of another key shows.
        if (found && found->number % (kLasting * 4) != key) ++torn;
        ++count;
      }
      looked_up += count;
    });
  }
  // Storage is kept until the end: readers may hold any of it.
  std::vector<std::unique_ptr<Table::Storage>> retired;
  RandomSource random(77);
  for (int round = 0; round < 20; ++round) {
    for (uint64_t key = kLasting; key < kLasting * 4; ++key)
      table.insert(key, value(key + kLasting * 4 * random.below(1000)));
    for (uint64_t key = 1'000'000; key < 1'000'000 + 150u * static_cast<unsigned>(round); ++key)
      table.insert(key, value(key));
    for (int i = 0; i < 2'000; ++i) {
      const uint64_t key = random.below(kLasting * 4);
      table.replace(key, value(key + kLasting * 4 * random.below(1000)));
      if (key >= kLasting) table.erase(random.below(kLasting * 3) + kLasting);
    }
    for (uint64_t key = 1'000'000; key < 1'000'000 + 150u * static_cast<unsigned>(round); ++key)
      table.erase(key);
    for (auto& storage : table.take_retired()) retired.push_back(std::move(storage));
  }
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(missing.load(), 0u);
  EXPECT_EQ(torn.load(), 0u);
  EXPECT_GT(looked_up.load(), 1000u);
  EXPECT_GT(retired.size(), 3u) << "the table was meant to grow under the readers";
}

// The same through the mapping table: lookups by longest match while mappings of other lengths come and go.
TEST(EamTableThreads, ALastingMappingIsFoundWhateverElseChanges) {
  EamTable table(11);
  const Ipv4Address ipv4(192, 0, 2, 1);
  const EamMapping lasting{Ipv4Prefix::holding(ipv4, 32),
                           Ipv6Prefix::holding({0x2001'0db8'0000'0000, 1}, 128)};
  const EamMapping moved{lasting.ipv4, Ipv6Prefix::holding({0x2001'0db8'0000'0000, 2}, 128)};
  ASSERT_EQ(table.add(lasting), EamTable::Refusal::None);
  std::atomic<bool> done = false;
  std::atomic<uint64_t> wrong = 0;
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done.load(std::memory_order_relaxed)) {
        const auto forth = table.find(ipv4);
        if (forth != lasting && forth != moved) ++wrong;
        Ipv6Address translated;
        if (!table.translate(ipv4, translated) || translated.high() != 0x2001'0db8'0000'0000) ++wrong;
        // An IPv6 address that goes to this host does so under the mapping before or after a move.
        Ipv4Address back;
        if (table.translate(lasting.ipv6.address(), back) && back != ipv4) ++wrong;
      }
    });
  }
  std::vector<EamTable::Retired> retired;
  for (uint32_t i = 0; i < 4'000; ++i) {
    ASSERT_EQ(table.replace(i % 2 == 0 ? moved : lasting), EamTable::Refusal::None);
    const EamMapping other{Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + (i << 8)), 24),
                           Ipv6Prefix::holding({0x2001'0db8'1111'0000, uint64_t{i} << 32}, 96)};
    ASSERT_EQ(table.add(other), EamTable::Refusal::None);
    if (i % 3 != 0) (void)table.remove(other.ipv4);
    if (auto each = table.take_retired(); !each.empty()) retired.push_back(std::move(each));
  }
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0u);
}

}  // namespace
}  // namespace yonroku::share
