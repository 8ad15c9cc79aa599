#include "mechanism/slb64.h"

#include <algorithm>

#include "carry/proxy_header.h"
#include "carry/sequence_shift.h"
#include "carry/translate/plan.h"
#include "mechanism/by_version.h"
#include "mechanism/echo_reply.h"
#include "mechanism/illegal_address.h"
#include "mechanism/nat44.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::mechanism {

using carry::Crossing4;
using carry::Crossing6;
using carry::is_icmp_error;
using carry::PortChange;
using share::InsideEndpoint;
using share::Ipv4Endpoint;
using share::may_be_forwarded;
using share::Nat;
using share::NatProtocol;
using share::Server;
using share::Service;
using share::TcpState;

namespace {

// The endpoint of a client towards one service.
InsideEndpoint inside_of(const Ipv6Address& client, const Service& service, uint16_t port) {
  return {client, Ipv4Address(service.number()), port};
}

PortChange ports(uint16_t source, uint16_t destination) {
  return {PortChange::Which::Both, source, destination};
}

// After translation, which passes an unfinished one on only where it is TCP's own.
carry::ChecksumState checksum_of(const Packet& packet) {
  return packet.offload.partial_checksum ? carry::ChecksumState::Partial : carry::ChecksumState::Complete;
}

bool is_echo_request(const Ipv6View& ip) {
  return ip.payload().size() >= sizeof(IcmpHeader) &&
         reinterpret_cast<const IcmpHeader*>(ip.payload().data())->type == icmpv6::kEcho;
}

}  // namespace

void Slb64::prepare(WorkerState& state) const {
  prepare_nat(settings_.nat, state);
  const std::size_t servers = settings_.services->server_numbers();
  if (state.server_flows.size() < servers) state.server_flows.resize(servers);
  if (state.proxy_connections == nullptr && settings_.services->uses_proxy_protocol())
    state.proxy_connections = std::make_unique<ProxyConnections>(
        settings_.nat.max_sessions / state.workers + 1, state.random.next(), state.memory);
}

// server_for() would choose the same server.
std::optional<Crossing6> Slb64::ends_of(const share::OffloadedSession& session) const noexcept {
  const Service* const service = settings_.services->with_number(session.inside.ipv4.value());
  if (service == nullptr || !session.is_newest) return std::nullopt;
  const bool is_tcp = session.protocol == NatProtocol::Tcp;
  if (is_tcp && service->proxy_protocol() != share::ProxyProtocol::Off) return std::nullopt;
  const Server* const server = service->find(session.remote);
  if (server == nullptr || (!is_tcp && !server->is_up)) return std::nullopt;
  const share::ServiceKey& key = service->key();
  return Crossing6{session.inside.ipv6, key.vip, {PortChange::Which::Destination, key.port}};
}

void Slb64::identify(share::OffloadedSession& session) const noexcept {
  const Service* const service = settings_.services->find({session.far, session.far_port, session.protocol});
  session.inside.ipv4 = Ipv4Address(service == nullptr ? 0 : service->number());
}

std::optional<Crossing6> Slb64::ends_of(const share::OffloadedSession& session,
                                        const WorkerState& state) const noexcept {
  const bool is_shifted = session.protocol == NatProtocol::Tcp && state.proxy_connections != nullptr &&
                          state.proxy_connections->find(session.outside) != nullptr;
  return is_shifted ? std::nullopt : ends_of(session);
}

void Slb64::offer_session(WorkerState& state) const noexcept {
  if (const auto ends = ends_of(state.nat->candidate(), state))
    state.nat->offload(ends->source, ends->destination, ends->port.port);
  else
    state.nat->keep_from_offload();
}

