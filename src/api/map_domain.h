// The rules of a MAP domain, asked by people: whose is this prefix, this address, this port? Answers come
// from the same table and the same arithmetic as those of the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "share/mapping/map_rule.h"
#include "share/mapping/map_rule_table.h"

namespace yonroku::api {

// A customer of a rule. Which of them is told by an IPv6 prefix, or by an IPv4 address and port.
struct MapCustomer {
  std::size_t rule_number = 0;  // counts from 1
  share::MapRule rule;
  share::AddressAndPsid host;  // of a customer with an IPv4 prefix: the one that was asked for
  std::vector<std::string> notes;

  // One address, or a prefix.
  [[nodiscard]] Ipv4Prefix ipv4() const {
    return Ipv4Prefix::holding(host.address, rule.customer_prefix_length());
  }
  [[nodiscard]] Ipv6Prefix end_user_prefix() const { return rule.end_user_prefix_of(host); }
  [[nodiscard]] Ipv6Address map_address() const { return rule.address_of(host); }
  [[nodiscard]] share::PortSet ports() const;
};

// What an IPv6 address says, apart from the customer who has its prefix.
struct MapAddressReading {
  enum class Identifier : uint8_t {
    MapAddress,   // the customer's MAP address
    Host,         // of a host in the customer's IPv4 prefix, translated (RFC 7599 §6)
    OtherFormat,  // the MAP address in the other form of the interface identifier
    Other,        // any other address of the End-user IPv6 prefix
  };
  MapCustomer customer;
  Ipv6Address address;
  Identifier identifier = Identifier::Other;
};

class MapDomain {
 public:
  using Index = share::MapRuleTable::Index;
  // Fails when two rules exclude one another; `name_of` tells them apart. Two may have one IPv6 prefix only
  // with Index::Ipv4Only, which can't read().
  static Result<MapDomain> create(std::vector<share::MapRule> rules,
                                  const std::function<std::string(std::size_t)>& name_of,
                                  Index index = Index::BothWays);

  // The customer edge with this End-user IPv6 prefix (RFC 7597 §5: the rule with the longest match is its
  // Basic Mapping Rule). A prefix of 128 bits is any address of a customer.
  [[nodiscard]] Result<MapCustomer> customer_edge(const Ipv6Prefix& delegated) const;
  // Who has an IPv4 address, and a port where the address is shared.
  [[nodiscard]] Result<MapCustomer> owner(Ipv4Address address, std::optional<uint16_t> port) const;
  [[nodiscard]] Result<MapAddressReading> read(const Ipv6Address& address) const;

 private:
  MapDomain(std::vector<share::MapRule> rules, Index index);
  [[nodiscard]] MapCustomer customer(const share::MapRule& rule, share::AddressAndPsid host) const;

  std::vector<share::MapRule> rules_;
  std::unique_ptr<share::MapRuleTable> table_;
};

}  // namespace yonroku::api
