#include "control/host_check.h"

#include <algorithm>
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

std::string offload_warning(const std::string& interface) {
  const std::string name = "net/ipv4/conf/" + interface + "/rp_filter";
  // The kernel takes the larger one (Documentation/networking/ip-sysctl).
  const int mode = std::max(sysctl("net/ipv4/conf/all/rp_filter", 0), sysctl(name, 0));
  if (mode != 1) return {};
  return interface +
         ": rp_filter is 1 (strict), which the offload's programs do not ask: spoofed IPv4 sources pass; "
         "check "
         "them at ingress (nftables: netdev, `fib saddr . iif oif`), or leave the interface out of "
         "offload-interfaces";
}

}  // namespace yonroku::control
