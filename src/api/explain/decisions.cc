#include "api/explain/decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "api/explain/icmp_facts.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kLargestWithoutDf = 1260;  // RFC 7915 §5.1

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

std::string joined(const std::vector<std::string>& words) {
  return std::accumulate(words.begin(), words.end(), std::string(),
                         [](std::string all, const std::string& word) {
                           return std::move(all) + (all.empty() ? "" : ", ") + word;
                         });
}

// RFC 7915's section about the header of a packet that comes from that version.
const char* header_section(unsigned from_version) {
  return from_version == 4 ? "RFC 7915 §4.1" : "RFC 7915 §5.1";
}

// --- the header ---

void hop_limit(const PacketFacts& before, const PacketFacts& after, Decisions& out) {
  out.push_back({"header",
                 fmt::format("{} {} becomes {} {}: a translator is a router.",
                             before.version == 4 ? "TTL" : "Hop limit", before.hop_limit,
                             after.version == 4 ? "TTL" : "hop limit", after.hop_limit),
                 header_section(before.version)});
}

void traffic_class(const PacketFacts& before, const PacketFacts& after,
                   const config::InstanceSettings& settings, Decisions& out) {
  if (before.version == after.version) {
    out.push_back(
        {"header",
         before.traffic_class == after.traffic_class
             ? fmt::format("The traffic class 0x{:02x} is kept.", before.traffic_class)
             : fmt::format("The traffic class 0x{:02x} becomes 0x{:02x} (settings tos, traffic-class).",
                           before.traffic_class, after.traffic_class),
         header_section(before.version)});
    return;
  }
  const char* was = before.version == 4 ? "TOS" : "traffic class";
  const char* now = after.version == 4 ? "TOS" : "traffic class";
  const bool is_fixed = after.version == 4 ? settings.tos.has_value() : settings.traffic_class.has_value();
  const std::string text =
      is_fixed ? fmt::format("The {} is 0x{:02x} as the setting {} says, whatever the {} was (0x{:02x}).",
                             now, after.traffic_class, after.version == 4 ? "tos" : "traffic-class", was,
                             before.traffic_class)
               : fmt::format("The {} 0x{:02x} is copied to the {}.", was, before.traffic_class, now);
  out.push_back({"header", text, header_section(before.version)});
}

void lost_parts(const PacketFacts& before, const PacketFacts& after, Decisions& out) {
  if (!before.skipped.empty())
    out.push_back({"header",
                   fmt::format("{} {} not translated, and left out.",
                               before.version == 4 ? "IPv4 options are" : "IPv6 extension headers are",
                               "(" + joined(before.skipped) + ")"),
                   header_section(before.version)});
  if (before.flow_label != 0 && after.flow_label == 0)
    out.push_back(
        {"header",
         after.version == 4 ? "The flow label has no place in IPv4." : "The flow label is lost on the way.",
         header_section(before.version)});
  if (before.size > before.length)
    out.push_back({"header",
                   fmt::format("{} octets behind the packet's end are padding of the link, and cut off.",
                               before.size - before.length),
                   ""});
}

// --- fragments and sizes ---

void size_to_ipv6(const PacketFacts& before, std::span<const PacketFacts> after, bool is_hairpin,
                  const config::InstanceSettings& settings, Decisions& out) {
  const char* setting = is_hairpin ? "ipv6-mtu" : "lowest-ipv6-mtu";
  const unsigned limit = is_hairpin ? settings.ipv6_mtu : settings.lowest_ipv6_mtu;
  if (before.is_fragment())
    out.push_back(
        {"size",
         fmt::format("The packet is a fragment: its identification 0x{:04x}, offset and more-fragments flag "
                     "move to a Fragment Header.",
                     before.identification & 0xffff),
         "RFC 7915 §4.1"});
  if (after.size() > 1) {
    out.push_back(
        {"size",
         fmt::format("DF is clear and the result does not fit in {} {}: it is cut into {} fragments.",
                     setting, limit, after.size()),
         "RFC 7915 §4.1"});
  } else if (!before.is_fragment() && before.version == 4) {
    out.push_back(
        {"size",
         before.dont_fragment
             ? "DF is set: no Fragment Header is needed; IPv6 routers never fragment."
             : fmt::format("DF is clear, but the {} octets of the result fit in {} {}: it leaves whole, "
                           "without a Fragment Header (RFC 8021).",
                           after[0].length, setting, limit),
         "RFC 7915 §4.1"});
  }
}

