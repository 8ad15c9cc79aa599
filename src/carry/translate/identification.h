// Identifications of the IPv4 packets that the translator makes (RFC 7915 §5.1). RFC 6864 §4.3 asks that
// packets which may be fragmented do not repeat a value for one source, destination and protocol while an old
// one may be alive; a table of counters, picked by a keyed hash of these three, comes as near as a stateless
// box can.
#pragma once

#include <array>
#include <cstdint>

#include "base/random_source.h"
#include "packet/headers.h"

namespace yonroku::carry {

class Identifications {
 public:
  // Workers that share the load use disjoint residues: worker `index` of `count` counts in steps of `count`.
  // (The segments of a super-packet are numbered on by the device, one by one, and may meet another
  // worker's.) A random source of seed 0 starts every counter at 0.
  explicit Identifications(RandomSource random, uint16_t index = 0, uint16_t count = 1)
      : key_(random.next()), step_(count) {
    for (auto& counter : counters_) {
      const auto start = static_cast<uint16_t>(random.next());
      counter = static_cast<uint16_t>(start - start % count + index);
    }
  }

  // An identification for a packet that is cut into `count` packets later on by segmentation.
  uint16_t next(Ipv4Address source, Ipv4Address destination, IpProtocol protocol, uint16_t count = 1) {
    uint64_t hash =
        (uint64_t{source.value()} << 32 | destination.value()) ^ key_ ^ static_cast<uint8_t>(protocol);
    hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9;
    uint16_t& counter = counters_[hash >> 54];
    const auto first = static_cast<uint16_t>(counter + step_);
    counter = static_cast<uint16_t>(counter + step_ * count);
    return first;
  }

 private:
  uint64_t key_;
  uint16_t step_;
  std::array<uint16_t, 1024> counters_{};
};

}  // namespace yonroku::carry
