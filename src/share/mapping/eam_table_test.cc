#include "share/mapping/eam_table.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random_source.h"

namespace yonroku::share {
namespace {

using Refusal = EamTable::Refusal;

EamMapping mapping(const char* ipv4, const char* ipv6) {
  return {*Ipv4Prefix::parse(ipv4), *Ipv6Prefix::parse(ipv6)};
}
EamMapping host(uint32_t i) {
  return {Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + i), 32),
          Ipv6Prefix::holding({0x2001'0db8'0000'0000, i}, 128)};
}

TEST(EamTable, EmptyFindsNothing) {
  const EamTable table(0);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(table.find(Ipv4Address()));
  EXPECT_FALSE(table.find(Ipv6Address()));
  Ipv4Address untouched(1, 2, 3, 4);
  EXPECT_FALSE(table.translate(Ipv6Address(), untouched));
  EXPECT_EQ(untouched, Ipv4Address(1, 2, 3, 4));
}

TEST(EamTable, Refusals) {
  EamTable table(1);
  ASSERT_EQ(table.add(mapping("192.0.2.0/24", "2001:db8:1::/120")), Refusal::None);
  ASSERT_EQ(table.add(mapping("198.51.100.0/24", "2001:db8:2::/120")), Refusal::None);
  struct Row {
    const char* name;
    EamMapping mapping;
    Refusal refusal;
  };
  for (const Row& row :
       {Row{"IPv4 suffix too long", mapping("10.0.0.0/8", "2001:db8:3::/120"), Refusal::Ipv4SuffixTooLong},
        Row{"the same again", mapping("192.0.2.0/24", "2001:db8:1::/120"), Refusal::Ipv4PrefixTaken},
        Row{"the same IPv4", mapping("192.0.2.0/24", "2001:db8:3::/120"), Refusal::Ipv4PrefixTaken},
        Row{"the same IPv6", mapping("203.0.113.0/24", "2001:db8:1::/120"), Refusal::Ipv6PrefixTaken}}) {
    EXPECT_EQ(table.add(row.mapping), row.refusal) << row.name;
    EXPECT_EQ(table.size(), 2u) << row.name;
    EXPECT_FALSE(describe(row.refusal).empty());
  }
  EXPECT_EQ(table.replace(mapping("192.0.2.0/24", "2001:db8:2::/120")), Refusal::Ipv6PrefixTaken);
  EXPECT_EQ(table.replace(mapping("192.0.2.0/24", "2001:db8:4::/121")), Refusal::Ipv4SuffixTooLong);
  EXPECT_EQ(table.replace(mapping("203.0.113.0/24", "2001:db8:4::/120")), Refusal::NotFound);
  EXPECT_EQ(table.remove(*Ipv4Prefix::parse("192.0.2.0/25")), Refusal::NotFound);
  // Nothing was left half done: both are whole, and the refused IPv6 prefixes are free.
  EXPECT_EQ(table.at(*Ipv6Prefix::parse("2001:db8:1::/120")), mapping("192.0.2.0/24", "2001:db8:1::/120"));
  EXPECT_FALSE(table.find(*Ipv6Address::parse("2001:db8:3::1")));
  EXPECT_FALSE(table.find(*Ipv6Address::parse("2001:db8:4::1")));
  EXPECT_EQ(table.add(mapping("203.0.113.0/24", "2001:db8:3::/120")), Refusal::None);
}

// RFC 7757 §3.2: overlapping mappings are resolved by the longest match, on each side by its own.
TEST(EamTable, LongestMatchBothWays) {
  EamTable table(2);
  const EamMapping all = mapping("0.0.0.0/0", "2001:db8:ff00::/40");
  const EamMapping net = mapping("198.51.100.0/24", "2001:db8:ff00::/64");
  const EamMapping one = mapping("198.51.100.64/32", "2001:db8::abcd/128");
  for (const EamMapping& each : {net, all, one}) ASSERT_EQ(table.add(each), Refusal::None);
  EXPECT_EQ(table.find(Ipv4Address(203, 0, 113, 1)), all);
  EXPECT_EQ(table.find(Ipv4Address(198, 51, 100, 63)), net);
  EXPECT_EQ(table.find(Ipv4Address(198, 51, 100, 64)), one);
  EXPECT_EQ(table.find(*Ipv6Address::parse("2001:db8:ff00:1::")), all);
  EXPECT_EQ(table.find(*Ipv6Address::parse("2001:db8:ff00::1")), net);
  EXPECT_EQ(table.find(*Ipv6Address::parse("2001:db8::abcd")), one);
  ASSERT_EQ(table.remove(one.ipv4), Refusal::None);
  EXPECT_EQ(table.find(Ipv4Address(198, 51, 100, 64)), net);
  ASSERT_EQ(table.remove(net.ipv4), Refusal::None);
  EXPECT_EQ(table.find(Ipv4Address(198, 51, 100, 64)), all);
  ASSERT_EQ(table.remove(all.ipv4), Refusal::None);
  EXPECT_FALSE(table.find(Ipv4Address(198, 51, 100, 64)));
  EXPECT_FALSE(table.find(*Ipv6Address::parse("2001:db8:ff00::1")));
}

TEST(EamTable, EveryLengthAtOnce) {
  EamTable table(3);
  const Ipv4Address ipv4(0xffff'ffff);
  const Ipv6Address ipv6(~uint64_t{0} >> 1, ~uint64_t{0});  // no multicast
  // Nested in one another in both families: /0 in /0, /1 in /1, ... /32 in /32 to /128.
  for (unsigned length = 0; length <= 32; ++length) {
    const EamMapping m{Ipv4Prefix::holding(ipv4, length),
                       Ipv6Prefix::holding(ipv6, length == 32 ? 128 : length * 3)};
    ASSERT_EQ(table.add(m), Refusal::None) << length;
    EXPECT_EQ(table.find(ipv4), m) << length;
    EXPECT_EQ(table.find(ipv6), m) << length;
  }
  for (unsigned length = 32; length > 0; --length) {
    // Differs from `ipv4` first behind `length - 1` bits.
    const Ipv4Address other(~(uint32_t{1} << (32 - length)));
    EXPECT_EQ(table.find(other)->ipv4.length(), length - 1);
    ASSERT_EQ(table.remove(Ipv4Prefix::holding(ipv4, length)), Refusal::None);
    EXPECT_EQ(table.find(ipv4)->ipv4.length(), length - 1);
    EXPECT_EQ(table.find(ipv6)->ipv4.length(), length - 1);
  }
}

TEST(EamTable, EveryIpv6LengthForAHost) {
  EamTable table(4);
  const Ipv6Address ipv6(0x2001'0db8'0123'4567, 0x89ab'cdef'0123'4567);
  for (unsigned length = 0; length <= 128; ++length) {
    const EamMapping m{Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + length), 32),
                       Ipv6Prefix::holding(ipv6, length)};
    ASSERT_EQ(table.add(m), Refusal::None) << length;
    EXPECT_EQ(table.find(ipv6), m) << length;
  }
  for (unsigned length = 128; length > 0; --length) {
    ASSERT_EQ(table.remove(Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + length), 32)), Refusal::None);
    EXPECT_EQ(table.find(ipv6)->ipv6.length(), length - 1);
  }
}

