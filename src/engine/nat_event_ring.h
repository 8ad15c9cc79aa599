// What happens in a worker's NAT, for others to read: the newest events of one writer, for any number of
// readers. The writer never waits and does not know of readers; who reads too slowly is told how much it has
// missed.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "share/nat/nat_event.h"

namespace yonroku::engine {

class NatEventRing final : public share::NatEventSink {
 public:
  static constexpr uint64_t kCapacity = 16384;  // events, of 56 octets

  // `capacity` is a power of two.
  explicit NatEventRing(uint64_t capacity = kCapacity)
      : mask_(capacity - 1), slots_(std::make_unique<Slot[]>(capacity)) {}

  // In the writer's thread.
  void on(const share::NatEvent& event) noexcept override {
    const uint64_t number = published_.load(std::memory_order_relaxed);
    // Whoever reads a word of this event in the place of an older one finds the number, too.
    reserved_.store(number + 1, std::memory_order_relaxed);
    Slot& slot = slots_[number & mask_];
    const Words words = pack(event);
    for (std::size_t i = 0; i < kWords; ++i) slot[i].store(words[i], std::memory_order_release);
    published_.store(number + 1, std::memory_order_release);
  }

  // In any thread: appends the events from number `next` on, `most` of them, and moves `next` behind them.
  // Returns how many were overwritten before they could be read.
  uint64_t read(uint64_t& next, std::size_t most, std::vector<share::NatEvent>& out) const {
    const uint64_t end = published_.load(std::memory_order_acquire);
    const uint64_t begin = next;
    std::size_t count = 0;
    for (; next < end && count < most; ++next) {
      Words words;
      for (std::size_t i = 0; i < kWords; ++i)
        words[i] = slots_[next & mask_][i].load(std::memory_order_acquire);
      if (reserved_.load(std::memory_order_relaxed) > next + mask_ + 1) continue;
      out.push_back(unpack(words));
      ++count;
    }
    return next - begin - count;
  }
  // The number of the next event.
  [[nodiscard]] uint64_t end() const { return published_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kWords = 7;
  static constexpr uint64_t kRecovered = uint64_t{1} << 16;
  using Words = std::array<uint64_t, kWords>;
  using Slot = std::array<std::atomic<uint64_t>, kWords>;

  static Words pack(const share::NatEvent& event) {
    const auto word = [](const share::Ipv4Endpoint& endpoint) {
      return uint64_t{endpoint.address.value()} << 16 | endpoint.port;
    };
    return {std::bit_cast<uint64_t>(event.time.nanoseconds()),
            uint64_t{event.last_port} << 32 | uint64_t{static_cast<uint8_t>(event.limit)} << 24 |
                (event.is_recovered ? kRecovered : 0) | uint64_t{static_cast<uint8_t>(event.kind)} << 8 |
                static_cast<uint8_t>(event.protocol),
            event.inside.ipv6.high(),
            event.inside.ipv6.low(),
            word({event.inside.ipv4, event.inside.port}),
            word(event.outside),
            word(event.remote)};
  }
  static share::NatEvent unpack(const Words& words) {
    const auto endpoint = [](uint64_t word) {
      return share::Ipv4Endpoint{Ipv4Address(static_cast<uint32_t>(word >> 16)), static_cast<uint16_t>(word)};
    };
    const share::Ipv4Endpoint inside = endpoint(words[4]);
    return {static_cast<share::NatEvent::Kind>(words[1] >> 8 & 0xff),
            static_cast<share::NatProtocol>(words[1] & 0xff),
            Instant::from_nanoseconds(std::bit_cast<int64_t>(words[0])),
            {Ipv6Address(words[2], words[3]), inside.address, inside.port},
            endpoint(words[5]),
            endpoint(words[6]),
            (words[1] & kRecovered) != 0,
            static_cast<share::NatRefusal>(words[1] >> 24 & 0xff),
            static_cast<uint16_t>(words[1] >> 32)};
  }

  uint64_t mask_;
  std::unique_ptr<Slot[]> slots_;
  std::atomic<uint64_t> reserved_ = 0;
  std::atomic<uint64_t> published_ = 0;
};

// One for each worker of an instance.
struct NatEventRings {
  explicit NatEventRings(std::size_t workers, uint64_t capacity = NatEventRing::kCapacity) {
    for (std::size_t i = 0; i < workers; ++i) of_worker.emplace_back(capacity);
  }
  std::deque<NatEventRing> of_worker;
  std::atomic<bool> have_ended = false;  // the instance is gone
};

}  // namespace yonroku::engine
