#include "config/settings_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "config/nat_pools.h"

namespace yonroku::config {
namespace {

constexpr std::size_t kMostLocalAddresses = 256;  // a rule names one in an octet

bool overlap(const Ipv6Prefix& a, const Ipv6Prefix& b) { return a.contains(b) || b.contains(a); }

// The IPv4 addresses that RFC 6052 §3.1 keeps out of the well-known prefix (RFC 6890 lists them).
bool is_non_global(Ipv4Address address) {
  static constexpr Ipv4Prefix kNonGlobal[] = {
      *Ipv4Prefix::create(Ipv4Address(0, 0, 0, 0), 8),
      *Ipv4Prefix::create(Ipv4Address(10, 0, 0, 0), 8),
      *Ipv4Prefix::create(Ipv4Address(100, 64, 0, 0), 10),
      *Ipv4Prefix::create(Ipv4Address(127, 0, 0, 0), 8),
      *Ipv4Prefix::create(Ipv4Address(169, 254, 0, 0), 16),
      *Ipv4Prefix::create(Ipv4Address(172, 16, 0, 0), 12),
      *Ipv4Prefix::create(Ipv4Address(192, 0, 0, 0), 24),
      *Ipv4Prefix::create(Ipv4Address(192, 0, 2, 0), 24),
      *Ipv4Prefix::create(Ipv4Address(192, 168, 0, 0), 16),
      *Ipv4Prefix::create(Ipv4Address(198, 18, 0, 0), 15),
      *Ipv4Prefix::create(Ipv4Address(198, 51, 100, 0), 24),
      *Ipv4Prefix::create(Ipv4Address(203, 0, 113, 0), 24),
      *Ipv4Prefix::create(Ipv4Address(240, 0, 0, 0), 4),
  };
  return std::ranges::any_of(kNonGlobal, [&](const Ipv4Prefix& prefix) { return prefix.contains(address); });
}

class InstanceCheck {
 public:
  InstanceCheck(InstanceSettings& instance, const SectionReader& keys, KnownParts known, Findings& findings)
      : i_(instance), keys_(keys), known_(known), findings_(findings) {}

  void run() {
    check_mtus();
    check_routes();
    check_icmp_sources();
    check_translator_ipv4();
    if (!known_.has_mechanism) return;
    if (!translates(i_.mechanism)) return check_tunnel();
    if (i_.mechanism == Mechanism::Siit)
      check_siit();
    else if (i_.mechanism == Mechanism::Clat)
      check_clat();
    else if (i_.mechanism == Mechanism::MapTBr || i_.mechanism == Mechanism::MapTCe)
      check_map_t();
    settle_translator_ipv6();
    check_mappings();
  }

 private:
  void error(std::string_view key, std::string what, std::string fix) {
    findings_.error(keys_.place_of(key), std::move(what), std::move(fix));
  }
  void warn(std::string_view key, std::string what, std::string fix) {
    findings_.warn(keys_.place_of(key), std::move(what), std::move(fix));
  }
  [[nodiscard]] bool has_mappings() const {
    return !i_.mappings.empty() || !i_.mappings_files.empty() || !known_.has_all_mappings;
  }

  void check_mtus() {
    if (known_.has_mechanism && !translates(i_.mechanism)) return check_tunnel_mtu();
    if (i_.lowest_ipv6_mtu > i_.ipv6_mtu)
      error(keys_.has("lowest-ipv6-mtu") ? "lowest-ipv6-mtu" : "ipv6-mtu",
            fmt::format("lowest-ipv6-mtu ({}) is larger than ipv6-mtu ({})", i_.lowest_ipv6_mtu, i_.ipv6_mtu),
            fmt::format("lower lowest-ipv6-mtu to {} or less", i_.ipv6_mtu));
    const int mss_limit = std::min<int>(i_.ipv6_mtu - 60, i_.ipv4_mtu - 40);
    if (i_.mss_clamp.mode == MssClamp::Mode::Bytes && i_.mss_clamp.bytes > mss_limit)
      warn("mss-clamp",
           fmt::format("an MSS of {} does not fit ipv4-mtu {} and ipv6-mtu {}", i_.mss_clamp.bytes,
                       i_.ipv4_mtu, i_.ipv6_mtu),
           fmt::format("write auto, or {} or less", mss_limit));
    if (i_.mss_clamp.mode == MssClamp::Mode::Auto && mss_limit < 536)
      warn("mss-clamp", fmt::format("auto makes an MSS of {} from ipv4-mtu {}", mss_limit, i_.ipv4_mtu),
           "is ipv4-mtu right?");
  }

