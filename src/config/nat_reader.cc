#include "config/nat_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "config/nat_pools.h"

namespace yonroku::config {
namespace {

using share::NatPool;
using share::NatProtocol;
using share::NatSettings;
using share::PortAllocation;
using share::StaticBinding;

enum class Keep : uint8_t { Keep, Ignore };

uint32_t port_count(const NatPool& pool) { return uint32_t{pool.last_port} - pool.first_port + 1; }

// Addresses that no packet on a wire may come from, and link-local ones.
bool has_unusable(const Ipv4Prefix& prefix) {
  static constexpr Ipv4Prefix kUnusable[] = {
      *Ipv4Prefix::create(Ipv4Address(0, 0, 0, 0), 8),
      *Ipv4Prefix::create(Ipv4Address(127, 0, 0, 0), 8),
      *Ipv4Prefix::create(Ipv4Address(169, 254, 0, 0), 16),
      *Ipv4Prefix::create(Ipv4Address(224, 0, 0, 0), 3),
  };
  return std::ranges::any_of(
      kUnusable, [&](const Ipv4Prefix& bad) { return bad.contains(prefix) || prefix.contains(bad); });
}

// The item of a list that a value was read from; the list where that is not certain.
const Node& item_node(const Node& list, std::size_t index, std::size_t count) {
  return list.kind == Node::Kind::Sequence && list.children.size() == count ? *list.children[index] : list;
}

class NatReader {
 public:
  NatReader(InstanceSettings& instance, SectionReader& keys, Findings& findings)
      : instance_(instance), keys_(keys), findings_(findings), nat_(instance.nat) {}

  void read() {
    read_behaviour();
    read_timeouts();
    read_limits();
    if (is_customer_edge(instance_.mechanism))
      take_own_pool();
    else
      read_all_pools();
    read_static_bindings();
  }

 private:
  void error(std::string_view key, std::string what, std::string fix) {
    findings_.error(keys_.place_of(key), std::move(what), std::move(fix));
  }
  void warn(std::string_view key, std::string what, std::string fix) {
    findings_.warn(keys_.place_of(key), std::move(what), std::move(fix));
  }

  // --- how bindings behave ---

  void read_behaviour() {
    nat_.mapping = keys_.choice<share::Dependence>("mapping");
    nat_.filtering = keys_.choice<share::Dependence>("filtering");
    nat_.keep_parity = keys_.choice<Keep>("port-parity") == Keep::Keep;
    nat_.keep_range = keys_.choice<Keep>("port-range") == Keep::Keep;
    nat_.keep_contiguity = keys_.choice<Keep>("port-contiguity") == Keep::Keep;
    nat_.when_exhausted = keys_.choice<share::WhenExhausted>("when-exhausted");
    if (nat_.mapping != share::Dependence::EndpointIndependent)
      warn("mapping", "mapping: hosts cannot learn the address and port that others reach them by",
           "leave it out for endpoint-independent (RFC 4787 §4.1, REQ-1)");
  }

  void read_timeouts() {
    share::NatTimeouts& t = nat_.timeouts;
    t.udp = seconds("udp-timeout", 120, "RFC 4787 §4.3, REQ-5");
    t.dns = seconds("dns-timeout");  // RFC 4787 REQ-5a
    t.tcp_established = seconds("tcp-established-timeout", 7440, "RFC 5382 §5, REQ-5");
    t.tcp_opening = seconds("tcp-opening-timeout");  // RFC 7857 §2.1: less than four minutes is fine
    t.tcp_closing = seconds("tcp-closing-timeout", 240, "RFC 5382 §5, REQ-5, and RFC 7857 §2.1");
    t.tcp_incoming_syn = seconds("tcp-incoming-syn-timeout");
    t.icmp = seconds("icmp-timeout", 60, "RFC 5508 §3.2, REQ-2");
    nat_.port_rest = seconds("port-rest-time");
    nat_.block_rest = seconds("port-block-rest-time");
  }

  // Less than `wanted` is possible, but breaks what `cited` asks for.
  uint32_t seconds(std::string_view key, uint32_t wanted = 0, std::string_view cited = {}) {
    const std::size_t errors = findings_.error_count();
    const auto value = static_cast<uint32_t>(keys_.integer(key));
    if (value < wanted && findings_.error_count() == errors)
      warn(key, fmt::format("{}: {} seconds cut off what is still in use", key, value),
           fmt::format("write {} or more ({})", wanted, cited));
    return value;
  }

