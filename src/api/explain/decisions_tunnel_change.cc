// What of a packet changes where it enters or leaves a tunnel, and what fits (RFC 2473 §6, §7, RFC 6040).

#include <fmt/format.h>

#include <algorithm>

#include "api/explain/decisions_tunnel.h"
#include "api/explain/icmp_facts.h"
#include "control/routes.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kLimitHeader = 8;  // a Destination Options header with the encapsulation limit
constexpr uint32_t kUnknownMtu = 65535;

std::string octets(std::size_t count) { return fmt::format("{} octet{}", count, count == 1 ? "" : "s"); }

// --- headers ---

const char* ecn_name(unsigned traffic_class) {
  constexpr const char* kNames[] = {"Not-ECT", "ECT(1)", "ECT(0)", "CE"};
  return kNames[traffic_class & 3];
}

void outer_header(const PacketFacts& inner, const PacketFacts& outer, const TunnelView& tunnel,
                  Decisions& out) {
  const config::InstanceSettings& settings = tunnel.settings;
  out.push_back(
      {"header",
       fmt::format("The outer hop limit is {} (setting hop-limit), whatever the TTL.", outer.hop_limit),
       "RFC 2473 §6.3"});
  const unsigned dscp = outer.traffic_class >> 2u;
  out.push_back({"header",
                 settings.traffic_class
                     ? fmt::format("The outer DSCP is {} (setting traffic-class); inside it is {}.", dscp,
                                   inner.traffic_class >> 2)
                     : fmt::format("TOS 0x{:02x} is copied to the traffic class, its DSCP {} among it.",
                                   inner.traffic_class, dscp),
                 settings.mechanism == config::Mechanism::DsLiteB4 ? "RFC 6333 §7.1" : "RFC 2983 §3"});
  out.push_back({"header", fmt::format("The ECN field, {}, is copied.", ecn_name(inner.traffic_class)),
                 "RFC 6040 §4.1"});
  out.push_back(
      {"header",
       settings.flow_label == config::FlowLabel::Hash
           ? fmt::format("The flow label 0x{:05x} is a hash of the inner addresses, ports and protocol.",
                         outer.flow_label)
           : std::string("The flow label is 0 (setting flow-label)."),
       settings.flow_label == config::FlowLabel::Hash ? "RFC 6438 §3" : "RFC 2473 §6.5"});
  if (settings.encapsulation_limit)
    out.push_back({"header",
                   fmt::format("An encapsulation limit of {} goes along: so many tunnels more may follow.",
                               *settings.encapsulation_limit),
                   "RFC 2473 §4.1.1"});
}

// `inner` as it came, `now` as it leaves.
void header_out_of_tunnel(const PacketFacts& outer, const PacketFacts& inner, const PacketFacts& now,
                          const TunnelView& tunnel, Decisions& out) {
  out.push_back(
      {"header",
       fmt::format("{} in front of the IPv4 packet {} taken off, and with them hop limit {}{}.",
                   octets(outer.payload_offset), outer.payload_offset == 1 ? "is" : "are", outer.hop_limit,
                   outer.flow_label != 0 ? fmt::format(" and flow label 0x{:05x}", outer.flow_label) : ""),
       "RFC 2473 §3.3"});
  const bool is_copied = tunnel.settings.dscp_from_tunnel == config::DscpFromTunnel::Copy;
  out.push_back({"header",
                 is_copied
                     ? fmt::format("The outer DSCP {} replaces the inner one, {} (setting dscp-from-tunnel).",
                                   outer.traffic_class >> 2, inner.traffic_class >> 2)
                     : fmt::format("The inner DSCP {} is kept; the outer one, {}, was the tunnel's own.",
                                   inner.traffic_class >> 2, outer.traffic_class >> 2),
                 "RFC 2983 §3.1"});
  out.push_back({"header",
                 fmt::format("ECN: {} inside and {} outside leave as {}.", ecn_name(inner.traffic_class),
                             ecn_name(outer.traffic_class), ecn_name(now.traffic_class)),
                 "RFC 6040 §4.2"});
}

void time_to_live(const PacketFacts& inner, const PacketFacts& now, Decisions& out) {
  if (inner.hop_limit == now.hop_limit)
    out.push_back(
        {"header",
         fmt::format("TTL {} is left alone: the tunnel is one hop, and the routing in front of it counts.",
                     inner.hop_limit),
         "RFC 2473 §3.1"});
  else
    out.push_back({"header",
                   fmt::format("TTL {} becomes {}: nobody else routes the packet between the two tunnels.",
                               inner.hop_limit, now.hop_limit),
                   "RFC 1812 §5.3.1"});
}

