// One program at one interface, for as long as the object lives.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace yonroku::fastpath {

class Attachment {
 public:
  // Before what others do to packets that arrive (tcx; before Linux 6.6 a clsact filter).
  static Result<Attachment> at_tc(uint32_t interface, int program);
  // In the driver. An error where the driver can't.
  static Result<Attachment> at_xdp(uint32_t interface, int program);
  Attachment(Attachment&& other) noexcept;
  Attachment& operator=(Attachment&& other) noexcept;
  ~Attachment();

 private:
  Attachment() = default;
  io::FileDescriptor link_;        // gone, the program is too
  uint32_t filter_interface_ = 0;  // of a clsact filter, which has no link
};

}  // namespace yonroku::fastpath
