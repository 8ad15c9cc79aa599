// Super-packets cut into the packets that they stand for, in software: what a device does for TCP
// segmentation offload and UDP segmentation offload.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "packet/headers.h"
#include "packet/packet.h"

namespace yonroku::engine {

class Segments {
 public:
  // nullopt when the packet's headers do not bear what its offload request says.
  static std::optional<Segments> of(const Packet& packet) noexcept;

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t largest() const { return front_ + (count_ == 1 ? payload_.size() : step_); }
  // Writes segment `index` to `out` of at least largest() octets; returns its size. The transport checksum
  // stays partial as it was: offload() says so.
  std::size_t write(std::size_t index, std::span<std::byte> out) const noexcept;
  [[nodiscard]] Offload offload() const {
    return {.partial_checksum = true,
            .checksum_start = static_cast<uint16_t>(transport_),
            .checksum_offset = static_cast<uint16_t>(checksum_at_ - transport_)};
  }

 private:
  Segments() = default;
  std::span<const std::byte> packet_;
  std::span<const std::byte> payload_;
  std::size_t front_ = 0;      // octets of headers, repeated in every segment
  std::size_t transport_ = 0;  // where the transport header begins
  std::size_t step_ = 0;
  std::size_t count_ = 1;
  std::size_t checksum_at_ = 0;
  IpProtocol protocol_{};
  bool is_tcp_ = false;
  bool is_ipv4_ = false;
};

}  // namespace yonroku::engine
