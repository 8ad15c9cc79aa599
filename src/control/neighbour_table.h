// The kernel's neighbours as far as answers to where a packet goes depend on them: which have a link-layer
// address, and what it is.
//
// A busy link has events all the time: entries grow stale and are confirmed, addresses that nobody has are
// asked for in vain, bridges learn. None of them changes an answer.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "packet/ipv6_address.h"

struct nlmsghdr;

namespace yonroku::control {

class NeighbourTable {
 public:
  // A message of the kernel's, of a change or of a dump: whether it changes an answer. Of others than
  // neighbours' it knows nothing. While it does not know all neighbours, each change may.
  bool see(const nlmsghdr& message);
  // Changes have been lost. What is known afterwards is complete once all neighbours have been seen.
  void forget() noexcept;
  void complete() noexcept { is_complete_ = true; }
  [[nodiscard]] bool is_complete() const { return is_complete_; }

 private:
  using Mac = std::array<uint8_t, 6>;
  // Interface index and address, IPv4 as ::ffff:0:0/96.
  std::map<std::pair<uint32_t, Ipv6Address>, Mac> known_;
  bool is_complete_ = false;
};

}  // namespace yonroku::control
