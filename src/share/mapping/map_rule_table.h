// Mapping rules and softwires, found by IPv4 address and port (the longest IPv4 prefix that has the port
// wins) and, where packets are translated, by IPv6 address (longest match). One writer may change the table
// while workers read.
//
// A hash table holds the rules by their IPv4 prefix and, of those with a given PSID, that PSID. The list of
// patterns in use (prefix length, PSID parameters) says what a lookup tries; a table of softwires has one or
// two. A rule takes 32 octets in each direction, about 50 with the room that hashing needs. A small table
// counts the given PSIDs of each IPv4 prefix: a PSID that nobody has does not say whether the address is one
// of ours.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "share/mapping/concurrent_table.h"
#include "share/mapping/length_set.h"
#include "share/mapping/map_rule.h"
#include "share/mapping/map_rule_slots.h"

namespace yonroku::share {

class MapRuleTable {
 public:
  enum class Index : uint8_t { Ipv4Only, BothWays };
  enum class Refusal : uint8_t { None, Ipv4Taken, Ipv6Taken, TooManyPatterns, NotFound };
  enum class Lookup : uint8_t {
    Found,
    NoRule,           // nobody has the address, whatever the port
    PortNotAssigned,  // somebody does, but the port is nobody's
    Shared,           // only of find_whole(): several customers have it, and only a port would tell
  };

  // `seed` keys the hashes, so that nobody can choose addresses that collide.
  MapRuleTable(Index index, uint64_t seed,
               std::pmr::memory_resource* memory = std::pmr::get_default_resource());
  ~MapRuleTable();
  MapRuleTable(const MapRuleTable&) = delete;
  MapRuleTable& operator=(const MapRuleTable&) = delete;

  // --- readers, on any thread ---

  // Who has the address and port. `rule` and `customer` are written when found.
  YONROKU_HOT_INLINE Lookup find(Ipv4Address address, uint16_t port, MapRule& rule,
                                 AddressAndPsid& customer) const noexcept {
    const Patterns* patterns = patterns_.load(std::memory_order_acquire);
    Lookup result = Lookup::NoRule;
    for (const Pattern& pattern : *patterns) {
      MapRuleKey key{Ipv4Prefix::holding(address, pattern.ipv4_length), pattern.given, 0};
      if (pattern.given.is_shared()) {
        if (!pattern.given.gives_out(port)) continue;
        key.psid = pattern.given.psid_of(port);
      }
      bool found = false;
      (void)by_ipv4_.visit(key, [&](const Words& words) YONROKU_HOT_LAMBDA {
        const MapRule candidate = MapRuleTraits::value(words);
        const PortParameters ports = candidate.ports();
        result = Lookup::PortNotAssigned;
        if (!ports.gives_out(port)) return;
        rule = candidate;
        customer = {address, ports.is_shared() ? ports.psid_of(port) : uint16_t{0}};
        found = true;
      });
      if (found) return Lookup::Found;
    }
    return result == Lookup::NoRule && is_near(address) ? of_nobody(address) : result;
  }
  // The same for those who only ask where the customer is: a softwire's end is read from the table as it
  // stands.
  struct End {
    Ipv6Address address;
    uint8_t border = 0;
  };
  YONROKU_HOT_INLINE Lookup find_end(Ipv4Address address, uint16_t port, End& end) const noexcept {
    const Patterns* patterns = patterns_.load(std::memory_order_acquire);
    Lookup result = Lookup::NoRule;
    for (const Pattern& pattern : *patterns) {
      MapRuleKey key{Ipv4Prefix::holding(address, pattern.ipv4_length), pattern.given, 0};
      if (pattern.given.is_shared()) {
        if (!pattern.given.gives_out(port)) continue;
        key.psid = pattern.given.psid_of(port);
      }
      Lookup here = Lookup::NoRule;
      (void)by_ipv4_.visit(key, [&](const Words& words) YONROKU_HOT_LAMBDA {
        end.border = static_cast<uint8_t>(words.w3);
        if ((words.w0 >> 38 & 0xff) == 128) [[likely]] {
          end.address = {words.w1, words.w2};
          here = Lookup::Found;
        } else {
          here = end_by_rule(MapRuleTraits::value(words), address, port, end.address);
        }
      });
      if (here == Lookup::Found) return here;
      if (here == Lookup::PortNotAssigned) result = here;
    }
    return result == Lookup::NoRule && is_near(address) ? of_nobody(address) : result;
  }
  // The rule whose IPv6 prefix matches longest; only with Index::BothWays.
  YONROKU_HOT_INLINE bool find(const Ipv6Address& address, MapRule& rule) const noexcept {
    return ipv6_lengths_.from_longest([&](unsigned length) YONROKU_HOT_LAMBDA {
      return by_ipv6_.visit(Ipv6Prefix::holding(address, length), [&](const Words& words) YONROKU_HOT_LAMBDA {
        rule = MapRuleTraits::value(words);
      });
    });
  }
  // Whether a rule has a prefix in the address' /16, or had one: what the way out of a tunnel can afford to
  // ask about each host of the Internet.
  [[nodiscard]] bool is_near(Ipv4Address address) const noexcept {
    return (near_word(address).load(std::memory_order_relaxed) & NearBits::bit_of(address)) != 0;
  }
  // For packets that show no port: Found when find() has the same answer for every port, NoRule when it finds
  // nobody for any, else Shared.
  Lookup find_whole(Ipv4Address address, MapRule& rule, AddressAndPsid& customer) const noexcept;
  // Brings what find() will look up towards the cache.
  void prefetch(Ipv4Address address, uint16_t port) const noexcept;
  void prefetch(const Ipv6Address& address) const noexcept;

