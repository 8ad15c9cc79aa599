// Whose packet it is, in the terms of RFC 7597 §5 and §6: rules, EA bits, PSIDs and ports.

#include <fmt/format.h>

#include <algorithm>

#include "api/explain/decisions_tunnel.h"
#include "control/routes.h"

namespace yonroku::api {
namespace {

using share::AddressAndPsid;
using share::MapRule;
using share::PortParameters;
using share::PortSet;
using Lookup = share::MapRuleTable::Lookup;

struct Owner {
  Lookup lookup = Lookup::NoRule;
  MapRule rule;
  AddressAndPsid customer;
};

Ipv4Address address_of(const Ipv4Flow& flow, FlowEnd end) {
  return end == FlowEnd::Source ? flow.source : flow.destination;
}

uint16_t port_of(const Ipv4Flow& flow, FlowEnd end) {
  return end == FlowEnd::Source ? flow.source_port : flow.destination_port;
}

bool has_ports(const Ipv4Flow& flow) { return flow.ports == Ipv4Flow::Ports::Present; }

// The engine's lookup: by port where there is one.
Owner owner_of(const Ipv4Flow& flow, FlowEnd end, const share::MapRuleTable& rules) {
  Owner owner;
  const Ipv4Address address = address_of(flow, end);
  owner.lookup = has_ports(flow) ? rules.find(address, port_of(flow, end), owner.rule, owner.customer)
                                 : rules.find_whole(address, owner.rule, owner.customer);
  return owner;
}

std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string text_of(const Ipv4Prefix& prefix) {
  return prefix.length() == 32 ? prefix.address().to_string() : prefix.to_string();
}

std::string psid_words(uint16_t psid) {
  return psid < 10 ? fmt::format("PSID {}", psid) : fmt::format("PSID 0x{:x} ({})", psid, psid);
}

// An ICMP message's identifier counts as its port.
const char* port_name(const Ipv4Flow& flow) {
  return flow.protocol == IpProtocol::Icmp && !flow.is_icmp_error ? "identifier" : "port";
}

std::string rule_words(const MapRule& rule) {
  std::string text = fmt::format("{} and {} with {}", rule.ipv6().to_string(), text_of(rule.ipv4()),
                                 counted(rule.parts().ea_length, "EA bit"));
  if (rule.has_given_psid()) text += fmt::format(" and the given {}", psid_words(rule.parts().given_psid));
  return text;
}

std::string binary(uint32_t value, unsigned bits) { return fmt::format("{:0{}b}", value, bits); }

// The three fields of a port, side by side.
std::string port_bits(const PortParameters& ports, uint16_t port) {
  std::string text;
  const auto add = [&](unsigned shift, unsigned bits) {
    if (bits == 0) return;
    text += (text.empty() ? "" : " | ") + binary(uint32_t{port} >> shift & ((1u << bits) - 1), bits);
  };
  add(16u - ports.psid_offset, ports.psid_offset);
  add(ports.m(), ports.psid_length);
  add(0, ports.m());
  return text;
}

std::string ports_words(const PortSet& ports) {
  constexpr std::size_t kShown = 3;
  std::string text;
  const std::size_t count = ports.range_count();
  for (std::size_t i = 0; i < count; ++i) {
    if (count > kShown + 1 && i == kShown - 1) {
      text += ", …";
      i = count - 1;
    }
    const PortSet::Range range = ports.range(i);
    text += text.empty() ? "" : ", ";
    text += range.first == range.last ? std::to_string(range.first)
                                      : fmt::format("{} to {}", range.first, range.last);
  }
  return fmt::format("{}: {}", counted(ports.size(), "port"), text);
}

void port_decision(const Ipv4Flow& flow, FlowEnd end, const PortParameters& ports, const std::string& topic,
                   Decisions& out) {
  if (!ports.is_shared() || !has_ports(flow)) return;
  if (flow.protocol == IpProtocol::Icmp)
    out.push_back({topic,
                   flow.is_icmp_error ? "An ICMP error belongs to whom the packet that it quotes belongs to."
                                      : "The identifier of an ICMP query counts as its port.",
                   "RFC 7597 §8.2"});
  const uint16_t port = port_of(flow, end);
  std::string text =
      fmt::format("{} {} is {} in binary",
                  flow.protocol == IpProtocol::Icmp && !flow.is_icmp_error ? "Identifier" : "Port", port,
                  port_bits(ports, port));
  if (ports.gives_out(port))
    text += fmt::format(
        ": {}{}{}.",
        ports.psid_offset > 0 ? fmt::format("{} of offset, then ", counted(ports.psid_offset, "bit")) : "",
        psid_words(ports.psid_of(port)),
        ports.m() > 0 ? fmt::format(", then number {} of its range", port & ((1u << ports.m()) - 1)) : "");
  else
    text += fmt::format(": {} of offset, all 0, so it is nobody's, as are all below {}.",
                        counted(ports.psid_offset, "bit"), 65536u >> ports.psid_offset);
  out.push_back({topic, std::move(text), "RFC 7597 §5.1"});
}

// --- the bits of a MAP address ---

// One line for each field, from the left.
void address_bits(const MapRule& rule, const AddressAndPsid& customer, const std::string& topic,
                  Decisions& out) {
  const unsigned n = rule.ipv6().length();
  const unsigned o = rule.parts().ea_length;
  const unsigned p = rule.suffix_length();
  const unsigned end = n + o;
  const Ipv6Address address = rule.address_of(customer);
  const Ipv4Prefix ipv4 = Ipv4Prefix::holding(customer.address, rule.customer_prefix_length());
  const bool is_rfc = rule.parts().format == share::InterfaceIdentifierFormat::Rfc7597;
  const auto field = [&](unsigned first, unsigned last, const std::string& text, const char* cited) {
    if (first <= last) out.push_back({topic, fmt::format("Bits {} to {}: {}.", first, last, text), cited});
  };
  out.push_back({topic, fmt::format("Its MAP address is {}.", address.to_string()), "RFC 7597 §5.2"});
  if (n > 0) field(0, n - 1, fmt::format("the rule's prefix {}", rule.ipv6().to_string()), "");
  if (p > 0) {
    const uint64_t suffix =
        uint64_t{customer.address.value()} >> (rule.ipv4().suffix_length() - p) & ((uint64_t{1} << p) - 1);
    field(n, n + p - 1,
          fmt::format("EA bits, the IPv4 suffix 0x{:x} that makes {} of {}", suffix, text_of(ipv4),
                      text_of(rule.ipv4())),
          "");
  }
  if (o > p) field(n + p, end - 1, fmt::format("EA bits, the {}", psid_words(customer.psid)), "");
  if (end < 64) field(end, 63, "the subnet, zero", "");
  const uint64_t low = address.low();
  field(std::max(64u, end), 127,
        fmt::format("the interface identifier {:x}:{:x}:{:x}:{:x}: {} zero bits, {}, {}{}", low >> 48,
                    low >> 32 & 0xffff, low >> 16 & 0xffff, low & 0xffff, is_rfc ? 16 : 8,
                    ipv4.address().to_string(), rule.is_shared() ? psid_words(customer.psid) : "no PSID",
                    is_rfc ? "" : ", 8 zero bits"),
        is_rfc ? "RFC 7597 §6" : "draft-ietf-softwire-map-03");
}

const char* softwire_section(config::Mechanism mechanism) {
  switch (mechanism) {
    case config::Mechanism::LwAftr: return "RFC 7596 §6.1";
    case config::Mechanism::FourOverSix: return "RFC 7040 §6";
    case config::Mechanism::Ipip:
    case config::Mechanism::DsLiteB4: return "RFC 2473 §3.1";
    default: return "RFC 7597 §5";
  }
}

std::string customer_words(const MapRule& rule, const AddressAndPsid& customer) {
  const Ipv4Prefix ipv4 = Ipv4Prefix::holding(customer.address, rule.customer_prefix_length());
  if (!rule.is_shared()) return text_of(ipv4) + " with all its ports";
  const auto ports = PortSet::create(rule.ports(), customer.psid);
  return fmt::format("{} with {}", text_of(ipv4), ports ? ports_words(*ports) : psid_words(customer.psid));
}

// Of the rules, the one whose IPv6 prefix matches longest.
const MapRule* rule_of(const Ipv6Address& address, const std::vector<MapRule>& rules) {
  const MapRule* best = nullptr;
  for (const MapRule& rule : rules)
    if (rule.ipv6().contains(address) && (best == nullptr || best->ipv6().length() < rule.ipv6().length()))
      best = &rule;
  return best;
}

// A flow with the address at both ends and the ports of the packet, which need not be IPv4.
Ipv4Flow flow_at(const PacketFacts& packet, Ipv4Address address) {
  Ipv4Flow flow;
  flow.source = flow.destination = address;
  flow.protocol = packet.is_icmp() ? IpProtocol::Icmp : packet.protocol;
  if (packet.is_fragment()) return flow;
  const auto* ports = header_at<UdpHeader>(packet.payload);
  const auto* icmp = header_at<IcmpHeader>(packet.payload);
  const bool is_echo =
      packet.is_icmp() && icmp != nullptr &&
      (packet.version == 4 ? icmp->type == icmpv4::kEcho || icmp->type == icmpv4::kEchoReply
                           : icmp->type == icmpv6::kEcho || icmp->type == icmpv6::kEchoReply);
  if (is_echo) {
    flow.source_port = flow.destination_port = static_cast<uint16_t>(icmp->rest_value() >> 16);
    flow.ports = Ipv4Flow::Ports::Present;
  } else if (ports != nullptr && (packet.protocol == IpProtocol::Tcp || packet.protocol == IpProtocol::Udp)) {
    flow.source_port = ports->source_port.host();
    flow.destination_port = ports->destination_port.host();
    flow.ports = Ipv4Flow::Ports::Present;
  }
  return flow;
}

}  // namespace

std::string end_words(const Ipv4Flow& flow, FlowEnd end) {
  const std::string address = address_of(flow, end).to_string();
  return has_ports(flow) ? fmt::format("{} {} {}", address, port_name(flow), port_of(flow, end)) : address;
}

Decisions decisions_about_customer(const Ipv4Flow& flow, FlowEnd end, const std::string& topic,
                                   const TunnelView& tunnel) {
  Decisions out;
  const Owner owner = owner_of(flow, end, tunnel.rules);
  // At the customer's end there is one rule, and it leads everywhere.
  if (owner.lookup != Lookup::Found || control::is_customer(tunnel.settings)) return out;
  const MapRule& rule = owner.rule;
  const char* const section = softwire_section(tunnel.settings.mechanism);
  if (rule.is_single_address()) {
    const std::string psid = rule.is_shared() ? fmt::format(", {} of {},", psid_words(owner.customer.psid),
                                                            counted(rule.ports().psid_length, "bit"))
                                              : "";
    out.push_back(
        {topic,
         fmt::format("{} ties {}{} to {}.",
                     tunnel.settings.mechanism == config::Mechanism::Ipip ? "The tunnel" : "A softwire",
                     text_of(rule.ipv4()), psid, rule.ipv6().address().to_string()),
         section});
  } else {
    out.push_back({topic, fmt::format("The rule {} has the address.", rule_words(rule)), section});
  }
  port_decision(flow, end, rule.ports(), topic, out);
  if (!rule.is_single_address()) address_bits(rule, owner.customer, topic, out);
  if (rule.is_shared() || rule.customer_prefix_length() < 32)
    out.push_back({topic, fmt::format("The customer has {}.", customer_words(rule, owner.customer)),
                   rule.is_shared() ? "RFC 7597 §5.1" : section});
  return out;
}

Decisions decisions_about_nobody(const Ipv4Flow& flow, FlowEnd end, const TunnelView& tunnel) {
  Decisions out;
  const Ipv4Address address = address_of(flow, end);
  const char* const section = softwire_section(tunnel.settings.mechanism);
  std::size_t softwires = 0;
  const MapRule* with_psid = nullptr;
  const MapRule* rule = nullptr;
  for (const MapRule& candidate : tunnel.settings.rules) {
    if (!candidate.ipv4().contains(address)) continue;
    if (candidate.has_given_psid()) {
      ++softwires;
      with_psid = &candidate;
    } else if (rule == nullptr || rule->ipv4().length() < candidate.ipv4().length()) {
      rule = &candidate;
    }
  }
  if (rule == nullptr && with_psid == nullptr) {
    out.push_back({"customer",
                   fmt::format("Of {}, none has {}.", counted(tunnel.settings.rules.size(), "rule"),
                               address.to_string()),
                   section});
    return out;
  }
  const MapRule& one = with_psid != nullptr ? *with_psid : *rule;
  if (with_psid != nullptr)
    out.push_back(
        {"customer",
         fmt::format("{} is shared by PSIDs of {}; {} of them {} a customer.", address.to_string(),
                     counted(one.ports().psid_length, "bit"), softwires, softwires == 1 ? "has" : "have"),
         section});
  else
    out.push_back({"customer", fmt::format("The rule {} has the address.", rule_words(one)), section});
  if (!has_ports(flow)) {
    if (one.is_shared())
      out.push_back({"customer", "Only a port would tell which of the customers who share it is meant.",
                     "RFC 7597 §8.2"});
    return out;
  }
  port_decision(flow, end, one.ports(), "customer", out);
  if (with_psid != nullptr && one.ports().gives_out(port_of(flow, end)))
    out.push_back({"customer", "Nobody has that PSID.", section});
  return out;
}

Decisions decisions_about_spoofing(const Ipv4Flow& flow, const Ipv6Address& outer_source,
                                   const Ipv6Address& outer_destination, const TunnelView& tunnel) {
  Decisions out;
  const bool is_customer = control::is_customer(tunnel.settings);
  const Owner owner = owner_of(flow, FlowEnd::Source, tunnel.rules);
  if (owner.lookup == Lookup::Found) {
    const Ipv6Address right = owner.rule.address_of(owner.customer);
    const auto& borders = tunnel.settings.local_addresses;  // none where packets are translated
    const std::size_t index = owner.rule.parts().border;
    const Ipv6Address border = index < borders.size() ? borders[index] : outer_destination;
    if (right == outer_source && border != outer_destination)
      out.push_back({"source",
                     fmt::format("That customer's packets are to go to {}, and this one went to {}.",
                                 border.to_string(), outer_destination.to_string()),
                     ""});
    else if (is_customer)
      out.push_back({"source", fmt::format("The other end of the tunnel is {}.", right.to_string()), ""});
    else
      out.push_back({"source",
                     fmt::format("{} belongs to the customer at {}.", end_words(flow, FlowEnd::Source),
                                 right.to_string()),
                     softwire_section(tunnel.settings.mechanism)});
    for (auto& decision : decisions_about_customer(flow, FlowEnd::Source, "source", tunnel))
      out.push_back(std::move(decision));
  } else {
    out = decisions_about_nobody(flow, FlowEnd::Source, tunnel);
    for (auto& decision : out) decision.topic = "source";
  }
  if (is_customer) return out;
  const MapRule* rule = rule_of(outer_source, tunnel.settings.rules);
  if (rule == nullptr) {
    out.push_back({"source", fmt::format("Of the rules, none has {}.", outer_source.to_string()), ""});
    return out;
  }
  const AddressAndPsid customer = rule->customer_of(outer_source);
  const Ipv6Address right = rule->address_of(customer);
  out.push_back(
      {"source",
       fmt::format("The customer {} {} has {}.", right == outer_source ? "at" : "whose prefix holds",
                   outer_source.to_string(), customer_words(*rule, customer)),
       softwire_section(tunnel.settings.mechanism)});
  if (right != outer_source)
    out.push_back(
        {"source", fmt::format("That customer's MAP address is {}.", right.to_string()), "RFC 7597 §6"});
  return out;
}

Decisions decisions_of_translated_customer(std::span<const std::byte> packet, const Trace& trace,
                                           const TunnelView& tunnel) {
  const auto facts = PacketFacts::read(packet);
  const unsigned version = facts ? facts->version : 4;
  const Decisions noted = decisions_of_trace(trace, version);
  Decisions out;
  bool is_quote = false;
  for (std::size_t i = 0; i < noted.size(); ++i) {
    const TraceNote& note = trace.notes()[i];
    out.push_back(noted[i]);
    is_quote = is_quote || note.step == TraceStep::QuotedPacket;
    const auto* ipv4 = std::get_if<Ipv4Address>(&note.from);
    if (ipv4 == nullptr) ipv4 = std::get_if<Ipv4Address>(&note.to);
    if (is_quote || !facts || ipv4 == nullptr) continue;
    const Ipv4Flow flow = flow_at(*facts, *ipv4);
    if (note.step == TraceStep::DestinationBySoftwire || note.step == TraceStep::SourceBySoftwire) {
      const bool is_source = note.step == TraceStep::SourceBySoftwire;
      const FlowEnd end = is_source ? FlowEnd::Source : FlowEnd::Destination;
      out.back().text =
          fmt::format("The {} {} is {}, {}.", is_source ? "source" : "destination", address_words(note.from),
                      address_words(note.to),
                      is_source ? "and that customer has the port" : "the customer who has the port");
      for (Decision& decision : decisions_about_customer(flow, end, out.back().topic, tunnel))
        out.push_back(std::move(decision));
    } else if (const auto* source = std::get_if<Ipv6Address>(&note.to);
               note.step == TraceStep::SourceSpoofed && source != nullptr) {
      out.back().text = fmt::format("The source {} is not the customer who has {}.", source->to_string(),
                                    end_words(flow, FlowEnd::Source));
      for (Decision& decision : decisions_about_spoofing(flow, *source, *source, tunnel))
        out.push_back(std::move(decision));
    } else if (note.step == TraceStep::NoSoftwire) {
      for (Decision& decision : decisions_about_nobody(flow, FlowEnd::Destination, tunnel))
        out.push_back(std::move(decision));
    }
  }
  return out;
}

}  // namespace yonroku::api