  void read_limits() {
    nat_.ports_per_subscriber = limit("ports-per-subscriber");
    nat_.sessions_per_subscriber = limit("sessions-per-subscriber");
    nat_.new_sessions_per_second = limit("new-sessions-per-second");
    nat_.max_sessions = static_cast<uint32_t>(keys_.integer("max-sessions"));
    nat_.offload_after = static_cast<uint8_t>(keys_.integer("offload-after"));
    if (nat_.sessions_per_subscriber > nat_.max_sessions)
      warn("sessions-per-subscriber",
           fmt::format("sessions-per-subscriber: {} are more than max-sessions, {}",
                       nat_.sessions_per_subscriber, nat_.max_sessions),
           "one subscriber could take all; lower it");
  }

  // 0: unlimited.
  uint32_t limit(std::string_view key) {
    const ChoiceOrInteger value = keys_.choice_or_integer(key);
    return value.choice ? 0 : static_cast<uint32_t>(value.integer);
  }

  // --- addresses and ports ---

  // Of a customer edge: what its provider has given, all of it for the hosts inside.
  void take_own_pool() {
    has_good_pools_ = !nat_.pools.empty();
    prefixes_ = prefixes_of(nat_.pools);
    if (const uint64_t count = count_addresses(nat_.pools); count > share::kMostPoolAddresses) {
      has_good_pools_ = false;
      error("end-user-prefix",
            fmt::format("the basic mapping rule makes {} IPv4 addresses of it, more than {}", count,
                        share::kMostPoolAddresses),
            "is ea-length right?");
    }
  }

  void read_all_pools() {
    const std::size_t errors = findings_.error_count();
    read_pools();
    read_blocks();
    has_good_pools_ = findings_.error_count() == errors && !nat_.pools.empty();
    if (has_good_pools_) check_blocks();
    read_subscribers();
  }

  void read_pools() {
    bool is_usable = true;
    std::vector<const Node*> nodes;  // of each prefix of prefixes_
    for (const Node* node : keys_.sections("pools")) {
      SectionReader keys(*node, Scope::Pool, std::nullopt, findings_);
      NatPool pool;
      pool.addresses = keys.ipv4_prefixes("addresses").value_or(std::vector<Ipv4Prefix>{});
      if (const auto ports = keys.port_range("ports")) {
        pool.first_port = ports->first;
        pool.last_port = ports->last;
      }
      const Node& list = keys.place_of("addresses");
      if (keys.has("addresses") && list.kind == Node::Kind::Sequence && list.children.empty())
        findings_.error(list, "a pool without addresses", "add an IPv4 address or prefix of your own");
      for (std::size_t i = 0; i < pool.addresses.size(); ++i) {
        const Node& item = item_node(list, i, pool.addresses.size());
        if (has_unusable(pool.addresses[i])) {
          is_usable = false;
          findings_.error(item,
                          fmt::format("addresses: {} cannot be source addresses of the IPv4 side",
                                      pool.addresses[i].to_string()),
                          "use addresses that are routed to this host");
        }
        nodes.push_back(&item);
      }
      nat_.pools.push_back(std::move(pool));
      pool_nodes_.push_back(node);
    }
    prefixes_ = prefixes_of(nat_.pools);
    if (const Node& list = keys_.place_of("pools");
        keys_.has("pools") && list.kind == Node::Kind::Sequence && list.children.empty())
      error("pools", "pools is empty",
            "add \"- addresses:\" with IPv4 addresses that are routed to this host");
    if (is_usable) check_addresses(nodes);
    std::ranges::sort(prefixes_);
  }

  void check_addresses(const std::vector<const Node*>& nodes) {
    for (const PrefixPair& pair : find_overlaps(prefixes_)) {
      const auto [first, second] = std::minmax(pair.inner, pair.outer);
      findings_.error(*nodes[second],
                      fmt::format("addresses: {} and {} in line {} have addresses in common",
                                  prefixes_[second].to_string(), prefixes_[first].to_string(),
                                  nodes[first]->position.line),
                      "name each address once; all pools together give out a port once");
    }
    if (const uint64_t count = count_addresses(nat_.pools); count > share::kMostPoolAddresses)
      error("pools",
            fmt::format("the pools have {} addresses, more than {}", count, share::kMostPoolAddresses),
            "spread them over several instances");
  }

