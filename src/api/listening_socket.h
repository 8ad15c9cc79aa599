// The control socket: made, protected and removed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace yonroku::api {

class ListeningSocket {
 public:
  // Makes the directory (mode 0750) when it is missing, and the socket (mode 0660). Both go to `user` when
  // one is named and may be given away. The socket of a dead process is replaced; that of a living one is an
  // error.
  static Result<ListeningSocket> open(const std::string& path,
                                      const std::optional<std::string>& user = std::nullopt);

  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  // Removes the socket, unless another has taken its place.
  ~ListeningSocket();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  ListeningSocket(std::string path, io::FileDescriptor fd, dev_t device, ino_t inode)
      : path_(std::move(path)), fd_(std::move(fd)), device_(device), inode_(inode) {}

  std::string path_;
  io::FileDescriptor fd_;
  dev_t device_;
  ino_t inode_;
};

}  // namespace yonroku::api
