// Segments of one TCP connection, come out of a tunnel one by one, joined into the super-packet that they
// once were (what the kernel calls GRO; it can't do it here, since it did not see the inner packets). A join
// loses nothing: only segments that differ in sequence number and payload alone are joined, and segmenting
// the result gives them back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "packet/headers.h"
#include "packet/packet.h"

namespace yonroku::engine {

class Coalescing {
 public:
  // Takes an IPv4 packet, whose buffer stays as it is until flush(), or passes it on. `emit(const Packet&)`
  // gets what is not to wait; packets of one connection stay in order.
  template <class Emit>
  void add(const Packet& packet, Emit&& emit) {
    Segment segment;
    const bool is_candidate = take_apart(packet, segment);
    if (!segment.is_tcp) {
      emit(packet);
      return;
    }
    for (std::size_t i = 0; i < pending_count_; ++i) {
      Pending& pending = pending_[i];
      if (!pending.segment.is_of_same_connection(segment)) continue;
      if (is_candidate && join(pending, packet, segment)) {
        if (pending.is_closed) finish(i, emit);
        return;
      }
      finish(i, emit);
      break;
    }
    if (!is_candidate || segment.closes) {
      emit(packet);
      return;
    }
    if (pending_count_ == pending_.size()) finish(0, emit);
    pending_[pending_count_++] = {packet, segment, segment.payload_size, 1, false};
  }
  // The end of a batch.
  template <class Emit>
  void flush(Emit&& emit) {
    while (pending_count_ > 0) finish(0, emit);
  }

 private:
  struct Segment {
    bool is_tcp = false;
    uint64_t addresses = 0;
    uint32_t ports = 0;
    uint32_t sequence = 0;
    std::size_t front = 0;  // octets of IPv4 and TCP header
    std::size_t payload_size = 0;
    bool closes = false;  // nothing may be joined behind it (PSH)
    [[nodiscard]] bool is_of_same_connection(const Segment& other) const {
      return addresses == other.addresses && ports == other.ports;
    }
  };
  struct Pending {
    Packet packet;  // the first segment's, which grows
    Segment segment;
    std::size_t segment_size = 0;
    std::size_t count = 0;
    bool is_closed = false;
  };

  // Whether the packet may be joined with others; says in `segment` whether it is TCP at all.
  static bool take_apart(const Packet& packet, Segment& segment);
  static bool join(Pending& pending, const Packet& packet, const Segment& segment);
  static void complete(Pending& pending);
  template <class Emit>
  void finish(std::size_t index, Emit&& emit) {
    Pending pending = pending_[index];
    for (std::size_t i = index + 1; i < pending_count_; ++i) pending_[i - 1] = pending_[i];
    --pending_count_;
    if (pending.count > 1) complete(pending);
    emit(pending.packet);
  }

  std::array<Pending, 8> pending_;  // in the order of their first segments
  std::size_t pending_count_ = 0;
};

}  // namespace yonroku::engine
