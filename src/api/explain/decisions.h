// Why a packet looks afterwards as it does: one sentence for each decision, with the RFC section that asks
// for it. What the mechanism noted is told first; the rest is read off the packet before and after.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/explain/packet_facts.h"
#include "config/settings.h"
#include "packet/trace.h"
#include "packet/verdict.h"

namespace yonroku::api {

struct Decision {
  std::string topic;  // "addresses", "hairpin", "header", "size", "transport", "message", "quote";
                      // in tunnels also "customer", "source", "fragments"
  std::string text;   // a sentence
  std::string cited;  // "RFC 7915 §4.1"; may be empty
};

using Decisions = std::vector<Decision>;

// An address of a note, or "".
[[nodiscard]] std::string address_words(const TraceAddress& address);
// What trace_steps.def says about a note.
[[nodiscard]] Decision decision_of_note(const TraceNote& note, std::string topic);

[[nodiscard]] Decisions decisions_of_trace(const Trace& trace, unsigned from_version);

// A forwarded packet. `after`: at least one; several are its fragments.
[[nodiscard]] Decisions decisions_of_change(const PacketFacts& before, std::span<const PacketFacts> after,
                                            const config::InstanceSettings& settings);

// A dropped packet: the reason, with this packet's numbers where it has any.
[[nodiscard]] Decision decision_of_drop(std::span<const std::byte> packet, const Verdict& verdict,
                                        const config::InstanceSettings& settings);

// The part of decisions_of_change about ICMP messages and what they quote (decisions_icmp.cc).
[[nodiscard]] Decisions decisions_about_icmp(const PacketFacts& before, const PacketFacts& after);

// The port or the identifier of an echo that a NAT has changed.
[[nodiscard]] Decisions decisions_about_ports(const PacketFacts& before, const PacketFacts& after);

// Whether a transport checksum was right, and what became of it: "; it was wrong and stays wrong by as much"
// and the like. Empty when it was right or can't be told.
[[nodiscard]] std::string wrong_checksum_words(const PacketFacts& before);

}  // namespace yonroku::api
