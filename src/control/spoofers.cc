#include "control/spoofers.h"

#include <algorithm>
#include <functional>

namespace yonroku::control {

void add(std::vector<Spoofer>& all, std::span<const engine::FrequentSources::Source> sources, Instant now) {
  for (const auto& source : sources) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::nanoseconds((now - source.last).nanoseconds()));
    const auto found = std::ranges::find(all, source.address, &Spoofer::source);
    Spoofer& spoofer = found != all.end() ? *found : all.emplace_back(Spoofer{source.address, 0, 0, age});
    spoofer.packets += source.packets;
    spoofer.at_least += source.packets - source.inherited;
    spoofer.age = std::min(spoofer.age, age);
  }
}

void sort_by_packets(std::vector<Spoofer>& all) {
  std::ranges::stable_sort(all, std::greater(), &Spoofer::packets);
}

}  // namespace yonroku::control
