#include "control/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace yonroku::control {
namespace {

Result<void> failed(const std::string& what) {
  return fail("privileges", what + ": " + std::strerror(errno));
}

Result<void> switch_user(const std::string& user) {
  errno = 0;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr)
    return fail("user", "no user \"" + user + "\"",
                "create it (useradd --system " + user + ") or leave `user` out");
  if (::getuid() == entry->pw_uid && ::geteuid() == entry->pw_uid) return {};
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0) return failed("PR_SET_KEEPCAPS");
  if (::setgroups(0, nullptr) != 0) return failed("setgroups");
  if (::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0) return failed("setresgid");
  if (::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) return failed("setresuid");
  return {};
}

}  // namespace

uid_t user_after_start(const std::optional<std::string>& user) {
  const passwd* const entry = user ? ::getpwnam(user->c_str()) : nullptr;
  return entry != nullptr ? entry->pw_uid : ::geteuid();
}

Result<void> drop_privileges(const std::optional<std::string>& user, Keep keep) {
  const auto is_kept = [&](cap_value_t cap) {
    return cap == CAP_NET_ADMIN || (cap == CAP_BPF && keep == Keep::ForOffload);
  };
  for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; ++cap)
    if (!is_kept(cap) && ::prctl(PR_CAPBSET_READ, cap) == 1 && ::prctl(PR_CAPBSET_DROP, cap) != 0 &&
        errno != EPERM && errno != EINVAL)
      return failed("PR_CAPBSET_DROP");
  if (user) TRY(switch_user(*user));

  const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> held(cap_get_proc(), cap_free);
  const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> wanted(cap_init(), cap_free);
  if (held == nullptr || wanted == nullptr) return failed("reading capabilities");
  for (const cap_value_t cap : {cap_value_t{CAP_NET_ADMIN}, cap_value_t{CAP_BPF}}) {
    cap_flag_value_t is_held = CAP_CLEAR;
    if (cap_get_flag(held.get(), cap, CAP_PERMITTED, &is_held) != 0) return failed("reading capabilities");
    if (!is_kept(cap) || is_held != CAP_SET) continue;
    if (cap_set_flag(wanted.get(), CAP_PERMITTED, 1, &cap, CAP_SET) != 0 ||
        cap_set_flag(wanted.get(), CAP_EFFECTIVE, 1, &cap, CAP_SET) != 0)
      return failed("cap_set_flag");
  }
  if (cap_set_proc(wanted.get()) != 0) return failed("capset");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("PR_SET_NO_NEW_PRIVS");
  return {};
}

}  // namespace yonroku::control
