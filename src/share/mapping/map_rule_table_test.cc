#include "share/mapping/map_rule_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/random_source.h"

namespace yonroku::share {
namespace {

using Index = MapRuleTable::Index;
using Lookup = MapRuleTable::Lookup;
using Refusal = MapRuleTable::Refusal;

MapRule make(const MapRule::Parts& parts) {
  const auto rule = MapRule::create(parts);
  if (!rule) ADD_FAILURE() << describe(rule.error());
  return rule.value_or(MapRule());
}
MapRule shared_rule(const char* ipv6, const char* ipv4, uint8_t ea_length, uint8_t psid_offset = 6) {
  return make({.ipv6 = *Ipv6Prefix::parse(ipv6),
               .ipv4 = *Ipv4Prefix::parse(ipv4),
               .ea_length = ea_length,
               .psid_offset = psid_offset});
}
MapRule softwire(const char* ipv6, const char* ipv4, PortParameters ports, uint16_t psid) {
  return make({.ipv6 = *Ipv6Prefix::parse(ipv6),
               .ipv4 = *Ipv4Prefix::parse(ipv4),
               .psid_offset = ports.psid_offset,
               .given_psid_length = ports.psid_length,
               .given_psid = psid});
}

struct Found {
  Lookup lookup = Lookup::NoRule;
  MapRule rule;
  AddressAndPsid customer;
};
Found find(const MapRuleTable& table, const char* address, uint16_t port) {
  Found found;
  found.lookup = table.find(*Ipv4Address::parse(address), port, found.rule, found.customer);
  return found;
}
Found find_whole(const MapRuleTable& table, const char* address) {
  Found found;
  found.lookup = table.find_whole(*Ipv4Address::parse(address), found.rule, found.customer);
  return found;
}
std::optional<MapRule> find(const MapRuleTable& table, const char* address) {
  MapRule rule;
  if (!table.find(*Ipv6Address::parse(address), rule)) return std::nullopt;
  return rule;
}

TEST(MapRuleTable, EmptyFindsNothing) {
  const MapRuleTable table(Index::BothWays, 0);
  EXPECT_EQ(find(table, "192.0.2.18", 1232).lookup, Lookup::NoRule);
  EXPECT_FALSE(find(table, "2001:db8::1"));
  EXPECT_EQ(find_whole(table, "192.0.2.18").lookup, Lookup::NoRule);
  table.prefetch(Ipv4Address(192, 0, 2, 18), 1232);
  table.prefetch(Ipv6Address());
  EXPECT_EQ(table.size(), 0u);
}

// RFC 7597 Appendix A, example 2: the border relay finds the customer of a port.
TEST(MapRuleTable, Rfc7597AppendixAExample2) {
  MapRuleTable table(Index::BothWays, 1);
  ASSERT_EQ(table.add(shared_rule("2001:db8::/40", "192.0.2.0/24", 16)), Refusal::None);
  const Found found = find(table, "192.0.2.18", 1232);
  ASSERT_EQ(found.lookup, Lookup::Found);
  EXPECT_EQ(found.customer, (AddressAndPsid{Ipv4Address(192, 0, 2, 18), 0x34}));
  EXPECT_EQ(found.rule.address_of(found.customer).to_string(), "2001:db8:12:3400:0:c000:212:34");
  EXPECT_EQ(find(table, "192.0.2.18", 1236).customer.psid, 0x35);
  EXPECT_EQ(find(table, "192.0.2.18", 1023).lookup, Lookup::PortNotAssigned) << "A is 0: RFC 7597 §5.1";
  EXPECT_EQ(find(table, "192.0.3.18", 1232).lookup, Lookup::NoRule);
  EXPECT_EQ(find(table, "2001:db8:12:3400:0:c000:212:34"), found.rule);
  EXPECT_FALSE(find(table, "2001:db9::1"));
  EXPECT_EQ(find_whole(table, "192.0.2.18").lookup, Lookup::Shared);
  EXPECT_EQ(find_whole(table, "192.0.3.18").lookup, Lookup::NoRule);
}

TEST(MapRuleTable, LongestPrefixOnEachSide) {
  MapRuleTable table(Index::BothWays, 2);
  const MapRule wide = shared_rule("2001:db8::/40", "192.0.2.0/24", 16);
  const MapRule whole =
      shared_rule("2001:db8:12:3400::/56", "192.0.2.99/32", 0);  // inside of `wide` on both sides
  for (const MapRule& each : {whole, wide}) ASSERT_EQ(table.add(each), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.99", 80).rule, whole);
  EXPECT_EQ(find(table, "192.0.2.98", 1232).rule, wide);
  EXPECT_EQ(find_whole(table, "192.0.2.99").rule, whole);
  EXPECT_EQ(find_whole(table, "192.0.2.98").lookup, Lookup::Shared);
  EXPECT_EQ(find(table, "2001:db8:12:34ff::"), whole);
  EXPECT_EQ(find(table, "2001:db8:12:3500::"), wide);
  ASSERT_EQ(table.remove(MapRuleKey::of(whole)), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.99", 1232).rule, wide);
  EXPECT_EQ(find(table, "192.0.2.99", 80).lookup, Lookup::PortNotAssigned);
  EXPECT_EQ(find(table, "2001:db8:12:34ff::"), wide);
}

// Where the longest prefix does not give the port out, a shorter one may.
TEST(MapRuleTable, TheLongestPrefixThatHasThePort) {
  MapRuleTable table(Index::Ipv4Only, 3);
  const MapRule block = shared_rule("2001:db8::/40", "192.0.2.0/24", 16, /*psid_offset=*/0);
  const MapRule address = shared_rule("2001:db8:1200::/40", "192.0.2.18/32", 8, /*psid_offset=*/6);
  for (const MapRule& each : {block, address}) ASSERT_EQ(table.add(each), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.18", 1024).rule, address);
  EXPECT_EQ(find(table, "192.0.2.18", 1023).rule, block);
}

TEST(MapRuleTable, SoftwiresOfOneAddress) {
  MapRuleTable table(Index::BothWays, 4);
  const MapRule one = softwire("2001:db8:1::1", "192.0.2.18", {6, 8}, 0x34);
  const MapRule two = softwire("2001:db8:2::1", "192.0.2.18", {6, 8}, 0x35);
  const MapRule rest = shared_rule("2001:db8:ffff::/48", "192.0.2.18/32", 0);  // whose PSID nobody was given
  ASSERT_EQ(table.add(one), Refusal::None);
  ASSERT_EQ(table.add(two), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.18", 1235).rule, one);
  EXPECT_EQ(find(table, "192.0.2.18", 1236).rule, two);
  EXPECT_EQ(find(table, "192.0.2.18", 1236).customer.psid, 0x35);
  EXPECT_EQ(find(table, "192.0.2.18", 1240).lookup, Lookup::PortNotAssigned) << "PSID 0x36 is nobody's";
  EXPECT_EQ(find(table, "192.0.2.18", 80).lookup, Lookup::PortNotAssigned) << "A is 0: RFC 7597 §5.1";
  EXPECT_EQ(find(table, "192.0.2.19", 1240).lookup, Lookup::NoRule) << "the address is nobody's";
  EXPECT_EQ(find_whole(table, "192.0.2.18").lookup, Lookup::Shared);
  EXPECT_EQ(find_whole(table, "192.0.2.19").lookup, Lookup::NoRule);
  // A given PSID comes before none.
  ASSERT_EQ(table.add(rest), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.18", 1235).rule, one);
  EXPECT_EQ(find(table, "192.0.2.18", 1240).rule, rest);
  EXPECT_EQ(find(table, "192.0.2.18", 80).rule, rest);
  EXPECT_EQ(find(table, "192.0.2.18", 80).customer, (AddressAndPsid{Ipv4Address(192, 0, 2, 18), 0}));
  EXPECT_EQ(find(table, "2001:db8:2::1"), two);
  EXPECT_FALSE(find(table, "2001:db8:2::2"));
  // The same PSID of another length, or behind another offset, is another key.
  EXPECT_EQ(table.add(softwire("2001:db8:3::1", "192.0.2.18", {6, 7}, 0x34)), Refusal::None);
  EXPECT_EQ(table.add(softwire("2001:db8:4::1", "192.0.2.18", {4, 8}, 0x34)), Refusal::None);
  EXPECT_EQ(table.add(softwire("2001:db8:5::1", "192.0.2.18", {6, 8}, 0x34)), Refusal::Ipv4Taken);
  EXPECT_EQ(table.size(), 5u);
}

// A softwire takes its part of an address out of a wider rule; the other addresses of that stay whole.
TEST(MapRuleTable, SoftwiresInsideOfAWholePrefix) {
  MapRuleTable table(Index::Ipv4Only, 11);
  const MapRule wide = softwire("2001:db8:ffff::1", "192.0.2.0/24", {}, 0);
  const MapRule part = softwire("2001:db8:1::1", "192.0.2.18", {6, 8}, 0x34);
  const MapRule alone = softwire("2001:db8:2::1", "198.51.100.1", {}, 0);
  for (const MapRule& each : {wide, part, alone}) ASSERT_EQ(table.add(each), Refusal::None);
  EXPECT_EQ(find_whole(table, "192.0.2.18").lookup, Lookup::Shared) << "port 1232 is another customer's";
  EXPECT_EQ(find_whole(table, "192.0.2.19").rule, wide);
  EXPECT_EQ(find_whole(table, "198.51.100.1").rule, alone);
  EXPECT_EQ(find_whole(table, "198.51.100.2").lookup, Lookup::NoRule) << "softwires of others say nothing";
  EXPECT_EQ(find(table, "192.0.2.18", 1240).rule, wide);
  ASSERT_EQ(table.remove(MapRuleKey::of(part)), Refusal::None);
  EXPECT_EQ(find_whole(table, "192.0.2.18").rule, wide);
}

// A given PSID in each address of a prefix wider than a /16.
TEST(MapRuleTable, APsidOfManyAddresses) {
  MapRuleTable table(Index::Ipv4Only, 12);
  const MapRule rule = make({.ipv6 = *Ipv6Prefix::parse("2001:db8::/32"),
                             .ipv4 = *Ipv4Prefix::parse("10.64.0.0/14"),
                             .ea_length = 18,
                             .given_psid_length = 2,
                             .given_psid = 1});
  ASSERT_EQ(table.add(rule), Refusal::None);
  for (const char* address : {"10.64.0.0", "10.65.1.2", "10.67.255.255"}) {
    EXPECT_EQ(find(table, address, 0x4000).lookup, Lookup::Found) << address;
    EXPECT_EQ(find(table, address, 0x8000).lookup, Lookup::PortNotAssigned) << address;
    EXPECT_EQ(find_whole(table, address).lookup, Lookup::Shared) << address;
  }
  for (const char* address : {"10.63.255.255", "10.68.0.0"}) {
    EXPECT_EQ(find(table, address, 0x8000).lookup, Lookup::NoRule) << address;
    EXPECT_EQ(find_whole(table, address).lookup, Lookup::NoRule) << address;
  }
  ASSERT_EQ(table.remove(MapRuleKey::of(rule)), Refusal::None);
  EXPECT_EQ(find(table, "10.65.1.2", 0x8000).lookup, Lookup::NoRule);
}

TEST(MapRuleTable, Refusals) {
  MapRuleTable both(Index::BothWays, 5);
  const MapRule first = shared_rule("2001:db8::/40", "192.0.2.0/24", 16);
  const MapRule second = shared_rule("2001:db8:100::/40", "198.51.100.0/24", 16);
  for (const MapRule& each : {first, second}) ASSERT_EQ(both.add(each), Refusal::None);
  EXPECT_EQ(both.add(first), Refusal::Ipv4Taken);
  EXPECT_EQ(both.add(shared_rule("2001:db8:200::/40", "192.0.2.0/24", 8)), Refusal::Ipv4Taken);
  EXPECT_EQ(both.add(shared_rule("2001:db8::/40", "203.0.113.0/24", 16)), Refusal::Ipv6Taken);
  EXPECT_EQ(both.replace(shared_rule("2001:db8:100::/40", "192.0.2.0/24", 16)), Refusal::Ipv6Taken);
  EXPECT_EQ(both.replace(shared_rule("2001:db8:200::/40", "203.0.113.0/24", 16)), Refusal::NotFound);
  EXPECT_EQ(both.remove({*Ipv4Prefix::parse("192.0.2.0/25"), {}, 0}), Refusal::NotFound);
  // Nothing was left half done.
  EXPECT_EQ(both.size(), 2u);
  EXPECT_EQ(find(both, "2001:db8::1"), first);
  EXPECT_EQ(find(both, "2001:db8:100::1"), second);
  EXPECT_FALSE(find(both, "2001:db8:200::1"));
  EXPECT_EQ(both.at(MapRuleKey::of(first)), first);

  // Tunnels look at one side only: several customers may sit behind one IPv6 address.
  MapRuleTable one(Index::Ipv4Only, 6);
  ASSERT_EQ(one.add(first), Refusal::None);
  EXPECT_EQ(one.add(shared_rule("2001:db8::/40", "203.0.113.0/24", 16)), Refusal::None);
  EXPECT_EQ(one.add(first), Refusal::Ipv4Taken);
  for (const Refusal refusal :
       {Refusal::Ipv4Taken, Refusal::Ipv6Taken, Refusal::TooManyPatterns, Refusal::NotFound})
    EXPECT_FALSE(describe(refusal).empty());
}

TEST(MapRuleTable, ReplaceMovesACustomer) {
  MapRuleTable table(Index::BothWays, 7);
  const MapRule here = softwire("2001:db8:1::1", "192.0.2.18", {6, 8}, 0x34);
  const MapRule there = softwire("2001:db8:2::1", "192.0.2.18", {6, 8}, 0x34);
  ASSERT_EQ(table.add(here), Refusal::None);
  ASSERT_EQ(table.replace(here), Refusal::None);
  EXPECT_EQ(find(table, "2001:db8:1::1"), here);
  ASSERT_EQ(table.replace(there), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.18", 1232).rule, there);
  EXPECT_FALSE(find(table, "2001:db8:1::1"));
  EXPECT_EQ(find(table, "2001:db8:2::1"), there);
  EXPECT_EQ(table.size(), 1u);
  // Same prefixes, another number of ports.
  const MapRule wide = shared_rule("2001:db8:100::/40", "198.51.100.0/24", 16);
  const MapRule narrow = shared_rule("2001:db8:100::/40", "198.51.100.0/24", 12);
  ASSERT_EQ(table.add(wide), Refusal::None);
  ASSERT_EQ(table.replace(narrow), Refusal::None);
  EXPECT_EQ(find(table, "198.51.100.1", 5000).rule, narrow);
  EXPECT_EQ(find(table, "2001:db8:100::"), narrow);
}

// A pattern lasts as long as one rule has it.
TEST(MapRuleTable, PatternsComeAndGo) {
  MapRuleTable table(Index::Ipv4Only, 8);
  std::vector<MapRule> rules;
  for (uint8_t k = 1; k <= 8; ++k)
    for (uint8_t a = 1; a <= 8; ++a) rules.push_back(softwire("2001:db8::1", "192.0.2.18", {a, k}, 0));
  ASSERT_EQ(rules.size(), 64u);
  for (const MapRule& each : rules) ASSERT_EQ(table.add(each), Refusal::None);
  const MapRule one_more = shared_rule("2001:db8::/40", "192.0.2.0/24", 16);
  EXPECT_EQ(table.add(one_more), Refusal::TooManyPatterns);
  EXPECT_EQ(table.size(), 64u);
  const MapRule same_pattern = softwire("2001:db8::2", "192.0.2.19", {6, 8}, 1);
  EXPECT_EQ(table.add(same_pattern), Refusal::None);
  for (const MapRule& each : rules) ASSERT_EQ(table.remove(MapRuleKey::of(each)), Refusal::None);
  EXPECT_EQ(find(table, "192.0.2.19", 1028).rule, same_pattern);
  EXPECT_EQ(find(table, "192.0.2.18", 1024).lookup, Lookup::NoRule);
  EXPECT_EQ(table.add(one_more), Refusal::None);
  ASSERT_EQ(table.remove(MapRuleKey::of(same_pattern)), Refusal::None);
  ASSERT_EQ(table.remove(MapRuleKey::of(one_more)), Refusal::None);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(find_whole(table, "192.0.2.18").lookup, Lookup::NoRule);
  EXPECT_FALSE(table.take_retired().empty());
  EXPECT_TRUE(table.take_retired().empty());
}

// Only a new pattern is published: softwires of a known kind retire nothing but grown storage.
TEST(MapRuleTable, SoftwiresOfAKnownKindRetireNothing) {
  MapRuleTable table(Index::BothWays, 9);
  table.reserve(3'000);
  const auto wire = [](uint32_t i) {
    return make({.ipv6 = Ipv6Prefix::holding({0x2001'0db8'0000'0000, i}, 128),
                 .ipv4 = Ipv4Prefix::holding(Ipv4Address(0xc000'0200 + i / 256), 32),
                 .psid_offset = 6,
                 .given_psid_length = 8,
                 .given_psid = static_cast<uint16_t>(i % 256)});
  };
  ASSERT_EQ(table.add(wire(0)), Refusal::None);
  (void)table.take_retired();
  for (uint32_t i = 1; i < 3'000; ++i) ASSERT_EQ(table.add(wire(i)), Refusal::None);
  EXPECT_TRUE(table.take_retired().empty());
  for (uint32_t i = 0; i < 3'000; ++i) {
    const PortSet ports = *PortSet::create({6, 8}, static_cast<uint16_t>(i % 256));
    MapRule rule;
    AddressAndPsid customer;
    ASSERT_EQ(table.find(Ipv4Address(0xc000'0200 + i / 256), ports.range(i % 63).last, rule, customer),
              Lookup::Found);
    ASSERT_EQ(rule, wire(i));
  }
  std::size_t visited = 0;
  table.for_each([&](const MapRule&) { ++visited; });
  EXPECT_EQ(visited, 3'000u);
  EXPECT_GE(table.memory_size(), 2 * 3'000u * 32);
}

// The table against a list, over a space so small that rules nest and collide all the time.
class Model {
 public:
  Refusal add(const MapRule& rule) {
    for (const MapRule& each : rules_)
      if (MapRuleKey::of(each) == MapRuleKey::of(rule)) return Refusal::Ipv4Taken;
    for (const MapRule& each : rules_)
      if (each.ipv6() == rule.ipv6()) return Refusal::Ipv6Taken;
    rules_.push_back(rule);
    return Refusal::None;
  }
  Refusal remove(const MapRuleKey& key) {
    return std::erase_if(rules_, [&](const MapRule& each) { return MapRuleKey::of(each) == key; }) > 0
               ? Refusal::None
               : Refusal::NotFound;
  }
  Refusal replace(const MapRule& rule) {
    for (MapRule& present : rules_) {
      if (MapRuleKey::of(present) != MapRuleKey::of(rule)) continue;
      for (const MapRule& each : rules_)
        if (&each != &present && each.ipv6() == rule.ipv6()) return Refusal::Ipv6Taken;
      present = rule;
      return Refusal::None;
    }
    return Refusal::NotFound;
  }
  [[nodiscard]] Found find(Ipv4Address address, uint16_t port) const {
    Found found;
    const MapRule* best = nullptr;
    const auto rank = [](const MapRule& rule) {
      return std::pair(rule.ipv4().length(), MapRuleKey::of(rule).given);
    };
    for (const MapRule& each : rules_) {
      if (!each.ipv4().contains(address)) continue;
      const PortParameters ports = each.ports();
      const bool has_port =
          ports.gives_out(port) && (!each.has_given_psid() || ports.psid_of(port) == each.parts().given_psid);
      if (!has_port && found.lookup == Lookup::NoRule) found.lookup = Lookup::PortNotAssigned;
      if (!has_port || (best != nullptr && rank(*best) > rank(each))) continue;
      best = &each;
      found = {Lookup::Found, each, {address, ports.is_shared() ? ports.psid_of(port) : uint16_t{0}}};
    }
    return found;
  }
  // Of the rules that come first for some port, by length and then by a given PSID, one that has all ports.
  [[nodiscard]] Found find_whole(Ipv4Address address) const {
    const MapRule* first = nullptr;
    const auto rank = [](const MapRule& rule) {
      return std::pair(rule.ipv4().length(), rule.has_given_psid());
    };
    for (const MapRule& each : rules_)
      if (each.ipv4().contains(address) && (first == nullptr || rank(each) > rank(*first))) first = &each;
    if (first == nullptr) return {};
    if (first->is_shared()) return {Lookup::Shared, {}, {}};
    return {Lookup::Found, *first, {address, 0}};
  }
  [[nodiscard]] std::optional<MapRule> find(const Ipv6Address& address) const {
    std::optional<MapRule> best;
    for (const MapRule& each : rules_)
      if (each.ipv6().contains(address) && (!best || best->ipv6().length() < each.ipv6().length()))
        best = each;
    return best;
  }
  [[nodiscard]] std::size_t size() const { return rules_.size(); }

 private:
  std::vector<MapRule> rules_;
};

TEST(MapRuleTable, RandomOperationsAgreeWithAList) {
  RandomSource random(7596);
  MapRuleTable table(Index::BothWays, random.next());
  Model model;
  const auto ipv4 = [&] {
    return Ipv4Address(0xc000'0200 | static_cast<uint32_t>(random.below(16) << random.below(8)));
  };
  const auto ipv6 = [&] {
    return Ipv6Address(0x2001'0db8'0000'0000 | random.below(64) << random.below(24), 0);
  };
  // Few enough kinds that the list of patterns is not always full, but sometimes.
  const auto any = [&] {
    while (true) {
      MapRule::Parts parts{
          .ipv6 = Ipv6Prefix::holding(ipv6(), 32 + 4 * static_cast<unsigned>(random.below(9))),
          .ipv4 = Ipv4Prefix::holding(ipv4(), 24 + static_cast<unsigned>(random.below(9))),
          .ea_length = static_cast<uint8_t>(random.below(20)),
          .psid_offset = static_cast<uint8_t>(random.below(3) * 3)};
      if (random.below(3) == 0) parts.ipv6 = Ipv6Prefix::holding(parts.ipv6.address(), 128);
      parts.border = static_cast<uint8_t>(random.below(4));
      if (random.below(2) == 0) {
        parts.ea_length = static_cast<uint8_t>(parts.ipv4.suffix_length());
        parts.given_psid_length = static_cast<uint8_t>(1 + random.below(2));
        parts.given_psid = static_cast<uint16_t>(random.below(2));
      }
      if (const auto rule = MapRule::create(parts)) return *rule;
    }
  };
  std::size_t found_count = 0;
  std::size_t whole_count = 0;
  for (int i = 0; i < 60'000; ++i) {
    const MapRule rule = any();
    const bool is_filling = i / 5'000 % 2 == 0;
    switch (random.below(4)) {
      case 0:
      case 1:
        if (!is_filling) {
          ASSERT_EQ(table.remove(MapRuleKey::of(rule)), model.remove(MapRuleKey::of(rule))) << i;
        } else if (const Refusal refusal = table.add(rule); refusal != Refusal::TooManyPatterns) {
          ASSERT_EQ(refusal, model.add(rule)) << i;
        }
        break;
      case 2: ASSERT_EQ(table.replace(rule), model.replace(rule)) << i; break;
      default: ASSERT_EQ(table.remove(MapRuleKey::of(rule)), model.remove(MapRuleKey::of(rule))) << i;
    }
    ASSERT_EQ(table.size(), model.size()) << i;
    const Ipv4Address address = ipv4();
    const auto port = static_cast<uint16_t>(random.next() >> random.below(64));
    Found found;
    found.lookup = table.find(address, port, found.rule, found.customer);
    const Found expected = model.find(address, port);
    ASSERT_EQ(found.lookup, expected.lookup) << i << ' ' << address.to_string() << ' ' << port;
    if (found.lookup == Lookup::Found) {
      ++found_count;
      ASSERT_EQ(found.rule, expected.rule) << i;
      ASSERT_EQ(found.customer, expected.customer) << i;
    }
    Found whole;
    whole.lookup = table.find_whole(address, whole.rule, whole.customer);
    const Found expected_whole = model.find_whole(address);
    ASSERT_EQ(whole.lookup, expected_whole.lookup) << i << ' ' << address.to_string();
    if (whole.lookup == Lookup::Found) {
      ++whole_count;
      ASSERT_EQ(whole.rule, expected_whole.rule) << i;
      ASSERT_EQ(whole.customer, expected_whole.customer) << i;
    }
    MapRuleTable::End end;
    ASSERT_EQ(table.find_end(address, port, end), found.lookup) << i;
    if (found.lookup == Lookup::Found) {
      ASSERT_EQ(end.address, found.rule.address_of(found.customer)) << i;
      ASSERT_EQ(end.border, found.rule.parts().border) << i;
    }
    MapRule by_ipv6;
    const Ipv6Address source = ipv6();
    const bool has_rule = table.find(source, by_ipv6);
    ASSERT_EQ(has_rule ? std::optional(by_ipv6) : std::nullopt, model.find(source)) << i;
  }
  EXPECT_GT(found_count, 10'000u);
  EXPECT_GT(whole_count, 100u);
}

// One writer, several readers. A rule that is only ever moved is found in each lookup, before or after the
// move but whole, while rules and patterns around it come and go.
TEST(MapRuleTableThreads, ALastingRuleIsFoundWhateverElseChanges) {
  MapRuleTable table(Index::BothWays, 10);
  const MapRule lasting = softwire("2001:db8:1::1", "192.0.2.18", {6, 8}, 0x34);
  const MapRule moved = softwire("2001:db8:2::1", "192.0.2.18", {6, 8}, 0x34);
  const MapRule block = shared_rule("2001:db8:8000::/40", "198.51.100.0/24", 16);
  ASSERT_EQ(table.add(lasting), Refusal::None);
  ASSERT_EQ(table.add(block), Refusal::None);
  std::atomic<bool> done = false;
  std::atomic<uint64_t> wrong = 0;
  std::atomic<uint64_t> looked_up = 0;
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      uint64_t count = 0;
      while (!done.load(std::memory_order_relaxed)) {
        const Found wire = find(table, "192.0.2.18", 1232);
        if (wire.lookup != Lookup::Found || (wire.rule != lasting && wire.rule != moved)) ++wrong;
        if (wire.customer != AddressAndPsid{Ipv4Address(192, 0, 2, 18), 0x34}) ++wrong;
        const Found customer = find(table, "198.51.100.7", 5000);
        if (customer.lookup != Lookup::Found || customer.rule != block) ++wrong;
        if (find(table, "2001:db8:8000::1") != block) ++wrong;
        // The address of a move is the customer's before or after it, or nobody's.
        if (const auto rule = find(table, "2001:db8:2::1"); rule && *rule != moved) ++wrong;
        if (find_whole(table, "192.0.2.18").lookup != Lookup::Shared) ++wrong;
        table.prefetch(Ipv4Address(192, 0, 2, 18), 1232);
        ++count;
      }
      looked_up += count;
    });
  }
  std::vector<MapRuleTable::Retired> retired;
  for (uint32_t i = 0; i < 4'000; ++i) {
    EXPECT_EQ(table.replace(i % 2 == 0 ? moved : lasting), Refusal::None);
    // Another length and other PSID parameters each time: patterns are published and retired under the
    // readers.
    const MapRule other = make({.ipv6 = Ipv6Prefix::holding({0x2001'0db8'9000'0000u + i, 0}, 64 + i % 60),
                                .ipv4 = Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + (i << 12)), 25 + i % 8),
                                .ea_length = static_cast<uint8_t>(i % 3),
                                .psid_offset = static_cast<uint8_t>(i % 7)});
    EXPECT_EQ(table.add(other), Refusal::None);
    if (i % 3 != 0) {
      EXPECT_EQ(table.remove(MapRuleKey::of(other)), Refusal::None);
    }
    if (auto each = table.take_retired(); !each.empty()) retired.push_back(std::move(each));
  }
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_GT(looked_up.load(), 100u);
  EXPECT_GT(retired.size(), 10u) << "patterns were meant to change under the readers";
}

TEST(MapRuleTable, FindsThoseThatCutAnAddressUpOtherwise) {
  MapRuleTable table(Index::Ipv4Only, 1);
  const MapRule quarter = softwire("2001:db8::1/128", "192.0.2.1", {0, 2}, 3);
  const MapRule eighth = softwire("2001:db8::2/128", "192.0.2.1", {0, 3}, 1);
  const MapRule whole = softwire("2001:db8::3/128", "192.0.2.2", {}, 0);
  for (const MapRule& rule : {quarter, eighth, whole}) ASSERT_EQ(table.add(rule), Refusal::None);
  const auto others = [&](const MapRule& rule) {
    std::vector<MapRule> found;
    table.for_each_cut_otherwise(rule, [&](const MapRule& other) { found.push_back(other); });
    return found;
  };
  EXPECT_EQ(others(quarter), std::vector{eighth});
  EXPECT_EQ(others(softwire("2001:db8::4/128", "192.0.2.1", {}, 0)), (std::vector{eighth, quarter}));
  EXPECT_EQ(others(softwire("2001:db8::4/128", "192.0.2.2", {0, 2}, 1)), std::vector{whole});
  EXPECT_TRUE(others(whole).empty());
  EXPECT_EQ(table.keys_of(quarter.ipv4(), 3), std::vector{MapRuleKey::of(quarter)});
  EXPECT_EQ(table.keys_of(whole.ipv4(), std::nullopt), std::vector{MapRuleKey::of(whole)});
  EXPECT_TRUE(table.keys_of(quarter.ipv4(), std::nullopt).empty());
}

}  // namespace
}  // namespace yonroku::share
