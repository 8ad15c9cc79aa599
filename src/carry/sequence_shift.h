// TCP sequence numbers of a connection whose text we lengthen or shorten on its way (RFC 6384 §5). One object
// for one direction: what its sender numbers and what its receiver numbers drift apart with each change.
//
//   sender's numbers    ...... begin ====== end ............      a change: [begin, end) becomes other text
//   receiver's numbers  ...... begin+before ========= end+after ......
//
// Sequence numbers of the direction go from the sender's to the receiver's, acknowledgments and SACK blocks
// (RFC 2018, RFC 2883) of the other direction back. The latest changes are kept one by one, so that packets
// that were sent again or overtaken are numbered as they were the first time. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "carry/translate/transport.h"
#include "packet/packet.h"

namespace yonroku::carry {

// `a` before `b` in sequence space (RFC 9293 §3.4).
constexpr bool is_before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

class SequenceShift {
 public:
  // Octets [begin, end) of the stream, numbered by the sender; what follows is shifted by `after`, modulo
  // 2^32. begin is not after end.
  struct Change {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t before = 0;
    uint32_t after = 0;
  };
  // Of those that are kept. A sender that has more of them unacknowledged at once is numbered wrong where it
  // sends one of the forgotten again.
  static constexpr std::size_t kMostChanges = 8;

  constexpr SequenceShift() = default;
  // All of the stream is shifted from the beginning.
  explicit constexpr SequenceShift(uint32_t shift) : first_(shift) {}

  // The text [begin, end) is `length` octets long for the receiver. False, and nothing is changed: it does
  // not lie behind all changes so far (a repetition is found by find()).
  bool add(uint32_t begin, uint32_t end, uint32_t length) noexcept;
  // The change that begins there, or null.
  [[nodiscard]] const Change* find(uint32_t begin) const noexcept;
  // The change that the segment of `length` octets touches without holding all of it, or null: what the
  // segment says of that text cannot be told to the receiver. Acknowledgments are given so that a sender does
  // not begin there again. A keep-alive of the last octet (RFC 1122 §4.2.3.6) is none.
  [[nodiscard]] const Change* cut_by(uint32_t sequence, uint32_t length) const noexcept;
  [[nodiscard]] bool is_idle() const { return count_ == 0 && first_ == 0; }

  // A sequence number of the sender, as the receiver knows it. Inside a change, as far from its end.
  [[nodiscard]] uint32_t to_receiver(uint32_t sequence) const noexcept;
  // What the receiver has up to `acknowledgment`, as the sender knows it: of changed text all or nothing.
  [[nodiscard]] uint32_t to_sender(uint32_t acknowledgment) const noexcept;
  // The first octet from which on the receiver has what a SACK block begins with.
  [[nodiscard]] uint32_t to_sender_from(uint32_t left_edge) const noexcept;

 private:
  [[nodiscard]] std::span<const Change> changes() const { return std::span(changes_).first(count_); }
  // Forgets what is so far back that it would seem to lie ahead.
  void forget_far_behind(uint32_t sequence) noexcept;

  std::array<Change, kMostChanges> changes_{};  // in the stream's order, none overlap
  std::size_t count_ = 0;
  uint32_t first_ = 0;  // of what comes before all changes
  friend void shift_sequence(std::span<std::byte> tcp, SequenceShift& shift, ChecksumState checksum) noexcept;
};

// Both change a TCP segment in place: a whole header, its options at least up to where the segment ends. A
// complete checksum follows by delta; a partial one does not depend on what is changed here.

// The sequence number of a segment of the shifted direction, numbered by its sender.
void shift_sequence(std::span<std::byte> tcp, SequenceShift& shift, ChecksumState checksum) noexcept;
// Acknowledgment and SACK blocks of a segment of the other direction. A block in which nothing is left goes,
// and the ones behind it move up.
void shift_acknowledgment(std::span<std::byte> tcp, const SequenceShift& shift,
                          ChecksumState checksum) noexcept;

}  // namespace yonroku::carry
