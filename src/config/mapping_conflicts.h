// Mappings that get in each other's way (RFC 7757 §5): identical prefixes, of which only one could ever
// match, are errors; overlapping ones are warnings, since the longest match may then not lead back to where
// it came from.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "share/mapping/eam.h"

namespace yonroku::config {

inline constexpr std::size_t kMaxConflicts = 20;  // of each kind and family; more are only counted

struct Place {
  std::string file;
  Position position;
};
// "in line 7", or "in other.csv:7": `there` as seen from `here`.
[[nodiscard]] std::string where_words(const Place& here, const Place& there);

struct MappingConflicts {
  ConfigErrors identical;
  std::vector<Warning> overlapping;
};

// `place_of` tells where the mapping with that index was written; asked only about mappings in conflict.
[[nodiscard]] MappingConflicts find_mapping_conflicts(std::span<const share::EamMapping> mappings,
                                                      const std::function<Place(std::size_t)>& place_of);

}  // namespace yonroku::config