Prefetched Slb64::prefetch_index(std::span<const std::byte> packet, const Nat& nat) const noexcept {
  if (packet.size() < sizeof(Ipv4Header) + 4) return {};
  const auto& ipv4 = *reinterpret_cast<const Ipv4Header*>(packet.data());
  NatTransport transport;
  if (ipv4.version() == 4) {
    if (ipv4.header_size() != sizeof(Ipv4Header) ||
        !NatTransport::read_quoted(ipv4.protocol, packet.subspan(sizeof(Ipv4Header)), transport))
      return {};
    return {share::NatSide::Outside,
            nat.prefetch(
                Nat::Inbound{{ipv4.destination(), transport.destination_port}, {}, transport.protocol, 0}),
            true};
  }
  if (packet.size() < sizeof(Ipv6Header) + 4) return {};
  const auto& ipv6 = *reinterpret_cast<const Ipv6Header*>(packet.data());
  if (!NatTransport::read_quoted(ipv6.next_header, packet.subspan(sizeof(Ipv6Header)), transport)) return {};
  const Service* const service =
      settings_.services->find({ipv6.destination(), transport.destination_port, transport.protocol});
  if (service == nullptr) return {};
  Nat::Outbound key;
  key.inside = inside_of(ipv6.source(), *service, transport.source_port);
  key.protocol = transport.protocol;
  return {share::NatSide::Inside, nat.prefetch(key), true};
}

void Slb64::prefetch(std::span<const Packet> packets, const WorkerState& state) const noexcept {
  prefetch_bindings(packets, state,
                    [this](auto octets, const Nat& nat) { return prefetch_index(octets, nat); });
}

Verdict Slb64::process(Packet& packet, WorkerState& state) const noexcept {
  if (state.nat == nullptr) [[unlikely]]
    prepare(state);
  return by_version(
      packet, [&] { return from_ipv4(packet, state); }, [&] { return from_ipv6(packet, state); });
}

// --- IPv6 to IPv4 ---

// A connection stays with its server while that is configured: it may live on although the checks say
// otherwise. What can begin anew goes where new flows go once the server is down.
Slb64::Choice Slb64::server_for(const Service& service, const InsideEndpoint& inside,
                                const NatTransport& transport, const WorkerState& state) noexcept {
  Trace* const trace = state.trace;
  const auto newest = state.nat->newest_session(inside, transport.protocol);
  if (newest) {
    const Server* const server = service.find(newest->remote);
    const bool is_tcp = transport.protocol == NatProtocol::Tcp;
    const bool begins = !is_tcp || (transport.tcp_flags & TcpHeader::kSyn) != 0;
    const bool is_over =
        is_tcp && (newest->state == TcpState::BothFin || newest->state == TcpState::Transitory);
    if (!begins || (server != nullptr && server->is_up && !is_over)) {
      if (trace != nullptr && server != nullptr)
        trace->note(TraceStep::ServerKept, service.key().vip, server->endpoint.address);
      return {server, false};
    }
  }
  const Server* const server = service.choose(inside.ipv6, inside.port);
  if (trace != nullptr && server != nullptr)
    trace->note(TraceStep::ServerChosen, service.key().vip, server->endpoint.address);
  return {server, true};
}

