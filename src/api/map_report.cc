#include "api/map_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "config/map_rule_text.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;
using share::MapRule;
using share::PortParameters;
using share::PortSet;

constexpr std::size_t kLabelWidth = 18;
constexpr std::size_t kLineWidth = 100;
constexpr std::size_t kMostRulesListed = 100;

void add_line(std::string& out, std::string_view label, std::string_view text) {
  out += fmt::format("{:<{}}{}\n", label, kLabelWidth, text);
}

std::string counted(uint64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

std::string text_of(const Ipv4Prefix& prefix) {
  return prefix.length() == 32 ? prefix.address().to_string() : prefix.to_string();
}

std::string text_of(PortSet::Range range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : fmt::format("{}-{}", range.first, range.last);
}

// "0x34 (52)": hexadecimal as in prefixes, decimal as in configurations. Below ten they are the same.
std::string psid_text(uint16_t psid, unsigned length) {
  const std::string hexadecimal = fmt::format("0x{:0{}x}", psid, std::max(1u, (length + 3) / 4));
  return psid < 10 ? hexadecimal : fmt::format("{} ({})", hexadecimal, psid);
}

// "252 in 63 ranges of 4"
std::string size_text(const PortSet& ports) {
  if (!ports.parameters().is_shared()) return "all";
  if (ports.range_count() == 1)
    return ports.size() == 1 ? std::string("one") : fmt::format("{} in one range", ports.size());
  if (ports.range_size() == 1) return fmt::format("{} single ones", ports.size());
  return fmt::format("{} in {} ranges of {}", ports.size(), ports.range_count(), ports.range_size());
}

// The ranges in lines of readable width.
void add_ranges(std::string& out, std::string_view label, const PortSet& ports, Ranges ranges) {
  constexpr std::size_t kFirst = 4;
  constexpr std::size_t kLast = 2;
  const std::size_t count = ports.range_count();
  const bool is_cut = ranges == Ranges::Some && count > kFirst + kLast + 1;
  std::string line;
  const auto add = [&](const std::string& word) {
    if (!line.empty() && kLabelWidth + line.size() + 1 + word.size() > kLineWidth) {
      add_line(out, label, line);
      label = "";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (is_cut && i == kFirst) {
      add("...");
      i = count - kLast;
    }
    add(text_of(ports.range(i)));
  }
  add_line(out, label, line);
}

ordered_json ranges_json(const PortSet& ports) {
  auto json = ordered_json::array();
  for (std::size_t i = 0; i < ports.range_count(); ++i)
    json.push_back({ports.range(i).first, ports.range(i).last});
  return json;
}

PortSet port_set(PortParameters parameters, uint16_t psid) {
  const auto ports = PortSet::create(parameters, psid);
  YONROKU_CHECK(ports.has_value());
  return *ports;
}

std::string rule_text(const MapRule& rule) {
  std::string text = fmt::format("{}, {}, {}", rule.ipv6().to_string(), text_of(rule.ipv4()),
                                 counted(rule.parts().ea_length, "EA bit"));
  if (rule.has_given_psid()) text += ", PSID given";
  if (rule.parts().format != share::InterfaceIdentifierFormat::Rfc7597)
    text += fmt::format(", {}", config::to_string(rule.parts().format));
  return text;
}

ordered_json rule_json(const MapRule& rule) {
  const MapRule::Parts& parts = rule.parts();
  ordered_json json = {{"ipv6-prefix", parts.ipv6.to_string()},
                       {"ipv4-prefix", parts.ipv4.to_string()},
                       {"ea-length", parts.ea_length},
                       {"psid-offset", parts.psid_offset},
                       {"psid-length", rule.ports().psid_length}};
  if (rule.has_given_psid()) json["psid"] = parts.given_psid;
  json["format"] = config::to_string(parts.format);
  return json;
}

// What the rules of a domain amount to.
struct RuleSums {
  uint64_t addresses;
  uint64_t customers;
  uint64_t ratio;  // customers for each address
  uint64_t ports;  // of each customer; of each address, where customers have a prefix
};
RuleSums sums_of(const MapRule& rule) {
  const PortParameters ports = rule.ports();
  return {uint64_t{1} << rule.ipv4().suffix_length(), uint64_t{1} << rule.parts().ea_length,
          uint64_t{1} << ports.psid_length, port_set(ports, 0).size()};
}

// Addresses in several rules count once.
uint64_t addresses_of(std::span<const MapRule> rules) {
  std::vector<Ipv4Prefix> prefixes;
  prefixes.reserve(rules.size());
  for (const MapRule& rule : rules) prefixes.push_back(rule.ipv4());
  std::ranges::sort(prefixes);
  uint64_t sum = 0;
  const Ipv4Prefix* last = nullptr;
  for (const Ipv4Prefix& prefix : prefixes) {
    if (last != nullptr && last->contains(prefix)) continue;
    last = &prefix;
    sum += uint64_t{1} << prefix.suffix_length();
  }
  return sum;
}

uint64_t customers_of(std::span<const MapRule> rules) {
  uint64_t sum = 0;
  for (const MapRule& rule : rules) sum += sums_of(rule).customers;
  return sum;
}

}  // namespace

std::string to_text(const MapCustomer& customer, Ranges ranges) {
  const MapRule& rule = customer.rule;
  std::string out;
  add_line(out, "rule", fmt::format("{}: {}", customer.rule_number, rule_text(rule)));
  add_line(out, "End-user prefix", customer.end_user_prefix().to_string());
  const uint64_t ratio = sums_of(rule).ratio;
  add_line(
      out, rule.customer_prefix_length() < 32 ? "IPv4 prefix" : "IPv4 address",
      text_of(customer.ipv4()) +
          (rule.is_shared() ? fmt::format(", shared by {}", counted(ratio, "customer")) : ", not shared"));
  const PortSet ports = customer.ports();
  if (rule.is_shared())
    add_line(
        out, "PSID",
        fmt::format("{}, {} behind an offset of {}", psid_text(ports.psid(), ports.parameters().psid_length),
                    counted(ports.parameters().psid_length, "bit"), ports.parameters().psid_offset));
  add_line(out, "MAP address", customer.map_address().to_string());
  const Ipv6Address host = rule.host_address_of(customer.host);
  if (host != customer.map_address())
    add_line(out, "translated", fmt::format("{} is {}", customer.host.address.to_string(), host.to_string()));
  add_line(out, "ports", size_text(ports));
  if (rule.is_shared()) add_ranges(out, "", ports, ranges);
  for (const std::string& note : customer.notes) add_line(out, "note", note);
  return out;
}

ordered_json to_json(const MapCustomer& customer) {
  const MapRule& rule = customer.rule;
  const PortSet ports = customer.ports();
  ordered_json json = {{"rule-number", customer.rule_number},
                       {"rule", rule_json(rule)},
                       {"end-user-prefix", customer.end_user_prefix().to_string()},
                       {"ipv4", text_of(customer.ipv4())},
                       {"sharing-ratio", sums_of(rule).ratio}};
  if (rule.is_shared()) json["psid"] = ports.psid();
  json["map-address"] = customer.map_address().to_string();
  if (const Ipv6Address host = rule.host_address_of(customer.host); host != customer.map_address())
    json["host-address"] = host.to_string();
  json["ports"] = ports.size();
  json["port-ranges"] = ranges_json(ports);
  json["notes"] = customer.notes;
  return json;
}

std::string to_text(const MapAddressReading& reading, Ranges ranges) {
  std::string out = to_text(reading.customer, ranges);
  using Identifier = MapAddressReading::Identifier;
  const share::InterfaceIdentifierFormat format = reading.customer.rule.parts().format;
  const bool is_rfc = format == share::InterfaceIdentifierFormat::Rfc7597;
  std::string text;
  switch (reading.identifier) {
    case Identifier::MapAddress: text = "agrees with the EA bits: this is the MAP address"; break;
    case Identifier::Host: text = "agrees with the EA bits: a host of the IPv4 prefix, translated"; break;
    case Identifier::OtherFormat:
      text = fmt::format("agrees with the EA bits, but has the form {} and not {}",
                         is_rfc ? "draft-03" : "rfc7597", config::to_string(format));
      break;
    case Identifier::Other: text = "does not agree with the EA bits: not the MAP address"; break;
  }
  add_line(out, "this address", text);
  return out;
}

ordered_json to_json(const MapAddressReading& reading) {
  constexpr std::array<const char*, 4> kNames = {"map-address", "host", "other-format", "other"};
  ordered_json json = to_json(reading.customer);
  json["address"] = reading.address.to_string();
  json["interface-identifier"] = kNames[static_cast<std::size_t>(reading.identifier)];
  return json;
}

Result<void> PortSetQuestion::check() const {
  const unsigned k = parameters.psid_length;
  if (!parameters.are_valid())
    return fail(
        "",
        fmt::format("an offset of {} and a PSID of {} bits do not fit the 16 bits of a port",
                    parameters.psid_offset, k),
        fmt::format("make the offset {} or less (RFC 7597 §5.1)", std::min(15u, 16 - std::min(16u, k))));
  if (psid && *psid >> k != 0)
    return fail("", fmt::format("the PSID {} has more than {} bits", *psid, k),
                fmt::format("write one from 0 to {}", (1u << k) - 1));
  return {};
}

std::string to_text(const PortSetQuestion& question, Ranges ranges) {
  const PortParameters& parameters = question.parameters;
  const unsigned k = parameters.psid_length;
  std::string out;
  if (question.psid) {
    const PortSet ports = port_set(parameters, *question.psid);
    add_line(out, "PSID",
             fmt::format("{}, {} behind an offset of {}", psid_text(ports.psid(), k), counted(k, "bit"),
                         parameters.psid_offset));
    add_line(out, "ports", size_text(ports));
    add_ranges(out, "", ports, ranges);
  } else {
    const auto last = static_cast<uint16_t>((1u << k) - 1);
    add_line(out, "customers",
             parameters.is_shared()
                 ? fmt::format("{}, with PSIDs from {} to {}", 1u << k, psid_text(0, k), psid_text(last, k))
                 : std::string("one, who has the whole address"));
    add_line(out, "ports each", size_text(port_set(parameters, 0)));
    if (parameters.is_shared()) {
      add_line(out, "left out",
               parameters.psid_offset == 0 ? std::string("none")
                                           : fmt::format("0-{}", (65536u >> parameters.psid_offset) - 1));
      constexpr uint16_t kFirst = 2;
      for (uint32_t psid = 0; psid <= last; ++psid) {
        if (psid == kFirst && last > kFirst + 1) {
          add_line(out, "...", "");
          psid = last;
        }
        const auto value = static_cast<uint16_t>(psid);
        add_ranges(out, "PSID " + psid_text(value, k), port_set(parameters, value), Ranges::Some);
      }
    }
  }
  if (question.port) {
    const uint16_t port = *question.port;
    std::string owner = "nobody's";
    if (!parameters.is_shared())
      owner = "of the one customer";
    else if (parameters.gives_out(port))
      owner = fmt::format("of PSID {}", psid_text(parameters.psid_of(port), k));
    if (question.psid)
      owner += port_set(parameters, *question.psid).contains(port) ? ", in this set" : ", not in this set";
    add_line(out, fmt::format("port {}", port), owner);
  }
  // A label alone has no space behind it.
  for (std::size_t at = out.find(" \n"); at != out.npos; at = out.find(" \n")) out.erase(at, 1);
  return out;
}

ordered_json to_json(const PortSetQuestion& question) {
  const PortParameters& parameters = question.parameters;
  const PortSet ports = port_set(parameters, question.psid.value_or(0));
  ordered_json json = {
      {"psid-offset", parameters.psid_offset},
      {"psid-length", parameters.psid_length},
      {"customers", 1u << parameters.psid_length},
      {"ports", ports.size()},
      {"ranges", ports.range_count()},
      {"first-port",
       parameters.is_shared() && parameters.psid_offset > 0 ? 65536u >> parameters.psid_offset : 0u}};
  if (question.psid) {
    json["psid"] = *question.psid;
    json["port-ranges"] = ranges_json(ports);
  }
  if (question.port) {
    json["port"] = *question.port;
    const bool is_given_out = parameters.gives_out(*question.port);
    json["port-psid"] =
        is_given_out ? ordered_json(parameters.psid_of(*question.port)) : ordered_json(nullptr);
  }
  return json;
}

std::string rules_text(std::span<const MapRule> rules) {
  constexpr std::size_t kColumns = 9;
  using Row = std::array<std::string, kColumns>;
  std::vector<Row> rows = {{"rule", "IPv6 prefix", "IPv4 prefix", "EA", "End-user", "addresses", "customers",
                            "shared by", "ports each"}};
  for (std::size_t i = 0; i < std::min(rules.size(), kMostRulesListed); ++i) {
    const MapRule& rule = rules[i];
    const RuleSums sums = sums_of(rule);
    rows.push_back({std::to_string(i + 1), rule.ipv6().to_string(), rule.ipv4().to_string(),
                    std::to_string(rule.parts().ea_length), fmt::format("/{}", rule.end_user_prefix_length()),
                    std::to_string(sums.addresses), std::to_string(sums.customers),
                    rule.is_shared() ? std::to_string(sums.ratio) : "-",
                    rule.is_shared() ? std::to_string(sums.ports) : "all"});
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      const bool is_number = i == 0 || i > 2;
      if (i > 0) out += "  ";
      out += is_number ? fmt::format("{:>{}}", row[i], widths[i]) : fmt::format("{:<{}}", row[i], widths[i]);
    }
    out += '\n';
  }
  if (rules.size() > kMostRulesListed)
    out += fmt::format("and {} more rules\n", rules.size() - kMostRulesListed);
  const uint64_t addresses = addresses_of(rules);
  out += fmt::format("{}: {} IPv4 address{}, {}\n", counted(rules.size(), "rule"), addresses,
                     addresses == 1 ? "" : "es", counted(customers_of(rules), "customer"));
  return out;
}

ordered_json rules_json(std::span<const MapRule> rules) {
  auto list = ordered_json::array();
  for (const MapRule& rule : rules) {
    const RuleSums sums = sums_of(rule);
    ordered_json json = rule_json(rule);
    json["end-user-prefix-length"] = rule.end_user_prefix_length();
    json["addresses"] = sums.addresses;
    json["customers"] = sums.customers;
    json["sharing-ratio"] = sums.ratio;
    json["ports"] = sums.ports;
    list.push_back(std::move(json));
  }
  return {{"rules", std::move(list)}, {"addresses", addresses_of(rules)}, {"customers", customers_of(rules)}};
}

}  // namespace yonroku::api
