// One program at one interface, for as long as the object lives; or longer, where its link is pinned.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace yonroku::fastpath {

class Pins;

class Attachment {
 public:
  // With `pins`, the program takes the place of the one that an earlier Attachment has left there, and no
  // packet misses either. They outlive the object; null: none.
  //
  // Before what others do to packets that arrive (tcx; before Linux 6.6 a clsact filter).
  static Result<Attachment> at_tc(uint32_t interface, int program, const Pins* pins = nullptr);
  // In the driver. An error where the driver can't.
  static Result<Attachment> at_xdp(uint32_t interface, int program, const Pins* pins = nullptr);
  Attachment(Attachment&& other) noexcept;
  Attachment& operator=(Attachment&& other) noexcept;
  ~Attachment();

  // The program stays where it is when the object ends; only with pins.
  void leave() noexcept { pins_ = nullptr, filter_interface_ = 0; }
  [[nodiscard]] const std::string& pin() const { return pin_; }  // its name
  // Whether a pin of that name is one of an Attachment.
  [[nodiscard]] static bool is_pin(const std::string& name);
  // What it takes beside unlinking: filters have no link that ends with its pin.
  static void detach_pinned(const std::string& name);

 private:
  Attachment() = default;
  static Attachment take_over(uint32_t interface, int program, std::string pin, const Pins* pins);
  void pin_to(const Pins* pins, int what);

  io::FileDescriptor link_;        // gone, the program is too
  uint32_t filter_interface_ = 0;  // of a clsact filter, which has no link
  const Pins* pins_ = nullptr;
  std::string pin_;
};

}  // namespace yonroku::fastpath
