// Where the intervals that are not over are stored: what an end event needs to find its beginning. 16 octets
// for each, at most three quarters full.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "natlog/store/interval.h"

namespace yonroku::natlog {

class OpenIntervals {
 public:
  // Row numbers are below this.
  static constexpr uint64_t kRowLimit = uint64_t{1} << 48;

  // Several may look alike: sessions whose remote ends are not logged.
  void add(uint64_t key, uint64_t row, uint16_t instance) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    put({key, row | uint64_t{instance} << 48});
    ++size_;
  }
  [[nodiscard]] bool contains(uint64_t key) const {
    for (std::size_t at = key & mask(); slots_[at].is_used(); at = (at + 1) & mask())
      if (slots_[at].key == key) return true;
    return false;
  }
  // Takes one of them out.
  std::optional<uint64_t> take(uint64_t key) {
    return take_if(key, [](const Slot&) { return true; });
  }
  bool take_row(uint64_t key, uint64_t row) {
    return take_if(key, [&](const Slot& slot) { return slot.row() == row; }).has_value();
  }
  void forget(uint16_t instance) {
    std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size()));
    size_ = 0;
    for (const Slot& slot : old)
      if (slot.is_used() && slot.instance() != instance) {
        put(slot);
        ++size_;
      }
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Slot {
    uint64_t key = 0;
    uint64_t value = 0;  // row, and instance above it; rows begin with 1
    [[nodiscard]] bool is_used() const { return value != 0; }
    [[nodiscard]] uint64_t row() const { return value & (kRowLimit - 1); }
    [[nodiscard]] uint16_t instance() const { return static_cast<uint16_t>(value >> 48); }
  };
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  void put(const Slot& slot) {
    std::size_t at = slot.key & mask();
    while (slots_[at].is_used()) at = (at + 1) & mask();
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    for (const Slot& slot : old)
      if (slot.is_used()) put(slot);
  }
  template <class Fits>
  std::optional<uint64_t> take_if(uint64_t key, Fits&& fits) {
    for (std::size_t at = key & mask(); slots_[at].is_used(); at = (at + 1) & mask()) {
      if (slots_[at].key != key || !fits(slots_[at])) continue;
      const uint64_t row = slots_[at].row();
      erase(at);
      return row;
    }
    return std::nullopt;
  }
  // Those behind move up where that keeps them behind their home.
  void erase(std::size_t hole) {
    for (std::size_t at = (hole + 1) & mask(); slots_[at].is_used(); at = (at + 1) & mask()) {
      const std::size_t home = slots_[at].key & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
    --size_;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t size_ = 0;
};

// The same for begin and end of an interval of an instance, and for hardly any other two.
[[nodiscard]] inline uint64_t key_of(const Interval& interval, uint32_t instance) {
  const auto mix = [](uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const uint64_t who =
      mix(interval.inside.ipv6.high() ^ 0x9e3779b97f4a7c15, interval.inside.ipv6.low() ^ 0xd6e8feb86659fd93);
  const uint64_t what = static_cast<uint64_t>(interval.kind) << 8 | static_cast<uint8_t>(interval.protocol);
  const uint64_t inside = uint64_t{interval.inside.ipv4.value()} << 16 | interval.inside.port;
  const uint64_t places = mix(static_cast<uint64_t>(place_of(interval.outside)) ^ 0xa0761d6478bd642f,
                              static_cast<uint64_t>(place_of(interval.remote)) ^ 0xe7037ed1a0b428db);
  return mix(who ^ places, (inside ^ 0x8ebc6af09c88c6e3) + (what << 48) + instance * 0x589965cc75374cc3);
}

}  // namespace yonroku::natlog