  void check_tunnel_mtu() {
    const int mss_limit = i_.ipv6_mtu - 80;  // IPv6, IPv4 and TCP headers
    if (i_.mss_clamp.mode == MssClamp::Mode::Bytes && i_.mss_clamp.bytes > mss_limit)
      warn("mss-clamp", fmt::format("an MSS of {} does not fit ipv6-mtu {}", i_.mss_clamp.bytes, i_.ipv6_mtu),
           fmt::format("write auto, or {} or less", mss_limit));
  }

  // The key that names this end of the tunnels.
  [[nodiscard]] std::string_view local_key() const {
    if (i_.mechanism == Mechanism::DsLiteB4 || i_.mechanism == Mechanism::LwB4) return "b4-address";
    if (i_.mechanism == Mechanism::DsLiteAftr) return "aftr-address";
    if (is_customer_edge(i_.mechanism)) return "end-user-prefix";
    return i_.mechanism == Mechanism::Ipip ? "local-address" : "br-addresses";
  }

  void check_tunnel() {
    const std::string_view key = local_key();
    if (keys_.has(key) && i_.local_addresses.empty() && keys_.place_of(key).children.empty() &&
        key == "br-addresses")
      error(key, "br-addresses is empty", "add the IPv6 address of this border relay");
    if (i_.local_addresses.size() > kMostLocalAddresses)
      error(key,
            fmt::format("br-addresses has {} entries, more than {}", i_.local_addresses.size(),
                        kMostLocalAddresses),
            "spread them over several instances");
    for (std::size_t b = 0; b < i_.local_addresses.size(); ++b) {
      const Ipv6Address& address = i_.local_addresses[b];
      if (is_illegal_source(address))
        error(key, fmt::format("{}: {} cannot be a source address", key, address.to_string()),
              "use an address that is routed to this host");
      if (std::ranges::find(i_.local_addresses.begin(),
                            i_.local_addresses.begin() + static_cast<std::ptrdiff_t>(b),
                            address) != i_.local_addresses.begin() + static_cast<std::ptrdiff_t>(b))
        error(key, fmt::format("{}: {} is named twice", key, address.to_string()), "name it once");
    }
    if (!i_.local_addresses.empty()) i_.translator_ipv6 = i_.local_addresses.front();
    check_rules();
    if (i_.mechanism == Mechanism::Ipip && keys_.has("customer-prefixes") && i_.customer_prefixes.empty() &&
        keys_.place_of("customer-prefixes").children.empty())
      error("customer-prefixes", "customer-prefixes is empty", "add the customer's IPv4 address or prefix");
    if (i_.mechanism == Mechanism::Ipip && i_.side == TunnelSide::Provider && keys_.has("default-route"))
      error("default-route", "default-route has no meaning with \"side: provider\"", "remove it");
  }

  void check_rules() {
    const bool has_files =
        !i_.rules_files.empty() || keys_.has("rules-files") || keys_.has("softwires-files");
    const bool is_map = i_.mechanism == Mechanism::MapEBr || i_.mechanism == Mechanism::MapTBr;
    if (is_map && i_.rules.empty() && !has_files && !keys_.has("rules"))
      error("name", fmt::format("a {} instance without rules carries nothing", to_string(i_.mechanism)),
            "add \"rules:\" or \"rules-files:\"");
    std::size_t own = 0, long_users = 0, not_whole = 0;
    const share::MapRule* example[3] = {};
    const auto count = [&](std::size_t& counter, std::size_t kind, const share::MapRule& rule) {
      if (counter++ == 0) example[kind] = &rule;
    };
    for (const share::MapRule& rule : i_.rules) {
      for (const Ipv6Address& local : i_.local_addresses)
        if (rule.ipv6().contains(local) && !is_customer_edge(i_.mechanism)) count(own, 0, rule);
      if (is_map && rule.end_user_prefix_length() > 64) count(long_users, 1, rule);
      if (i_.mechanism == Mechanism::FourOverSix && rule.is_shared()) count(not_whole, 2, rule);
    }
    const std::string_view place = keys_.has("rules")       ? "rules"
                                   : keys_.has("softwires") ? "softwires"
                                                            : local_key();
    const auto words = [&](std::size_t kind) {
      return fmt::format("{} for {}", example[kind]->ipv6().to_string(), example[kind]->ipv4().to_string());
    };
    if (own > 0)
      error(place, fmt::format("{}: this end of the tunnel is inside of it", words(0)),
            "a packet to the customer would come straight back; use an address outside");
    if (long_users > 0)
      warn(place, fmt::format("{}: the EA bits reach beyond the 64th bit", words(1)),
           "they overwrite the interface identifier (RFC 7597 §6); is ea-length right?");
    if (not_whole > 0)
      error(place, fmt::format("{}: a PSID in public 4over6, where addresses are not shared", words(2)),
            "write \"mechanism: lwaftr\" (RFC 7596), or remove psid-length");
  }

