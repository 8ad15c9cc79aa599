#include "natlog/log_folder.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace yonroku::natlog {
namespace {

namespace fs = std::filesystem;

Result<void> give(const fs::path& path, const passwd& owner) {
  if (::lchown(path.c_str(), owner.pw_uid, owner.pw_gid) == 0) return {};
  return fail(path.string(), std::strerror(errno), "the folder must belong to `user`");
}

Result<void> give_all(const fs::path& folder, const std::string& user) {
  const passwd* const owner = ::getpwnam(user.c_str());
  if (owner == nullptr) return fail("user", "no user \"" + user + "\"");
  if (::geteuid() == owner->pw_uid) return {};
  TRY(give(folder, *owner));
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(folder, failed)) TRY(give(file.path(), *owner));
  if (failed) return fail(folder.string(), failed.message());
  return {};
}

}  // namespace

Result<void> make_log_folder(const std::string& path, const std::optional<std::string>& user) {
  std::error_code failed;
  if (fs::create_directories(path, failed))
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec, failed);
  if (failed) return fail(path, "cannot be made: " + failed.message(), "make it, or set nat-log: path");
  if (user) return give_all(path, *user);
  return {};
}

}  // namespace yonroku::natlog
