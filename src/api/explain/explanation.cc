#include "api/explain/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "api/explain/advice.h"
#include "api/explain/decisions_tunnel.h"
#include "api/explain/describe.h"
#include "api/explain/icmp_facts.h"
#include "api/explain/silence.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kColumns = 100;

// Code points, which is columns for what is written here.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Up to the next blank; what is in brackets (a citation) stays together.
std::string_view first_word(std::string_view text) {
  return text.substr(0, text.starts_with('[') ? text.find(' ', text.find(']')) : text.find(' '));
}

// Appends `text` in lines of at most kColumns, each after the first behind `indent` spaces.
void append_wrapped(std::string& out, std::size_t column, std::size_t indent, std::string_view text) {
  bool is_first = true;
  while (!text.empty()) {
    const std::string_view word = first_word(text);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!is_first && column + 1 + width(word) > kColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      is_first = true;
    }
    if (!is_first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width(word);
    is_first = false;
  }
  out += '\n';
}

void append_packet(std::string& out, std::span<const std::byte> packet) {
  constexpr std::size_t kNameWidth = 11;
  for (const HeaderLine& line : describe_packet(packet)) {
    const std::string front = std::string(4 + 2 * line.depth, ' ') + (line.depth > 0 ? "> " : "");
    const std::string name = fmt::format("{}{:<{}}", front, line.header, kNameWidth);
    out += name;
    append_wrapped(out, name.size(), name.size(), line.text);
  }
}

std::string cited_words(const Decision& decision) {
  return decision.cited.empty() ? decision.text : decision.text + " [" + decision.cited + "]";
}

void append_decisions(std::string& out, const Decisions& decisions) {
  constexpr std::size_t kTopicWidth = 11;
  std::string last;
  for (const Decision& decision : decisions) {
    out += fmt::format("    {:<{}}", decision.topic == last ? "" : decision.topic, kTopicWidth);
    append_wrapped(out, 4 + kTopicWidth, 4 + kTopicWidth, cited_words(decision));
    last = decision.topic;
  }
}

// Replaces what NAT64's RFC says by what a NAT44's does.
void cite_nat44(Decisions& decisions) {
  for (Decision& decision : decisions) {
    if (decision.cited.starts_with("RFC 6146 §3.5")) decision.cited = "RFC 3022 §2.2";
    if (decision.cited == "RFC 6146 §3.8") decision.cited = "RFC 4787 §6";
  }
}

std::string answer_words(const Explanation& explanation) {
  const auto outer = PacketFacts::read(explanation.after[0]);
  const auto inner = outer ? inner_packet(*outer) : std::nullopt;
  const auto& reply = inner ? inner : outer;
  const IcmpHeader* icmp = reply ? icmp_header(*reply) : nullptr;
  if (icmp == nullptr) return "an ICMP error goes back to the sender";
  std::string text = (reply->version == 4 ? "ICMP " : "ICMPv6 ") +
                     icmp_name(reply->version, icmp->type, icmp->code) + " goes back to " +
                     reply->destination + (inner ? ", through the tunnel" : "");
  if (const auto mtu = icmp_mtu(reply->version, *icmp))
    text += fmt::format(": packets of {} octets will pass", *mtu);
  return text;
}

std::string translation_words(std::string_view verdict) {
  if (verdict == "to-ipv6") return "translated to IPv6";
  if (verdict == "to-ipv4") return "translated to IPv4";
  if (verdict == "drop") return "dropped";
  if (verdict == "held") return "held: a fragment that waits for the others";
  return "translated to IPv4 and back: both ends are behind this translator";
}

void append_verdict(std::string& out, const Explanation& explanation) {
  constexpr std::size_t kIndent = 6;
  if (explanation.verdict == "drop") {
    out += fmt::format("  verdict: dropped, {}\n      ", label(explanation.reason));
    append_wrapped(out, kIndent, kIndent, cited_words(explanation.drop));
    out += "      ";
    append_wrapped(out, kIndent, kIndent,
                   explanation.is_answered
                       ? "The sender is told: " + answer_words(explanation) + "."
                       : "No ICMP error is sent about it. " + cited_words(explanation.silence));
  } else {
    out += fmt::format("  verdict: {}\n", explanation.verdict_words);
  }
  if (explanation.advice.empty()) return;
  out += "\n  what you can do\n    ";
  append_wrapped(out, 4, 4, explanation.advice);
}

