// Which server a flow goes to: weighted consistent hashing with a lookup table, as Google's load balancer
// Maglev has it (Eisenbud et al., NSDI 2016). Every server has an order of its own over the places of the
// table; in turn, each takes the first place of its order that is free, as often as its weight is large.
//
// The table follows from the servers' names and weights alone: every machine that has them has the same
// table. When a server goes, its places go to the others in proportion, and few others change their owner.
// Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace yonroku::share {

class MaglevTable {
 public:
  // A prime: each order reaches all places. Some 250 places for a server in the worst case, so that the
  // shares are right within a few percent.
  static constexpr uint32_t kSize = 65537;
  static constexpr std::size_t kMostServers = 255;

  struct Entry {
    uint64_t name = 0;    // what the order depends on; no two are the same
    uint32_t weight = 0;  // 0: gets no flow
  };
  MaglevTable() = default;  // Empty.
  // At most kMostServers entries; takes some milliseconds.
  explicit MaglevTable(std::span<const Entry> servers);

  // True when no server has a weight.
  [[nodiscard]] bool is_empty() const { return places_.empty(); }
  // The index among the servers that the table was made from. Only of tables that are not empty.
  [[nodiscard]] uint8_t at(uint32_t hash) const noexcept {
    return places_[static_cast<std::size_t>(uint64_t{hash} * kSize >> 32)];
  }

 private:
  std::vector<uint8_t> places_;
};

}  // namespace yonroku::share