// --- sizes ---

struct Room {
  std::size_t overhead = sizeof(Ipv6Header);
  std::size_t mtu = 0;
  std::string name;  // of the MTU
};

// `exit`: where the note says that the tunnel leads.
Room room_of(const Trace& trace, const TunnelView& tunnel) {
  const config::InstanceSettings& settings = tunnel.settings;
  Room room;
  if (settings.encapsulation_limit) room.overhead += kLimitHeader;
  room.mtu = settings.ipv6_mtu;
  room.name = "ipv6-mtu";
  const TraceNote* note = note_of(trace, TraceStep::TunnelEntry);
  if (note == nullptr) note = note_of(trace, TraceStep::SoftwireHairpin);
  const auto* exit = note == nullptr ? nullptr : std::get_if<Ipv6Address>(&note->to);
  if (exit == nullptr || settings.tunnel_path_mtu != config::TunnelPathMtu::Learn) return room;
  const uint32_t learned = tunnel.path_mtus.of(*exit, tunnel.now);
  if (learned >= room.mtu) return room;
  room.mtu = learned;
  room.name = "the path MTU that a router reported,";
  return room;
}

std::string sum_words(std::size_t size, const Room& room) {
  return fmt::format("{} and {} for the IPv6 header{} make {}", octets(size), room.overhead,
                     room.overhead > sizeof(Ipv6Header) ? " with the encapsulation limit" : "",
                     size + room.overhead);
}

void size_into_tunnel(const PacketFacts& inner, std::span<const PacketFacts> after, const Trace& trace,
                      const TunnelView& tunnel, Decisions& out) {
  const bool is_inner = tunnel.settings.fragment == config::FragmentPacket::Inner;
  const char* const section =
      tunnel.settings.mechanism == config::Mechanism::DsLiteB4 ? "RFC 6333 §5.3" : "RFC 2473 §7.2";
  const Room room = room_of(trace, tunnel);
  const std::string sum = sum_words(inner.length, room);
  if (after.size() == 1) {
    out.push_back({"size", fmt::format("{}, which fit in {} {}.", sum, room.name, room.mtu), section});
    return;
  }
  out.push_back(
      {"size", fmt::format("{}, more than {} {}, and DF is clear.", sum, room.name, room.mtu), section});
  if (after[0].has_fragment_header) {
    out.push_back(
        {"size",
         fmt::format("The IPv6 packet is cut into {} fragments, each with {} of Fragment Header; the "
                     "other end of the tunnel puts them together{}.",
                     after.size(), octets(sizeof(Ipv6FragmentHeader)),
                     is_inner ? " (the IPv4 packet has options, or fragment: inner would cut it)" : ""),
         section});
  } else {
    out.push_back(
        {"size",
         fmt::format("The IPv4 packet is cut into {} pieces of at most {} (setting fragment: inner); its "
                     "destination puts them together.",
                     after.size(), octets(room.mtu - room.overhead)),
         "RFC 4459 §3.4"});
  }
}

// --- what the packet carries ---

// The packet that an ICMP error quotes, where a NAT has given it back its own addresses.
void rewritten_quote(const PacketFacts& now, Decisions& out) {
  const auto error = icmp_error_parts(now);
  const auto quote = error ? PacketFacts::read(error->quote) : std::nullopt;
  if (quote)
    out.push_back({"quote",
                   fmt::format("It quotes a packet from {} to {} now, as who gets it knows that packet; the "
                               "checksums follow.",
                               quote->source, quote->destination),
                   "RFC 3022 §4.3"});
}

void rewritten_transport(const PacketFacts& inner, const PacketFacts& now, Decisions& out) {
  if (icmp_error_parts(inner)) return rewritten_quote(now, out);
  for (Decision& decision : decisions_about_ports(inner, now)) {
    decision.cited = "RFC 3022 §2.2";
    out.push_back(std::move(decision));
  }
  const auto was = checksum_of(inner);
  if (!was || !checksum_of(now)) return;
  out.push_back(
      {"transport",
       was->is_absent
           ? fmt::format("{} came without a checksum, and gets none.", protocol_name(inner.protocol))
           : fmt::format("The {} checksum is adjusted by what changed{}.", protocol_name(inner.protocol),
                         was->is_right() ? "" : "; it was wrong, and stays wrong by as much"),
       "RFC 3022 §4.1"});
}