nlohmann::ordered_json packet_json(std::span<const std::byte> packet) {
  auto headers = nlohmann::ordered_json::array();
  for (const HeaderLine& line : describe_packet(packet))
    headers.push_back({{"header", line.header}, {"text", line.text}, {"depth", line.depth}});
  return {{"octets", packet.size()}, {"headers", std::move(headers)}, {"hex", to_hex(packet)}};
}

std::vector<PacketFacts> facts_of(const std::vector<std::vector<std::byte>>& packets) {
  std::vector<PacketFacts> facts;
  for (const auto& bytes : packets)
    if (auto packet = PacketFacts::read(bytes)) facts.push_back(std::move(*packet));
  return facts;
}

constexpr const char* kAdviceAboutHeld =
    "Nothing: it goes on when it is whole. To see that, explain a capture file that has all of its "
    "fragments.";

// A NAT that explains begins empty.
bool is_about_sessions(DropReason reason) {
  return reason == DropReason::NoBinding || reason == DropReason::Filtered ||
         reason == DropReason::TcpWithoutSession || reason == DropReason::UnsolicitedSyn;
}
constexpr const char* kAdviceAboutSessions =
    " This explanation knows the static bindings and the packets in front of this one only: a capture file "
    "of "
    "the whole "
    "conversation tells more, and `yonroku show sessions` what the running program knows.";

bool is_ipv6(std::span<const std::byte> packet) {
  return !packet.empty() && static_cast<unsigned>(packet[0]) >> 4 == 6;
}

// What the decisions are about.
std::span<const std::byte> decided_packet(const Explanation& explanation) {
  return explanation.whole.empty() ? explanation.before : explanation.whole;
}

