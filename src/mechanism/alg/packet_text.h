// A change of what a transport header carries: lengths and checksums brought in line with it. Made before the
// change, finished after it; the packet may have become longer or shorter.
#pragma once

#include <cstddef>

#include "carry/translate/transport.h"
#include "packet/headers.h"
#include "packet/packet.h"

namespace yonroku::mechanism {

// Where the text lies: a TCP segment or a UDP datagram, whole, that the packet ends with. The packet is no
// super-packet and no fragment.
struct TextPlace {
  std::size_t ip = 0;         // octets in front of the IP header
  std::size_t transport = 0;  // octets in front of the transport header
  IpProtocol protocol{};      // TCP or UDP
  carry::ChecksumState checksum{};
  std::size_t most = 65535;  // octets that the packet may have afterwards
};

class TransportText {
 public:
  TransportText(const Packet& packet, const TextPlace& place) noexcept;
  // A packet that became longer may be fragmented on its way: its sender does not know.
  void finish(Packet& packet) const noexcept;

 private:
  [[nodiscard]] static uint32_t sum_of(const Packet& packet, std::size_t transport) noexcept;
  TextPlace place_;
  std::size_t size_;
  uint32_t sum_;
};

}  // namespace yonroku::mechanism
