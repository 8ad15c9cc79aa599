// Where maps and links outlive the program: a folder of a BPF file system, which is one program's at a time.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace yonroku::fastpath {

class Pins {
 public:
  // Makes the folder where it is missing, or takes it over with all that is in it, as the effective user's.
  // An error when it is not of a BPF file system, or another program has it.
  static Result<Pins> open(const std::string& folder);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // By the open folder: the user whom the program becomes need not be allowed into those above it, as into
  // /sys/fs/bpf.
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return "/proc/self/fd/" + std::to_string(lock_.get()) + "/" + name;
  }
  [[nodiscard]] std::vector<std::string> names() const;  // of what programs of ours have left
  [[nodiscard]] static std::string name_of_map(const std::string& map) { return "map-" + map; }
  // Of a map or a link; a filter of an interface is detached too.
  void remove(const std::string& name) const;
  void remove_all() const;
  // Who adds pins and removes some from now on. Where that can't be, only those that are there go on.
  void give_to(uid_t user) const;

 private:
  explicit Pins(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
  io::FileDescriptor lock_;
};

}  // namespace yonroku::fastpath
