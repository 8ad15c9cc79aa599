#include "control/netlink_dump.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace yonroku::control {
namespace {

constexpr std::size_t kLargestAnswer = 32 * 1024;  // octets: what the kernel sends at a time

std::unexpected<Error> failed(const char* what) {
  return fail("netlink", std::string(what) + ": " + std::strerror(errno));
}

int show(const nlmsghdr* message, void* look_at) {
  return (*static_cast<const std::function<bool(const nlmsghdr&)>*>(look_at))(*message) ? MNL_CB_OK
                                                                                        : MNL_CB_ERROR;
}

}  // namespace

Result<void> dump_netlink(uint16_t type, uint8_t family, const std::function<bool(const nlmsghdr&)>& look_at,
                          const std::function<bool()>& between) {
  const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(
      mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC), mnl_socket_close);
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return failed("bind");
  std::vector<char> buffer(kLargestAnswer);
  nlmsghdr* const request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = 1;
  static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtgenmsg)))->rtgen_family = family;
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return failed("asking");
  int more = MNL_CB_OK;
  while (more > MNL_CB_STOP) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed("reading");
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1, mnl_socket_get_portid(socket.get()),
                      show, const_cast<void*>(static_cast<const void*>(&look_at)));
    if (more < 0) return failed("reading");
    if (!between()) return fail("netlink", "ended");
  }
  return {};
}

}  // namespace yonroku::control