  void check_routes() {
    if (i_.routes != RouteMode::Manual) return;
    for (const std::string_view key : {"ipv4-routes", "ipv6-routes", "default-route"})
      if (keys_.has(key))
        error(key, fmt::format("{} has no meaning with \"routes: manual\"", key),
              fmt::format("remove {}, or write \"routes: auto\"", key));
  }

  void check_icmp_sources() {
    const bool wants_pool = i_.untranslatable_icmpv6_source == UntranslatableIcmpv6Source::Pool;
    if (wants_pool && i_.icmpv6_source_pool.empty() && !keys_.has("icmpv6-source-pool"))
      error("untranslatable-icmpv6-source",
            "untranslatable-icmpv6-source is pool, but there is no icmpv6-source-pool",
            "add \"icmpv6-source-pool: [...]\" with a small public IPv4 prefix (RFC 6791 §3.2), or write "
            "dummy");
    else if (wants_pool && i_.icmpv6_source_pool.empty() &&
             keys_.place_of("icmpv6-source-pool").children.empty())
      error("icmpv6-source-pool", "icmpv6-source-pool is empty",
            "add a small public IPv4 prefix (RFC 6791 §3.2)");
    if (!wants_pool && !i_.icmpv6_source_pool.empty())
      warn("icmpv6-source-pool", "icmpv6-source-pool is not used",
           "add \"untranslatable-icmpv6-source: pool\"");
    for (const Ipv4Prefix& prefix : i_.icmpv6_source_pool)
      if (is_illegal_source(prefix.address()) || prefix.length() == 0)
        error("icmpv6-source-pool",
              fmt::format("icmpv6-source-pool: {} cannot be a source address", prefix.to_string()),
              "use public IPv4 addresses of your own (RFC 6791 §3.2)");
  }

  void check_translator_ipv4() {
    if (is_illegal_source(i_.translator_ipv4))
      error("translator-ipv4",
            fmt::format("translator-ipv4: {} cannot be a source address", i_.translator_ipv4.to_string()),
            "use an address of this router, or leave it out for 192.0.0.8");
  }

  void check_siit() {
    if (!i_.pref64 && !keys_.has("pref64") && !has_mappings())
      error("name", "a siit instance without pref64 and without mappings translates nothing",
            "add \"pref64:\" with an RFC 6052 prefix, or \"mappings:\" or \"mappings-files:\"");
    for (const Ipv4Prefix& denied : i_.denylist_ipv4)
      if (denied.contains(i_.translator_ipv4) && keys_.has("translator-ipv4"))
        warn("denylist-ipv4", fmt::format("denylist-ipv4: {} holds translator-ipv4", denied.to_string()),
             "shorten the list");
  }

  void check_map_t() {
    check_rules();
    if (!i_.pref64) return;
    for (const share::MapRule& rule : i_.rules)
      if (overlap(rule.ipv6(), i_.pref64->prefix()))
        return error(keys_.has("rules") ? "rules" : "dmr",
                     fmt::format("the rule prefix {} overlaps dmr {}", rule.ipv6().to_string(),
                                 i_.pref64->prefix().to_string()),
                     "customers and the IPv4 Internet need prefixes of their own (RFC 7599 §5.1)");
  }