void size_to_ipv4(const PacketFacts& before, std::span<const PacketFacts> after,
                  const config::InstanceSettings& settings, Decisions& out) {
  const PacketFacts& now = after[0];
  if (before.has_fragment_header) {
    out.push_back(
        {"size",
         fmt::format("The {} becomes IPv4 fields: identification 0x{:04x} (its low 16 bits), "
                     "offset, more-fragments flag; DF is clear.",
                     before.is_fragment() ? "Fragment Header" : "atomic Fragment Header", now.identification),
         "RFC 7915 §5.1.1"});
  } else if (now.dont_fragment) {
    out.push_back(
        {"size",
         fmt::format(
             "The IPv4 packet has {} octets, more than {}: DF is set, so that path MTU discovery works.",
             now.length, kLargestWithoutDf),
         "RFC 7915 §5.1"});
  } else {
    const std::size_t whole = before.payload.size() + sizeof(Ipv4Header);
    out.push_back(
        {"size",
         fmt::format("The IPv4 packet has {} octets, at most {}: DF is clear and routers may fragment it, so "
                     "it gets an identification of its own (0x{:04x}).",
                     after.size() > 1 ? whole : now.length, kLargestWithoutDf, now.identification),
         "RFC 7915 §5.1"});
  }
  if (after.size() > 1)
    out.push_back({"size",
                   fmt::format("It does not fit in ipv4-mtu {}: it is cut into {} fragments.",
                               settings.ipv4_mtu, after.size()),
                   "RFC 791 §3.2"});
}

// --- TCP, UDP and others ---

void mss(const PacketFacts& before, const PacketFacts& after, Decisions& out) {
  const auto was = mss_of(before);
  const auto now = mss_of(after);
  if (was && now && *was != *now)
    out.push_back({"transport",
                   fmt::format("The SYN's MSS {} is lowered to {} (setting mss-clamp).", *was, *now),
                   "RFC 9293 §3.7.1"});
}

bool changes_ports(const PacketFacts& before, const PacketFacts& after) {
  return before.payload.size() >= 4 && after.payload.size() >= 4 &&
         !std::ranges::equal(before.payload.first(4), after.payload.first(4));
}

// A load balancer changes the port of the other end too.
enum class OtherEnd : uint8_t { Kept, Balanced };

// The port, or an ICMP query's identifier, that a NAT has given out.
void ports(const PacketFacts& before, const PacketFacts& after, OtherEnd other, Decisions& out) {
  const auto at = [](const PacketFacts& packet, std::size_t offset) {
    return fmt::format("{}", static_cast<unsigned>(packet.payload[offset]) << 8 |
                                 static_cast<unsigned>(packet.payload[offset + 1]));
  };
  const auto tell = [&](const char* what, std::size_t offset, const char* section,
                        const char* whose = "binding") {
    if (before.payload.size() < offset + 2 || after.payload.size() < offset + 2) return;
    const std::string was = at(before, offset);
    const std::string now = at(after, offset);
    if (was != now)
      out.push_back({"transport", fmt::format("The {} {} becomes {}: that of the {}.", what, was, now, whose),
                     section});
  };
  if (before.is_icmp()) {
    const IcmpHeader* const icmp = icmp_header(before);
    const bool is_echo =
        icmp != nullptr && (icmp->type == icmpv4::kEcho || icmp->type == icmpv4::kEchoReply ||
                            icmp->type == icmpv6::kEcho || icmp->type == icmpv6::kEchoReply);
    if (is_echo) tell("identifier", offsetof(IcmpHeader, rest), "RFC 6146 §3.5.3");
    return;
  }
  const char* const section = before.protocol == IpProtocol::Tcp ? "RFC 6146 §3.5.2" : "RFC 6146 §3.5.1";
  const bool is_balanced = other == OtherEnd::Balanced;
  tell("source port", 0, section, is_balanced && before.version == 4 ? "service" : "binding");
  tell("destination port", 2, section, is_balanced && after.version == 4 ? "server" : "binding");
}

void checksum(const PacketFacts& before, const PacketFacts& after, Decisions& out) {
  const char* section = before.version == 4 ? "RFC 7915 §4.5" : "RFC 7915 §5.5";
  const auto was = checksum_field(before);
  const auto now = checksum_field(after);
  if (!was || !now) return;
  const std::string name = protocol_name(before.protocol);
  if (before.protocol == IpProtocol::Udp && before.version == 4 && *was == 0) {
    out.push_back(
        {"transport",
         fmt::format("UDP came without a checksum, which IPv6 does not allow: 0x{:04x} is computed (setting "
                     "udp-zero-checksum).",
                     *now),
         section});
    return;
  }
  out.push_back(
      {"transport",
       fmt::format("The {} checksum 0x{:04x} becomes 0x{:04x}, adjusted by the change of the addresses{}{}.",
                   name, *was, *now, changes_ports(before, after) ? " and the ports" : "",
                   wrong_checksum_words(before)),
       section});
}

void transport(const PacketFacts& before, const PacketFacts& after, OtherEnd other, Decisions& out) {
  if (!before.has_transport_header()) {
    out.push_back(
        {"transport", "A later fragment has no transport header: there is no checksum to adjust.", ""});
  } else if (before.protocol == IpProtocol::Tcp || before.protocol == IpProtocol::Udp) {
    ports(before, after, other, out);
    mss(before, after, out);
    checksum(before, after, out);
  } else if (before.is_icmp()) {
    ports(before, after, other, out);
    for (Decision& decision : decisions_about_icmp(before, after)) out.push_back(std::move(decision));
  } else {
    out.push_back({"transport",
                   fmt::format("{} passes unchanged: what it may have of checksums is not known here.",
                               protocol_name(before.protocol)),
                   header_section(before.version)});
  }
}

}  // namespace