  void read_blocks() {
    const std::size_t errors = findings_.error_count();
    nat_.allocation = keys_.choice<PortAllocation>("port-allocation");
    const bool has_allocation = findings_.error_count() == errors;
    nat_.block_size = static_cast<uint16_t>(keys_.integer("port-block-size"));
    nat_.blocks_per_subscriber = static_cast<uint8_t>(keys_.integer("port-blocks-per-subscriber"));
    nat_.subscriber_prefix_length = static_cast<uint8_t>(keys_.integer("subscriber-prefix-length"));
    if (!has_allocation) return;
    if (nat_.allocation == PortAllocation::Dynamic) refuse("port-block-size", "dynamic", "blocks");
    if (nat_.allocation != PortAllocation::Blocks) {
      const std::string_view has = nat_.allocation == PortAllocation::Dynamic ? "dynamic" : "deterministic";
      for (const std::string_view key : {"port-blocks-per-subscriber", "port-block-rest-time"})
        refuse(key, has, "blocks");
    }
    if (nat_.allocation != PortAllocation::Deterministic)
      refuse("subscribers", nat_.allocation == PortAllocation::Dynamic ? "dynamic" : "blocks",
             "deterministic");
  }

  // A key that only some way of port allocation has.
  void refuse(std::string_view key, std::string_view allocation, std::string_view wants) {
    if (!keys_.has(key)) return;
    error(key, fmt::format("{} has no meaning with \"port-allocation: {}\"", key, allocation),
          fmt::format("remove it, or write \"port-allocation: {}\"", wants));
  }

  // Each pool has room for a block; ports behind the last whole block are nobody's.
  void check_blocks() {
    if (nat_.allocation == PortAllocation::Dynamic) return;
    for (std::size_t i = 0; i < nat_.pools.size(); ++i) {
      const uint32_t ports = port_count(nat_.pools[i]);
      const Node& place = keys_.has("port-block-size") ? keys_.place_of("port-block-size") : *pool_nodes_[i];
      const std::string words =
          fmt::format("the pool's ports {}-{}", nat_.pools[i].first_port, nat_.pools[i].last_port);
      if (ports < nat_.block_size) {
        findings_.error(place, fmt::format("{} hold no block of {} ports", words, nat_.block_size),
                        "write a smaller port-block-size, or more ports");
        has_good_pools_ = false;
        continue;
      }
      const uint32_t rest = ports % nat_.block_size;
      if (rest == 0) continue;
      uint32_t fitting = nat_.block_size;
      while (ports % fitting != 0) --fitting;
      findings_.warn(place,
                     fmt::format("{} are {} blocks of {} and {} ports that nobody gets", words,
                                 ports / nat_.block_size, nat_.block_size, rest),
                     fitting < 16 ? "choose a port-block-size that divides them"
                                  : fmt::format("port-block-size {} would divide them", fitting));
    }
  }

  // --- subscribers of deterministic allocation ---

  void read_subscribers() {
    nat_.subscribers = keys_.ipv6_prefixes("subscribers").value_or(std::vector<Ipv6Prefix>{});
    if (nat_.allocation != PortAllocation::Deterministic) return nat_.subscribers.clear();
    const Node& list = keys_.place_of("subscribers");
    if (!keys_.has("subscribers"))
      return error("port-allocation", "deterministic allocation needs to know the subscribers",
                   "add \"subscribers:\" with the IPv6 prefixes that hold theirs (RFC 7422 §2)");
    if (list.kind == Node::Kind::Sequence && list.children.empty())
      return error("subscribers", "subscribers is empty", "add the IPv6 prefix that holds theirs");
    const auto node = [&](std::size_t i) -> const Node& {
      return item_node(list, i, nat_.subscribers.size());
    };
    const unsigned length = nat_.subscriber_prefix_length;
    for (std::size_t i = 0; i < nat_.subscribers.size(); ++i)
      if (nat_.subscribers[i].length() > length)
        findings_.error(node(i),
                        fmt::format("subscribers: {} is longer than subscriber-prefix-length, {}",
                                    nat_.subscribers[i].to_string(), length),
                        "write shorter prefixes, or a longer subscriber-prefix-length");
    for (const PrefixPair& pair : find_overlaps(nat_.subscribers)) {
      const auto [first, second] = std::minmax(pair.inner, pair.outer);
      findings_.error(node(second),
                      fmt::format("subscribers: {} overlaps {}", nat_.subscribers[second].to_string(),
                                  nat_.subscribers[first].to_string()),
                      "name each subscriber once");
    }
    if (has_good_pools_) check_capacity();
  }