  void check_clat() {
    const int ways = (keys_.has("clat-address") ? 1 : 0) + (keys_.has("clat-prefix") ? 1 : 0);
    if (ways == 2)
      error("clat-prefix", "clat-address and clat-prefix exclude each other",
            "keep clat-address for this host alone, or clat-prefix for a LAN (RFC 6877 §6.3)");
    if (ways == 0 && !has_mappings())
      error(
          "name", "a clat instance needs clat-address, clat-prefix or mappings",
          "add \"clat-address:\" with a free IPv6 address of this host's /64, or \"clat-prefix:\" for a LAN");
    if (keys_.has("clat-ipv4") && !keys_.has("clat-address"))
      error("clat-ipv4", "clat-ipv4 has no meaning without clat-address",
            "add clat-address, or remove clat-ipv4");
    if (is_illegal_source(i_.clat_ipv4))
      error("clat-ipv4", fmt::format("clat-ipv4: {} cannot be a source address", i_.clat_ipv4.to_string()),
            "leave it out for 192.0.0.1 (RFC 7335 §4)");
    if (i_.clat_address && is_illegal_source(*i_.clat_address))
      error("clat-address",
            fmt::format("clat-address: {} cannot be a source address", i_.clat_address->to_string()),
            "use a free address of this host's /64");
    if (i_.clat_address && i_.plat_prefix && i_.plat_prefix->prefix().contains(*i_.clat_address))
      error("clat-address",
            fmt::format("clat-address {} lies inside of plat-prefix {}", i_.clat_address->to_string(),
                        i_.plat_prefix->prefix().to_string()),
            "use an address of this host's network; plat-prefix is the provider's");
    if (i_.clat_prefix && i_.plat_prefix && overlap(i_.clat_prefix->prefix(), i_.plat_prefix->prefix()))
      error("clat-prefix",
            fmt::format("clat-prefix {} overlaps plat-prefix {}", i_.clat_prefix->prefix().to_string(),
                        i_.plat_prefix->prefix().to_string()),
            "use a prefix of the customer's network; plat-prefix is the provider's (RFC 6877 §6.3)");
    if (i_.clat_prefix && i_.clat_prefix->is_well_known())
      error("clat-prefix", "clat-prefix is the well-known prefix",
            "use a prefix of the customer's network; 64:ff9b::/96 is for plat-prefix");
    if (i_.neighbour_proxy && !i_.device.empty() && *i_.neighbour_proxy == i_.device)
      error("neighbour-proxy", fmt::format("neighbour-proxy is {}, the instance's own TUN device", i_.device),
            "name the device that the IPv6 network is on, such as eth0");
  }

  [[nodiscard]] const share::EamMapping* mapping_of(Ipv4Address address) const {
    const share::EamMapping* best = nullptr;
    for (const share::EamMapping& mapping : i_.mappings)
      if (mapping.ipv4.contains(address) && (!best || mapping.ipv4.length() > best->ipv4.length()))
        best = &mapping;
    return best;
  }

  [[nodiscard]] std::string_view prefix_name() const {
    if (i_.mechanism == Mechanism::MapTBr || i_.mechanism == Mechanism::MapTCe) return "dmr";
    return i_.mechanism == Mechanism::Clat ? "clat-prefix" : "pref64";
  }

  [[nodiscard]] std::optional<Ipv6Address> derived_translator_ipv6() const {
    if (i_.clat_address) return i_.clat_address;
    if (i_.mechanism == Mechanism::MapTCe)
      return i_.local_addresses.empty() ? std::nullopt : std::optional(i_.local_addresses.front());
    if (!i_.services.empty()) return i_.services.front().key.vip;
    if (const share::EamMapping* mapping = mapping_of(i_.translator_ipv4))
      return mapping->to_ipv6(i_.translator_ipv4);
    const auto& prefix = i_.mechanism == Mechanism::Clat ? i_.clat_prefix : i_.pref64;
    if (prefix) return prefix->embed(i_.translator_ipv4);
    return std::nullopt;
  }

  void settle_translator_ipv6() {
    if (keys_.has("translator-ipv6")) {
      if (i_.translator_ipv6 != Ipv6Address{} && is_illegal_source(i_.translator_ipv6))
        error("translator-ipv6",
              fmt::format("translator-ipv6: {} cannot be a source address", i_.translator_ipv6.to_string()),
              "use an address of this router");
      else if (i_.translator_ipv6 == Ipv6Address{} && keys_.place_of("translator-ipv6").text == "::")
        error("translator-ipv6", "translator-ipv6: :: cannot be a source address",
              "use an address of this router");
      return;
    }
    if (const auto derived = derived_translator_ipv6()) {
      i_.translator_ipv6 = *derived;
      if (i_.pref64 && i_.pref64->is_well_known() && i_.pref64->prefix().contains(*derived) &&
          is_non_global(i_.translator_ipv4))
        warn("pref64",
             fmt::format("ICMPv6 errors would come from {}, a non-global address in the well-known prefix",
                         derived->to_string()),
             "add \"translator-ipv6:\" with an address of this router (RFC 6052 §3.1)");
      return;
    }
    // Without any prefix or mapping there is an error about that already.
    const std::string_view prefix_key = prefix_name();
    if (!keys_.has(prefix_key) && !keys_.has("clat-address") && has_mappings() && known_.has_all_mappings)
      error("name",
            fmt::format("translator-ipv6 is needed when there is no {}",
                        i_.mechanism == Mechanism::Siit ? "pref64" : "clat-address or clat-prefix"),
            "add \"translator-ipv6:\" with an IPv6 address of this router, the source of its ICMPv6 errors");
  }

