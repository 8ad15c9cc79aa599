#include "mechanism/tunnel_end.h"

#include <utility>

#include "packet/checksum.h"

namespace yonroku::mechanism {

Verdict answer_query(Packet& packet, const Ipv6View& ip, WorkerState& state) noexcept {
  if (ip.payload().size() < sizeof(IcmpHeader)) return Verdict::drop(DropReason::TruncatedHeader);
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(ip.payload().data());
  if (icmp.type != icmpv6::kEcho || packet.offload.is_super_packet())
    return Verdict::drop(DropReason::NotEncapsulated);
  if (packet.offload.partial_checksum) return Verdict::segment();
  // Source and destination change places, which leaves the checksum alone.
  if (state.trace != nullptr) state.trace->note(TraceStep::EchoReply, ip.header().destination());
  packet.truncate(ip.size());
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  std::swap(header.source_wire, header.destination_wire);
  header.hop_limit = 64;
  auto& reply = *reinterpret_cast<IcmpHeader*>(packet.data() + ip.payload_offset());
  ChecksumDelta delta;
  delta.removed(uint32_t{icmpv6::kEcho} << 8);
  delta.added(uint32_t{icmpv6::kEchoReply} << 8);
  reply.type = icmpv6::kEchoReply;
  reply.checksum = delta.apply(reply.checksum);
  return Verdict::to_ipv6();
}

Verdict wrap_reply(const carry::Encapsulate& encapsulate, Packet& message, std::span<const std::byte> about,
                   WorkerState& state) noexcept {
  const auto outer = Ipv6View::parse(about);
  if (!outer) return Verdict::drop(outer.error());
  const auto ip = Ipv4View::parse(message.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const auto flow = Ipv4Flow::of(*ip);
  if (!flow) return Verdict::drop(flow.error());
  const carry::Crossing6 ends{outer->header().destination(), outer->header().source()};
  return encapsulate.wrap(message, *ip, *flow, ends, UINT16_MAX, state.random);
}

DropReason reason_of(share::MapRuleTable::Lookup lookup, Ipv4Flow::Ports ports) noexcept {
  using Lookup = share::MapRuleTable::Lookup;
  switch (lookup) {
    case Lookup::PortNotAssigned: return DropReason::PortNotAssigned;
    case Lookup::Shared:
      return ports == Ipv4Flow::Ports::CutOff ? DropReason::InnerPacketTruncated
                                              : DropReason::ProtocolWithoutPorts;
    default: return DropReason::NoSoftwire;
  }
}

}  // namespace yonroku::mechanism