TEST(EamTable, GrowsAndForgets) {
  EamTable table(5);
  constexpr uint32_t kCount = 20'000;
  for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(table.add(host(i)), Refusal::None);
  EXPECT_EQ(table.size(), kCount);
  EXPECT_FALSE(table.take_retired().empty());
  EXPECT_TRUE(table.take_retired().empty());
  for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(table.find(host(i).ipv4.address()), host(i));
  // Removing and adding the same number over and over neither loses anything nor grows without end.
  const std::size_t memory = table.memory_size();
  for (uint32_t round = 0; round < 6; ++round) {
    for (uint32_t i = 0; i < kCount; i += 2)
      ASSERT_EQ(table.remove(host(i + round * kCount * 2).ipv4), Refusal::None);
    for (uint32_t i = 0; i < kCount; i += 2)
      ASSERT_EQ(table.add(host(i + (round + 1) * kCount * 2)), Refusal::None);
    for (uint32_t i = 1; i < kCount; i += 2) ASSERT_EQ(table.find(host(i).ipv6.address()), host(i));
    (void)table.take_retired();
  }
  EXPECT_EQ(table.size(), kCount);
  EXPECT_LE(table.memory_size(), memory * 2);
  std::size_t visited = 0;
  table.for_each([&](const EamMapping&) { ++visited; });
  EXPECT_EQ(visited, kCount);
}

