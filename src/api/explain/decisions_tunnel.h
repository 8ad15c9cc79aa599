// Why a packet enters or leaves a tunnel as it does (RFC 2473): who the customer is and how that follows from
// rules and softwires, what the headers say outside and inside, and what fits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "api/explain/decisions.h"
#include "base/instant.h"
#include "carry/encapsulate/path_mtu_table.h"
#include "packet/flow.h"
#include "share/mapping/map_rule_table.h"

namespace yonroku::api {

// What the engine went by.
struct TunnelView {
  const config::InstanceSettings& settings;
  const share::MapRuleTable& rules;
  const carry::PathMtuTable& path_mtus;
  Instant now;
};

// `packet` is the whole one where fragments were put together. `after` is empty for packets that are dropped
// or held.
[[nodiscard]] Decisions decisions_of_tunnel(std::span<const std::byte> packet, const Trace& trace,
                                            const Verdict& verdict, std::span<const PacketFacts> after,
                                            const TunnelView& tunnel);

[[nodiscard]] Decision decision_of_tunnel_drop(std::span<const std::byte> packet, const Trace& trace,
                                               const Verdict& verdict, const TunnelView& tunnel);

// What became of a packet that was not dropped, in a few words.
[[nodiscard]] std::string tunnel_verdict_words(const Trace& trace, const Verdict& verdict,
                                               unsigned from_version);

// Which sections of a mechanism's RFC ask for its steps.
struct TunnelSections {
  const char* lookup;
  const char* check;
  const char* ports_of_fragments;
};
[[nodiscard]] TunnelSections sections_of(config::Mechanism mechanism);
// The first such note, or nullptr.
[[nodiscard]] const TraceNote* note_of(const Trace& trace, TraceStep step);

// Fragments that are put together, where any mechanism needs it: `packet` is held, or `whole` is complete.
[[nodiscard]] Decisions decisions_about_hold(std::span<const std::byte> packet, config::Mechanism mechanism);
[[nodiscard]] Decisions decisions_about_whole(const Trace::Whole& whole);

// --- about headers and sizes (decisions_tunnel_change.cc) ---

[[nodiscard]] Decisions decisions_of_tunnel_change(const PacketFacts& before,
                                                   std::span<const PacketFacts> after, const Trace& trace,
                                                   const TunnelView& tunnel);
// An IPv4 packet that a NAT44 sends back to where it came from.
[[nodiscard]] Decisions decisions_of_nat44(const PacketFacts& before, const PacketFacts& now);
// What a Packet Too Big taught, whether or not it is relayed.
[[nodiscard]] Decisions decisions_about_path_mtu(const PacketFacts& before, const TunnelView& tunnel);

// --- about customers (decisions_customer.cc) ---

enum class FlowEnd : uint8_t { Source, Destination };

// Who has an end of the flow, the rule or softwire that says so, the bits of the MAP address and the ports of
// the customer (RFC 7597 §5, §6).
[[nodiscard]] Decisions decisions_about_customer(const Ipv4Flow& flow, FlowEnd end, const std::string& topic,
                                                 const TunnelView& tunnel);
// Why nobody has it.
[[nodiscard]] Decisions decisions_about_nobody(const Ipv4Flow& flow, FlowEnd end, const TunnelView& tunnel);
// The inner source is not the outer source's: whose is it, and what would the outer source have?
[[nodiscard]] Decisions decisions_about_spoofing(const Ipv4Flow& flow, const Ipv6Address& outer_source,
                                                 const Ipv6Address& outer_destination,
                                                 const TunnelView& tunnel);
// Where packets of such customers are translated (RFC 7599): the decisions of the trace, with whose they are.
[[nodiscard]] Decisions decisions_of_translated_customer(std::span<const std::byte> packet,
                                                         const Trace& trace, const TunnelView& tunnel);
// "192.0.2.18 port 1232", "192.0.2.18 identifier 7", "192.0.2.18".
[[nodiscard]] std::string end_words(const Ipv4Flow& flow, FlowEnd end);

}  // namespace yonroku::api
