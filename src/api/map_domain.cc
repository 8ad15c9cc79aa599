#include "api/map_domain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace yonroku::api {
namespace {

using share::AddressAndPsid;
using share::MapRule;
using share::MapRuleTable;
using Lookup = MapRuleTable::Lookup;

}  // namespace

share::PortSet MapCustomer::ports() const {
  const auto ports = share::PortSet::create(rule.ports(), host.psid);
  YONROKU_CHECK(ports.has_value());
  return *ports;
}

MapDomain::MapDomain(std::vector<MapRule> rules, Index index)
    : rules_(std::move(rules)), table_(std::make_unique<MapRuleTable>(index, /*seed=*/0)) {}

Result<MapDomain> MapDomain::create(std::vector<MapRule> rules,
                                    const std::function<std::string(std::size_t)>& name_of, Index index) {
  MapDomain domain(std::move(rules), index);
  for (std::size_t i = 0; i < domain.rules_.size(); ++i)
    if (const auto refusal = domain.table_->add(domain.rules_[i]); refusal != MapRuleTable::Refusal::None)
      return fail(name_of(i), std::string(describe(refusal)), "`yonroku map rules` says which");
  return domain;
}

MapCustomer MapDomain::customer(const MapRule& rule, AddressAndPsid host) const {
  const auto index = static_cast<std::size_t>(std::ranges::find(rules_, rule) - rules_.begin());
  return {index + 1, rule, host, {}};
}

Result<MapCustomer> MapDomain::customer_edge(const Ipv6Prefix& delegated) const {
  MapRule rule;
  bool is_found = false;
  // The rule prefix must hold the whole delegated prefix, so no longer one may match.
  for (const MapRule& each : rules_) {
    if (!each.ipv6().contains(delegated) || (is_found && each.ipv6().length() <= rule.ipv6().length()))
      continue;
    rule = each;
    is_found = true;
  }
  if (!is_found)
    return fail(delegated.to_string(), "lies in no rule's IPv6 prefix", "check the prefix and the rules");
  if (delegated.length() < rule.end_user_prefix_length())
    return fail(delegated.to_string(),
                fmt::format("is too short: the rule for {} gives each customer a /{}",
                            rule.ipv6().to_string(), rule.end_user_prefix_length()),
                "an End-user IPv6 prefix holds the rule's prefix and all EA bits (RFC 7597 §5.2)");
  MapCustomer found = customer(rule, rule.customer_of(delegated.address()));
  if (delegated.length() < 128 && !delegated.contains(found.map_address()))
    found.notes.push_back(fmt::format(
        "the MAP address lies outside of {}: it is in the first subnet of {} (RFC 7597 §5.2), which must be "
        "routed to this customer too",
        delegated.to_string(), found.end_user_prefix().to_string()));
  return found;
}

Result<MapCustomer> MapDomain::owner(Ipv4Address address, std::optional<uint16_t> port) const {
  MapRule rule;
  AddressAndPsid host;
  const Lookup lookup =
      port ? table_->find(address, *port, rule, host) : table_->find_whole(address, rule, host);
  if (lookup == Lookup::Found) return customer(rule, host);
  const bool is_known =
      std::ranges::any_of(rules_, [&](const MapRule& each) { return each.ipv4().contains(address); });
  if (!is_known)
    return fail(address.to_string(), "lies in no rule's IPv4 prefix", "check the address and the rules");
  if (!port)
    return fail(address.to_string(), "is shared, and no port is given", "add a port of the customer");
  return fail(address.to_string(), fmt::format("the port {} is nobody's", *port),
              "the rules leave low ports out (RFC 7597 §5.1), or give its PSID to no customer");
}

Result<MapAddressReading> MapDomain::read(const Ipv6Address& address) const {
  MapRule rule;
  if (!table_->find(address, rule))
    return fail(address.to_string(), "lies in no rule's IPv6 prefix", "check the address and the rules");
  MapAddressReading reading{customer(rule, rule.customer_of(address)), address};
  MapRule::Parts parts = rule.parts();
  using Format = share::InterfaceIdentifierFormat;
  parts.format = parts.format == Format::Rfc7597 ? Format::Draft03 : Format::Rfc7597;
  const auto other = MapRule::create(parts);
  using Identifier = MapAddressReading::Identifier;
  if (address == rule.address_of(reading.customer.host))
    reading.identifier = Identifier::MapAddress;
  else if (address == rule.host_address_of(reading.customer.host))
    reading.identifier = Identifier::Host;
  else if (other && address == other->address_of(reading.customer.host))
    reading.identifier = Identifier::OtherFormat;
  return reading;
}

}  // namespace yonroku::api