Verdict Slb64::from_ipv6(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv6View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv6Header& header = ip->header();
  const Ipv6Address client = header.source();
  const Ipv6Address vip = header.destination();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(vip)) return illegal(trace, TraceStep::IllegalDestination, vip);
  if (!may_be_forwarded(client)) return illegal(trace, TraceStep::IllegalSource, client);
  if (!settings_.services->has_vip(vip)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotMapped, vip);
    return Verdict::drop(DropReason::DestinationNotMapped);
  }
  if (ip->segments_left_offset() != 0)
    return Verdict::drop(DropReason::SegmentsLeft, static_cast<uint32_t>(ip->segments_left_offset()));
  if (ip->is_fragment()) return Verdict::reassemble();
  if (ip->protocol() == IpProtocol::Icmpv6) {
    if (is_icmp_error(*ip)) return error_from_ipv6(packet, *ip, state);
    if (is_echo_request(*ip) && !packet.offload.is_super_packet()) return answer_echo(packet, *ip, trace);
    return Verdict::drop(DropReason::IcmpTypeNotTranslatable);
  }

  NatTransport transport;
  if (const DropReason reason = NatTransport::read(ip->protocol(), ip->payload(), Family::Ipv6, transport);
      reason != DropReason::None)
    return Verdict::drop(reason);
  const Service* const service =
      settings_.services->find({vip, transport.destination_port, transport.protocol});
  if (service == nullptr) {
    if (trace != nullptr) trace->note(TraceStep::NoService, vip);
    return Verdict::drop(DropReason::NoService);
  }
  const InsideEndpoint inside = inside_of(client, *service, transport.source_port);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(inside); owner != state.worker)
      return Verdict::hand_over(owner);
  // A packet that goes no further opens nothing.
  if (header.hop_limit <= 1) return Verdict::drop(DropReason::HopLimitExceeded);
  const auto [server, is_new] = server_for(*service, inside, transport, state);
  if (server == nullptr) {
    if (trace != nullptr) trace->note(TraceStep::NoServer, vip);
    return Verdict::drop(DropReason::NoServer);
  }
  // What is offloaded goes to the server before.
  if (is_new) [[unlikely]]
    state.nat->take_back(inside, transport.protocol);
  const Nat::Outbound outbound{inside, server->endpoint, transport.protocol, transport.tcp_flags};
  Ipv4Endpoint outside;
  const bool is_bound = trace != nullptr && state.nat->find_outside(outbound, outside);
  const DropReason reason = state.nat->outbound(outbound, state.now, outside);
  if (reason != DropReason::None) [[unlikely]]
    return Verdict::drop(reason);
  const bool may_be_shifted = state.proxy_connections != nullptr && transport.protocol == NatProtocol::Tcp;
  if (may_be_shifted && (transport.tcp_flags & TcpHeader::kSyn) != 0 &&
      service->proxy_protocol() == share::ProxyProtocol::Off)
    state.proxy_connections->close(outside);
  if (state.nat->has_candidate()) [[unlikely]]
    offer_session(state);
  if (is_new && server->number < state.server_flows.size()) ++state.server_flows[server->number];
  if (trace != nullptr)
    trace->note(is_bound ? TraceStep::SourceByBinding : TraceStep::SourceByNewBinding, client,
                outside.address);
  const Crossing4 crossing{outside.address, server->endpoint.address,
                           ports(outside.port, server->endpoint.port)};
  if (may_be_shifted) return to_server(packet, *ip, crossing, *service, state);
  return translate_.to_ipv4(packet, *ip, crossing, state.identifications);
}

// The header goes with every segment that begins with the client's first octet, or comes before it, until the
// server has it; whatever the client sends behind that is numbered higher by its size.
Verdict Slb64::to_server(Packet& packet, const Ipv6View& ip, const Crossing4& crossing,
                         const Service& service, WorkerState& state) const noexcept {
  const auto& tcp = *reinterpret_cast<const TcpHeader*>(ip.payload().data());
  const std::size_t header_size = tcp.header_size();
  if (header_size < sizeof(TcpHeader) || header_size > ip.payload().size())
    return translate_.to_ipv4(packet, ip, crossing, state.identifications);
  const bool is_syn = (tcp.flags & TcpHeader::kSyn) != 0;
  const Ipv4Endpoint outside{crossing.source, crossing.port.port};
  if (is_syn && service.proxy_protocol() == share::ProxyProtocol::V2 &&
      !state.proxy_connections->open(outside, {crossing.destination, crossing.port.destination_port},
                                     tcp.sequence.host(), *state.nat))
    return Verdict::drop(DropReason::TableFull);
  const ProxyConnection* const connection = state.proxy_connections->find(outside);
  if (connection == nullptr) return translate_.to_ipv4(packet, ip, crossing, state.identifications);

  const bool has_first =
      is_syn ? ip.payload().size() > header_size : tcp.sequence.host() == connection->first;
  const bool gets_header = has_first && !connection->is_delivered && (tcp.flags & TcpHeader::kRst) == 0;
  if (gets_header) {
    if (packet.offload.is_super_packet()) return Verdict::segment();
    const std::size_t size = sizeof(Ipv4Header) + ip.payload().size() + carry::kProxyHeaderSize;
    const auto& settings = translate_.settings();
    if (size > settings.ipv4_mtu)
      return Verdict::drop(DropReason::PacketTooBig,
                           std::max<uint32_t>(1280, settings.ipv4_mtu + carry::kHeaderGrowth -
                                                        uint32_t{carry::kProxyHeaderSize}));
    if (packet.headroom() < carry::kProxyHeaderSize) return Verdict::drop(DropReason::NoBuffer);
  }
  const carry::ProxiedConnection told{ip.header().source(), service.key().vip, tcp.source_port.host(),
                                      service.key().port};
  const Verdict verdict = translate_.to_ipv4(packet, ip, crossing, state.identifications);
  if (verdict.action != Verdict::Action::ToIpv4) return verdict;
  if (!is_syn) {
    carry::SequenceShift shift = connection->shift();
    carry::shift_sequence(packet.bytes().subspan(sizeof(Ipv4Header)), shift, checksum_of(packet));
  }
  if (gets_header) {
    if (state.trace != nullptr) state.trace->note(TraceStep::ProxyHeader, told.client, told.server);
    carry::insert_proxy_header(packet, told);
  }
  return verdict;
}

