#include "fastpath/pins.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "fastpath/attachment.h"

namespace yonroku::fastpath {

Result<Pins> Pins::open(const std::string& folder) {
  const auto failed = [&](const char* what) {
    return fail("offload-state", folder + ": " + what + std::strerror(errno));
  };
  const bool is_new = ::mkdir(folder.c_str(), 0700) == 0;
  if (!is_new && errno != EEXIST) return failed("");
  Pins pins(folder);
  struct statfs found{};
  if (::statfs(folder.c_str(), &found) != 0) return failed("");
  if (static_cast<unsigned long>(found.f_type) != BPF_FS_MAGIC) {
    if (is_new) ::rmdir(folder.c_str());
    return fail(
        "offload-state", folder + " is not of a BPF file system",
        "name a folder below one, such as /sys/fs/bpf/yonroku; `mount -t bpf bpf DIRECTORY` mounts one");
  }
  struct stat own{}, above{};
  if (::stat(folder.c_str(), &own) != 0 || ::stat((folder + "/..").c_str(), &above) != 0) return failed("");
  if (own.st_dev != above.st_dev)
    return fail("offload-state", folder + " is everybody's",
                "name a folder below it, such as " + folder + "/yonroku");
  // It may be another user's, whom an earlier program became, and this one need not be allowed everything.
  const auto open = [&] {
    pins.lock_ = io::FileDescriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return pins.lock_.is_open();
  };
  if (!open() && (::chown(folder.c_str(), ::geteuid(), static_cast<gid_t>(-1)) != 0 || !open()))
    return failed("");
  if (::flock(pins.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    const bool is_taken = errno == EWOULDBLOCK;
    if (!is_taken) return failed("locking it: ");
    if (::chown(folder.c_str(), own.st_uid, static_cast<gid_t>(-1)) != 0) return failed("");
    return fail("offload-state", folder + " is another program's, which runs",
                "end that one, or name another folder");
  }
  pins.give_to(::geteuid());
  return pins;
}

std::vector<std::string> Pins::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_of(""), error))
    if (const std::string name = entry.path().filename().string();
        name.starts_with(name_of_map("")) || Attachment::is_pin(name))
      names.push_back(name);
  return names;
}

void Pins::remove(const std::string& name) const {
  Attachment::detach_pinned(name);
  ::unlink(path_of(name).c_str());
}
void Pins::remove_all() const {
  for (const std::string& name : names()) remove(name);
}

void Pins::give_to(uid_t user) const {
  constexpr auto kSameGroup = static_cast<gid_t>(-1);
  for (const std::string& name : names())
    if (::lchown(path_of(name).c_str(), user, kSameGroup) != 0)
      spdlog::warn("offload-state: {}/{}: {}", folder_, name, std::strerror(errno));
  if (::fchown(lock_.get(), user, kSameGroup) != 0) spdlog::warn("offload-state: {}", std::strerror(errno));
}

}  // namespace yonroku::fastpath
