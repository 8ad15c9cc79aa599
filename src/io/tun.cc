#include "io/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace yonroku::io {

TunQueue::Status TunQueue::receive(std::span<std::byte> buffer, std::size_t headroom, Wait wait,
                                   Packet& packet) noexcept {
  std::byte* const at = buffer.data() + headroom - sizeof(VirtioHeader);
  iovec room{at, buffer.size() - headroom + sizeof(VirtioHeader)};
  const ssize_t got = wait == Wait::No ? ::preadv2(fd_.get(), &room, 1, -1, RWF_NOWAIT)
                                       : ::read(fd_.get(), room.iov_base, room.iov_len);
  if (got < 0) {
    error_ = errno;
    // Before Linux 5.12 a TUN device did not know RWF_NOWAIT: batches are one packet then.
    if (error_ == EOPNOTSUPP && wait == Wait::No) return Status::Empty;
    if (error_ == EAGAIN) return wait == Wait::No ? Status::Empty : Status::Interrupted;
    if (error_ == EINTR) return Status::Interrupted;
    // EIO: not up. It may come up again, unless the device was deleted.
    if (error_ == EIO) return Status::Down;
    return Status::Gone;
  }
  if (static_cast<std::size_t>(got) < sizeof(VirtioHeader)) return Status::Malformed;
  const std::size_t size = static_cast<std::size_t>(got) - sizeof(VirtioHeader);
  VirtioHeader header;
  std::memcpy(&header, at, sizeof header);
  const auto offload = decode(header, size);
  if (!offload) return Status::Malformed;
  packet = Packet(buffer, headroom, size);
  packet.offload = *offload;
  return Status::Packet;
}

bool TunQueue::write_to(const FileDescriptor& fd, const Packet& packet) noexcept {
  const VirtioHeader header = encode(packet);
  std::byte* const at = packet.data() - sizeof header;
  YONROKU_CHECK(packet.headroom() >= sizeof header);
  std::memcpy(at, &header, sizeof header);
  while (true) {
    const ssize_t put = ::write(fd.get(), at, sizeof header + packet.size());
    if (put >= 0) return true;
    if (errno == EINTR) continue;
    error_ = errno;
    return false;
  }
}

namespace {

constexpr const char* kControl = "/dev/net/tun";

enum class Joins : uint8_t { No, Yes };

// Opens one more queue of the device, or the device itself.
Result<FileDescriptor> open_queue(const std::string& name, bool is_first, Joins joins) {
  FileDescriptor fd(::open(kControl, O_RDWR | O_CLOEXEC));
  if (!fd.is_open())
    return fail(kControl, std::string("cannot be opened: ") + std::strerror(errno),
                errno == ENOENT ? "the kernel needs CONFIG_TUN" : "run as root or with CAP_NET_ADMIN");
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  request.ifr_flags =
      static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE |
                         (is_first ? IFF_TUN_EXCL : 0) | (joins == Joins::Yes ? IFF_NAPI : 0));
  if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) {
    const int error = errno;
    const std::string what = std::string("cannot create the TUN device: ") + std::strerror(error);
    if (error == EBUSY)
      return fail(name, what,
                  "another program, or another instance, uses the name; choose a different `device`");
    if (error == EPERM) return fail(name, what, "run as root or with CAP_NET_ADMIN");
    return fail(name, what);
  }
  // What the kernel may leave to us. UDP segmentation came with Linux 6.2.
  const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  constexpr unsigned kUso4 = 0x20, kUso6 = 0x40;
  if (::ioctl(fd.get(), TUNSETOFFLOAD, tcp | kUso4 | kUso6) < 0 && ::ioctl(fd.get(), TUNSETOFFLOAD, tcp) < 0)
    return fail(name, std::string("TUNSETOFFLOAD: ") + std::strerror(errno),
                "Linux 2.6.27 or newer is needed");
  int header_size = sizeof(VirtioHeader);
  if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size) < 0)
    return fail(name, std::string("TUNSETVNETHDRSZ: ") + std::strerror(errno));
  return fd;
}

// Lets a kernel thread of its own pick up what is written to the queues that join (Linux 5.12): it finds many
// segments at a time, where otherwise each write would be looked at alone.
bool use_receive_thread(const std::string& name) {
  const FileDescriptor fd(::open(("/sys/class/net/" + name + "/threaded").c_str(), O_WRONLY | O_CLOEXEC));
  return fd.is_open() && ::write(fd.get(), "1", 1) == 1;
}

}  // namespace

Result<TunDevice> open_tun(const std::string& name, unsigned queues, const Steering* joining) {
  TunDevice device{name, {}};
  auto first = TRY(open_queue(name, true, Joins::No));
  FileDescriptor first_run;
  if (joining != nullptr && joining->is_loaded()) {
    first_run =
        TRY(open_queue(name, false, Joins::Yes));  // There is a thread only for a queue that needs it.
    if (!use_receive_thread(name) || !joining->attach(first.get())) first_run.reset();
  }
  const bool joins = first_run.is_open();
  device.queues.emplace_back(std::move(first), std::move(first_run));
  for (unsigned i = 1; i < queues; ++i) {
    auto fd = TRY(open_queue(name, false, Joins::No));
    auto run_fd = joins ? TRY(open_queue(name, false, Joins::Yes)) : FileDescriptor();
    device.queues.emplace_back(std::move(fd), std::move(run_fd));
  }
  return device;
}

}  // namespace yonroku::io
