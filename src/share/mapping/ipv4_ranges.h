// A set of IPv4 addresses given as prefixes, asked about for every packet.
#pragma once

#include <algorithm>
#include <vector>

#include "packet/prefix.h"

namespace yonroku::share {

class Ipv4Ranges {
 public:
  Ipv4Ranges() = default;
  explicit Ipv4Ranges(const std::vector<Ipv4Prefix>& prefixes) {
    for (const Ipv4Prefix& prefix : prefixes)
      ranges_.push_back(
          {prefix.address().value(), prefix.address().value() | ~Ipv4Prefix::mask(prefix.length())});
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    // Prefixes are disjoint or one holds the other: drop those that are held.
    std::vector<Range> disjoint;
    for (const Range& range : ranges_)
      if (disjoint.empty() || range.last > disjoint.back().last) disjoint.push_back(range);
    ranges_ = std::move(disjoint);
  }

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] bool contains(Ipv4Address address) const {
    const auto above =
        std::upper_bound(ranges_.begin(), ranges_.end(), address.value(),
                         [](uint32_t value, const Range& range) { return value < range.first; });
    return above != ranges_.begin() && address.value() <= std::prev(above)->last;
  }

 private:
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  std::vector<Range> ranges_;
};

}  // namespace yonroku::share
