#include "api/explain/decisions_tunnel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "api/explain/icmp_facts.h"
#include "control/routes.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kLimitHeader = 8;  // a Destination Options header with the encapsulation limit
constexpr uint32_t kUnknownMtu = 65535;

// Which section of a mechanism's RFC asks for a step.
struct Sections {
  const char* lookup;
  const char* check;
  const char* ports_of_fragments;
};
Sections sections_of(config::Mechanism mechanism) {
  switch (mechanism) {
    case config::Mechanism::LwAftr: return {"RFC 7596 §6.2", "RFC 7596 §6.2", "RFC 7596 §6.2"};
    case config::Mechanism::FourOverSix: return {"RFC 7040 §6", "RFC 7040 §6", "RFC 7040 §6"};
    case config::Mechanism::Ipip: return {"RFC 2473 §3.1", "RFC 2473 §3.3", "RFC 2473 §3.1"};
    case config::Mechanism::DsLiteB4: return {"RFC 6333 §5.2", "RFC 6333 §5.2", "RFC 6333 §5.2"};
    default: return {"RFC 7597 §5.3", "RFC 7597 §8.1", "RFC 7597 §8.3.2"};
  }
}

std::string words_of(const TraceAddress& address) {
  return std::visit(
      [](const auto& value) -> std::string {
        if constexpr (requires { value.to_string(); })
          return value.to_string();
        else
          return "";
      },
      address);
}

std::string octets(std::size_t count) { return fmt::format("{} octet{}", count, count == 1 ? "" : "s"); }

const TraceNote* note_of(const Trace& trace, TraceStep step) {
  const auto found = std::ranges::find(trace.notes(), step, &TraceNote::step);
  return found == trace.notes().end() ? nullptr : &*found;
}

// The flow that the engine asked the table about: of the packet, or of the one inside.
std::optional<Ipv4Flow> flow_of(std::span<const std::byte> packet) {
  if (packet.empty()) return std::nullopt;
  std::span<const std::byte> inner = packet;
  if (static_cast<unsigned>(packet[0]) >> 4 == 6) {
    const auto outer = Ipv6View::parse(packet);
    if (!outer || outer->protocol() != IpProtocol::Ipv4) return std::nullopt;
    inner = outer->payload();
  }
  const auto ip = Ipv4View::parse(inner);
  if (!ip) return std::nullopt;
  const auto flow = Ipv4Flow::of(*ip);
  return flow ? std::optional(*flow) : std::nullopt;
}

void append(Decisions& out, Decisions more) {
  for (Decision& decision : more) out.push_back(std::move(decision));
}

// --- what the mechanism noted ---

void destination_by_softwire(const TraceNote& note, const std::optional<Ipv4Flow>& flow,
                             const TunnelView& tunnel, Decisions& out) {
  const Sections sections = sections_of(tunnel.settings.mechanism);
  if (control::is_customer(tunnel.settings) || !flow) {
    out.push_back({"customer",
                   fmt::format("The way to {}, as to every destination, is the tunnel to {}.",
                               words_of(note.from), words_of(note.to)),
                   sections.lookup});
    return;
  }
  out.push_back({"customer",
                 fmt::format("The destination {} belongs to the customer at {}.",
                             end_words(*flow, FlowEnd::Destination), words_of(note.to)),
                 sections.lookup});
  append(out, decisions_about_customer(*flow, FlowEnd::Destination, "customer", tunnel));
}

void source_by_softwire(const TraceNote& note, const std::optional<Ipv4Flow>& flow, const TunnelView& tunnel,
                        Decisions& out) {
  const Sections sections = sections_of(tunnel.settings.mechanism);
  if (control::is_customer(tunnel.settings) || !flow) {
    out.push_back({"source",
                   fmt::format("The outer source {} is the other end of the tunnel.", words_of(note.from)),
                   sections.check});
    return;
  }
  out.push_back({"source",
                 fmt::format("Not spoofed: the outer source {} is the customer who has the inner source {}.",
                             words_of(note.from), end_words(*flow, FlowEnd::Source)),
                 sections.check});
  append(out, decisions_about_customer(*flow, FlowEnd::Source, "source", tunnel));
}

