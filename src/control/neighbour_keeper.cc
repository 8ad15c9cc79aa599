#include "control/neighbour_keeper.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <span>
#include <vector>

#include "control/netlink_dump.h"

namespace yonroku::control {
namespace {

constexpr int kMilliseconds = 5000;            // between two looks
constexpr uint64_t kRecently = 7'000'000'000;  // nanoseconds; programs tell of a use once a second

std::unexpected<Error> failed(const char* what) {
  return fail("netlink", std::string(what) + ": " + std::strerror(errno));
}

uint64_t monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

struct Entry {
  ndmsg header{};
  std::span<const std::byte> address;
  std::span<const std::byte> mac;
  uint32_t further_flags = 0;
};

std::span<const std::byte> payload_of(const nlattr* attribute) {
  return {static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

int read_attribute(const nlattr* attribute, void* out) {
  Entry& entry = *static_cast<Entry*>(out);
  switch (mnl_attr_get_type(attribute)) {
    case NDA_DST: entry.address = payload_of(attribute); break;
    case NDA_LLADDR: entry.mac = payload_of(attribute); break;
    case NDA_FLAGS_EXT: entry.further_flags = mnl_attr_get_u32(attribute); break;
    default: break;
  }
  return MNL_CB_OK;
}

// Whether the kernel would ask for it before long if it saw it being used. What others look after is theirs.
bool is_stale(const Entry& entry) {
  return entry.header.ndm_state == NUD_STALE &&
         (entry.header.ndm_flags & (NTF_PROXY | NTF_EXT_LEARNED)) == 0 &&
         (entry.further_flags & NTF_EXT_MANAGED) == 0;
}

// The entries that are being used, as requests to the kernel to use them.
struct Search {
  const NeighbourKeeper::LastUse& last_use;
  uint64_t now;
  std::vector<std::array<char, 64>> requests;
};

bool look_at_entry(const nlmsghdr& message, Search& search) {
  Entry entry;
  entry.header = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message));
  if (mnl_attr_parse(&message, sizeof(ndmsg), read_attribute, &entry) < 0) return false;
  fastpath::Neighbour neighbour{};
  if (!is_stale(entry) || entry.mac.size() != sizeof neighbour.mac) return true;
  neighbour.interface = static_cast<uint32_t>(entry.header.ndm_ifindex);
  std::memcpy(neighbour.mac, entry.mac.data(), sizeof neighbour.mac);
  const uint64_t last = search.last_use(neighbour);
  if (last == 0 || last + kRecently < search.now) return true;
  nlmsghdr* const request = mnl_nlmsg_put_header(search.requests.emplace_back().data());
  request->nlmsg_type = RTM_NEWNEIGH;
  request->nlmsg_flags = NLM_F_REQUEST;  // without NLM_F_CREATE: what is gone stays gone
  auto* const header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ndmsg)));
  header->ndm_family = entry.header.ndm_family;
  header->ndm_ifindex = entry.header.ndm_ifindex;
  header->ndm_flags = NTF_USE;
  mnl_attr_put(request, NDA_DST, entry.address.size(), entry.address.data());
  return true;
}

Result<void> confirm_used(const NeighbourKeeper::LastUse& last_use) {
  Search search{last_use, monotonic_now(), {}};
  TRY(dump_netlink(RTM_GETNEIGH, AF_UNSPEC,
                   [&](const nlmsghdr& message) { return look_at_entry(message, search); }));
  if (search.requests.empty()) return {};
  const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(
      mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC), mnl_socket_close);
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return failed("bind");
  for (const auto& each : search.requests)
    if (mnl_socket_sendto(socket.get(), each.data(),
                          reinterpret_cast<const nlmsghdr*>(each.data())->nlmsg_len) < 0)
      return failed("using a neighbour");
  return {};
}

}  // namespace

Result<std::unique_ptr<NeighbourKeeper>> NeighbourKeeper::start(LastUse last_use) {
  std::unique_ptr<NeighbourKeeper> keeper(new NeighbourKeeper(std::move(last_use)));
  keeper->stop_ = io::FileDescriptor(::eventfd(0, EFD_CLOEXEC));
  if (!keeper->stop_.is_open()) return failed("eventfd");
  keeper->thread_ = std::thread([self = keeper.get()] { self->run(); });
  return keeper;
}

NeighbourKeeper::~NeighbourKeeper() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void NeighbourKeeper::run() {
  pollfd waiting{stop_.get(), POLLIN, 0};
  bool has_failed = false;
  while (true) {
    const int ready = ::poll(&waiting, 1, kMilliseconds);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
    const auto confirmed = confirm_used(last_use_);
    if (!confirmed && !has_failed)
      spdlog::warn("offload: neighbours are not kept: {}", confirmed.error().to_string());
    has_failed = !confirmed;
  }
}

}  // namespace yonroku::control
