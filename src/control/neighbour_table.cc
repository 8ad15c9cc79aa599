#include "control/neighbour_table.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

namespace yonroku::control {
namespace {

// In which the kernel sends to a neighbour without asking first (include/net/neighbour.h: NUD_VALID).
constexpr uint16_t kValid = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

struct Attributes {
  std::span<const uint8_t> address;
  std::span<const uint8_t> mac;
};

int read_attribute(const nlattr* attribute, void* out) {
  auto& attributes = *static_cast<Attributes*>(out);
  const std::span payload(static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)),
                          mnl_attr_get_payload_len(attribute));
  if (mnl_attr_get_type(attribute) == NDA_DST) attributes.address = payload;
  if (mnl_attr_get_type(attribute) == NDA_LLADDR) attributes.mac = payload;
  return MNL_CB_OK;
}

std::optional<Ipv6Address> address_of(uint8_t family, std::span<const uint8_t> octets) {
  if (octets.size() != (family == AF_INET ? 4u : 16u)) return std::nullopt;
  std::array<uint8_t, 16> all{};
  if (family == AF_INET) all[10] = all[11] = 0xff;
  std::ranges::copy(octets, all.end() - static_cast<std::ptrdiff_t>(octets.size()));
  return Ipv6Address::from_octets(all);
}

}  // namespace

bool NeighbourTable::see(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWNEIGH && message.nlmsg_type != RTM_DELNEIGH) return false;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(ndmsg)) return false;
  const auto& header = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message));
  const bool is_ip = header.ndm_family == AF_INET || header.ndm_family == AF_INET6;
  if (!is_ip || (header.ndm_flags & NTF_PROXY) != 0) return false;
  Attributes attributes;
  (void)mnl_attr_parse(&message, sizeof header, read_attribute, &attributes);
  const auto address = address_of(header.ndm_family, attributes.address);
  if (!address) return false;

  const std::pair key{static_cast<uint32_t>(header.ndm_ifindex), *address};
  const auto known = known_.find(key);
  if (message.nlmsg_type == RTM_DELNEIGH || (header.ndm_state & kValid) == 0) {
    if (known == known_.end()) return !is_complete_;
    known_.erase(known);
    return true;
  }
  Mac mac{};
  std::ranges::copy(attributes.mac.first(std::min(attributes.mac.size(), mac.size())), mac.begin());
  if (known != known_.end() && known->second == mac) return !is_complete_;
  known_.insert_or_assign(key, mac);
  return true;
}

void NeighbourTable::forget() noexcept {
  known_.clear();
  is_complete_ = false;
}

}  // namespace yonroku::control
