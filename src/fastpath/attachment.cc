#include "fastpath/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace yonroku::fastpath {
namespace {

// Of Linux 6.6, newer than the headers that we are built with may be.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
// Ours among the clsact filters of an interface.
constexpr uint32_t kFilterHandle = 0x46, kFilterPriority = 46;

std::unexpected<Error> failed(const char* what, int error) {
  return fail("offload", std::string(what) + ": " + std::strerror(error < 0 ? -error : error));
}

void detach_filter(uint32_t interface) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(interface), .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kFilterHandle, .priority = kFilterPriority);
  (void)bpf_tc_detach(&hook, &filter);
}

int quiet(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

Attachment::Attachment(Attachment&& other) noexcept
    : link_(std::move(other.link_)), filter_interface_(std::exchange(other.filter_interface_, 0)) {}
Attachment& Attachment::operator=(Attachment&& other) noexcept {
  std::swap(link_, other.link_);
  std::swap(filter_interface_, other.filter_interface_);
  return *this;
}
Attachment::~Attachment() {
  if (filter_interface_ != 0) detach_filter(filter_interface_);
}

Result<Attachment> Attachment::at_tc(uint32_t interface, int program) {
  Attachment attachment;
  const int link = bpf_link_create(program, static_cast<int>(interface), kTcxIngress, nullptr);
  if (link >= 0) {
    attachment.link_ = io::FileDescriptor(link);
    return attachment;
  }
  if (link != -EINVAL && link != -EOPNOTSUPP) return failed("attaching the tc program", link);
  // A kernel before 6.6.
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(interface), .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program, .flags = BPF_TC_F_REPLACE, .handle = kFilterHandle,
              .priority = kFilterPriority);
  const libbpf_print_fn_t before = libbpf_set_print(quiet);  // it complains of a hook that is there already
  const int made = bpf_tc_hook_create(&hook);
  const int attached = made == 0 || made == -EEXIST ? bpf_tc_attach(&hook, &filter) : made;
  libbpf_set_print(before);
  if (attached != 0) return failed("attaching the tc program", attached);
  attachment.filter_interface_ = interface;
  return attachment;
}

Result<Attachment> Attachment::at_xdp(uint32_t interface, int program) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  const int link = bpf_link_create(program, static_cast<int>(interface), BPF_XDP, &options);
  if (link < 0) return failed("attaching the XDP program", link);
  Attachment attachment;
  attachment.link_ = io::FileDescriptor(link);
  return attachment;
}

}  // namespace yonroku::fastpath
