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

bool TunQueue::send(const Packet& packet) noexcept {
  const VirtioHeader header = encode(packet);
  std::byte* const at = packet.data() - sizeof header;
  YONROKU_CHECK(packet.headroom() >= sizeof header);
  std::memcpy(at, &header, sizeof header);
  while (true) {
    const ssize_t put = ::write(fd_.get(), at, sizeof header + packet.size());
    if (put >= 0) return true;
    if (errno == EINTR) continue;
    error_ = errno;
    return false;
  }
}

namespace {

// How long the kernel may keep a segment to see whether the next one fits behind it. Without it every write
// is looked at alone. Where sysfs is out of reach nothing is coalesced, and everything works.
void set_coalescing_time(const std::string& name) {
  constexpr std::string_view kNanoseconds = "20000";
  const FileDescriptor fd(
      ::open(("/sys/class/net/" + name + "/gro_flush_timeout").c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.is_open()) (void)!::write(fd.get(), kNanoseconds.data(), kNanoseconds.size());
}

}  // namespace

Result<TunDevice> open_tun(const std::string& name, unsigned queues, Coalesce coalesce) {
  constexpr const char* kControl = "/dev/net/tun";
  TunDevice device{name, {}};
  for (unsigned i = 0; i < queues; ++i) {
    FileDescriptor fd(::open(kControl, O_RDWR | O_CLOEXEC));
    if (!fd.is_open())
      return fail(kControl, std::string("cannot be opened: ") + std::strerror(errno),
                  errno == ENOENT ? "the kernel needs CONFIG_TUN" : "run as root or with CAP_NET_ADMIN");
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_flags =
        static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE |
                           (i == 0 ? IFF_TUN_EXCL : 0) | (coalesce == Coalesce::Yes ? IFF_NAPI : 0));
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
    if (::ioctl(fd.get(), TUNSETOFFLOAD, tcp | kUso4 | kUso6) < 0 &&
        ::ioctl(fd.get(), TUNSETOFFLOAD, tcp) < 0)
      return fail(name, std::string("TUNSETOFFLOAD: ") + std::strerror(errno),
                  "Linux 2.6.27 or newer is needed");
    int header_size = sizeof(VirtioHeader);
    if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size) < 0)
      return fail(name, std::string("TUNSETVNETHDRSZ: ") + std::strerror(errno));
    device.queues.emplace_back(std::move(fd));
  }
  if (coalesce == Coalesce::Yes) set_coalescing_time(name);
  return device;
}

}  // namespace yonroku::io
