#include "config/customer_edge.h"

#include <fmt/format.h>

#include "config/settings_check.h"

namespace yonroku::config {
namespace {

using share::MapRule;

// RFC 7597 §5: the rule whose IPv6 prefix fits the end-user prefix best. Null when none does.
const MapRule* find_basic_rule(std::span<const MapRule> rules, const Ipv6Prefix& end_user) {
  const MapRule* best = nullptr;
  for (const MapRule& rule : rules)
    if (rule.ipv6().contains(end_user) && (best == nullptr || rule.ipv6().length() > best->ipv6().length()))
      best = &rule;
  return best;
}

share::NatPool pool_of(const MapRule& rule, const share::AddressAndPsid& own) {
  share::NatPool pool;
  pool.addresses = {Ipv4Prefix::holding(own.address, rule.customer_prefix_length())};
  if (rule.is_shared()) pool.port_set = share::PortSet::create(rule.ports(), own.psid);
  return pool;
}

void settle(InstanceSettings& instance, const MapRule& rule, const share::AddressAndPsid& own,
            const Node& place, Findings& findings) {
  const share::NatPool pool = pool_of(rule, own);
  if (pool.port_set && pool.port_set->size() == 1 && pool.port_set->contains(0))
    findings.error(place, "the only port of this customer is 0, which nobody can use",
                   "check psid-offset, psid-length and psid (RFC 7597 §5.1)");
  instance.basic_rule = rule;
  instance.own = own;
  instance.nat.pools = {pool};
  instance.local_addresses = {translates(instance.mechanism) ? rule.host_address_of(own)
                                                             : rule.address_of(own)};
}

void settle_map(InstanceSettings& instance, std::span<const MapRule> candidates, const SectionReader& keys,
                Findings& findings) {
  if (!keys.has("rules") && !keys.has("rules-files"))
    return findings.error(
        keys.place_of("name"),
        fmt::format("a {} instance without rules has no IPv4 address", to_string(instance.mechanism)),
        "add \"rules:\" with the provider's basic mapping rule (RFC 7597 §5)");
  if (!instance.end_user_prefix || candidates.empty()) return;
  const Ipv6Prefix& end_user = *instance.end_user_prefix;
  const MapRule* const rule = find_basic_rule(candidates, end_user);
  if (rule == nullptr)
    return findings.error(
        keys.place_of("end-user-prefix"),
        fmt::format("end-user-prefix: {} is in no rule's ipv6-prefix", end_user.to_string()),
        "is it the prefix that the provider has delegated? add the rule that holds it");
  if (end_user.length() < rule->end_user_prefix_length())
    return findings.error(
        keys.place_of("end-user-prefix"),
        fmt::format("end-user-prefix: {} is shorter than the {} bits of the rule {} with its EA bits",
                    end_user.to_string(), rule->end_user_prefix_length(), rule->ipv6().to_string()),
        "write the delegated prefix in full, or check ea-length (RFC 7597 §5.2)");
  share::AddressAndPsid own = rule->customer_of(end_user.address());
  own.address = Ipv4Prefix::holding(own.address, rule->customer_prefix_length()).address();
  settle(instance, *rule, own, keys.place_of("end-user-prefix"), findings);
}

// A softwire is a rule whose IPv6 prefix is the B4's address.
void settle_lwb4(InstanceSettings& instance, SectionReader& keys, Findings& findings) {
  const auto ipv4 = keys.ipv4_address("ipv4-address");
  share::MapRule::Parts parts;
  parts.psid_offset = static_cast<uint8_t>(keys.integer("psid-offset"));
  parts.given_psid_length = static_cast<uint8_t>(keys.integer("psid-length"));
  parts.given_psid = static_cast<uint16_t>(keys.integer("psid"));
  if (instance.local_addresses.empty() || !ipv4) return;
  parts.ipv6 = Ipv6Prefix::holding(instance.local_addresses.front(), 128);
  parts.ipv4 = Ipv4Prefix::holding(*ipv4, 32);
  const auto rule = MapRule::create(parts);
  if (!rule)
    return findings.error(keys.place_of("psid"), std::string(share::describe(rule.error())),
                          "see RFC 7597 §5.1");
  if (is_illegal_source(*ipv4))
    return findings.error(keys.place_of("ipv4-address"),
                          fmt::format("ipv4-address: {} cannot be a source address", ipv4->to_string()),
                          "write the public address that the provider has given");
  settle(instance, *rule, {*ipv4, parts.given_psid}, keys.place_of("psid"), findings);
}

// Everything that no forwarding mapping rule is for goes to the border.
void add_default_rule(InstanceSettings& instance) {
  if (instance.remote_borders.empty()) return;
  instance.rules.push_back(*MapRule::create(
      {.ipv6 = Ipv6Prefix::holding(instance.remote_borders.front(), 128), .ipv4 = Ipv4Prefix()}));
}

}  // namespace

void read_customer_edge(InstanceSettings& instance, std::span<const MapRule> candidates, SectionReader& keys,
                        Findings& findings) {
  const bool is_lwb4 = instance.mechanism == Mechanism::LwB4;
  const std::string_view border_key = is_lwb4 ? "aftr-address" : "br-address";
  if (is_lwb4) {
    if (const auto aftr = keys.ipv6_address(border_key)) instance.remote_borders = {*aftr};
    settle_lwb4(instance, keys, findings);
  } else {
    instance.remote_borders = keys.ipv6_addresses(border_key).value_or(std::vector<Ipv6Address>{});
    instance.end_user_prefix = keys.ipv6_prefix("end-user-prefix");
    settle_map(instance, candidates, keys, findings);
  }
  for (const Ipv6Address& border : instance.remote_borders) {
    const bool is_own = !instance.local_addresses.empty() && border == instance.local_addresses.front();
    if (is_own || is_illegal_source(border))
      findings.error(
          keys.place_of(border_key),
          fmt::format("{}: {} {}", border_key, border.to_string(),
                      is_own ? "is this end of the tunnel" : "cannot be the other end of a tunnel"),
          "write the provider's address");
  }
  if (keys.has(border_key) && instance.remote_borders.empty() && keys.place_of(border_key).children.empty() &&
      keys.place_of(border_key).kind == Node::Kind::Sequence)
    findings.error(keys.place_of(border_key), fmt::format("{} is empty", border_key),
                   "add the border relay's IPv6 address");
  if (!translates(instance.mechanism)) add_default_rule(instance);
}

}  // namespace yonroku::config
