// Integers as they lie on the wire: big endian, never misaligned, no arithmetic. Say host() first.
#pragma once

#include <array>
#include <cstdint>

namespace yonroku {

class be16 {
 public:
  constexpr be16() = default;
  static constexpr be16 from_host(uint16_t v) {
    return be16({static_cast<uint8_t>(v >> 8), static_cast<uint8_t>(v & 0xff)});
  }
  [[nodiscard]] constexpr uint16_t host() const { return static_cast<uint16_t>(octets_[0] << 8 | octets_[1]); }
  friend constexpr bool operator==(be16, be16) = default;

 private:
  explicit constexpr be16(std::array<uint8_t, 2> octets) : octets_(octets) {}
  std::array<uint8_t, 2> octets_{};
};
static_assert(sizeof(be16) == 2 && alignof(be16) == 1);

class be32 {
 public:
  constexpr be32() = default;
  static constexpr be32 from_host(uint32_t v) {
    return be32({static_cast<uint8_t>(v >> 24), static_cast<uint8_t>(v >> 16), static_cast<uint8_t>(v >> 8),
                 static_cast<uint8_t>(v)});
  }
  [[nodiscard]] constexpr uint32_t host() const {
    return uint32_t{octets_[0]} << 24 | uint32_t{octets_[1]} << 16 | uint32_t{octets_[2]} << 8 | uint32_t{octets_[3]};
  }
  friend constexpr bool operator==(be32, be32) = default;

 private:
  explicit constexpr be32(std::array<uint8_t, 4> octets) : octets_(octets) {}
  std::array<uint8_t, 4> octets_{};
};
static_assert(sizeof(be32) == 4 && alignof(be32) == 1);

class be64 {
 public:
  constexpr be64() = default;
  static constexpr be64 from_host(uint64_t v) {
    be64 out;
    out.high_ = be32::from_host(static_cast<uint32_t>(v >> 32));
    out.low_ = be32::from_host(static_cast<uint32_t>(v));
    return out;
  }
  [[nodiscard]] constexpr uint64_t host() const { return uint64_t{high_.host()} << 32 | low_.host(); }
  friend constexpr bool operator==(be64, be64) = default;

 private:
  be32 high_;
  be32 low_;
};
static_assert(sizeof(be64) == 8 && alignof(be64) == 1);

}  // namespace yonroku
