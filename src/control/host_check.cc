#include "control/host_check.h"

#include <fstream>

namespace yonroku::control {
namespace {

// The number in a sysctl file, or `otherwise` when it can't be read.
int sysctl(const std::string& path, int otherwise) {
  std::ifstream in("/proc/sys/" + path);
  int value = otherwise;
  if (!(in >> value)) return otherwise;
  return value;
}

}  // namespace

std::vector<std::string> host_warnings() {
  std::vector<std::string> warnings;
  if (sysctl("net/ipv4/ip_forward", 1) == 0)
    warnings.push_back(
        "IPv4 forwarding is off: only this host's own packets pass; sysctl net.ipv4.ip_forward=1");
  if (sysctl("net/ipv6/conf/all/forwarding", 1) == 0)
    warnings.push_back(
        "IPv6 forwarding is off: translated packets will not leave; sysctl net.ipv6.conf.all.forwarding=1 "
        "(where the "
        "default route comes by Router Advertisement, first net.ipv6.conf.UPLINK.accept_ra=2, or it is "
        "lost)");
  if (sysctl("net/ipv4/conf/all/rp_filter", 0) == 1)
    warnings.push_back(
        "net.ipv4.conf.all.rp_filter is 1 (strict): translated packets whose source is routed elsewhere are "
        "dropped; "
        "set it to 0 or 2");
  return warnings;
}

}  // namespace yonroku::control
