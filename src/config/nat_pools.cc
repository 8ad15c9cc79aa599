#include "config/nat_pools.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace yonroku::config {
namespace {

// Sorted by address, then length, a prefix stands right before what it contains.
template <class Prefix>
std::vector<PrefixPair> overlaps(std::span<const Prefix> prefixes) {
  std::vector<std::size_t> order(prefixes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(prefixes[i], i); });
  std::vector<PrefixPair> pairs;
  std::size_t outer = 0;  // of `order`
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (prefixes[order[outer]].contains(prefixes[order[i]]))
      pairs.push_back({order[i], order[outer]});
    else
      outer = i;
  }
  return pairs;
}

}  // namespace

std::vector<PrefixPair> find_overlaps(std::span<const Ipv4Prefix> prefixes) { return overlaps(prefixes); }
std::vector<PrefixPair> find_overlaps(std::span<const Ipv6Prefix> prefixes) { return overlaps(prefixes); }

std::vector<Ipv4Prefix> prefixes_of(std::span<const share::NatPool> pools) {
  std::vector<Ipv4Prefix> all;
  for (const share::NatPool& pool : pools)
    all.insert(all.end(), pool.addresses.begin(), pool.addresses.end());
  return all;
}

uint64_t count_addresses(std::span<const share::NatPool> pools) {
  uint64_t count = 0;
  for (const share::NatPool& pool : pools)
    for (const Ipv4Prefix& prefix : pool.addresses) count += uint64_t{1} << prefix.suffix_length();
  return count;
}

std::optional<Ipv4Prefix> first_shared_prefix(std::span<const share::NatPool> some,
                                              std::span<const share::NatPool> others) {
  std::vector<Ipv4Prefix> all = prefixes_of(some);
  const std::size_t mine = all.size();
  const std::vector<Ipv4Prefix> theirs = prefixes_of(others);
  all.insert(all.end(), theirs.begin(), theirs.end());
  for (const PrefixPair& pair : find_overlaps(all))
    if ((pair.inner < mine) != (pair.outer < mine)) return all[pair.inner];
  return std::nullopt;
}

}  // namespace yonroku::config
