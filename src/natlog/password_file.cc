#include "natlog/password_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "natlog/connection.h"

namespace yonroku::natlog {

Result<std::string> read_password(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0)
    return fail(path, fmt::format("the password cannot be read: {}", std::strerror(errno)),
                "make the file, readable for the user that the program runs as");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail(path, "is no file with a password", "name another password-file");
  if ((status.st_mode & S_IRWXO) != 0)
    return fail(path, "everybody may read the password", "chmod o= " + path + ", and change the password");
  std::string password(kLongestPassword + 2, '\0');
  const ssize_t got = ::read(file.get(), password.data(), password.size());
  password.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (password.ends_with('\n')) password.pop_back();
  const bool is_one_line = password.find_first_of(std::string_view("\n\0", 2)) == std::string::npos;
  if (password.empty() || password.size() > kLongestPassword || !is_one_line)
    return fail(path, fmt::format("holds no password of 1 to {} octets in one line", kLongestPassword),
                "write the password into it, and nothing else");
  return password;
}

}  // namespace yonroku::natlog
