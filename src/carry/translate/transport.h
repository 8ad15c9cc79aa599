// Transport headers under translation (RFC 7915 §4.5, §5.5): the checksum follows the pseudo-header's change
// by delta, so a wrong one stays wrong by as much; TCP's MSS may be clamped. Protocols without a known
// checksum pass untouched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hot.h"
#include "carry/crossing.h"
#include "packet/checksum.h"
#include "packet/headers.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

// Whether the device's unfinished checksum is the one of this transport header.
enum class ChecksumState : uint8_t {
  Complete,
  Partial,
  Senseless,  // the offload request points outside the packet or not at the protocol's checksum
};

// What was found out about the transport header before anything is written.
struct TransportPlan {
  enum class Kind : uint8_t { Untouched, Tcp, Udp, UdpComputeChecksum };
  Kind kind = Kind::Untouched;
  ChecksumState checksum = ChecksumState::Complete;
  std::size_t header_size = 0;  // of TCP with its options, of UDP; 0 when untouched
};

// Looks at the offload request: Partial when it is about the transport header at `transport_offset`.
ChecksumState check_present_offload(const Offload& offload, std::size_t packet_size,
                                    std::size_t transport_offset, IpProtocol protocol) noexcept;
YONROKU_HOT_INLINE ChecksumState check_offload(const Offload& offload, std::size_t packet_size,
                                               std::size_t transport_offset, IpProtocol protocol) noexcept {
  if (!offload.partial_checksum && !offload.is_super_packet()) return ChecksumState::Complete;
  return check_present_offload(offload, packet_size, transport_offset, protocol);
}

// Internal to rewrite_transport().
void rewrite_syn(std::span<std::byte> transport, const TransportPlan& plan, uint16_t mss_clamp,
                 ChecksumDelta& delta) noexcept;
be16 compute_udp_checksum(std::span<const std::byte> transport, ChecksumDelta pseudo_header) noexcept;

// Writes the ports into a transport header that has its ports in front (two octets each); the change is added
// to `delta`.
YONROKU_HOT_INLINE void change_port(std::span<std::byte> transport, PortChange change,
                                    ChecksumDelta& delta) noexcept {
  const auto write = [&](std::size_t at, uint16_t port) YONROKU_HOT_LAMBDA {
    be16& field = *reinterpret_cast<be16*>(transport.data() + at);
    const be16 now = be16::from_host(port);
    delta.replace(field, now);
    field = now;
  };
  write(change.which == PortChange::Which::Destination ? sizeof(be16) : 0, change.port);
  if (change.which == PortChange::Which::Both) [[unlikely]]
    write(sizeof(be16), change.destination_port);
}

// The same for the identifier of an ICMP query.
inline void change_identifier(IcmpHeader& icmp, uint16_t identifier, ChecksumDelta& delta) noexcept {
  be16& field = *reinterpret_cast<be16*>(icmp.rest);
  const be16 now = be16::from_host(identifier);
  delta.replace(field, now);
  field = now;
}

// Rewrites the transport header in place. `delta` holds the change of the pseudo-header; for
// UdpComputeChecksum it holds the new pseudo-header, since the packet had no sum.
YONROKU_HOT_INLINE void rewrite_transport(std::span<std::byte> transport, const TransportPlan& plan,
                                          ChecksumDelta delta, uint16_t mss_clamp,
                                          PortChange port = {}) noexcept {
  const bool is_partial = plan.checksum == ChecksumState::Partial;
  if (port.which != PortChange::Which::None && plan.kind != TransportPlan::Kind::Untouched) {
    // What sums the packet as it will be sees the new port anyway.
    ChecksumDelta seen_anyway;
    const bool is_summed = is_partial || plan.kind == TransportPlan::Kind::UdpComputeChecksum;
    change_port(transport, port, is_summed ? seen_anyway : delta);
  }
  if (plan.kind == TransportPlan::Kind::Tcp) {
    auto& tcp = *reinterpret_cast<TcpHeader*>(transport.data());
    if (mss_clamp != 0 && (tcp.flags & TcpHeader::kSyn) != 0) [[unlikely]]
      rewrite_syn(transport, plan, mss_clamp, delta);
    tcp.checksum = is_partial ? delta.apply_to_partial(tcp.checksum) : delta.apply(tcp.checksum);
  } else if (plan.kind != TransportPlan::Kind::Untouched) {
    auto& udp = *reinterpret_cast<UdpHeader*>(transport.data());
    be16 checksum = is_partial                              ? delta.apply_to_partial(udp.checksum)
                    : plan.kind == TransportPlan::Kind::Udp ? delta.apply(udp.checksum)
                                                            : compute_udp_checksum(transport, delta);
    // RFC 768: a computed checksum of zero is sent as all ones. A partial one is finished by the device.
    if (checksum == be16{} && !is_partial) checksum = be16::from_host(0xffff);
    udp.checksum = checksum;
  }
}

// Lowers every MSS option of a SYN (RFC 9293 §3.7.1) to `limit`; its change is added to `delta`.
void clamp_mss(std::span<std::byte> tcp, uint16_t limit, ChecksumDelta& delta) noexcept;

}  // namespace yonroku::carry
