// Transport headers under translation (RFC 7915 §4.5, §5.5): the checksum follows the pseudo-header's change by delta,
// so a wrong one stays wrong by as much; TCP's MSS may be clamped. Protocols without a known checksum pass untouched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/checksum.h"
#include "packet/headers.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

// Whether the device's unfinished checksum is the one of this transport header.
enum class ChecksumState : uint8_t { Complete, Partial };

// What was found out about the transport header before anything is written.
struct TransportPlan {
  enum class Kind : uint8_t { Untouched, Tcp, Udp, UdpComputeChecksum };
  Kind kind = Kind::Untouched;
  ChecksumState checksum = ChecksumState::Complete;
  std::size_t header_size = 0;  // of TCP with its options, of UDP; 0 when untouched
};

// Looks at the offload request: Complete, or Partial when it is about the transport header at `transport_offset`.
// bad-offload-metadata when it points outside the packet or not at the protocol's checksum.
Checked<ChecksumState> check_offload(const Offload& offload, std::size_t packet_size, std::size_t transport_offset,
                                     IpProtocol protocol) noexcept;

// Rewrites the transport header in place. `delta` holds the change of the pseudo-header.
void rewrite_transport(std::span<std::byte> transport, const TransportPlan& plan, ChecksumDelta delta,
                       uint16_t mss_clamp) noexcept;

// Lowers the MSS option of a SYN (RFC 9293 §3.7.1) to `limit`; its change is added to `delta`.
void clamp_mss(std::span<std::byte> tcp, uint16_t limit, ChecksumDelta& delta) noexcept;

}  // namespace yonroku::carry