Decision plain(const TraceNote& note, const char* topic) {
  const TraceStepText& step = kTraceSteps[static_cast<std::size_t>(note.step)];
  Decision decision{topic, "", std::string(step.cited)};
  for (std::size_t at = 0; at < step.text.size();) {
    if (step.text.substr(at).starts_with("{from}")) {
      decision.text += words_of(note.from);
      at += 6;
    } else if (step.text.substr(at).starts_with("{to}")) {
      decision.text += words_of(note.to);
      at += 4;
    } else {
      decision.text += step.text[at++];
    }
  }
  decision.text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(decision.text[0])));
  decision.text += ".";
  return decision;
}

std::string joined(const auto& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes) text += (text.empty() ? "" : ", ") + prefix.to_string();
  return text;
}

void spoofed(const TraceNote& note, std::span<const std::byte> packet, const std::optional<Ipv4Flow>& flow,
             const TunnelView& tunnel, Decisions& out) {
  Decision decision = plain(note, "source");
  decision.cited = sections_of(tunnel.settings.mechanism).check;
  if (flow)
    decision.text = fmt::format("The inner source {} does not belong to the outer source {}.",
                                end_words(*flow, FlowEnd::Source), words_of(note.to));
  out.push_back(std::move(decision));
  const auto outer = Ipv6View::parse(packet);
  if (flow && outer)
    append(out,
           decisions_about_spoofing(*flow, outer->header().source(), outer->header().destination(), tunnel));
}

void note_decisions(const TraceNote& note, std::span<const std::byte> packet,
                    const std::optional<Ipv4Flow>& flow, const TunnelView& tunnel, Decisions& out) {
  const config::InstanceSettings& settings = tunnel.settings;
  switch (note.step) {
    case TraceStep::DestinationBySoftwire: return destination_by_softwire(note, flow, tunnel, out);
    case TraceStep::SourceBySoftwire: return source_by_softwire(note, flow, tunnel, out);
    case TraceStep::SourceSpoofed: return spoofed(note, packet, flow, tunnel, out);
    case TraceStep::SoftwireHairpin:
      out.push_back(plain(note, "hairpin"));
      if (settings.mechanism == config::Mechanism::MapEBr) out.back().cited = "RFC 7597 §8";
      if (settings.mechanism == config::Mechanism::FourOverSix) out.back().cited = "RFC 7040 §6";
      if (!flow) return;
      out.back().text = fmt::format(
          "The destination {} is a customer here too: the packet goes back into the tunnel to {}.",
          end_words(*flow, FlowEnd::Destination), words_of(note.to));
      append(out, decisions_about_customer(*flow, FlowEnd::Destination, "hairpin", tunnel));
      return;
    case TraceStep::NoSoftwire:
      out.push_back(plain(note, "customer"));
      out.back().cited = sections_of(settings.mechanism).lookup;
      if (flow) {
        out.back().text =
            fmt::format("The destination {} belongs to nobody.", end_words(*flow, FlowEnd::Destination));
        append(out, decisions_about_nobody(*flow, FlowEnd::Destination, tunnel));
      }
      return;
    case TraceStep::IllegalSource:
      out.push_back(plain(note, "addresses"));
      out.back().cited = "RFC 1812 §5.3.7";
      return;
    case TraceStep::SourceNotOurs:
      out.push_back(plain(note, "source"));
      out.back().text += fmt::format(" They are: {}.", joined(settings.customer_prefixes));
      return;
    case TraceStep::DestinationNotOurs:
      out.push_back(plain(note, "addresses"));
      out.back().text += std::holds_alternative<Ipv4Address>(note.from)
                             ? fmt::format(" The customer's are: {}.", joined(settings.customer_prefixes))
                             : fmt::format(" This end is {}.", joined(settings.local_addresses));
      return;
    case TraceStep::EchoReply:
    case TraceStep::TunnelErrorRelayed: out.push_back(plain(note, "message")); return;
    default: out.push_back(plain(note, "addresses"));
  }
}

// --- fragments ---

// Which fragments this end puts together, and why.
Decision reassembly_reason(bool is_of_tunnel, const TunnelView& tunnel) {
  if (is_of_tunnel)
    return {
        "fragments",
        "The IPv6 packet was cut inside the tunnel or where it begins; whoever it is addressed to puts it "
        "together.",
        tunnel.settings.mechanism == config::Mechanism::DsLiteB4 ? "RFC 6333 §5.3" : "RFC 2473 §7.2"};
  return {"fragments", "Whose the IPv4 packet is, its ports tell, and only the first fragment has them.",
          sections_of(tunnel.settings.mechanism).ports_of_fragments};
}

