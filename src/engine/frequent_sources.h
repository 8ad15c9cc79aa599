// The sources of most packets of a kind, of however many there are: a few places, of which that with the
// fewest packets goes to whoever has none ("space saving": Metwally, Agrawal, El Abbadi, 2005). The packets
// of a source that has a place are counted too high, by at most what the place had before; a source with more
// than a 16th of all packets has one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/instant.h"
#include "packet/ipv6_address.h"

namespace yonroku::engine {

class FrequentSources {
 public:
  static constexpr std::size_t kPlaces = 16;

  struct Source {
    Ipv6Address address;
    uint64_t packets = 0;
    uint64_t inherited = 0;  // of them, those that may be of others who had the place before
    Instant last;
  };

  void add(const Ipv6Address& address, Instant now) noexcept {
    const auto end = sources_.begin() + static_cast<std::ptrdiff_t>(count_);
    auto place = std::find_if(sources_.begin(), end, [&](const Source& s) { return s.address == address; });
    if (place == end && count_ < kPlaces) {
      ++count_;
      *place = {address, 0, 0, now};
    } else if (place == end) {
      place = std::ranges::min_element(sources_, {}, &Source::packets);
      *place = {address, place->packets, place->packets, now};
    }
    ++place->packets;
    place->last = now;
  }
  // In no order.
  [[nodiscard]] std::span<const Source> all() const noexcept {
    return std::span<const Source>(sources_).first(count_);
  }

 private:
  std::array<Source, kPlaces> sources_{};
  std::size_t count_ = 0;
};

}  // namespace yonroku::engine