  // --- the one writer ---
  void reserve(std::size_t count);
  Refusal add(const MapRule& rule);
  Refusal remove(const MapRuleKey& key);
  // Changes what the key stands for in one step, for readers too.
  Refusal replace(const MapRule& rule);
  [[nodiscard]] std::optional<MapRule> at(const MapRuleKey& key) const { return by_ipv4_.find(key); }
  [[nodiscard]] std::size_t size() const { return by_ipv4_.size(); }
  [[nodiscard]] std::size_t memory_size() const {
    return by_ipv4_.memory_size() + by_ipv6_.memory_size() + shared_.memory_size();
  }
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    by_ipv4_.for_each([&](const MapRuleKey&, const MapRule& rule) { visit(rule); });
  }
  // Calls visit(rule) for those of the same IPv4 prefix that have another key than `rule` because they cut
  // its addresses up otherwise. Looks up every PSID that they could have; where all softwires of a prefix
  // length have the same parameters, as they should, there is nothing to look up.
  template <class Visitor>
  void for_each_cut_otherwise(const MapRule& rule, Visitor&& visit) const {
    const Pattern own = pattern_of(rule);
    for (const Pattern& pattern : *patterns_owner_) {
      if (pattern.ipv4_length != own.ipv4_length || pattern.given == own.given) continue;
      const uint32_t psids = uint32_t{1} << pattern.given.psid_length;
      for (uint32_t psid = 0; psid < psids; ++psid)
        if (const auto other = at({rule.ipv4(), pattern.given, static_cast<uint16_t>(psid)})) visit(*other);
    }
  }
  // The keys with that IPv4 prefix and PSID, whatever the PSID parameters: one, as a rule.
  [[nodiscard]] std::vector<MapRuleKey> keys_of(const Ipv4Prefix& ipv4, std::optional<uint16_t> psid) const;
  // Whether every rule of `other` could be added without refusal for TooManyPatterns.
  [[nodiscard]] bool has_room_for_patterns_of(const MapRuleTable& other) const;

