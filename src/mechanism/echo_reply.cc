#include "mechanism/echo_reply.h"

#include <utility>

#include "packet/checksum.h"
#include "packet/headers.h"

namespace yonroku::mechanism {

Verdict answer_echo(Packet& packet, const Ipv6View& ip, Trace* trace) noexcept {
  constexpr uint8_t kHopLimit = 64;
  if (packet.offload.partial_checksum) return Verdict::segment();
  if (trace != nullptr) trace->note(TraceStep::EchoReply, ip.header().destination());
  // Source and destination change places, which leaves the checksum alone.
  packet.truncate(ip.size());
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  std::swap(header.source_wire, header.destination_wire);
  header.hop_limit = kHopLimit;
  auto& reply = *reinterpret_cast<IcmpHeader*>(packet.data() + ip.payload_offset());
  ChecksumDelta delta;
  delta.removed(uint32_t{icmpv6::kEcho} << 8);
  delta.added(uint32_t{icmpv6::kEchoReply} << 8);
  reply.type = icmpv6::kEchoReply;
  reply.checksum = delta.apply(reply.checksum);
  return Verdict::to_ipv6();
}

}  // namespace yonroku::mechanism
