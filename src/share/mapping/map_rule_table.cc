#include "share/mapping/map_rule_table.h"

#include <algorithm>
#include <cstring>

namespace yonroku::share {

MapRuleTable::MapRuleTable(Index index, uint64_t seed, std::pmr::memory_resource* memory)
    : index_(index),
      by_ipv4_(seed, memory),
      by_ipv6_(seed, memory),
      shared_(seed, memory),
      memory_(memory),
      near_(static_cast<Slot*>(memory->allocate(kNearSize, alignof(Slot)))),
      patterns_owner_(std::make_unique<Patterns>()),
      patterns_(patterns_owner_.get()) {
  std::memset(static_cast<void*>(near_), 0, kNearSize);
}

MapRuleTable::~MapRuleTable() { memory_->deallocate(near_, kNearSize, alignof(Slot)); }

MapRuleTable::Lookup MapRuleTable::find_whole(Ipv4Address address, MapRule& rule,
                                              AddressAndPsid& customer) const noexcept {
  // In the order of find(): whatever comes first has some ports at least.
  const Patterns* patterns = patterns_.load(std::memory_order_acquire);
  for (const Pattern& pattern : *patterns) {
    const Ipv4Prefix prefix = Ipv4Prefix::holding(address, pattern.ipv4_length);
    if (pattern.given.is_shared()) {
      if (is_near(address) && shared_.find(prefix)) return Lookup::Shared;
      continue;
    }
    const auto found = by_ipv4_.find({prefix, {}, 0});
    if (!found) continue;
    if (found->is_shared()) return Lookup::Shared;
    rule = *found;
    customer = {address, 0};
    return Lookup::Found;
  }
  return Lookup::NoRule;
}

MapRuleTable::Lookup MapRuleTable::of_nobody(Ipv4Address address) const noexcept {
  const Patterns* patterns = patterns_.load(std::memory_order_acquire);
  for (const Pattern& pattern : *patterns)
    if (pattern.given.is_shared() && shared_.find(Ipv4Prefix::holding(address, pattern.ipv4_length)))
      return Lookup::PortNotAssigned;
  return Lookup::NoRule;
}

MapRuleTable::Lookup MapRuleTable::end_by_rule(const MapRule& rule, Ipv4Address address, uint16_t port,
                                               Ipv6Address& end) noexcept {
  const PortParameters ports = rule.ports();
  if (!ports.gives_out(port)) return Lookup::PortNotAssigned;
  end = rule.address_of({address, ports.is_shared() ? ports.psid_of(port) : uint16_t{0}});
  return Lookup::Found;
}

void MapRuleTable::prefetch(Ipv4Address address, uint16_t port) const noexcept {
  const Patterns* patterns = patterns_.load(std::memory_order_acquire);
  if (patterns->empty()) return;
  const Pattern& pattern = patterns->front();
  const bool has_psid = pattern.given.is_shared() && pattern.given.gives_out(port);
  by_ipv4_.prefetch({Ipv4Prefix::holding(address, pattern.ipv4_length), pattern.given,
                     has_psid ? pattern.given.psid_of(port) : uint16_t{0}});
}

void MapRuleTable::prefetch(const Ipv6Address& address) const noexcept {
  (void)ipv6_lengths_.from_longest([&](unsigned length) {
    by_ipv6_.prefetch(Ipv6Prefix::holding(address, length));
    return true;
  });
}

void MapRuleTable::reserve(std::size_t count) {
  by_ipv4_.reserve(count);
  if (index_ == Index::BothWays) by_ipv6_.reserve(count);
}

MapRuleTable::Refusal MapRuleTable::add(const MapRule& rule) {
  const MapRuleKey key = MapRuleKey::of(rule);
  if (by_ipv4_.find(key)) return Refusal::Ipv4Taken;
  if (index_ == Index::BothWays && by_ipv6_.find(rule.ipv6())) return Refusal::Ipv6Taken;
  if (const Refusal refusal = count_pattern(rule); refusal != Refusal::None) return refusal;
  if (index_ == Index::BothWays) {
    by_ipv6_.insert(rule.ipv6(), rule);
    ipv6_lengths_.add(rule.ipv6().length());
  }
  mark_near(rule.ipv4());
  count_shared(key);
  by_ipv4_.insert(key, rule);
  return Refusal::None;
}

MapRuleTable::Refusal MapRuleTable::remove(const MapRuleKey& key) {
  const auto rule = by_ipv4_.find(key);
  if (!rule) return Refusal::NotFound;
  by_ipv4_.erase(key);
  uncount_shared(key);
  uncount_pattern(*rule);
  if (index_ == Index::BothWays) {
    by_ipv6_.erase(rule->ipv6());
    ipv6_lengths_.remove(rule->ipv6().length());
  }
  return Refusal::None;
}

MapRuleTable::Refusal MapRuleTable::replace(const MapRule& rule) {
  const MapRuleKey key = MapRuleKey::of(rule);
  const auto present = by_ipv4_.find(key);
  if (!present) return Refusal::NotFound;
  if (index_ == Index::BothWays) {
    if (present->ipv6() == rule.ipv6()) {
      by_ipv6_.replace(rule.ipv6(), rule);
    } else {
      if (!by_ipv6_.insert(rule.ipv6(), rule)) return Refusal::Ipv6Taken;
      ipv6_lengths_.add(rule.ipv6().length());
      by_ipv6_.erase(present->ipv6());
      ipv6_lengths_.remove(present->ipv6().length());
    }
  }
  by_ipv4_.replace(key, rule);
  return Refusal::None;
}

std::vector<MapRuleKey> MapRuleTable::keys_of(const Ipv4Prefix& ipv4, std::optional<uint16_t> psid) const {
  std::vector<MapRuleKey> keys;
  for (const Pattern& pattern : *patterns_owner_) {
    if (pattern.ipv4_length != ipv4.length() || pattern.given.is_shared() != psid.has_value()) continue;
    const MapRuleKey key{ipv4, pattern.given, psid.value_or(0)};
    if (at(key)) keys.push_back(key);
  }
  return keys;
}

bool MapRuleTable::has_room_for_patterns_of(const MapRuleTable& other) const {
  std::size_t count = patterns_owner_->size();
  for (const Pattern& pattern : *other.patterns_owner_)
    if (std::ranges::none_of(*patterns_owner_, [&](const Pattern& known) { return known.is_same(pattern); }))
      ++count;
  return count <= kMostPatterns;
}

MapRuleTable::Pattern MapRuleTable::pattern_of(const MapRule& rule) {
  const MapRuleKey key = MapRuleKey::of(rule);
  return {static_cast<uint8_t>(key.ipv4.length()), key.given};
}

// Only a new pattern is published: softwires come and go by the thousand without it.
MapRuleTable::Refusal MapRuleTable::count_pattern(const MapRule& rule) {
  Pattern pattern = pattern_of(rule);
  for (Pattern& known : *patterns_owner_) {
    if (!known.is_same(pattern)) continue;
    ++known.users;
    return Refusal::None;
  }
  if (patterns_owner_->size() >= kMostPatterns) return Refusal::TooManyPatterns;
  pattern.users = 1;
  auto next = std::make_unique<Patterns>(*patterns_owner_);
  const auto comes_first = [](const Pattern& a, const Pattern& b) {
    if (a.ipv4_length != b.ipv4_length) return a.ipv4_length > b.ipv4_length;
    return a.given > b.given;
  };
  next->insert(std::ranges::upper_bound(*next, pattern, comes_first), pattern);
  publish(std::move(next));
  return Refusal::None;
}

void MapRuleTable::uncount_pattern(const MapRule& rule) {
  const Pattern pattern = pattern_of(rule);
  const auto known =
      std::ranges::find_if(*patterns_owner_, [&](const Pattern& each) { return each.is_same(pattern); });
  if (--known->users > 0) return;
  auto next = std::make_unique<Patterns>(*patterns_owner_);
  next->erase(next->begin() + (known - patterns_owner_->begin()));
  publish(std::move(next));
}

void MapRuleTable::count_shared(const MapRuleKey& key) {
  if (!key.given.is_shared()) return;
  if (const auto count = shared_.find(key.ipv4)) {
    shared_.replace(key.ipv4, *count + 1);
    return;
  }
  shared_.insert(key.ipv4, 1);
}

// A bit stays when the last rule of its block goes: that costs lookups, and no answer.
void MapRuleTable::mark_near(const Ipv4Prefix& prefix) noexcept {
  const uint32_t first = prefix.address().value() >> 16;
  const uint32_t last = (prefix.address().value() | ~Ipv4Prefix::mask(prefix.length())) >> 16;
  for (uint32_t block = first; block <= last; ++block) {
    const Ipv4Address address(block << 16);
    const uint64_t bit = NearBits::bit_of(address);
    const auto word = near_word(address);
    if ((word.load(std::memory_order_relaxed) & bit) == 0) word.fetch_or(bit, std::memory_order_relaxed);
  }
}

void MapRuleTable::uncount_shared(const MapRuleKey& key) {
  if (!key.given.is_shared()) return;
  const auto count = shared_.find(key.ipv4);
  if (*count > 1)
    shared_.replace(key.ipv4, *count - 1);
  else
    shared_.erase(key.ipv4);
}

void MapRuleTable::publish(std::unique_ptr<Patterns> patterns) {
  patterns_.store(patterns.get(), std::memory_order_release);
  retired_patterns_.push_back(std::exchange(patterns_owner_, std::move(patterns)));
}

std::string_view describe(MapRule::Refusal refusal) {
  switch (refusal) {
    case MapRule::Refusal::EaTooLong: return "an EA length above 48 (RFC 7597 §5.2)";
    case MapRule::Refusal::EndUserTooLong: return "the IPv6 prefix and the EA bits make more than 128 bits";
    case MapRule::Refusal::PsidTooLong: return "the EA bits leave more than 16 bits to the PSID";
    case MapRule::Refusal::OffsetTooLong: return "PSID offset and PSID length make more than 16 bits";
    case MapRule::Refusal::PsidTwice:
      return "a PSID is given, but the EA bits do not end with the IPv4 address";
    case MapRule::Refusal::PsidOutOfRange: break;
  }
  return "the PSID does not fit its length";
}

std::string_view describe(MapRuleTable::Refusal refusal) {
  switch (refusal) {
    case MapRuleTable::Refusal::None: return "";
    case MapRuleTable::Refusal::Ipv4Taken: return "another rule has the same IPv4 prefix and PSID";
    case MapRuleTable::Refusal::Ipv6Taken: return "another rule has the same IPv6 prefix";
    case MapRuleTable::Refusal::TooManyPatterns:
      return "more than 64 different pairs of IPv4 prefix length and PSID parameters";
    case MapRuleTable::Refusal::NotFound: break;
  }
  return "there is no such rule";
}

}  // namespace yonroku::share