  // --- for those who share the memory; slots are elsewhere after a table has grown ---
  [[nodiscard]] TableMemoryView memory_by_ipv4() const { return by_ipv4_.memory_view(); }
  [[nodiscard]] TableMemoryView memory_by_ipv6() const { return by_ipv6_.memory_view(); }
  [[nodiscard]] TableMemoryView memory_shared() const { return shared_.memory_view(); }  // SharedPrefixes
  [[nodiscard]] TableMemoryView memory_near() const { return {near_, 0}; }               // NearBits
  [[nodiscard]] const LengthSet<128>& ipv6_lengths() const { return ipv6_lengths_; }
  // What a lookup by IPv4 address tries, in this order: visit(IPv4 prefix length, a given PSID's parameters).
  template <class Visitor>
  void for_each_pattern(Visitor&& visit) const {
    for (const Pattern& pattern : *patterns_owner_) visit(pattern.ipv4_length, pattern.given);
  }

 private:
  [[nodiscard]] std::atomic_ref<uint64_t> near_word(Ipv4Address address) const noexcept {
    const uint32_t word = NearBits::word_of(address);
    return std::atomic_ref<uint64_t>(near_[word / 4].words[word % 4]);
  }
  void mark_near(const Ipv4Prefix& prefix) noexcept;
  // PortNotAssigned when rules with a given PSID have the address, else NoRule.
  [[nodiscard]] Lookup of_nobody(Ipv4Address address) const noexcept;
  void count_shared(const MapRuleKey& key);
  void uncount_shared(const MapRuleKey& key);
  static Lookup end_by_rule(const MapRule& rule, Ipv4Address address, uint16_t port,
                            Ipv6Address& end) noexcept;
  struct Pattern {
    uint8_t ipv4_length;
    PortParameters given;
    std::size_t users = 0;  // the writer's
    [[nodiscard]] bool is_same(const Pattern& other) const {
      return ipv4_length == other.ipv4_length && given == other.given;
    }
  };
  using Patterns = std::vector<Pattern>;  // longest prefix first; a given PSID before none
  static Pattern pattern_of(const MapRule& rule);
  Refusal count_pattern(const MapRule& rule);
  void uncount_pattern(const MapRule& rule);
  void publish(std::unique_ptr<Patterns> patterns);

  // A lookup tries each: rules of all 33 lengths and a few dozen kinds of softwires.
  static constexpr std::size_t kMostPatterns = 64;
  Index index_;
  ConcurrentTable<MapRuleByIpv4> by_ipv4_;
  ConcurrentTable<MapRuleByIpv6> by_ipv6_;
  ConcurrentTable<SharedPrefixes> shared_;
  static constexpr std::size_t kNearSize = NearBits::kWords * sizeof(uint64_t);
  std::pmr::memory_resource* memory_;
  Slot* near_;  // NearBits
  LengthSet<128> ipv6_lengths_;
  std::unique_ptr<Patterns> patterns_owner_;
  std::atomic<const Patterns*> patterns_;

 public:
  // What readers may still be looking at after a change: keep it until none of them can.
  struct Retired {
    std::vector<std::unique_ptr<ConcurrentTable<MapRuleByIpv4>::Storage>> ipv4;
    std::vector<std::unique_ptr<ConcurrentTable<MapRuleByIpv6>::Storage>> ipv6;
    std::vector<std::unique_ptr<ConcurrentTable<SharedPrefixes>::Storage>> shared;
    std::vector<std::unique_ptr<Patterns>> patterns;
    [[nodiscard]] bool empty() const {
      return ipv4.empty() && ipv6.empty() && shared.empty() && patterns.empty();
    }
  };
  [[nodiscard]] Retired take_retired() {
    return {by_ipv4_.take_retired(), by_ipv6_.take_retired(), shared_.take_retired(),
            std::exchange(retired_patterns_, {})};
  }

 private:
  std::vector<std::unique_ptr<Patterns>> retired_patterns_;
};

[[nodiscard]] std::string_view describe(MapRuleTable::Refusal refusal);

}  // namespace yonroku::share
