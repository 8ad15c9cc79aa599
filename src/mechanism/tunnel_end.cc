#include "mechanism/tunnel_end.h"

#include "mechanism/echo_reply.h"

namespace yonroku::mechanism {

Verdict answer_query(Packet& packet, const Ipv6View& ip, WorkerState& state) noexcept {
  if (ip.payload().size() < sizeof(IcmpHeader)) return Verdict::drop(DropReason::TruncatedHeader);
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(ip.payload().data());
  if (icmp.type != icmpv6::kEcho || packet.offload.is_super_packet())
    return Verdict::drop(DropReason::NotEncapsulated);
  return answer_echo(packet, ip, state.trace);
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
