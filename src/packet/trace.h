// Notes that a mechanism leaves about one packet when somebody asked (yonroku explain). Costs a test for null
// otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku {

enum class TraceStep : uint8_t {
#define STEP(name, cited, text) name,
#include "packet/trace_steps.def"
#undef STEP
};

struct TraceStepText {
  std::string_view cited;
  std::string_view text;
};

inline constexpr TraceStepText kTraceSteps[] = {
#define STEP(name, cited, text) {cited, text},
#include "packet/trace_steps.def"
#undef STEP
};

using TraceAddress = std::variant<std::monostate, Ipv4Address, Ipv6Address>;

struct TraceNote {
  TraceStep step{};
  TraceAddress from;
  TraceAddress to;
};

class Trace {
 public:
  void note(TraceStep step, TraceAddress from = {}, TraceAddress to = {}) noexcept {
    if (size_ < notes_.size()) notes_[size_++] = {step, from, to};
  }
  [[nodiscard]] std::span<const TraceNote> notes() const { return {notes_.data(), size_}; }

  // The packet that fragments made, which the notes from here on are about. `bytes` stay where they are until
  // the next packet is processed.
  struct Whole {
    std::span<const std::byte> bytes;
    std::size_t fragments = 0;
  };
  void put_together(std::span<const std::byte> bytes, std::size_t fragments) noexcept {
    whole_ = {bytes, whole_.fragments + fragments};
    size_ = 0;
  }
  // Without octets where there was nothing to put together.
  [[nodiscard]] const Whole& whole() const { return whole_; }

 private:
  std::array<TraceNote, 32> notes_{};
  std::size_t size_ = 0;
  Whole whole_;
};

}  // namespace yonroku
