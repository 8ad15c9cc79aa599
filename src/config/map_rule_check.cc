#include "config/map_rule_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace yonroku::config {
namespace {

using share::MapRule;
using share::PortParameters;
using share::PortSet;
using Kind = MapRuleFinding::Kind;

constexpr uint32_t kSystemPorts = 1024;  // RFC 6335 §6

std::string text_of(const Ipv4Prefix& prefix) {
  return prefix.length() == 32 ? prefix.address().to_string() : prefix.to_string();
}

std::string parameters_text(PortParameters ports) {
  if (!ports.is_shared()) return "no PSID";
  return fmt::format("a = {}, k = {}", ports.psid_offset, ports.psid_length);
}

// What an address is cut up by; the offset means nothing where nobody shares.
PortParameters cut_of(const MapRule& rule) { return rule.is_shared() ? rule.ports() : PortParameters{}; }

class Checker {
 public:
  Checker(std::span<const MapRule> rules, MapRuleUse use) : rules_(rules), use_(use), order_(rules.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  MapRuleFindings check() {
    for (std::size_t i = 0; i < rules_.size(); ++i) check_alone(i);
    check_ipv6();
    check_ipv4();
    auto& findings = result_.findings;
    std::ranges::stable_sort(
        findings, {}, [](const MapRuleFinding& each) { return std::pair(!each.is_error(), each.rule); });
    return std::move(result_);
  }

 private:
  void check_alone(std::size_t i) {
    const MapRule& rule = rules_[i];
    if (!rule.is_single_address() && rule.end_user_prefix_length() > 64)
      add(Kind::LongEndUserPrefix, i, std::nullopt,
          fmt::format("End-user IPv6 prefixes of /{} are longer than a subnet",
                      rule.end_user_prefix_length()),
          fmt::format("make ipv6-prefix /{} or shorter, unless customers have less than a /64",
                      std::max(0, 64 - int{rule.parts().ea_length})));
    const unsigned host_bits = 32 - rule.customer_prefix_length();
    const unsigned end = rule.parts().format == share::InterfaceIdentifierFormat::Draft03 ? 104 : 112;
    if (use_ != MapRuleUse::Tunnels && host_bits > 0 && rule.end_user_prefix_length() > end - host_bits)
      add(Kind::HostBitsOverwritten, i, std::nullopt,
          fmt::format("an IPv6 prefix of /{} leaves no room for the {} host bits of a customer's IPv4 prefix",
                      rule.end_user_prefix_length(), host_bits),
          "this rule can serve tunnels, but not translation (RFC 7599 §6)");
    check_system_ports(i);
  }

  void check_system_ports(std::size_t i) {
    const MapRule& rule = rules_[i];
    const PortParameters ports = rule.ports();
    if (!ports.is_shared()) return;
    const unsigned first = ports.psid_offset == 0 ? 0 : 65536u >> ports.psid_offset;
    if (first >= kSystemPorts) return;
    const std::string fix = "make psid-offset 1 to 6, or do not give these out (RFC 7597 §5.1)";
    if (rule.has_given_psid()) {
      const auto set = PortSet::create(ports, rule.parts().given_psid);
      if (!set || set->range(0).first >= kSystemPorts) return;
      return add(Kind::SystemPorts, i, std::nullopt,
                 fmt::format("the PSID {} has system ports (from {} on)", set->psid(), set->range(0).first),
                 fix);
    }
    if (ports.psid_offset > 0)
      return add(Kind::SystemPorts, i, std::nullopt,
                 fmt::format("the system ports {} to 1023 are given out", first), fix);
    const uint32_t last = (kSystemPorts - 1) >> ports.m();
    const uint32_t highest = (1u << ports.psid_length) - 1;
    add(Kind::SystemPorts, i, std::nullopt,
        last == 0 ? "the PSID 0 has the system ports"
                  : fmt::format("the PSIDs 0 to {} have the system ports", std::min(last, highest)),
        fix);
  }

  void check_ipv6() {
    std::ranges::sort(order_, {}, [&](std::size_t i) { return std::pair(rules_[i].ipv6(), i); });
    std::vector<std::size_t> around;  // the prefixes that contain the present one, outermost first
    for (const std::size_t i : order_) {
      const Ipv6Prefix& prefix = rules_[i].ipv6();
      while (!around.empty() && !rules_[around.back()].ipv6().contains(prefix)) around.pop_back();
      if (around.empty()) {
        around.push_back(i);
        continue;
      }
      const std::size_t outer = around.back();
      if (rules_[outer].ipv6() == prefix) {
        if (!rules_[i].is_single_address())
          add(Kind::SameIpv6, i, outer,
              fmt::format("{} is the IPv6 prefix of another rule as well", prefix.to_string()),
              "give each rule a prefix of its own: the longest match could not choose (RFC 7597 §5)");
        else if (use_ != MapRuleUse::Tunnels)
          add(Kind::SameIpv6Address, i, outer,
              fmt::format("{} is another customer's address as well", prefix.address().to_string()),
              "tunnels can do that, translation cannot");
        continue;
      }
      if (!rules_[i].is_single_address())
        add(Kind::NestedIpv6, i, outer,
            fmt::format("{} lies inside {}", prefix.to_string(), rules_[outer].ipv6().to_string()),
            prefix.length() > rules_[outer].end_user_prefix_length()
                ? fmt::format("it takes a part of one customer's /{}", rules_[outer].end_user_prefix_length())
                : "customers there have the longer prefix's rule (RFC 7597 §5); fine if meant as an "
                  "exception");
      around.push_back(i);
    }
  }

  // Rules of one IPv4 prefix are a group; groups nest.
  void check_ipv4() {
    std::ranges::sort(order_, {}, [&](std::size_t i) {
      const MapRule::Parts& parts = rules_[i].parts();
      return std::tuple(parts.ipv4, rules_[i].has_given_psid(), cut_of(rules_[i]), parts.given_psid, i);
    });
    std::vector<std::size_t> around;  // the first of each group
    for (std::size_t at = 0; at < order_.size();) {
      const Ipv4Prefix& prefix = rules_[order_[at]].ipv4();
      std::size_t end = at;
      while (end < order_.size() && rules_[order_[end]].ipv4() == prefix) ++end;
      while (!around.empty() && !rules_[around.back()].ipv4().contains(prefix)) around.pop_back();
      if (!around.empty()) report_nested(order_[at], around.back());
      check_group({order_.begin() + static_cast<std::ptrdiff_t>(at),
                   order_.begin() + static_cast<std::ptrdiff_t>(end)});
      around.push_back(order_[at]);
      at = end;
    }
  }

  void report_nested(std::size_t inner, std::size_t outer) {
    const PortParameters ours = cut_of(rules_[inner]);
    const PortParameters theirs = cut_of(rules_[outer]);
    add(Kind::NestedIpv4, inner, outer,
        fmt::format("{} lies inside {}", rules_[inner].ipv4().to_string(), rules_[outer].ipv4().to_string()),
        ours == theirs
            ? "packets go by the longer prefix (RFC 7597 §5); fine if the other has no customers there"
            : fmt::format("these addresses have {} and {}: fine only if the other has no customers there "
                          "(RFC 7597 §5.1)",
                          parameters_text(ours), parameters_text(theirs)));
  }

  // Of one IPv4 prefix, sorted.
  void check_group(std::span<const std::size_t> group) {
    if (group.size() == 1) return;
    // Rules without a given PSID have the whole prefix, each.
    std::size_t whole = 0;
    while (whole < group.size() && !rules_[group[whole]].has_given_psid()) ++whole;
    for (std::size_t i = 1; i < whole; ++i)
      add(Kind::SameIpv4, group[i], group[0],
          fmt::format("{} is the IPv4 prefix of another rule as well", rules_[group[i]].ipv4().to_string()),
          "give each rule a prefix of its own, or longer ones inside of it");
    for (std::size_t i = whole + 1; i < group.size(); ++i) {
      const MapRule& rule = rules_[group[i]];
      if (kind_of(group[i]) == kind_of(group[i - 1]) &&
          rules_[group[i - 1]].parts().given_psid == rule.parts().given_psid)
        add(Kind::SameIpv4, group[i], group[i - 1],
            fmt::format("the PSID {} of {} is another customer's as well", rule.parts().given_psid,
                        text_of(rule.ipv4())),
            "give each customer a PSID of their own");
    }
    if (whole < group.size() && kind_of(group.front()) != kind_of(group.back()))
      check_mixed(group.subspan(whole == 0 ? 0 : whole - 1));
  }

  // Rules of one kind cut an address up in one way, and only overlap where they are the same.
  [[nodiscard]] std::pair<bool, PortParameters> kind_of(std::size_t i) const {
    return {rules_[i].has_given_psid(), cut_of(rules_[i])};
  }

  // An address that is cut up in several ways: do the pieces overlap?
  void check_mixed(std::span<const std::size_t> group) {
    constexpr uint32_t kNobody = ~uint32_t{0};
    std::vector<uint32_t> owners(65536, kNobody);
    std::size_t previous = group[0];
    for (const std::size_t i : group) {
      std::optional<std::pair<uint32_t, uint32_t>> overlap;  // the port and whose it is
      const auto take = [&](uint32_t port) {
        if (owners[port] == kNobody)
          owners[port] = static_cast<uint32_t>(i);
        else if (!overlap && kind_of(owners[port]) != kind_of(i))
          overlap = {port, owners[port]};
      };
      for_each_port(rules_[i], take);
      if (overlap) {
        add(Kind::SamePorts, i, overlap->second,
            fmt::format("the port {} of {} is another customer's as well", overlap->first,
                        text_of(rules_[i].ipv4())),
            "give all customers of an address the same psid-offset and psid-length (RFC 7597 §5.1)");
      } else if (kind_of(i) != kind_of(previous)) {
        const bool are_softwires = rules_[i].is_single_address() && rules_[previous].is_single_address();
        add(are_softwires ? Kind::DifferentSoftwires : Kind::DifferentPsids, i, previous,
            fmt::format("{} is shared by {} and by {}", text_of(rules_[i].ipv4()),
                        parameters_text(cut_of(rules_[i])), parameters_text(cut_of(rules_[previous]))),
            "MAP needs one psid-offset and psid-length for all customers of an address (RFC 7597 §5.1)");
      }
      previous = i;
    }
  }

  // The ports of an address that the rule gives to anybody.
  template <class Visitor>
  static void for_each_port(const MapRule& rule, Visitor&& visit) {
    const PortParameters ports = rule.ports();
    if (!rule.has_given_psid()) {
      for (uint32_t port = 0; port < 65536; ++port)
        if (ports.gives_out(static_cast<uint16_t>(port))) visit(port);
      return;
    }
    const auto set = PortSet::create(ports, rule.parts().given_psid);
    for (std::size_t i = 0; set && i < set->range_count(); ++i)
      for (uint32_t port = set->range(i).first; port <= set->range(i).last; ++port) visit(port);
  }

  void add(Kind kind, std::size_t rule, std::optional<std::size_t> other, std::string what, std::string fix) {
    MapRuleFinding finding{kind, rule, other, std::move(what), std::move(fix)};
    if (++counts_[static_cast<std::size_t>(kind)] > kMaxRuleFindings) {
      ++(finding.is_error() ? result_.omitted_errors : result_.omitted_warnings);
    } else {
      result_.findings.push_back(std::move(finding));
    }
  }

  std::span<const MapRule> rules_;
  MapRuleUse use_;
  std::vector<std::size_t> order_;
  std::array<std::size_t, static_cast<std::size_t>(Kind::HostBitsOverwritten) + 1> counts_{};
  MapRuleFindings result_;
};

}  // namespace

MapRuleFindings check_map_rules(std::span<const MapRule> rules, MapRuleUse use) {
  return Checker(rules, use).check();
}

Diagnostic to_diagnostic(const MapRuleFinding& finding, const std::function<Place(std::size_t)>& place_of) {
  const Place here = place_of(finding.rule);
  std::string what = finding.what;
  if (finding.other) what += ", " + where_words(here, place_of(*finding.other));
  return {here.file, here.position, std::move(what), finding.fix};
}

}  // namespace yonroku::config
