#include "mechanism/nat44_text.h"

#include "mechanism/nat_transport.h"

namespace yonroku::mechanism {

using share::InsideEndpoint;
using share::NatSide;

namespace {

// That an IPv6 packet can hold, be there a tunnel's encapsulation limit in front of it (RFC 2473 §4.1.1).
constexpr std::size_t kLargestInTunnel = 65535 - 8;

std::optional<Conversation> if_it_concerns(const AlgSettings& settings, const Conversation& conversation) {
  return Alg::concerns(settings, conversation) ? std::optional(conversation) : std::nullopt;
}

bool read(const Ipv4View& ip, NatTransport& transport) {
  return NatTransport::read(ip.header().protocol, ip.payload(), Family::Ipv4, transport) == DropReason::None;
}

}  // namespace

void prepare_alg(const AlgSettings& settings, WorkerState& state) {
  if (settings.is_on() && state.alg == nullptr)
    state.alg = std::make_unique<Alg>(state.random.next(), state.memory);
}

std::optional<Conversation> outbound_conversation(const AlgSettings& settings, const Ipv4View& ip,
                                                  const Ipv6Address& softwire,
                                                  const Nat44Change& change) noexcept {
  NatTransport transport;
  if (change.is_error || !read(ip, transport)) return std::nullopt;
  return if_it_concerns(settings, {NatSide::Inside,
                                   transport.protocol,
                                   transport.tcp_flags,
                                   {softwire, ip.header().source(), transport.source_port},
                                   {change.outer.source, change.outer.port.port},
                                   {ip.header().destination(), transport.destination_port}});
}

std::optional<Conversation> inbound_conversation(const AlgSettings& settings, const Ipv4View& ip,
                                                 const InsideEndpoint& inside) noexcept {
  NatTransport transport;
  if (!read(ip, transport)) return std::nullopt;  // an ICMP error
  return if_it_concerns(settings, {NatSide::Outside,
                                   transport.protocol,
                                   transport.tcp_flags,
                                   inside,
                                   {ip.header().destination(), transport.destination_port},
                                   {ip.header().source(), transport.source_port}});
}

std::optional<Verdict> change_text(Packet& packet, Ipv4View& ip, std::size_t fits,
                                   const Conversation& conversation, WorkerState& state) noexcept {
  if (ip.header().dont_fragment() && ip.size() > fits && !packet.offload.is_super_packet())
    return std::nullopt;
  Conversation limited = conversation;
  limited.most = kLargestInTunnel;
  if (const auto ended = state.alg->process(packet, limited, *state.nat, state.now)) return ended;
  const auto changed = Ipv4View::parse(packet.bytes());
  if (!changed) return Verdict::drop(changed.error());
  ip = *changed;
  return std::nullopt;
}

Verdict unwrap_and_change_text(const carry::Encapsulate& encapsulate, Packet& packet, const Ipv6View& outer,
                               const Ipv4View& inner, const carry::TransportPlan& plan,
                               const Nat44Change& change, const Conversation& conversation,
                               WorkerState& state) noexcept {
  const Verdict unwrapped = encapsulate.unwrap(packet, outer, inner);
  if (unwrapped.action != Verdict::Action::ToIpv4) return unwrapped;
  apply(packet.bytes(), plan, change);
  return state.alg->process(packet, conversation, *state.nat, state.now).value_or(unwrapped);
}

}  // namespace yonroku::mechanism
