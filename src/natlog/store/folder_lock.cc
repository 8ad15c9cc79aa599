#include "natlog/store/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace yonroku::natlog {
namespace {

constexpr int kTries = 20;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Result<FolderLock> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/alive";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file < 0) return fail(path, std::strerror(errno), "the program's user must own the folder");
  FolderLock lock(file);
  for (int i = 0; ::flock(file, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK) return fail(path, std::strerror(errno));
    if (i == kTries) return fail(folder, "another program writes to it", "set another path");
    std::this_thread::sleep_for(kPause);
  }
  return lock;
}

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

Milliseconds FolderLock::last_alive() const {
  Milliseconds time = 0;
  return ::pread(file_, &time, sizeof time, 0) == sizeof time ? time : 0;
}

// Where that fails the time before stands, which is never too late.
void FolderLock::note_alive(Milliseconds now) { (void)!::pwrite(file_, &now, sizeof now, 0); }

}  // namespace yonroku::natlog
