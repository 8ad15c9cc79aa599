// Keeps the neighbours confirmed that XDP programs send to: the kernel does not see that they are used, and
// would believe their link-layer addresses for ever (RFC 4861 §7.3).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "fastpath/layout.h"
#include "io/file_descriptor.h"

namespace yonroku::control {

class NeighbourKeeper {
 public:
  // When it was used last, in nanoseconds of CLOCK_MONOTONIC; 0: never, or not by XDP programs.
  using LastUse = std::function<uint64_t(const fastpath::Neighbour& neighbour)>;
  // `last_use` is called in a thread of its own. Needs CAP_NET_ADMIN.
  static Result<std::unique_ptr<NeighbourKeeper>> start(LastUse last_use);
  ~NeighbourKeeper();
  NeighbourKeeper(const NeighbourKeeper&) = delete;
  NeighbourKeeper& operator=(const NeighbourKeeper&) = delete;

 private:
  explicit NeighbourKeeper(LastUse last_use) : last_use_(std::move(last_use)) {}
  void run();

  LastUse last_use_;
  io::FileDescriptor stop_;  // an eventfd
  std::thread thread_;
};

}  // namespace yonroku::control
