#include "control/interfaces.h"

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "control/netlink_dump.h"
#include "io/file_descriptor.h"

namespace yonroku::control {
namespace {

using fastpath::Interface;

std::string driver_of(int socket, const std::string& name) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&info);
  return ::ioctl(socket, SIOCETHTOOL, &request) == 0 ? std::string(info.driver) : std::string();
}

int read_link_info(const nlattr* attribute, void* out) {
  if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
    static_cast<Interface*>(out)->kind = mnl_attr_get_str(attribute);
  return MNL_CB_OK;
}

int read_attribute(const nlattr* attribute, void* out) {
  Interface& interface = *static_cast<Interface*>(out);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME: interface.name = mnl_attr_get_str(attribute); break;
    case IFLA_MASTER: interface.has_master = true; break;
    case IFLA_LINKINFO: return mnl_attr_parse_nested(attribute, read_link_info, out);
    case IFLA_ADDRESS:
      if (mnl_attr_get_payload_len(attribute) == sizeof interface.mac)
        std::memcpy(interface.mac, mnl_attr_get_payload(attribute), sizeof interface.mac);
      break;
    default: break;
  }
  return MNL_CB_OK;
}

bool read_interface(const nlmsghdr& message, Interface& interface) {
  const auto* const link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  interface.index = static_cast<uint32_t>(link->ifi_index);
  interface.is_ethernet = link->ifi_type == ARPHRD_ETHER;
  interface.has_neighbours = interface.is_ethernet || (link->ifi_flags & IFF_NOARP) == 0;
  interface.is_loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
  interface.is_up = (link->ifi_flags & IFF_UP) != 0;
  return mnl_attr_parse(&message, sizeof *link, read_attribute, &interface) >= 0;
}

}  // namespace

Result<std::vector<Interface>> list_interfaces() {
  std::vector<Interface> interfaces;
  TRY(dump_netlink(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr& message) {
    return read_interface(message, interfaces.emplace_back());
  }));
  const io::FileDescriptor asking(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (Interface& interface : interfaces) interface.driver = driver_of(asking.get(), interface.name);
  std::ranges::sort(interfaces, {}, &Interface::index);
  return interfaces;
}

}  // namespace yonroku::control
