#include "natlog/store/open_store.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "natlog/clock.h"
#include "natlog/store/store.h"

namespace yonroku::natlog {
namespace {

namespace fs = std::filesystem;

constexpr Milliseconds kDay = 86'400'000;

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

Result<std::unique_ptr<Sink>> open_store(const config::StoreSettings& settings,
                                         const std::optional<std::string>& user) {
  const fs::path folder = settings.path;
  std::error_code failed;
  if (fs::create_directories(folder, failed))
    fs::permissions(folder, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec, failed);
  if (failed)
    return fail(settings.path, "cannot be made: " + failed.message(),
                "set another `path` in nat-log, or `store: false`");
  if (user) TRY(give_all(folder, *user));
  return std::make_unique<Store>(
      settings.path,
      StoreLimits{.age = settings.keep_days * kDay, .size = uint64_t{settings.keep_size} << 20}, utc_now);
}

}  // namespace yonroku::natlog