TEST(EamTable, ReservedRoomIsNotRebuilt) {
  EamTable table(6);
  table.reserve(10'000);
  (void)table.take_retired();
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(table.add(host(i)), Refusal::None);
  EXPECT_TRUE(table.take_retired().empty());
}

// The table against a plain map, over a space so small that prefixes nest and collide all the time.
class Model {
 public:
  Refusal add(const EamMapping& m) {
    if (!m.is_valid()) return Refusal::Ipv4SuffixTooLong;
    if (by_ipv4_.contains(m.ipv4)) return Refusal::Ipv4PrefixTaken;
    if (by_ipv6_.contains(m.ipv6)) return Refusal::Ipv6PrefixTaken;
    by_ipv4_[m.ipv4] = m;
    by_ipv6_[m.ipv6] = m;
    return Refusal::None;
  }
  Refusal remove(const Ipv4Prefix& ipv4) {
    const auto found = by_ipv4_.find(ipv4);
    if (found == by_ipv4_.end()) return Refusal::NotFound;
    by_ipv6_.erase(found->second.ipv6);
    by_ipv4_.erase(found);
    return Refusal::None;
  }
  Refusal replace(const EamMapping& m) {
    if (!m.is_valid()) return Refusal::Ipv4SuffixTooLong;
    const auto found = by_ipv4_.find(m.ipv4);
    if (found == by_ipv4_.end()) return Refusal::NotFound;
    if (found->second.ipv6 == m.ipv6) return Refusal::None;
    if (by_ipv6_.contains(m.ipv6)) return Refusal::Ipv6PrefixTaken;
    (void)remove(m.ipv4);
    return add(m);
  }
  [[nodiscard]] std::optional<EamMapping> find(Ipv4Address a) const {
    for (unsigned length = 33; length-- > 0;)
      if (const auto found = by_ipv4_.find(Ipv4Prefix::holding(a, length)); found != by_ipv4_.end())
        return found->second;
    return std::nullopt;
  }
  [[nodiscard]] std::optional<EamMapping> find(const Ipv6Address& a) const {
    for (unsigned length = 129; length-- > 0;)
      if (const auto found = by_ipv6_.find(Ipv6Prefix::holding(a, length)); found != by_ipv6_.end())
        return found->second;
    return std::nullopt;
  }
  [[nodiscard]] std::size_t size() const { return by_ipv4_.size(); }

 private:
  std::map<Ipv4Prefix, EamMapping> by_ipv4_;
  std::map<Ipv6Prefix, EamMapping> by_ipv6_;
};

TEST(EamTable, AHundredThousandRandomOperationsAgreeWithAMap) {
  RandomSource random(100'000);
  EamTable table(random.next());
  Model model;
  const auto ipv4 = [&] {
    return Ipv4Address(0xc000'0200 | static_cast<uint32_t>(random.below(1024) << random.below(20)));
  };
  const auto ipv6 = [&] {
    return Ipv6Address(0x2001'0db8'0000'0000 | random.below(64), random.below(64) << random.below(58));
  };
  const auto any = [&] {
    return EamMapping{Ipv4Prefix::holding(ipv4(), static_cast<unsigned>(random.below(33))),
                      Ipv6Prefix::holding(ipv6(), static_cast<unsigned>(random.below(129)))};
  };
  for (int i = 0; i < 100'000; ++i) {
    const EamMapping m = any();
    // The table fills and empties by turns.
    const bool filling = i / 10'000 % 2 == 0;
    switch (random.below(4)) {
      case 0:
      case 1:
        if (filling) {
          ASSERT_EQ(table.add(m), model.add(m)) << i;
        } else {
          ASSERT_EQ(table.remove(m.ipv4), model.remove(m.ipv4)) << i;
        }
        break;
      case 2: ASSERT_EQ(table.replace(m), model.replace(m)) << i; break;
      default: ASSERT_EQ(table.remove(m.ipv4), model.remove(m.ipv4)) << i;
    }
    ASSERT_EQ(table.size(), model.size()) << i;
    const Ipv4Address a = ipv4();
    const Ipv6Address b = ipv6();
    ASSERT_EQ(table.find(a), model.find(a)) << i << ' ' << a.to_string();
    ASSERT_EQ(table.find(b), model.find(b)) << i << ' ' << b.to_string();
    Ipv6Address translated;
    ASSERT_EQ(table.translate(a, translated), model.find(a).has_value());
    if (const auto found = model.find(a)) {
      ASSERT_EQ(translated, found->to_ipv6(a));
    }
  }
}

}  // namespace
}  // namespace yonroku::share
