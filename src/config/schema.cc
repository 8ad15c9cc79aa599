#include "config/schema.h"

#include <algorithm>
#include <numeric>

namespace yonroku::config {
namespace {

#include "schema_table.inc"

// Damerau-Levenshtein distance (neighbours swapped count as one), in the "optimal string alignment" form.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::span<const KeySpec> schema() { return kSchema; }

const KeySpec* find_key(Scope scope, std::string_view name) {
  const auto found = std::ranges::find_if(
      kSchema, [&](const KeySpec& key) { return key.scope == scope && key.name == name; });
  return found == std::end(kSchema) ? nullptr : found;
}

std::string_view closest_word(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > 64) return {};
  // Spelling variants that no edit distance sees as close: mappings_files, ipv4 mtu, Workers.
  std::string plain(word);
  std::ranges::transform(plain, plain.begin(), [](char c) {
    if (c == '_' || c == ' ' || c == '.') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  // The beginning of a long word, of no other one.
  const auto begins = [&](std::string_view candidate) { return candidate.starts_with(plain); };
  if (plain.size() >= 4 && std::ranges::count_if(candidates, begins) == 1)
    return *std::ranges::find_if(candidates, begins);
  std::string_view best;
  std::size_t best_distance = std::min<std::size_t>(3, 1 + word.size() / 4) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(plain, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace yonroku::config
