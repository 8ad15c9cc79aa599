// One FTP control connection, segment by segment (RFC 6384 §5): finds the lines, has them rewritten, and
// keeps sequence numbers right. Holds nothing back: a line that comes in parts passes as it is. What was
// rewritten is remembered, and rewritten the same when it is sent again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "carry/sequence_shift.h"
#include "mechanism/alg/ftp.h"
#include "mechanism/alg/packet_text.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/nat/nat_event.h"

namespace yonroku::mechanism {

struct AlgCounts {
  uint64_t rewritten = 0;       // lines, messages
  uint64_t not_understood = 0;  // in parts, too long, too many
  uint64_t refused = 0;         // a port below 1024, or no binding

  void add(const AlgCounts& other) {
    rewritten += other.rewritten;
    not_understood += other.not_understood;
    refused += other.refused;
  }
};

class ControlChannel {
 public:
  // A segment without SYN. Rewrites text, sequence numbers and the IP length. None, or control-line-cut.
  DropReason process(Packet& packet, const TextPlace& place, FtpSide from, FtpBindings& bindings,
                     AlgCounts& counts) noexcept;

  // Of whom it is, for ControlChannels.
  share::Ipv4Endpoint outside;
  share::Ipv4Endpoint remote;
  uint32_t older = UINT32_MAX;  // in the order of their last packets
  uint32_t newer = UINT32_MAX;
  friend uint32_t& free_link(ControlChannel& channel) { return channel.older; }

 private:
  static constexpr std::size_t kMostEdits = 8;  // of one segment
  static constexpr std::size_t kHead = 5;       // octets that tell what a line is

  struct Text {
    uint32_t begin = 0;  // as the sender numbers it
    uint8_t size = 0;
    std::array<char, FtpDialogue::kLongestResult> octets{};
    [[nodiscard]] std::string_view view() const { return {octets.data(), size}; }
  };
  // What one end sends.
  struct Direction {
    carry::SequenceShift shift;
    std::array<Text, carry::SequenceShift::kMostChanges> texts;  // a ring
    uint8_t next_text = 0;
    bool is_known = false;  // the next fields mean something
    bool in_line = false;   // the line that is under way began in an earlier segment
    uint8_t head_size = 0;
    std::array<char, kHead> head{};
    uint32_t next = 0;  // the sequence number that new text begins with
  };
  struct Edit {
    std::size_t offset = 0;  // in the payload
    std::size_t size = 0;    // of the old text
    std::string_view text;
  };
  struct Edits {
    std::array<Edit, kMostEdits> list;
    std::size_t count = 0;
  };

  void repeat(std::string_view payload, uint32_t sequence, const Direction& direction, Edits& edits) noexcept;
  void read(std::string_view payload, std::size_t from_offset, uint32_t sequence, FtpSide from,
            FtpBindings& bindings, Edits& edits, AlgCounts& counts) noexcept;
  void read_part(std::string_view part, FtpSide from, AlgCounts& counts) noexcept;
  // Writes the edits into the packet. False: it would be too large, and nothing is changed.
  static bool apply(Packet& packet, const TextPlace& place, const Edits& edits) noexcept;
  Direction& direction(FtpSide from) { return directions_[static_cast<std::size_t>(from)]; }

  FtpDialogue dialogue_;
  std::array<Direction, 2> directions_;
};

}  // namespace yonroku::mechanism