void whole_packet(const Trace::Whole& whole, Decisions& out) {
  if (whole.fragments == 0) return;
  out.push_back({"fragments",
                 fmt::format("With this one {} fragments are here: together they are a packet of {}.",
                             whole.fragments, octets(whole.bytes.size())),
                 "RFC 8200 §4.5"});
}

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

void transport(const PacketFacts& inner, const PacketFacts& now, Decisions& out) {
  const auto was = mss_of(inner);
  const auto is = mss_of(now);
  if (was && is && *was != *is) {
    out.push_back({"transport",
                   fmt::format("The SYN's MSS {} is lowered to {} (setting mss-clamp).", *was, *is),
                   "RFC 9293 §3.7.1"});
    return;
  }
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

// Packet Too Big teaches, whether or not it is relayed.
void learned_mtu(const PacketFacts& before, const TunnelView& tunnel, Decisions& out) {
  const auto error = icmp_error_parts(before);
  if (!error || before.version != 6 || !icmp_mtu(6, *error->header)) return;
  const auto* quoted = header_at<Ipv6Header>(error->quote);
  if (quoted == nullptr || tunnel.settings.tunnel_path_mtu != config::TunnelPathMtu::Learn) return;
  const uint32_t known = tunnel.path_mtus.of(quoted->destination(), tunnel.now);
  if (known == kUnknownMtu) return;
  out.push_back({"message",
                 fmt::format("For ten minutes, no packet to {} will be larger than {}.",
                             quoted->destination().to_string(), octets(known)),
                 "RFC 2473 §6.7"});
}

void change(const PacketFacts& before, std::span<const PacketFacts> after, const Trace& trace,
            const TunnelView& tunnel, Decisions& out) {
  const PacketFacts& now = after[0];
  if (note_of(trace, TraceStep::TunnelErrorRelayed) != nullptr) {
    relayed_error(before, now, out);
    return;
  }
  if (note_of(trace, TraceStep::EchoReply) != nullptr) {
    out.push_back({"message", "Source and destination change places, and the hop limit starts anew at 64.",
                   "RFC 4443 §4.2"});
    return;
  }
  const auto inner = before.version == 6 ? inner_packet(before) : std::optional(before);
  const auto inner_now = now.version == 6 ? inner_packet(now) : std::optional(now);
  if (!inner || !inner_now) return;
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
}

}  // namespace

Decisions decisions_of_tunnel(std::span<const std::byte> packet, const Trace& trace, const Verdict& verdict,
                              std::span<const PacketFacts> after, const TunnelView& tunnel) {
  Decisions out;
  whole_packet(trace.whole(), out);
  const auto flow = flow_of(packet);
  for (const TraceNote& note : trace.notes()) note_decisions(note, packet, flow, tunnel, out);
  const auto before = PacketFacts::read(packet);
  if (!before) return out;
  if (verdict.action == Verdict::Action::Reassemble) {
    out.push_back(reassembly_reason(before->version == 6 && before->is_fragment(), tunnel));
    out.push_back(
        {"fragments", "It is held for up to 60 seconds, until the others are here.", "RFC 8200 §4.5"});
  } else if (!after.empty()) {
    change(*before, after, trace, tunnel, out);
  }
  learned_mtu(*before, tunnel, out);
  // What is about the quoted packet stands behind what is about the message.
  std::ranges::stable_partition(out, [](const Decision& decision) { return decision.topic != "quote"; });
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
    default: break;
  }
  return decision;
}

std::string tunnel_verdict_words(const Trace& trace, const Verdict& verdict, unsigned from_version) {
  switch (verdict.action) {
    case Verdict::Action::Reassemble: return "held: a fragment that waits for the others";
    case Verdict::Action::ToIpv4:
      return note_of(trace, TraceStep::TunnelErrorRelayed) != nullptr
                 ? "relayed: the inner packet's sender is told"
                 : "out of the tunnel: IPv4";
    case Verdict::Action::ToIpv6:
      if (note_of(trace, TraceStep::EchoReply) != nullptr) return "answered: an echo reply from this end";
      return from_version == 6 ? "out of one tunnel and into another: both ends are customers here"
                               : "into the tunnel: IPv4 in IPv6";
    default: return "dropped";
  }
}

}  // namespace yonroku::api
