#include "fastpath/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "fastpath/pins.h"

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

// Names of pins: what is pinned, and the interface's index. Of a filter it is the program.
constexpr std::string_view kTcPin = "tc-", kXdpPin = "xdp-", kFilterPin = "filter-";

std::string pin_of(std::string_view kind, uint32_t interface) {
  return std::string(kind) + std::to_string(interface);
}

int quiet(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

Attachment::Attachment(Attachment&& other) noexcept
    : link_(std::move(other.link_)),
      filter_interface_(std::exchange(other.filter_interface_, 0)),
      pins_(std::exchange(other.pins_, nullptr)),
      pin_(std::move(other.pin_)) {}
Attachment& Attachment::operator=(Attachment&& other) noexcept {
  std::swap(link_, other.link_);
  std::swap(filter_interface_, other.filter_interface_);
  std::swap(pins_, other.pins_);
  std::swap(pin_, other.pin_);
  return *this;
}
Attachment::~Attachment() {
  if (filter_interface_ != 0) detach_filter(filter_interface_);
  if (pins_ != nullptr) pins_->remove(pin_);
}

bool Attachment::is_pin(const std::string& name) {
  return name.starts_with(kTcPin) || name.starts_with(kXdpPin) || name.starts_with(kFilterPin);
}

void Attachment::detach_pinned(const std::string& name) {
  if (!name.starts_with(kFilterPin)) return;
  uint32_t interface = 0;
  std::from_chars(name.data() + kFilterPin.size(), name.data() + name.size(), interface);
  if (interface != 0) detach_filter(interface);
}

// Without a link: there was none, or its interface is gone.
Attachment Attachment::take_over(uint32_t interface, int program, std::string pin, const Pins* pins) {
  Attachment attachment;
  if (pins == nullptr) return attachment;
  attachment.pin_ = std::move(pin);
  io::FileDescriptor link(bpf_obj_get(pins->path_of(attachment.pin_).c_str()));
  if (!link.is_open()) return attachment;
  bpf_link_info info{};
  uint32_t size = sizeof info;
  // The interface is the first of what tells of a link, of tcx as of XDP.
  if (bpf_obj_get_info_by_fd(link.get(), &info, &size) == 0 && info.xdp.ifindex == interface &&
      bpf_link_update(link.get(), program, nullptr) == 0) {
    attachment.link_ = std::move(link);
    attachment.pins_ = pins;
  } else {
    pins->remove(attachment.pin_);
  }
  return attachment;
}

// `what` is pinned as pin_ says, if it is to be. Where that can't be it ends with the program.
void Attachment::pin_to(const Pins* pins, int what) {
  if (pins == nullptr) return;
  if (const int error = bpf_obj_pin(what, pins->path_of(pin_).c_str()); error != 0) {
    spdlog::warn("offload-state: {}/{}: {}: this program does not go on after the daemon", pins->folder(),
                 pin_, std::strerror(-error));
    return;
  }
  pins_ = pins;
}

Result<Attachment> Attachment::at_tc(uint32_t interface, int program, const Pins* pins) {
  Attachment attachment = take_over(interface, program, pin_of(kTcPin, interface), pins);
  if (attachment.link_.is_open()) return attachment;
  const int link = bpf_link_create(program, static_cast<int>(interface), kTcxIngress, nullptr);
  if (link >= 0) {
    attachment.link_ = io::FileDescriptor(link);
    attachment.pin_to(pins, link);
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
  attachment.pin_ = pin_of(kFilterPin, interface);
  if (pins != nullptr) ::unlink(pins->path_of(attachment.pin_).c_str());  // of the filter that was replaced
  attachment.pin_to(pins, program);
  return attachment;
}

Result<Attachment> Attachment::at_xdp(uint32_t interface, int program, const Pins* pins) {
  Attachment attachment = take_over(interface, program, pin_of(kXdpPin, interface), pins);
  if (attachment.link_.is_open()) return attachment;
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  const int link = bpf_link_create(program, static_cast<int>(interface), BPF_XDP, &options);
  if (link < 0) return failed("attaching the XDP program", link);
  attachment.link_ = io::FileDescriptor(link);
  attachment.pin_to(pins, link);
  return attachment;
}

}  // namespace yonroku::fastpath
