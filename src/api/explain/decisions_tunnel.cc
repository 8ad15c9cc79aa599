#include "api/explain/decisions_tunnel.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "control/routes.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"

namespace yonroku::api {
namespace {

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

// What hosts on the IPv4 side of a customer's end may be.
const std::vector<Ipv4Prefix>& own_prefixes(const config::InstanceSettings& settings) {
  if (settings.mechanism == config::Mechanism::DsLiteAftr) return settings.inside_prefixes;
  if (config::is_customer_edge(settings.mechanism)) return settings.nat.pools.front().addresses;
  return settings.customer_prefixes;
}

// Whether a customer's tunnel leads there for everybody: not to another customer, by a forwarding mapping
// rule.
bool is_other_end(const TraceAddress& address, const config::InstanceSettings& settings) {
  if (!config::is_customer_edge(settings.mechanism)) return control::is_customer(settings);
  const auto* ipv6 = std::get_if<Ipv6Address>(&address);
  return ipv6 != nullptr &&
         std::ranges::find(settings.remote_borders, *ipv6) != settings.remote_borders.end();
}

// --- what the mechanism noted ---

void destination_by_softwire(const TraceNote& note, const std::optional<Ipv4Flow>& flow,
                             const TunnelView& tunnel, Decisions& out) {
  const TunnelSections sections = sections_of(tunnel.settings.mechanism);
  if (is_other_end(note.to, tunnel.settings) || !flow) {
    out.push_back({"customer",
                   fmt::format("The way to {}, as to every destination, is the tunnel to {}.",
                               address_words(note.from), address_words(note.to)),
                   sections.lookup});
    return;
  }
  out.push_back({"customer",
                 fmt::format("The destination {} belongs to the customer at {}.",
                             end_words(*flow, FlowEnd::Destination), address_words(note.to)),
                 sections.lookup});
  append(out, decisions_about_customer(*flow, FlowEnd::Destination, "customer", tunnel));
}

void source_by_softwire(const TraceNote& note, const std::optional<Ipv4Flow>& flow, const TunnelView& tunnel,
                        Decisions& out) {
  const TunnelSections sections = sections_of(tunnel.settings.mechanism);
  if (is_other_end(note.from, tunnel.settings) || !flow) {
    out.push_back(
        {"source",
         fmt::format("The outer source {} is the other end of the tunnel.", address_words(note.from)),
         sections.check});
    return;
  }
  out.push_back({"source",
                 fmt::format("Not spoofed: the outer source {} is the customer who has the inner source {}.",
                             address_words(note.from), end_words(*flow, FlowEnd::Source)),
                 sections.check});
  append(out, decisions_about_customer(*flow, FlowEnd::Source, "source", tunnel));
}

std::string joined(const auto& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes) text += (text.empty() ? "" : ", ") + prefix.to_string();
  return text;
}

void spoofed(const TraceNote& note, std::span<const std::byte> packet, const std::optional<Ipv4Flow>& flow,
             const TunnelView& tunnel, Decisions& out) {
  Decision decision = decision_of_note(note, "source");
  decision.cited = sections_of(tunnel.settings.mechanism).check;
  if (flow)
    decision.text = fmt::format("The inner source {} does not belong to the outer source {}.",
                                end_words(*flow, FlowEnd::Source), address_words(note.to));
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
      out.push_back(decision_of_note(note, "hairpin"));
      if (settings.mechanism == config::Mechanism::MapEBr) out.back().cited = "RFC 7597 §8";
      if (settings.mechanism == config::Mechanism::FourOverSix) out.back().cited = "RFC 7040 §6";
      if (!flow) return;
      out.back().text = fmt::format(
          "The destination {} is a customer here too: the packet goes back into the tunnel to {}.",
          end_words(*flow, FlowEnd::Destination), address_words(note.to));
      append(out, decisions_about_customer(*flow, FlowEnd::Destination, "hairpin", tunnel));
      return;
    case TraceStep::NoSoftwire:
      out.push_back(decision_of_note(note, "customer"));
      out.back().cited = sections_of(settings.mechanism).lookup;
      if (flow) {
        out.back().text =
            fmt::format("The destination {} belongs to nobody.", end_words(*flow, FlowEnd::Destination));
        append(out, decisions_about_nobody(*flow, FlowEnd::Destination, tunnel));
      }
      return;
    case TraceStep::IllegalSource:
      out.push_back(decision_of_note(note, "addresses"));
      out.back().cited = "RFC 1812 §5.3.7";
      return;
    case TraceStep::SourceNotOurs:
      out.push_back(decision_of_note(note, "source"));
      out.back().text += fmt::format(" They are: {}.", joined(own_prefixes(settings)));
      if (settings.mechanism == config::Mechanism::DsLiteAftr)
        out.back() = {"source",
                      fmt::format("The source {} is in none of inside-prefixes: {}.",
                                  address_words(note.from), joined(own_prefixes(settings))),
                      "RFC 6333 §11"};
      if (config::is_customer_edge(settings.mechanism))
        out.back() = {"source",
                      fmt::format("The source {} is this customer's public address: hosts have private ones, "
                                  "and become it here.",
                                  address_words(note.from)),
                      "RFC 7597 §8"};
      return;
    case TraceStep::DestinationNotOurs:
      out.push_back(decision_of_note(note, "addresses"));
      out.back().text += std::holds_alternative<Ipv4Address>(note.from)
                             ? fmt::format(" The customer's are: {}.", joined(own_prefixes(settings)))
                             : fmt::format(" This end is {}.", joined(settings.local_addresses));
      return;
    case TraceStep::EchoReply:
    case TraceStep::TunnelErrorNotRelayed:
    case TraceStep::TunnelErrorRelayed: out.push_back(decision_of_note(note, "message")); return;
    default: out.push_back(decision_of_note(note, "addresses"));
  }
}

}  // namespace