void append(Decisions& all, Decisions more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void explain_translation(Explanation& explanation, const Trace& trace, const Verdict& verdict,
                         const config::InstanceSettings& settings, const TunnelView* rules) {
  const std::span<const std::byte> packet = decided_packet(explanation);
  explanation.verdict_words = translation_words(explanation.verdict);
  explanation.decisions = rules != nullptr ? decisions_of_translated_customer(packet, trace, *rules)
                                           : decisions_of_trace(trace, is_ipv6(packet) ? 6 : 4);
  if (trace.whole().fragments != 0) {
    Decisions whole = decisions_about_whole(trace.whole());
    append(whole, std::move(explanation.decisions));
    explanation.decisions = std::move(whole);
  }
  if (explanation.verdict == "drop") {
    explanation.drop = decision_of_drop(packet, verdict, settings);
    explanation.advice = advice_about(explanation.reason);
    if (is_about_sessions(explanation.reason)) explanation.advice += kAdviceAboutSessions;
    return;
  }
  if (verdict.action == Verdict::Action::Reassemble) {
    append(explanation.decisions, decisions_about_hold(packet, settings.mechanism));
    explanation.advice = kAdviceAboutHeld;
    return;
  }
  const std::vector<PacketFacts> after = facts_of(explanation.after);
  if (const auto before = PacketFacts::read(packet); before && !after.empty()) {
    const bool is_back = before->version == 4 && after[0].version == 4;  // a NAT44's hairpinning
    if (is_back) explanation.verdict_words = "back to the hosts: IPv4";
    auto changes =
        is_back ? decisions_of_nat44(*before, after[0]) : decisions_of_change(*before, after, settings);
    // What the mechanism noted about the quoted packet stands with the rest about it, behind the message.
    auto& all = explanation.decisions;
    const auto rest = std::ranges::stable_partition(all, [](const auto& d) { return d.topic != "quote"; });
    const auto quote_changes = std::ranges::find(changes, "quote", &Decision::topic);
    changes.insert(quote_changes, std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
    all.erase(rest.begin(), rest.end());
    append(all, std::move(changes));
  }
}

void explain_tunnel(Explanation& explanation, const Trace& trace, const Verdict& verdict,
                    const TunnelView& tunnel) {
  const std::span<const std::byte> packet = decided_packet(explanation);
  const bool is_drop = explanation.verdict == "drop";
  explanation.verdict_words = tunnel_verdict_words(trace, verdict, is_ipv6(packet) ? 6 : 4);
  const std::vector<PacketFacts> after = is_drop ? std::vector<PacketFacts>{} : facts_of(explanation.after);
  explanation.decisions = decisions_of_tunnel(packet, trace, verdict, after, tunnel);
  if (is_drop) {
    explanation.drop = decision_of_tunnel_drop(packet, trace, verdict, tunnel);
    explanation.advice = advice_about_tunnel(explanation.reason);
  } else if (verdict.action == Verdict::Action::Reassemble) {
    explanation.advice = kAdviceAboutHeld;
  }
}

}  // namespace

Explanation explain(OfflineInstance& instance, const config::InstanceSettings& settings,
                    std::span<const std::byte> packet, Instant now) {
  Explanation explanation;
  explanation.before.assign(packet.begin(), packet.end());
  Trace trace;
  instance.set_trace(&trace);
  const auto outcome = instance.process(packet, now, [&](const Packet& result) {
    explanation.after.emplace_back(result.bytes().begin(), result.bytes().end());
  });
  instance.set_trace(nullptr);

  const engine::Snapshot& snapshot = instance.snapshot();
  const std::span<const std::byte> whole = trace.whole().bytes;
  explanation.whole.assign(whole.begin(), whole.end());
  explanation.verdict = verdict_word(outcome.verdict, is_ipv6(packet));
  explanation.reason = outcome.verdict.reason;
  explanation.is_answered = outcome.replied;
  static const share::MapRuleTable kNoRules(share::MapRuleTable::Index::Ipv4Only, 0);
  std::optional<TunnelView> view;  // where there are rules or tunnels
  if (snapshot.path_mtus)
    view.emplace(TunnelView{settings, snapshot.rules ? *snapshot.rules : kNoRules, *snapshot.path_mtus, now});
  const bool is_border = view && !config::has_nat(settings.mechanism);
  if (config::translates(settings.mechanism))
    explain_translation(explanation, trace, outcome.verdict, settings, is_border ? &*view : nullptr);
  else
    explain_tunnel(explanation, trace, outcome.verdict, *view);
  if (config::has_nat(settings.mechanism) && settings.mechanism != config::Mechanism::Nat64)
    cite_nat44(explanation.decisions);
  if (explanation.verdict == "drop" && !explanation.is_answered)
    explanation.silence = decision_of_silence(decided_packet(explanation), outcome.verdict, snapshot.icmp);
  return explanation;
}

std::string to_text(const Explanation& explanation) {
  std::string out = "  before\n";
  append_packet(out, explanation.before);
  if (!explanation.whole.empty()) {
    out += "\n  put together\n";
    append_packet(out, explanation.whole);
  }
  if (!explanation.decisions.empty()) {
    out += "\n  decisions\n";
    append_decisions(out, explanation.decisions);
  }
  out += "\n";
  append_verdict(out, explanation);
  for (std::size_t i = 0; i < explanation.after.size(); ++i) {
    const bool is_reply = explanation.is_answered;
    const std::string number = explanation.after.size() > 1
                                   ? fmt::format(", fragment {} of {}", i + 1, explanation.after.size())
                                   : "";
    out += fmt::format("\n  {}{}\n", is_reply ? "the answer" : "after", number);
    append_packet(out, explanation.after[i]);
  }
  return out;
}

nlohmann::ordered_json to_json(const Explanation& explanation) {
  auto decisions = nlohmann::ordered_json::array();
  for (const Decision& decision : explanation.decisions)
    decisions.push_back({{"topic", decision.topic}, {"text", decision.text}, {"cited", decision.cited}});
  nlohmann::ordered_json json = {{"before", packet_json(explanation.before)}};
  if (!explanation.whole.empty()) json["whole"] = packet_json(explanation.whole);
  json["decisions"] = std::move(decisions);
  json["verdict"] = explanation.verdict;
  if (explanation.verdict == "drop") {
    json["reason"] = label(explanation.reason);
    json["help"] = explanation.drop.text;
    json["cited"] = explanation.drop.cited;
    json["advice"] = explanation.advice;
    json["answered"] = explanation.is_answered;
    if (!explanation.is_answered)
      json["silence"] = {{"text", explanation.silence.text}, {"cited", explanation.silence.cited}};
  } else if (!explanation.advice.empty()) {
    json["advice"] = explanation.advice;
  }
  auto after = nlohmann::ordered_json::array();
  for (const auto& packet : explanation.after) after.push_back(packet_json(packet));
  json["after"] = std::move(after);
  return json;
}

}  // namespace yonroku::api
