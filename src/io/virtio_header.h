// The virtio network header that a TUN device puts before each packet (IFF_VNET_HDR): what the kernel left
// undone, or what we ask it to do. Fields are in the host's byte order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::io {

struct VirtioHeader {
  static constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;  // flags
  static constexpr uint8_t kNone = 0, kTcpIpv4 = 1, kTcpIpv6 = 4, kUdpSegmentation = 5,
                           kEcn = 0x80;  // segmentation

  uint8_t flags;
  uint8_t segmentation;
  uint16_t header_size;  // a hint: how much to copy before the payload
  uint16_t segment_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
};
static_assert(sizeof(VirtioHeader) == 10);

// bad-offload-metadata when it asks for something that no packet of that size can need.
Checked<Offload> decode(const VirtioHeader& header, std::size_t packet_size) noexcept;
VirtioHeader encode(const Packet& packet) noexcept;

}  // namespace yonroku::io
