#include "config/mapping_conflicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>

namespace yonroku::config {
namespace {

struct Key4 {
  uint64_t prefix;  // address, then length: an outer prefix sorts right before what it contains
  uint32_t index;
  friend auto operator<=>(const Key4&, const Key4&) = default;
  [[nodiscard]] static Key4 make(const share::EamMapping& m, uint32_t index) {
    return {uint64_t{m.ipv4.address().value()} << 8 | m.ipv4.length(), index};
  }
  static const Ipv4Prefix& of(const share::EamMapping& m) { return m.ipv4; }
};

struct Key6 {
  uint64_t high;
  uint64_t low;
  uint32_t length;
  uint32_t index;
  friend auto operator<=>(const Key6&, const Key6&) = default;
  [[nodiscard]] static Key6 make(const share::EamMapping& m, uint32_t index) {
    return {m.ipv6.address().high(), m.ipv6.address().low(), m.ipv6.length(), index};
  }
  static const Ipv6Prefix& of(const share::EamMapping& m) { return m.ipv6; }
};

// `inner` is where the complaint stands; `outer` is what it is in conflict with.
struct Pair {
  uint32_t inner;
  uint32_t outer;
};

struct Pairs {
  std::vector<Pair> identical;
  std::vector<Pair> overlapping;
};

// `inner` says of its addresses what `outer` says anyway: harmless.
bool agree(const share::EamMapping& inner, const share::EamMapping& outer) {
  const auto shift = [](const share::EamMapping& m) {
    return m.ipv6.suffix_length() - m.ipv4.suffix_length();
  };
  return outer.ipv4.contains(inner.ipv4) && shift(inner) == shift(outer) &&
         outer.to_ipv6(inner.ipv4.address()) == inner.ipv6.address();
}

template <class Key>
Pairs find_pairs(std::span<const share::EamMapping> mappings) {
  std::vector<Key> keys(mappings.size());
  for (uint32_t i = 0; i < keys.size(); ++i) keys[i] = Key::make(mappings[i], i);
  if (!std::ranges::is_sorted(keys)) std::ranges::sort(keys);

  Pairs pairs;
  std::vector<uint32_t> around;  // the prefixes that contain the present one, outermost first
  for (const Key& key : keys) {
    const auto& prefix = Key::of(mappings[key.index]);
    while (!around.empty() && !Key::of(mappings[around.back()]).contains(prefix)) around.pop_back();
    if (!around.empty() && Key::of(mappings[around.back()]) == prefix) {
      pairs.identical.push_back({key.index, around.back()});
      continue;
    }
    if (!around.empty() && !agree(mappings[key.index], mappings[around.back()]))
      pairs.overlapping.push_back({key.index, around.back()});
    around.push_back(key.index);
  }
  std::ranges::sort(pairs.identical, {}, &Pair::inner);
  std::ranges::sort(pairs.overlapping, {}, &Pair::inner);
  return pairs;
}

template <class Key>
void report(std::span<const share::EamMapping> mappings, const std::function<Place(std::size_t)>& place_of,
            MappingConflicts& conflicts) {
  const Pairs pairs = find_pairs<Key>(mappings);
  for (const Pair& pair : pairs.identical) {
    if (&pair - pairs.identical.data() == kMaxConflicts) {
      conflicts.identical.omitted += pairs.identical.size() - kMaxConflicts;
      break;
    }
    const Place here = place_of(pair.inner);
    const Place there = place_of(pair.outer);
    const bool is_same = mappings[pair.inner] == mappings[pair.outer];
    conflicts.identical.errors.push_back(
        {here.file, here.position,
         fmt::format("{} is mapped already, {}", Key::of(mappings[pair.inner]).to_string(),
                     where_words(here, there)),
         is_same ? "remove one of the two" : "keep the right one of the two"});
  }
  for (const Pair& pair : pairs.overlapping) {
    const auto count = static_cast<std::size_t>(&pair - pairs.overlapping.data());
    const Place here = place_of(pair.inner);
    if (count == kMaxConflicts) {
      conflicts.overlapping.push_back(
          {{here.file,
            here.position,
            fmt::format("and {} more overlaps of this kind", pairs.overlapping.size() - count),
            {}}});
      break;
    }
    const Place there = place_of(pair.outer);
    conflicts.overlapping.push_back(
        {{here.file, here.position,
          fmt::format("{} lies inside {} {}", Key::of(mappings[pair.inner]).to_string(),
                      Key::of(mappings[pair.outer]).to_string(), where_words(here, there)),
          "there and back may differ (RFC 7757 §5); fine if meant as an exception"}});
  }
}

}  // namespace

std::string where_words(const Place& here, const Place& there) {
  if (there.position.line == 0) return "in " + there.file;
  if (here.file == there.file) return fmt::format("in line {}", there.position.line);
  return fmt::format("in {}:{}", there.file, there.position.line);
}

MappingConflicts find_mapping_conflicts(std::span<const share::EamMapping> mappings,
                                        const std::function<Place(std::size_t)>& place_of) {
  MappingConflicts conflicts;
  report<Key4>(mappings, place_of, conflicts);
  report<Key6>(mappings, place_of, conflicts);
  return conflicts;
}

}  // namespace yonroku::config