Verdict Slb64::to_client(Packet& packet, const Ipv4View& ip, const Crossing6& crossing,
                         WorkerState& state) const noexcept {
  const auto& tcp = *reinterpret_cast<const TcpHeader*>(ip.payload().data());
  ProxyConnection* const connection =
      state.proxy_connections->find({ip.header().destination(), tcp.destination_port.host()});
  if (connection == nullptr || tcp.header_size() < sizeof(TcpHeader) ||
      tcp.header_size() > ip.payload().size())
    return translate_.to_ipv6(packet, ip, crossing);
  const bool is_syn = (tcp.flags & TcpHeader::kSyn) != 0;
  const uint32_t acknowledged = tcp.acknowledgment.host();
  if (!is_syn && (tcp.flags & TcpHeader::kAck) != 0 && !connection->is_delivered &&
      !carry::is_before(acknowledged, connection->first + uint32_t{carry::kProxyHeaderSize}))
    connection->is_delivered = true;
  const Verdict verdict = translate_.to_ipv6(packet, ip, crossing);
  if (verdict.action != Verdict::Action::ToIpv6) return verdict;
  const std::size_t front =
      verdict.fragment_size == 0 ? sizeof(Ipv6Header) : sizeof(Ipv6Header) + sizeof(Ipv6FragmentHeader);
  const auto segment = packet.bytes().subspan(front);
  if (is_syn)
    carry::lower_mss(segment, carry::kProxyHeaderSize, packet.offload.partial_checksum);
  else
    carry::shift_acknowledgment(segment, connection->shift(), checksum_of(packet));
  return verdict;
}