void transport(const PacketFacts& inner, const PacketFacts& now, Decisions& out) {
  const bool is_rewritten = inner.source != now.source || inner.destination != now.destination;
  if (is_rewritten) rewritten_transport(inner, now, out);
  const auto was = mss_of(inner);
  const auto is = mss_of(now);
  if (was && is && *was != *is) {
    out.push_back({"transport",
                   fmt::format("The SYN's MSS {} is lowered to {} (setting mss-clamp).", *was, *is),
                   "RFC 9293 §3.7.1"});
    return;
  }
  if (is_rewritten) return;
  const auto fact = checksum_of(inner);
  const bool is_wrong = fact && !fact->is_absent && !fact->is_right();
  out.push_back({"transport",
                 fmt::format("{} passes untouched{}.", protocol_name(inner.protocol),
                             is_wrong ? "; its checksum is wrong, for the receiver to find out" : ""),
                 ""});
}

// --- messages ---

void relayed_error(const PacketFacts& before, const PacketFacts& after, Decisions& out) {
  const auto was = icmp_error_parts(before);
  const auto now = icmp_error_parts(after);
  if (!was || !now) return;
  out.push_back(
      {"message",
       fmt::format("ICMPv6 {} becomes ICMP {} from {} to {}, the inner packet's source.",
                   icmp_name(6, was->header->type, was->header->code),
                   icmp_name(4, now->header->type, now->header->code), after.source, after.destination),
       "RFC 2473 §8.3"});
  const auto quote = PacketFacts::read(was->quote);
  const auto mtu = icmp_mtu(6, *was->header);
  const auto new_mtu = icmp_mtu(4, *now->header);
  if (mtu && new_mtu && quote)
    out.push_back(
        {"message",
         fmt::format("MTU {}{} less the {} of the tunnel's headers is {}.", *mtu,
                     *mtu < 1280 ? ", taken for 1280," : "", octets(quote->payload_offset), *new_mtu),
         "RFC 2473 §8.3"});
  out.push_back(
      {"quote",
       fmt::format("Its sender knows the IPv4 packet only: the tunnel's headers are left out, {} stay.",
                   octets(now->quote.size())),
       "RFC 2473 §8.3"});
}

// Which condition of RFC 2473 §8 an ICMPv6 error does not meet.
std::string not_relayed_words(const PacketFacts& before, const TunnelView& tunnel) {
  const auto error = icmp_error_parts(before);
  const auto quote = error ? PacketFacts::read(error->quote) : std::nullopt;
  if (!quote) return "It quotes too little to tell whom it is for.";
  if (quote->source != before.destination)
    return fmt::format("The packet that it quotes came from {}, and not from {}, whom it was sent to.",
                       quote->source, before.destination);
  const auto inner = inner_packet(*quote);
  if (!inner) return "The packet that it quotes carries no IPv4 packet, or not its beginning.";
  if (const auto* header = header_at<Ipv4Header>(quote->payload);
      header != nullptr && !share::may_be_forwarded(header->source()))
    return fmt::format("The inner source {} names no single host that could be told.", inner->source);
  if (!inner->has_transport_header()) return "The packet that it quotes carries a later fragment.";
  if (icmp_mtu(6, *error->header) && !inner->dont_fragment)
    return "The inner packet may be fragmented (DF is clear), so its sender has nothing to change.";
  const bool is_type_relayed = error->header->type == icmpv6::kDestinationUnreachable ||
                               error->header->type == icmpv6::kTimeExceeded ||
                               error->header->type == icmpv6::kPacketTooBig;
  if (!is_type_relayed) return "Who sent the inner packet can do nothing about such an error.";
  return fmt::format("No packet to {} goes from here to {}: the error is about a packet of somebody else{}.",
                     inner->destination, quote->destination,
                     control::is_customer(tunnel.settings) ? "" : ", or the customer has moved");
}

}  // namespace

Decisions decisions_of_nat44(const PacketFacts& before, const PacketFacts& now) {
  Decisions out{{"header",
                 fmt::format("TTL {} is left alone: the routing around the NAT counts.", before.hop_limit),
                 "RFC 3022 §2.2"}};
  transport(before, now, out);
  return out;
}

