#include "share/balancing/maglev_table.h"

#include <algorithm>

#include "base/check.h"

namespace yonroku::share {
namespace {

// A bijection whose every output bit depends on every input bit (SplitMix64's finalizer).
constexpr uint64_t scramble(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// A server's order over the places: offset, offset + skip, offset + 2 skip ... modulo the table's size.
struct Order {
  uint32_t next;
  uint32_t skip;
  uint64_t turns = 0;  // times the largest weight: what it has earned and not taken yet
};

}  // namespace

MaglevTable::MaglevTable(std::span<const Entry> servers) {
  YONROKU_CHECK(servers.size() <= kMostServers);
  uint32_t heaviest = 0;
  for (const Entry& server : servers) heaviest = std::max(heaviest, server.weight);
  if (heaviest == 0) return;

  // In the order of their names, whatever order they were written in.
  std::vector<uint8_t> by_name(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) by_name[i] = static_cast<uint8_t>(i);
  std::ranges::sort(by_name, {}, [&](uint8_t i) { return servers[i].name; });
  std::vector<Order> orders(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const uint64_t hash = scramble(servers[i].name + 0x9e3779b97f4a7c15);
    orders[i] = {static_cast<uint32_t>(hash % kSize),
                 static_cast<uint32_t>(scramble(hash ^ 0xd6e8feb86659fd93) % (kSize - 1) + 1)};
  }

  constexpr uint8_t kFree = kMostServers;
  places_.assign(kSize, kFree);
  for (uint32_t taken = 0; taken < kSize;) {
    for (const uint8_t i : by_name) {
      Order& order = orders[i];
      order.turns += servers[i].weight;
      if (order.turns < heaviest) continue;
      order.turns -= heaviest;
      while (places_[order.next] != kFree) order.next = (order.next + order.skip) % kSize;
      places_[order.next] = i;
      if (++taken == kSize) return;
    }
  }
}

}  // namespace yonroku::share
