// A packet: one contiguous run of octets with room in front, and what the device said about it.
// The buffer belongs to whoever made it; a Packet is a handle that may be moved along it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"

namespace yonroku {

// What a device leaves undone on the way in and can be asked to do on the way out (virtio's terms).
struct Offload {
  enum class Segmentation : uint8_t { None, TcpIpv4, TcpIpv6, Udp };
  Segmentation segmentation = Segmentation::None;
  bool ecn = false;  // TCP with CWR set: only the first segment keeps it
  bool partial_checksum =
      false;                    // the field at checksum_start + checksum_offset holds the pseudo-header's sum
  uint16_t checksum_start = 0;  // in octets from the first of the packet
  uint16_t checksum_offset = 0;  // in octets from checksum_start
  uint16_t segment_size =
      0;  // octets of payload in each segment but the last; > 0 when segmentation is asked

  [[nodiscard]] constexpr bool is_super_packet() const { return segmentation != Segmentation::None; }
};

class Packet {
 public:
  Packet() = default;
  // `buffer` is the whole run; the packet occupies [offset, offset + size) of it.
  Packet(std::span<std::byte> buffer, std::size_t offset, std::size_t size)
      : buffer_(buffer.data()), capacity_(buffer.size()), offset_(offset), size_(size) {
    YONROKU_CHECK(offset <= capacity_ && size <= capacity_ - offset);
  }

  [[nodiscard]] std::byte* data() const { return buffer_ + offset_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data(), size_}; }
  [[nodiscard]] std::size_t headroom() const { return offset_; }
  [[nodiscard]] std::size_t tailroom() const { return capacity_ - offset_ - size_; }

  // Replaces the first `remove` octets by `insert` uninitialised ones. insert - remove <= headroom().
  void reshape_front(std::size_t remove, std::size_t insert) {
    YONROKU_CHECK(remove <= size_ && insert <= offset_ + remove);
    offset_ = offset_ + remove - insert;
    size_ = size_ - remove + insert;
  }
  void truncate(std::size_t size) {
    YONROKU_CHECK(size <= size_);
    size_ = size;
  }
  // Sets the size anew within the buffer, leaving octets that were not written uninitialised.
  void resize(std::size_t size) {
    YONROKU_CHECK(size <= capacity_ - offset_);
    size_ = size;
  }

  Offload offload;

 private:
  std::byte* buffer_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t offset_ = 0;
  std::size_t size_ = 0;
};

}  // namespace yonroku
