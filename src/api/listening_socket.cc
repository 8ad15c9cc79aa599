#include "api/listening_socket.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "api/client.h"

namespace yonroku::api {
namespace {

constexpr mode_t kDirectoryMode = 0750;
constexpr mode_t kSocketMode = 0660;
constexpr int kBacklog = 256;

Result<void> failed(const std::string& path, const std::string& what, const std::string& fix = {}) {
  const int error = errno;
  return fail(path, what + ": " + std::strerror(error), fix);
}

// Best effort: without CAP_CHOWN it stays ours, which is safe.
void give_to(const std::string& path, const std::optional<std::string>& user) {
  const passwd* entry = user ? ::getpwnam(user->c_str()) : nullptr;
  if (entry != nullptr && ::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) errno = 0;
}

Result<void> make_directory(const std::string& path, const std::optional<std::string>& user) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string directory = path.substr(0, slash);
  if (::mkdir(directory.c_str(), kDirectoryMode) == 0) {
    ::chmod(directory.c_str(), kDirectoryMode);  // whatever the umask is
    give_to(directory, user);
  } else if (errno != EEXIST) {
    return failed(directory, "cannot be created", "create it, or choose another control: socket:");
  }
  return {};
}

// Takes away the socket that a dead process left; an error when something else is there.
Result<void> clear_place(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return fail(path, "is no socket, and is in the way", "remove it, or choose another control: socket:");
  const io::FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // EAGAIN: somebody listens who is too busy to accept.
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN)
    return fail(path, "another yonroku serves this socket" + describe_server(path),
                "stop it first, or choose another control: socket:");
  if (errno != ECONNREFUSED) return failed(path, "cannot be replaced");
  if (::unlink(path.c_str()) != 0) return failed(path, "is a dead process's, and cannot be removed");
  return {};
}

}  // namespace

Result<ListeningSocket> ListeningSocket::open(const std::string& path,
                                              const std::optional<std::string>& user) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(
        path,
        "the path of a control socket has 1 to " + std::to_string(sizeof address.sun_path - 1) + " octets",
        "choose another control: socket:");
  path.copy(address.sun_path, path.size());
  TRY(make_directory(path, user));
  TRY(clear_place(path, address));

  io::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return std::unexpected(failed(path, "no socket").error());
  struct stat status{};
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(failed(path, "cannot be created", "choose another control: socket:").error());
  // Nobody is accepted before the mode is right: listen() comes last.
  if (::chmod(path.c_str(), kSocketMode) != 0 || ::stat(path.c_str(), &status) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    const auto error = failed(path, "cannot be served").error();
    ::unlink(path.c_str());
    return std::unexpected(error);
  }
  give_to(path, user);
  return ListeningSocket(path, std::move(fd), status.st_dev, status.st_ino);
}

ListeningSocket::~ListeningSocket() {
  if (!fd_.is_open()) return;
  struct stat status{};
  if (::stat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
    ::unlink(path_.c_str());
}

}  // namespace yonroku::api
