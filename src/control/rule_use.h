// What a table of rules takes up beside its keys, for changes at run time: how many rules stand behind each
// route, and which IPv6 prefixes are taken. Counted only where it matters, so that a table of ten million
// softwires does not pay for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "config/settings.h"
#include "share/mapping/map_rule_table.h"

namespace yonroku::control {

class RuleUse {
 public:
  RuleUse() = default;
  RuleUse(const config::InstanceSettings& settings, const share::MapRuleTable& table);

  void add(const share::MapRule& rule);
  void remove(const share::MapRule& rule);

  // Whether the routes are those of the rules' IPv4 prefixes; they are at most kMostImpliedRoutes then.
  [[nodiscard]] bool has_routes() const { return has_routes_; }
  [[nodiscard]] std::size_t users_of(const Ipv4Prefix& prefix) const {
    const auto found = users_.find(prefix);
    return found == users_.end() ? 0 : found->second;
  }
  // Whether no other rule may have the IPv6 prefix, because the longest match could not choose. Tunnels may
  // lead to one address several times; a translator must tell customers apart by it.
  [[nodiscard]] bool takes_ipv6(const share::MapRule& rule) const {
    return has_ipv6_ && (is_exact_ || !rule.is_single_address());
  }
  [[nodiscard]] bool has(const Ipv6Prefix& prefix) const { return ipv6_.contains(prefix); }

 private:
  struct Hash {
    std::size_t operator()(const Ipv4Prefix& p) const {
      return std::hash<uint64_t>()(uint64_t{p.length()} << 32 | p.address().value());
    }
    std::size_t operator()(const Ipv6Prefix& p) const {
      return std::hash<uint64_t>()(
          (p.address().high() * 0x9e3779b97f4a7c15 ^ p.address().low()) * 0xd6e8feb86659fd93 + p.length());
    }
  };
  bool has_routes_ = false;
  bool has_ipv6_ = false;
  bool is_exact_ = false;
  std::unordered_map<Ipv4Prefix, std::size_t, Hash> users_;
  std::unordered_set<Ipv6Prefix, Hash> ipv6_;
};

}  // namespace yonroku::control