  // Every subscriber has a block.
  void check_capacity() {
    uint64_t blocks = 0;
    for (const NatPool& pool : nat_.pools)
      blocks += count_addresses({&pool, 1}) * (port_count(pool) / nat_.block_size);
    constexpr unsigned kManyBits = 40;  // more than all ports of all pools
    uint64_t subscribers = 0;
    for (const Ipv6Prefix& prefix : nat_.subscribers) {
      if (prefix.length() > nat_.subscriber_prefix_length) return;
      const unsigned bits = std::min(nat_.subscriber_prefix_length - prefix.length(), kManyBits);
      subscribers += uint64_t{1} << bits;
    }
    if (subscribers > blocks)
      error("subscribers",
            fmt::format("the pools have {} blocks of {} ports for {}{} subscribers", blocks, nat_.block_size,
                        subscribers >> kManyBits > 0 ? "at least " : "",
                        std::min(subscribers, uint64_t{1} << kManyBits)),
            "add addresses, make port-block-size smaller, or check subscriber-prefix-length (RFC 7422 §2)");
  }

  // --- static bindings ---

  void read_static_bindings() {
    for (const Node* node : keys_.sections("static-bindings")) {
      const std::size_t errors = findings_.error_count();
      SectionReader keys(*node, Scope::StaticBinding, std::nullopt, findings_);
      StaticBinding binding;
      binding.protocol = keys.choice<NatProtocol>("protocol");
      read_inside(*node, keys, binding);
      binding.inside_port = static_cast<uint16_t>(keys.integer("inside-port"));
      binding.outside = keys.ipv4_address("outside").value_or(Ipv4Address{});
      binding.outside_port = static_cast<uint16_t>(keys.integer("outside-port"));
      if (findings_.error_count() != errors) continue;
      check_static_binding(keys, binding);
      check_is_single(*node, binding);
      if (findings_.error_count() == errors) nat_.static_bindings.push_back(binding);
    }
  }

  // Who is inside: an IPv6 host, an IPv4 host behind a B4, or an IPv4 host.
  void read_inside(const Node& node, SectionReader& keys, StaticBinding& binding) {
    binding.inside = keys.ipv6_address("inside").value_or(Ipv6Address{});
    binding.inside_ipv4 = keys.ipv4_address("inside-ipv4").value_or(Ipv4Address{});
    if (!has_nat(instance_.mechanism)) return;  // a misspelt one
    const bool has_ipv6 = !is_customer_edge(instance_.mechanism);
    const bool has_ipv4 = instance_.mechanism == Mechanism::DsLiteAftr || !has_ipv6;
    const auto check = [&](std::string_view key, bool is_wanted, std::string_view what,
                           std::string_view whose) {
      if (keys.has(key) && !is_wanted)
        findings_.error(keys.place_of(key), fmt::format("{}: {}", key, whose), "remove it");
      if (!keys.has(key) && is_wanted)
        findings_.error(node, fmt::format("{} is missing", key), fmt::format("add it: {}", what));
    };
    check("inside", has_ipv6, has_ipv4 ? "the IPv6 address of the B4" : "the host's IPv6 address",
          "the hosts inside have IPv4 addresses alone");
    check("inside-ipv4", has_ipv4, "the host's IPv4 address", "the hosts inside have IPv6 addresses alone");
  }

  void check_static_binding(const SectionReader& keys, const StaticBinding& binding) {
    if (binding.protocol != NatProtocol::Icmp)
      for (const std::string_view key : {"inside-port", "outside-port"})
        if ((key == "inside-port" ? binding.inside_port : binding.outside_port) == 0)
          findings_.error(keys.place_of(key), fmt::format("{}: no host has port 0", key),
                          "write a port from 1 to 65535");
    if (keys.has("inside")) check_inside_ipv6(keys, binding.inside);
    if (keys.has("inside-ipv4") && is_illegal_source(binding.inside_ipv4))
      findings_.error(
          keys.place_of("inside-ipv4"),
          fmt::format("inside-ipv4: {} is not the address of a host", binding.inside_ipv4.to_string()),
          "write the host's IPv4 address");
    if (has_good_pools_ && !is_in_pools(binding.outside))
      findings_.error(keys.place_of("outside"),
                      is_customer_edge(instance_.mechanism)
                          ? fmt::format("outside: {} is not this customer's", binding.outside.to_string())
                          : fmt::format("outside: {} is in none of the pools", binding.outside.to_string()),
                      is_customer_edge(instance_.mechanism)
                          ? fmt::format("write {}", nat_.pools[0].addresses[0].to_string())
                          : "add it to the addresses of a pool; any port will do there");
    else if (has_good_pools_)
      check_is_own_port(keys, binding);
  }

