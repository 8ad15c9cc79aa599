// Which queue of a TUN device gets a packet (TUNSETSTEERINGEBPF). A device whose workers write through two
// queues each, one for single packets and one for runs of segments, must deliver to the first of them only:
// queues are opened in pairs, and the program here answers with an even number that is the same for all
// packets of a flow and for all fragments of a packet.
#pragma once

#include "base/result.h"
#include "io/file_descriptor.h"

namespace yonroku::io {

class Steering {
 public:
  // One program serves any number of devices. Needs CAP_BPF (before Linux 5.8 CAP_SYS_ADMIN); where it can't
  // be had, is_loaded() is false and devices have one queue for each worker.
  static Steering load() noexcept;
  [[nodiscard]] bool is_loaded() const { return program_.is_open(); }
  [[nodiscard]] int program() const { return program_.get(); }
  // False when the kernel refuses.
  [[nodiscard]] bool attach(int queue) const noexcept;

 private:
  explicit Steering(FileDescriptor program) : program_(std::move(program)) {}
  FileDescriptor program_;
};

}  // namespace yonroku::io
