// One program writes to a folder at a time, and says when it was last alive: what a crash leaves behind ended
// then.
#pragma once

#include <string>

#include "base/result.h"
#include "natlog/record.h"

namespace yonroku::natlog {

class FolderLock {
 public:
  // Waits a few seconds for whoever has it: the one before may still be ending.
  [[nodiscard]] static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~FolderLock();

  // 0 when nobody ever was.
  [[nodiscard]] Milliseconds last_alive() const;
  void note_alive(Milliseconds now);

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace yonroku::natlog