// The quoted packet was on its way to a client, from a VIP.
Verdict Slb64::error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept {
  const auto error = carry::Icmpv6Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const Ipv6Header& quoted = error->quote.header();
  NatTransport transport;
  if (!NatTransport::read_quoted(error->quote, transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  const Service* const service =
      settings_.services->find({quoted.source(), transport.source_port, transport.protocol});
  if (service == nullptr || quoted.source() != ip.header().destination())
    return Verdict::drop(DropReason::InnerAddressNotMapped);
  const InsideEndpoint inside = inside_of(quoted.destination(), *service, transport.destination_port);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(inside); owner != state.worker)
      return Verdict::hand_over(owner);
  const auto newest = state.nat->newest_session(inside, transport.protocol);
  Ipv4Endpoint outside;
  if (!newest || !state.nat->find_outside({inside, newest->remote, transport.protocol, 0}, outside))
    return Verdict::drop(DropReason::NoBinding);
  const Ipv4Endpoint& server = newest->remote;
  if (state.trace != nullptr)
    state.trace->note(TraceStep::SourceByBinding, ip.header().source(), outside.address);
  // RFC 6146 §3.6: the binding's address, whoever sends the error.
  return translate_.error_to_ipv4(packet, ip, *error, {outside.address, server.address, {}},
                                  {server.address, outside.address, ports(server.port, outside.port)},
                                  state.identifications);
}

// --- IPv4 to IPv6 ---

Verdict Slb64::from_ipv4(Packet& packet, WorkerState& state) const noexcept {
  const auto ip = Ipv4View::parse(packet.bytes());
  if (!ip) return Verdict::drop(ip.error());
  const Ipv4Header& header = ip->header();
  const Ipv4Address source = header.source();
  const Ipv4Address destination = header.destination();
  Trace* const trace = state.trace;
  if (!may_be_forwarded(destination)) return illegal(trace, TraceStep::IllegalDestination, destination);
  if (!state.nat->owns(destination)) {
    if (trace != nullptr) trace->note(TraceStep::DestinationNotMapped, destination);
    return Verdict::drop(DropReason::DestinationNotMapped);
  }
  if (header.protocol == IpProtocol::Icmp && is_icmp_error(*ip)) return error_from_ipv4(packet, *ip, state);
  if (!may_be_forwarded(source)) return illegal(trace, TraceStep::IllegalSource, source);
  if (header.is_fragment()) return Verdict::reassemble();

  NatTransport transport;
  if (const DropReason reason = NatTransport::read(header.protocol, ip->payload(), Family::Ipv4, transport);
      reason != DropReason::None)
    return Verdict::drop(reason);
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner =
            state.nat->owner_of(Ipv4Endpoint{destination, transport.destination_port}, transport.protocol);
        owner != state.worker)
      return Verdict::hand_over(owner);
  if (header.ttl <= 1) return Verdict::drop(DropReason::TtlExceeded);
  InsideEndpoint inside;
  const DropReason reason = state.nat->inbound({{destination, transport.destination_port},
                                                {source, transport.remote(transport.source_port)},
                                                transport.protocol,
                                                transport.tcp_flags},
                                               state.now, inside);
  if (reason != DropReason::None) [[unlikely]]
    return Verdict::drop(reason == DropReason::UnsolicitedSyn ? DropReason::NoBinding : reason);
  if (state.nat->has_candidate()) [[unlikely]]
    offer_session(state);
  const Service* const service = settings_.services->with_number(inside.ipv4.value());
  if (service == nullptr) return Verdict::drop(DropReason::NoService);
  if (trace != nullptr) {
    trace->note(TraceStep::DestinationByBinding, destination, inside.ipv6);
    trace->note(TraceStep::SourceIsVirtual, source, service->key().vip);
  }
  const Crossing6 crossing{service->key().vip, inside.ipv6, ports(service->key().port, inside.port)};
  if (state.proxy_connections != nullptr && transport.protocol == NatProtocol::Tcp)
    return to_client(packet, *ip, crossing, state);
  return translate_.to_ipv6(packet, *ip, crossing);
}

// The quoted packet was on its way to a server: its source is our binding.
Verdict Slb64::error_from_ipv4(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept {
  if (ip.header().is_fragment()) return Verdict::drop(DropReason::FragmentedIcmp);
  const auto error = carry::Icmpv4Error::parse(ip);
  if (!error) return Verdict::drop(error.error());
  if (state.trace != nullptr) state.trace->note(TraceStep::QuotedPacket);
  const Ipv4Header& quoted = error->quote.header();
  NatTransport transport;
  if (quoted.fragment_offset() != 0 ||
      !NatTransport::read_quoted(quoted.protocol, error->quote.payload(), transport))
    return Verdict::drop(DropReason::InnerPacketTruncated);
  const Ipv4Endpoint outside{quoted.source(), transport.source_port};
  if (state.workers > 1) [[unlikely]]
    if (const uint16_t owner = state.nat->owner_of(outside, transport.protocol); owner != state.worker)
      return Verdict::hand_over(owner);
  const Nat::Inbound answer{
      outside, {quoted.destination(), transport.destination_port}, transport.protocol, 0};
  InsideEndpoint inside;
  if (ip.header().destination() != quoted.source() || !state.nat->has_session(answer) ||
      !state.nat->find_inside(answer, inside))
    return Verdict::drop(DropReason::NoBinding);
  const Service* const service = settings_.services->with_number(inside.ipv4.value());
  if (service == nullptr) return Verdict::drop(DropReason::NoService);
  const share::ServiceKey& key = service->key();
  if (state.trace != nullptr) state.trace->note(TraceStep::SourceIsVirtual, ip.header().source(), key.vip);
  // The client knows the VIP alone, and whoever reports stands behind it.
  return translate_.error_to_ipv6(packet, ip, *error, {key.vip, inside.ipv6, {}},
                                  {inside.ipv6, key.vip, ports(inside.port, key.port)});
}

}  // namespace yonroku::mechanism