TunnelSections sections_of(config::Mechanism mechanism) {
  switch (mechanism) {
    case config::Mechanism::LwAftr: return {"RFC 7596 §6.2", "RFC 7596 §6.2", "RFC 7596 §6.2"};
    case config::Mechanism::FourOverSix: return {"RFC 7040 §6", "RFC 7040 §6", "RFC 7040 §6"};
    case config::Mechanism::Ipip: return {"RFC 2473 §3.1", "RFC 2473 §3.3", "RFC 2473 §3.1"};
    case config::Mechanism::DsLiteB4: return {"RFC 6333 §5.2", "RFC 6333 §5.2", "RFC 6333 §5.2"};
    default: return {"RFC 7597 §5.3", "RFC 7597 §8.1", "RFC 7597 §8.3.2"};
  }
}

const TraceNote* note_of(const Trace& trace, TraceStep step) {
  const auto found = std::ranges::find(trace.notes(), step, &TraceNote::step);
  return found == trace.notes().end() ? nullptr : &*found;
}

Decisions decisions_about_hold(std::span<const std::byte> packet, config::Mechanism mechanism) {
  const auto facts = PacketFacts::read(packet);
  // Translated packets have no header around them: then it is the ports that are wanted.
  const bool is_of_tunnel =
      facts && facts->version == 6 && facts->is_fragment() && !config::translates(mechanism);
  Decisions out;
  if (is_of_tunnel)
    out.push_back({"fragments",
                   "The IPv6 packet was cut inside the tunnel or where it begins; whoever it is addressed to "
                   "puts it together.",
                   mechanism == config::Mechanism::DsLiteB4 ? "RFC 6333 §5.3" : "RFC 2473 §7.2"});
  else
    out.push_back({"fragments", "Whose the packet is, its ports tell, and only the first fragment has them.",
                   sections_of(mechanism).ports_of_fragments});
  out.push_back(
      {"fragments", "It is held for up to 60 seconds, until the others are here.", "RFC 8200 §4.5"});
  return out;
}

Decisions decisions_about_whole(const Trace::Whole& whole) {
  if (whole.fragments == 0) return {};
  return {{"fragments",
           fmt::format("With this one {} fragments are here: together they are a packet of {} octets.",
                       whole.fragments, whole.bytes.size()),
           "RFC 8200 §4.5"}};
}

Decisions decisions_of_tunnel(std::span<const std::byte> packet, const Trace& trace, const Verdict& verdict,
                              std::span<const PacketFacts> after, const TunnelView& tunnel) {
  Decisions out = decisions_about_whole(trace.whole());
  const auto flow = flow_of(packet);
  for (const TraceNote& note : trace.notes()) note_decisions(note, packet, flow, tunnel, out);
  const auto before = PacketFacts::read(packet);
  if (!before) return out;
  if (verdict.action == Verdict::Action::Reassemble)
    append(out, decisions_about_hold(packet, tunnel.settings.mechanism));
  else if (!after.empty())
    append(out, decisions_of_tunnel_change(*before, after, trace, tunnel));
  append(out, decisions_about_path_mtu(*before, tunnel));
  // What is about the quoted packet stands behind what is about the message.
  std::ranges::stable_partition(out, [](const Decision& decision) { return decision.topic != "quote"; });
  return out;
}

std::string tunnel_verdict_words(const Trace& trace, const Verdict& verdict, unsigned from_version) {
  switch (verdict.action) {
    case Verdict::Action::Reassemble: return "held: a fragment that waits for the others";
    case Verdict::Action::ToIpv4:
      return note_of(trace, TraceStep::TunnelErrorRelayed) != nullptr
                 ? "relayed: the inner packet's sender is told"
             : from_version == 4 ? "back to the hosts: IPv4"
                                 : "out of the tunnel: IPv4";
    case Verdict::Action::ToIpv6:
      if (note_of(trace, TraceStep::EchoReply) != nullptr) return "answered: an echo reply from this end";
      return from_version == 6 ? "out of one tunnel and into another: both ends are customers here"
                               : "into the tunnel: IPv4 in IPv6";
    default: return "dropped";
  }
}

}  // namespace yonroku::api