  void check_mappings() {
    const std::optional<share::Pref64>& prefix = i_.mechanism == Mechanism::Clat ? i_.clat_prefix : i_.pref64;
    std::size_t inside_prefix = 0, around_prefix = 0, illegal = 0, denied = 0;
    const share::EamMapping* example[4] = {};
    const auto count = [&](std::size_t& counter, std::size_t kind, const share::EamMapping& mapping) {
      if (counter++ == 0) example[kind] = &mapping;
    };
    for (const share::EamMapping& mapping : i_.mappings) {
      if (prefix && prefix->prefix().contains(mapping.ipv6))
        count(inside_prefix, 0, mapping);
      else if (prefix && mapping.ipv6.contains(prefix->prefix()))
        count(around_prefix, 1, mapping);
      if (is_illegal_source(mapping.ipv4.address()) && mapping.ipv4.length() >= 8) count(illegal, 2, mapping);
      if (is_denied(mapping)) count(denied, 3, mapping);
    }
    const std::string_view place = keys_.has("mappings") ? "mappings" : "mappings-files";
    const auto words = [&](std::size_t counter, std::size_t kind) {
      const std::string first =
          fmt::format("{} - {}", example[kind]->ipv4.to_string(), example[kind]->ipv6.to_string());
      return counter == 1 ? fmt::format("the mapping {}", first)
                          : fmt::format("{} mappings, the first being {},", counter, first);
    };
    const std::string_view prefix_key = prefix_name();
    if (inside_prefix > 0)
      warn(place,
           fmt::format("{} {} inside of {} {}", words(inside_prefix, 0), inside_prefix == 1 ? "lies" : "lie",
                       prefix_key, prefix->prefix().to_string()),
           "mappings win over the prefix, so the embedded IPv4 addresses there are out of reach");
    if (around_prefix > 0)
      warn(place,
           fmt::format("{} {} around {} {}", words(around_prefix, 1), around_prefix == 1 ? "lies" : "lie",
                       prefix_key, prefix->prefix().to_string()),
           "mappings win over the prefix, so that it never translates to IPv4");
    if (illegal > 0)
      warn(place,
           fmt::format("{} {} addresses that no packet may come from", words(illegal, 2),
                       illegal == 1 ? "has" : "have"),
           "packets from there are dropped as illegal-source");
    if (denied > 0)
      warn(place, fmt::format("{} {} entirely denied", words(denied, 3), denied == 1 ? "is" : "are"),
           "denylist-ipv4 and denylist-ipv6 win over mappings");
  }

  [[nodiscard]] bool is_denied(const share::EamMapping& mapping) const {
    return std::ranges::any_of(i_.denylist_ipv4,
                               [&](const Ipv4Prefix& p) { return p.contains(mapping.ipv4); }) ||
           std::ranges::any_of(i_.denylist_ipv6,
                               [&](const Ipv6Prefix& p) { return p.contains(mapping.ipv6); });
  }