  void check_inside_ipv6(const SectionReader& keys, const Ipv6Address& inside) {
    const auto& pref64 = instance_.pref64;
    if (is_illegal_source(inside))
      findings_.error(keys.place_of("inside"),
                      fmt::format("inside: {} is not the address of a host", inside.to_string()),
                      "write the host's global IPv6 address");
    else if (pref64 && pref64->prefix().contains(inside))
      findings_.error(keys.place_of("inside"),
                      fmt::format("inside: {} lies inside of pref64 {}", inside.to_string(),
                                  pref64->prefix().to_string()),
                      "packets would go round in a loop; write the host's own address (RFC 6146 §5.4)");
  }

  // What comes to another customer's port does not come here.
  void check_is_own_port(const SectionReader& keys, const StaticBinding& binding) {
    const auto& set = nat_.pools[0].port_set;
    if (!is_customer_edge(instance_.mechanism) || !set || set->contains(binding.outside_port)) return;
    const share::PortSet::Range first = set->range(0);
    findings_.error(keys.place_of("outside-port"),
                    fmt::format("outside-port: {} is none of this customer's {} ports", binding.outside_port,
                                set->size()),
                    fmt::format("write one of {}-{}{} (RFC 7597 §5.1)", first.first, first.last,
                                set->range_count() > 1 ? " or of the runs behind them" : ""));
  }

  [[nodiscard]] bool is_in_pools(Ipv4Address address) const {
    const auto next = std::ranges::upper_bound(prefixes_, Ipv4Prefix::holding(address, 32));
    return next != prefixes_.begin() && std::prev(next)->contains(address);
  }

  // Either way, packets of one endpoint have one binding.
  void check_is_single(const Node& node, const StaticBinding& binding) {
    const auto protocol = static_cast<std::size_t>(binding.protocol);
    const std::string_view word = find_key(Scope::StaticBinding, "protocol")->values[protocol];
    const auto complain = [&](const Node& first, std::string_view side, const std::string& address,
                              uint16_t port) {
      findings_.error(
          node,
          fmt::format("the {} binding in line {} has {} {}, {} {} too", word, first.position.line, side,
                      address, binding.protocol == NatProtocol::Icmp ? "identifier" : "port", port),
          "keep one of them");
    };
    const auto [inside, is_new_inside] = inside_.try_emplace(
        std::tuple(protocol, binding.inside, binding.inside_ipv4, binding.inside_port), &node);
    if (!is_new_inside)
      complain(*inside->second, "inside",
               binding.inside == Ipv6Address{} ? binding.inside_ipv4.to_string() : binding.inside.to_string(),
               binding.inside_port);
    const auto [outside, is_new_outside] =
        outside_.try_emplace(std::tuple(protocol, binding.outside, binding.outside_port), &node);
    if (!is_new_outside)
      complain(*outside->second, "outside", binding.outside.to_string(), binding.outside_port);
  }

  const InstanceSettings& instance_;
  SectionReader& keys_;
  Findings& findings_;
  NatSettings& nat_;
  std::vector<const Node*> pool_nodes_;
  std::vector<Ipv4Prefix> prefixes_;  // of all pools, sorted
  bool has_good_pools_ = false;       // false: other keys are not held against them
  std::map<std::tuple<std::size_t, Ipv6Address, Ipv4Address, uint16_t>, const Node*> inside_;
  std::map<std::tuple<std::size_t, Ipv4Address, uint16_t>, const Node*> outside_;
};

}  // namespace

void read_nat(InstanceSettings& instance, SectionReader& keys, Findings& findings) {
  NatReader(instance, keys, findings).read();
}

}  // namespace yonroku::config
