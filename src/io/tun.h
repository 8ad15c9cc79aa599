// A TUN device (Linux, Documentation/networking/tuntap): raw IP packets, several queues, super-packets of up
// to 64 KiB with their checksums left partial. The device goes away with its last queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file_descriptor.h"
#include "io/steering.h"
#include "io/virtio_header.h"
#include "packet/packet.h"

namespace yonroku::io {

// One queue, for one thread.
class TunQueue {
 public:
  explicit TunQueue(FileDescriptor fd, FileDescriptor run_fd = FileDescriptor())
      : fd_(std::move(fd)), run_fd_(std::move(run_fd)) {}

  enum class Wait : uint8_t { ForPacket, No };
  enum class Status : uint8_t {
    Packet,       // `packet` holds one
    Malformed,    // one came whose offload request made no sense; it is gone
    Empty,        // Wait::No and nothing there
    Interrupted,  // a signal came while waiting
    Down,         // the interface is not up, or was just now changed: try again later
    Gone,         // the device was deleted, or reading failed for good: see error()
  };
  // Reads one packet into `buffer` behind `headroom` octets (at least sizeof(VirtioHeader)).
  Status receive(std::span<std::byte> buffer, std::size_t headroom, Wait wait, Packet& packet) noexcept;

  // Hands the packet to the kernel. False when it was not taken (device down, no memory, refused).
  // The packet needs sizeof(VirtioHeader) octets of headroom.
  bool send(const Packet& packet) noexcept { return write_to(fd_, packet); }
  // Likewise for one of many segments of a TCP connection that come close together: they become one packet
  // again (GRO), inside of tunnels too, and what lies behind the device handles one instead of forty. They
  // are picked up a little later than what send() hands over. The same as send() where joins_runs() is false.
  bool send_in_run(const Packet& packet) noexcept {
    return write_to(run_fd_.is_open() ? run_fd_ : fd_, packet);
  }
  [[nodiscard]] bool joins_runs() const { return run_fd_.is_open(); }

  [[nodiscard]] int error() const { return error_; }  // errno of the last failure
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool write_to(const FileDescriptor& fd, const Packet& packet) noexcept;

  FileDescriptor fd_;
  FileDescriptor run_fd_;
  int error_ = 0;
};

struct TunDevice {
  std::string name;
  std::vector<TunQueue> queues;
};

// Creates the device, or fails when the name is taken. Needs CAP_NET_ADMIN. With `joining`, queues join runs
// of segments where the kernel lets them.
Result<TunDevice> open_tun(const std::string& name, unsigned queues, const Steering* joining = nullptr);

}  // namespace yonroku::io