Decisions decisions_about_ports(const PacketFacts& before, const PacketFacts& after) {
  Decisions out;
  ports(before, after, OtherEnd::Kept, out);
  return out;
}

std::string wrong_checksum_words(const PacketFacts& before) {
  const auto fact = checksum_of(before);
  if (!fact || fact->is_absent || fact->is_right()) return "";
  return "; it was wrong and stays wrong by as much, for the receiver to find out";
}

std::string address_words(const TraceAddress& address) {
  return std::visit(
      [](const auto& value) -> std::string {
        if constexpr (requires { value.to_string(); })
          return value.to_string();
        else
          return "";
      },
      address);
}

Decision decision_of_note(const TraceNote& note, std::string topic) {
  const TraceStepText& step = kTraceSteps[static_cast<std::size_t>(note.step)];
  std::string text = replaced(std::string(step.text), "{from}", address_words(note.from));
  return {std::move(topic), sentence(replaced(std::move(text), "{to}", address_words(note.to))),
          std::string(step.cited)};
}

Decisions decisions_of_trace(const Trace& trace, unsigned from_version) {
  Decisions out;
  std::string topic = "addresses";
  for (const TraceNote& note : trace.notes()) {
    const TraceStepText& step = kTraceSteps[static_cast<std::size_t>(note.step)];
    std::string text(step.text);
    std::string cited(step.cited);
    if (note.step == TraceStep::QuotedPacket && topic == "addresses") {
      topic = "quote";
      if (from_version == 6) cited = "RFC 7915 §5.3";
    } else if (note.step == TraceStep::Hairpin) {
      if (topic == "quote")  // RFC 7757 §4.2.2, condition set B
        text =
            "the source {from} of the quoted packet has an explicit mapping itself: the error goes straight "
            "back";
      topic = "hairpin";
    }
    text = replaced(std::move(text), "{from}", address_words(note.from));
    out.push_back(
        {topic, sentence(replaced(std::move(text), "{to}", address_words(note.to))), std::move(cited)});
  }
  return out;
}

Decisions decisions_of_change(const PacketFacts& before, std::span<const PacketFacts> after,
                              const config::InstanceSettings& settings) {
  Decisions out;
  const PacketFacts& now = after[0];
  hop_limit(before, now, out);
  traffic_class(before, now, settings, out);
  lost_parts(before, now, out);
  if (now.version == 4)
    size_to_ipv4(before, after, settings, out);
  else
    size_to_ipv6(before, after, before.version == 6, settings, out);
  const bool is_balanced = settings.mechanism == config::Mechanism::Slb64;
  transport(before, now, is_balanced ? OtherEnd::Balanced : OtherEnd::Kept, out);
  return out;
}

Decision decision_of_drop(std::span<const std::byte> packet, const Verdict& verdict,
                          const config::InstanceSettings& settings) {
  const DropReasonText& reason = kDropReasons[static_cast<std::size_t>(verdict.reason)];
  Decision decision{"verdict", sentence(std::string(reason.help)), std::string(reason.cited)};
  const auto facts = PacketFacts::read(packet);
  if (!facts) return decision;
  const bool from_ipv4 = facts->version == 4;
  switch (verdict.reason) {
    case DropReason::TtlExceeded:
    case DropReason::HopLimitExceeded:
      decision.text = fmt::format("{} {} leaves nothing for the next router.",
                                  from_ipv4 ? "TTL" : "Hop limit", facts->hop_limit);
      break;
    case DropReason::PacketTooBig:
      // Told another MTU than IPv4's, the packet was to be hairpinned: it meets the IPv6 link again.
      if (!from_ipv4 && verdict.detail != std::max<uint32_t>(1280, settings.ipv4_mtu + 20)) {
        decision.text = fmt::format("{} octets, hairpinned, would become more than ipv6-mtu {}.",
                                    facts->length, settings.ipv6_mtu);
        decision.cited = "RFC 7757 §4.2.2";
        break;
      }
      decision.text =
          from_ipv4 ? fmt::format("{} octets would become more than ipv6-mtu {}, and DF forbids to cut them.",
                                  facts->length, settings.ipv6_mtu)
                    : fmt::format(
                          "{} octets would become more than ipv4-mtu {}, too big to be sent, and too "
                          "big to be cut (only packets up to {} octets of IPv4, and fragments, are).",
                          facts->length, settings.ipv4_mtu, kLargestWithoutDf);
      if (!from_ipv4) decision.cited = "RFC 7915 §5.1";
      break;
    case DropReason::IcmpTypeNotTranslatable:
    case DropReason::IcmpCodeNotTranslatable:
    case DropReason::IcmpPointerNotTranslatable:
      if (!from_ipv4) decision.cited = "RFC 7915 §5.2";
      break;
    default: break;
  }
  return decision;
}

}  // namespace yonroku::api
