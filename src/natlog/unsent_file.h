// Messages that a receiver could not take before the program ended, in a file of its own.
//
//   "yonroku unsent messages, version 1" LF  name of the receiver LF
//   for each message: key size (2 octets), size (4 octets), key, message
//   checksum of all before (8 octets, FNV-1a)
//
// Numbers are big endian.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "natlog/message.h"

namespace yonroku::natlog {

inline constexpr std::size_t kMostUnsentOctets = std::size_t{64} << 20;

// As many of the messages as there is room for, the oldest first; `count` says how many.
[[nodiscard]] std::string write_unsent(std::string_view receiver, const std::vector<Message>& messages,
                                       std::size_t& count);
// Appends the checksum.
void seal_unsent(std::string& file);
[[nodiscard]] Result<std::vector<Message>> parse_unsent(std::string_view file, std::string_view receiver);

class UnsentFile {
 public:
  // In a folder that is there.
  UnsentFile(const std::string& folder, std::string receiver);
  // Empty when there is none. A damaged one is told, and put aside.
  [[nodiscard]] std::vector<Message> read();
  // Instead of what is in it. How many found room.
  [[nodiscard]] Result<std::size_t> write(const std::vector<Message>& messages);
  // Once what was read has arrived. Not when somebody else has written it since: at a reload a receiver that
  // ends may do so, while another of the same name has begun.
  void remove();
  // And neither removed nor written since: what is in it is the reader's.
  [[nodiscard]] bool is_as_read() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string receiver_;
  std::string path_;
  // Each writing makes another file.
  struct Identity {
    uint64_t device = 0, number = 0;
    int64_t seconds = 0, nanoseconds = 0;  // of the last change
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  [[nodiscard]] std::optional<Identity> identity() const;
  std::optional<Identity> read_;
};

}  // namespace yonroku::natlog