  InstanceSettings& i_;
  const SectionReader& keys_;
  KnownParts known_;
  Findings& findings_;
};

const Node& place(const Node& instance, std::string_view key) {
  const Node* node = instance.find(key);
  return node ? *node : instance;
}

}  // namespace

void check_instance(InstanceSettings& instance, const SectionReader& keys, KnownParts known,
                    Findings& findings) {
  InstanceCheck(instance, keys, known, findings).run();
}

void check_together(const Settings& settings, const std::vector<const Node*>& nodes, Findings& findings) {
  for (std::size_t b = 0; b < settings.instances.size(); ++b) {
    const InstanceSettings& later = settings.instances[b];
    for (std::size_t a = 0; a < b; ++a) {
      const InstanceSettings& earlier = settings.instances[a];
      const uint32_t line = nodes[a]->position.line;
      if (!later.name.empty() && later.name == earlier.name)
        findings.error(place(*nodes[b], "name"),
                       fmt::format("the instance in line {} is named {} too", line, later.name),
                       "give each instance a name of its own");
      else if (!later.device.empty() && later.device == earlier.device)
        findings.error(
            nodes[b]->find("device") ? place(*nodes[b], "device") : place(*nodes[b], "name"),
            fmt::format("instance {} in line {} has the device {} too", earlier.name, line, later.device),
            "give each instance a device of its own");
      if (later.routes == RouteMode::Manual || earlier.routes == RouteMode::Manual) continue;
      if (later.pref64 && later.pref64 == earlier.pref64 && !later.ipv6_routes && !earlier.ipv6_routes)
        findings.error(place(*nodes[b], "pref64"),
                       fmt::format("instance {} in line {} has pref64 {} too, and only one can get the route",
                                   earlier.name, line, later.pref64->prefix().to_string()),
                       "give each instance a prefix of its own, or write \"routes: manual\"");
      if (later.clat_prefix && later.clat_prefix == earlier.clat_prefix && !later.ipv6_routes &&
          !earlier.ipv6_routes)
        findings.error(
            place(*nodes[b], "clat-prefix"),
            fmt::format("instance {} in line {} has clat-prefix {} too, and only one can get the route",
                        earlier.name, line, later.clat_prefix->prefix().to_string()),
            "give each instance a prefix of its own, or write \"routes: manual\"");
      if (later.clat_address && later.clat_address == earlier.clat_address)
        findings.error(place(*nodes[b], "clat-address"),
                       fmt::format("instance {} in line {} has clat-address {} too", earlier.name, line,
                                   later.clat_address->to_string()),
                       "give each instance an address of its own");
      if (const auto shared = first_shared_prefix(earlier.nat.pools, later.nat.pools);
          shared && !later.ipv4_routes && !earlier.ipv4_routes)
        findings.error(place(*nodes[b], "pools"),
                       fmt::format("instance {} in line {} has {} in its pools too", earlier.name, line,
                                   shared->to_string()),
                       "give each instance addresses of its own, or write \"routes: manual\"");
      for (const ServiceSettings& service : later.services)
        if (!later.ipv6_routes && !earlier.ipv6_routes &&
            std::ranges::count(earlier.services, service.key.vip,
                               [](const ServiceSettings& other) { return other.key.vip; }) > 0)
          findings.error(
              place(*nodes[b], "services"),
              fmt::format("instance {} in line {} has the vip {} too, and only one can get the route",
                          earlier.name, line, service.key.vip.to_string()),
              "give each instance vips of its own, or write \"routes: manual\"");
      for (const Ipv6Address& local : later.local_addresses)
        if (!later.ipv6_routes && !earlier.ipv6_routes &&
            std::ranges::count(earlier.local_addresses, local) > 0)
          findings.error(
              place(*nodes[b], "br-addresses"),
              fmt::format("instance {} in line {} has the address {} too, and only one can get the route",
                          earlier.name, line, local.to_string()),
              "give each instance an address of its own, or write \"routes: manual\"");
      if (is_customer(later) && is_customer(earlier) && later.default_route && earlier.default_route &&
          !later.ipv4_routes && !earlier.ipv4_routes)
        findings.error(
            place(*nodes[b], "default-route"),
            fmt::format("instance {} in line {} has the IPv4 default route already", earlier.name, line),
            "add \"default-route: false\" to one of the two");
    }
  }
}

// The kernel has no dots in names there.
void check_offload_state(const std::string& path, const Node& place, Findings& findings) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (!path.starts_with('/') || name.empty() || name.contains('.'))
    findings.error(place, fmt::format("offload-state: {} is not a folder of a BPF file system", path),
                   "write its whole path without a dot in its name, such as /sys/fs/bpf/yonroku");
}

void check_control_socket(const std::string& path, const Node& place, Findings& findings) {
  if (path.size() > 107)  // sun_path is 108 bytes with its end
    findings.error(place,
                   fmt::format("socket: the path has {} bytes; a socket's has at most 107", path.size()),
                   "use a shorter path, such as /run/yonroku/control.sock");
}

}  // namespace yonroku::config