Decisions decisions_of_tunnel_change(const PacketFacts& before, std::span<const PacketFacts> after,
                                     const Trace& trace, const TunnelView& tunnel) {
  Decisions out;
  const PacketFacts& now = after[0];
  if (note_of(trace, TraceStep::TunnelErrorRelayed) != nullptr) {
    relayed_error(before, now, out);
    return out;
  }
  if (note_of(trace, TraceStep::EchoReply) != nullptr) {
    const bool is_inside = inner_packet(before).has_value();
    out.push_back({"message",
                   fmt::format("Source and destination change places, and the {} starts anew at 64.",
                               is_inside ? "TTL" : "hop limit"),
                   is_inside ? "RFC 6333 §6.5" : "RFC 4443 §4.2"});
    return out;
  }
  if (before.version == 4 && now.version == 4) return decisions_of_nat44(before, now);
  const auto inner = before.version == 6 ? inner_packet(before) : std::optional(before);
  const auto inner_now = now.version == 6 ? inner_packet(now) : std::optional(now);
  if (!inner || !inner_now) return out;
  time_to_live(*inner, *inner_now, out);
  if (before.version == 6) header_out_of_tunnel(before, *inner, *inner_now, tunnel, out);
  if (now.version == 6) {
    outer_header(*inner_now, now, tunnel, out);
    if (!inner->skipped.empty())
      out.push_back({"header", "The IPv4 options travel inside.", "RFC 2473 §3.1"});
  }
  const PacketFacts& padded = before.version == 4 ? before : *inner;
  if (before.size > before.length || padded.size > padded.length)
    out.push_back({"size",
                   fmt::format("{} behind the packet's end are padding, and cut off.",
                               octets(std::max(before.size - std::min(before.size, before.length),
                                               padded.size - std::min(padded.size, padded.length)))),
                   ""});
  if (now.version == 6) size_into_tunnel(*inner, after, trace, tunnel, out);
  transport(*inner, *inner_now, out);
  return out;
}

Decisions decisions_about_path_mtu(const PacketFacts& before, const TunnelView& tunnel) {
  Decisions out;
  const auto error = icmp_error_parts(before);
  if (!error || before.version != 6 || !icmp_mtu(6, *error->header)) return out;
  const auto* quoted = header_at<Ipv6Header>(error->quote);
  if (quoted == nullptr || tunnel.settings.tunnel_path_mtu != config::TunnelPathMtu::Learn) return out;
  const uint32_t known = tunnel.path_mtus.of(quoted->destination(), tunnel.now);
  if (known == kUnknownMtu) return out;
  out.push_back({"message",
                 fmt::format("For ten minutes, no packet to {} will be larger than {}.",
                             quoted->destination().to_string(), octets(known)),
                 "RFC 2473 §6.7"});
  return out;
}

Decision decision_of_tunnel_drop(std::span<const std::byte> packet, const Trace& trace,
                                 const Verdict& verdict, const TunnelView& tunnel) {
  Decision decision = decision_of_drop(packet, verdict, tunnel.settings);
  const auto before = PacketFacts::read(packet);
  const auto inner = before && before->version == 6 ? inner_packet(*before) : before;
  switch (verdict.reason) {
    case DropReason::IllegalSource: decision.cited = "RFC 1812 §5.3.7"; break;
    case DropReason::SegmentsLeft: decision.cited = "RFC 8200 §4.4"; break;
    case DropReason::InnerPacketTruncated: decision.cited = "RFC 2473 §8.3"; break;
    case DropReason::InnerPacketIsIcmpError: decision.cited = "RFC 1812 §4.3.2.7"; break;
    case DropReason::SourceNotOurs:
      if (tunnel.settings.mechanism != config::Mechanism::DsLiteAftr) break;
      decision = {decision.topic, "A customer's IPv4 source outside of inside-prefixes.", "RFC 6333 §11"};
      break;
    case DropReason::SourceSpoofed: decision.cited = sections_of(tunnel.settings.mechanism).check; break;
    case DropReason::NoSoftwire: decision.cited = sections_of(tunnel.settings.mechanism).lookup; break;
    case DropReason::PacketTooBig:
    case DropReason::InnerPacketTooBig: {
      decision.cited = "RFC 2473 §7.2";
      if (!inner) break;
      const Room room = room_of(trace, tunnel);
      if (inner->dont_fragment)
        decision.text = fmt::format("{}, more than {} {}, and DF forbids to cut them: {} would fit.",
                                    sum_words(inner->length, room), room.name, room.mtu, verdict.detail);
      else
        decision.text = fmt::format("{}, more than an IPv6 packet can hold.", sum_words(inner->length, room));
      break;
    }
    case DropReason::InnerTtlExceeded:
      if (inner)
        decision.text =
            fmt::format("TTL {} leaves nothing for the way to the other customer.", inner->hop_limit);
      break;
    case DropReason::CongestionLost:
      if (before && inner && before->version == 6 && (before->traffic_class & 3) == 3)
        decision.text = fmt::format("Marked {} outside, and {} inside: the mark can't be passed on.",
                                    ecn_name(before->traffic_class), ecn_name(inner->traffic_class));
      break;
    case DropReason::TunnelErrorNotRelayed:
      if (before) decision.text = not_relayed_words(*before, tunnel);
      break;
    default: break;
  }
  return decision;
}

}  // namespace yonroku::api
