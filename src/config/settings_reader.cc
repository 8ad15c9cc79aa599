#include "config/settings_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "config/customer_edge.h"
#include "config/map_rule_check.h"
#include "config/map_rule_csv.h"
#include "config/mapping_conflicts.h"
#include "config/mapping_csv.h"
#include "config/nat_log_reader.h"
#include "config/nat_reader.h"
#include "config/section_reader.h"
#include "config/service_reader.h"
#include "config/settings_check.h"
#include "config/softwire_csv.h"
#include "config/text_file.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::config {
namespace {

// Where the mappings, rules or softwires of one instance were written, for messages.
struct Origins {
  struct File {
    std::string path;
    std::size_t first;  // index of its first mapping
    std::vector<uint32_t> lines;
  };
  std::string main_file;
  std::vector<Position> inline_positions;
  std::vector<File> files;

  [[nodiscard]] Place place_of(std::size_t index) const {
    if (index < inline_positions.size()) return {main_file, inline_positions[index]};
    for (const File& file : files)
      if (index < file.first + file.lines.size()) return {file.path, {file.lines[index - file.first], 1}};
    return {main_file, {}};
  }
};

// An integer, or nullopt for the one word that the key has instead.
std::optional<uint8_t> octet_or_copy(const ChoiceOrInteger& value) {
  if (value.choice) return std::nullopt;
  return static_cast<uint8_t>(value.integer);
}

MssClamp mss_clamp(const ChoiceOrInteger& value) {
  if (!value.choice) return {MssClamp::Mode::Bytes, static_cast<uint16_t>(value.integer)};
  return {*value.choice == 0 ? MssClamp::Mode::Off : MssClamp::Mode::Auto, 0};
}

class InstanceReader {
 public:
  InstanceReader(const Node& node, const std::string& base_dir, MappingsFiles files, Findings& findings)
      : node_(node),
        base_dir_(base_dir),
        files_(files),
        findings_(findings),
        keys_(node, Scope::Instance, mechanism_of(node), findings) {}

  InstanceSettings read() {
    read_common();
    read_mechanism();
    read_mappings();
    read_rules();
    const auto mechanism = mechanism_of(node_);
    if (mechanism && is_customer_edge(*mechanism))
      read_customer_edge(instance_, candidate_rules(), keys_, findings_);
    if (!mechanism || has_nat(*mechanism)) read_nat(instance_, keys_, findings_);
    if (!mechanism || *mechanism == Mechanism::Slb64) read_balancing();
    const std::vector<bool> alg = keys_.choices("alg");
    instance_.alg = {.ftp = alg[0], .sip = alg[1]};
    check_instance(instance_, keys_, {mechanism.has_value(), has_all_mappings_}, findings_);
    return std::move(instance_);
  }

 private:
  // nullopt when it is missing or misspelt; the readers then say so and look at the other keys anyway.
  static std::optional<Mechanism> mechanism_of(const Node& node) {
    const Node* value = node.find("mechanism");
    if (!value || value->kind != Node::Kind::Scalar) return std::nullopt;
    for (std::size_t i = 0; i < kMechanismCount; ++i)
      if (value->text == to_string(static_cast<Mechanism>(i))) return static_cast<Mechanism>(i);
    return std::nullopt;
  }

  void read_common() {
    InstanceSettings& i = instance_;
    i.name = keys_.text("name").value_or("");
    i.mechanism = keys_.choice<Mechanism>("mechanism");
    i.device = keys_.text("device").value_or("");
    if (!keys_.has("device") && !i.name.empty()) read_device_from_name();
    i.workers = static_cast<uint16_t>(keys_.integer("workers"));
    i.offload = keys_.choice<Offload>("offload");
    if (has_nat(i.mechanism)) i.offload_flows = static_cast<uint32_t>(keys_.integer("offload-flows"));
    i.offload_interfaces = keys_.devices("offload-interfaces");
    i.routes = keys_.choice<RouteMode>("routes");
    i.ipv4_routes = keys_.ipv4_prefixes("ipv4-routes");
    i.ipv6_routes = keys_.ipv6_prefixes("ipv6-routes");
    i.translator_ipv4 = keys_.ipv4_address("translator-ipv4").value_or(share::kDummyAddress);
    i.ipv4_mtu = static_cast<uint16_t>(keys_.integer("ipv4-mtu"));
    i.ipv6_mtu = static_cast<uint16_t>(keys_.integer("ipv6-mtu"));
    i.lowest_ipv6_mtu = static_cast<uint16_t>(keys_.integer("lowest-ipv6-mtu"));
    i.traffic_class = octet_or_copy(keys_.choice_or_integer("traffic-class"));
    i.tos = octet_or_copy(keys_.choice_or_integer("tos"));
    i.udp_zero_checksum = keys_.choice<UdpZeroChecksum>("udp-zero-checksum");
    i.mss_clamp = mss_clamp(keys_.choice_or_integer("mss-clamp"));
    i.icmp_errors = keys_.choice<IcmpErrors>("icmp-errors");
    i.icmp_error_rate = static_cast<uint32_t>(keys_.integer("icmp-error-rate"));
    i.untranslatable_icmpv6_source = keys_.choice<UntranslatableIcmpv6Source>("untranslatable-icmpv6-source");
    i.icmpv6_source_pool = keys_.ipv4_prefixes("icmpv6-source-pool").value_or(std::vector<Ipv4Prefix>{});
    i.node_identification = keys_.boolean("node-identification");
    i.well_known_prefix_non_global = keys_.choice<WellKnownPrefixNonGlobal>("well-known-prefix-non-global");
  }

  void read_mechanism() {
    InstanceSettings& i = instance_;
    i.hairpinning = keys_.choice<Hairpinning>("hairpinning");
    i.denylist_ipv4 = keys_.ipv4_prefixes("denylist-ipv4").value_or(std::vector<Ipv4Prefix>{});
    i.denylist_ipv6 = keys_.ipv6_prefixes("denylist-ipv6").value_or(std::vector<Ipv6Prefix>{});
    const bool has_dmr = i.mechanism == Mechanism::MapTBr || i.mechanism == Mechanism::MapTCe;
    i.pref64 = keys_.pref64(has_dmr ? "dmr" : "pref64");
    i.plat_prefix = keys_.pref64("plat-prefix");
    i.clat_address = keys_.ipv6_address("clat-address");
    i.clat_ipv4 = keys_.ipv4_address("clat-ipv4").value_or(Ipv4Address(192, 0, 0, 1));
    i.clat_prefix = keys_.pref64("clat-prefix");
    i.neighbour_proxy = keys_.text("neighbour-proxy");
    i.default_route = keys_.boolean("default-route");
    if (const auto given = keys_.ipv6_address("translator-ipv6")) i.translator_ipv6 = *given;
    read_tunnel();
  }

  void read_tunnel() {
    InstanceSettings& i = instance_;
    i.hop_limit = static_cast<uint8_t>(keys_.integer("hop-limit"));
    i.flow_label = keys_.choice<FlowLabel>("flow-label");
    i.encapsulation_limit = octet_or_copy(keys_.choice_or_integer("encapsulation-limit"));
    i.dscp_from_tunnel = keys_.choice<DscpFromTunnel>("dscp-from-tunnel");
    i.fragment = keys_.choice<FragmentPacket>("fragment");
    i.tunnel_path_mtu = keys_.choice<TunnelPathMtu>("tunnel-path-mtu");
    i.hairpin = keys_.boolean("hairpin");
    i.report_spoofing = keys_.boolean("report-spoofing");
    i.report_unreachable = keys_.boolean("report-unreachable");
    i.inbound_icmp = keys_.choice<InboundIcmp>("inbound-icmp");
    i.format = keys_.choice<share::InterfaceIdentifierFormat>("format");
    i.side = keys_.choice<TunnelSide>("side");
    i.local_addresses = keys_.ipv6_addresses("br-addresses").value_or(std::vector<Ipv6Address>{});
    i.customer_prefixes = keys_.ipv4_prefixes("customer-prefixes").value_or(std::vector<Ipv4Prefix>{});
    const bool is_b4 = i.mechanism == Mechanism::DsLiteB4 || i.mechanism == Mechanism::LwB4;
    const auto local = keys_.ipv6_address(is_b4                                  ? "b4-address"
                                          : i.mechanism == Mechanism::DsLiteAftr ? "aftr-address"
                                                                                 : "local-address");
    if (local) i.local_addresses.push_back(*local);
    i.b4_prefixes = keys_.ipv6_prefixes("b4-prefixes").value_or(std::vector<Ipv6Prefix>{});
    i.inside_prefixes = keys_.ipv4_prefixes("inside-prefixes").value_or(private_prefixes());
    if (is_customer_edge(i.mechanism) || i.mechanism == Mechanism::DsLiteAftr) return;
    const auto remote = keys_.ipv6_address(is_b4 ? "aftr-address" : "remote-address");
    if (!remote) return;
    // The other end has what is not here: everything, or the customer's prefixes.
    std::vector<Ipv4Prefix> behind = {Ipv4Prefix()};
    if (i.side == TunnelSide::Provider) behind = i.customer_prefixes;
    for (const Ipv4Prefix& ipv4 : behind)
      i.rules.push_back(*share::MapRule::create({.ipv6 = Ipv6Prefix::holding(*remote, 128), .ipv4 = ipv4}));
  }

  // RFC 6333 §11.
  static std::vector<Ipv4Prefix> private_prefixes() {
    return {*Ipv4Prefix::create(Ipv4Address(10, 0, 0, 0), 8),
            *Ipv4Prefix::create(Ipv4Address(172, 16, 0, 0), 12),
            *Ipv4Prefix::create(Ipv4Address(192, 168, 0, 0), 16),
            *Ipv4Prefix::create(Ipv4Address(192, 0, 0, 0), 29)};
  }

  // Clients are spread by what they send; servers answer, and begin nothing.
  void read_balancing() {
    instance_.services = read_services(keys_, instance_.nat.pools, findings_);
    if (instance_.mechanism == Mechanism::Slb64)
      instance_.nat.filtering = share::Dependence::AddressAndPortDependent;
  }

  void read_device_from_name() {
    if (parse_device_name(instance_.name)) {
      instance_.device = instance_.name;
      return;
    }
    findings_.error(keys_.place_of("name"),
                    fmt::format("the device is named like the instance, but {} has more than 15 characters",
                                in_quotes(instance_.name)),
                    "add \"device:\" with a shorter name");
  }

  void read_mappings() {
    origins_.main_file = findings_.file();
    const std::size_t errors_before = mapping_errors_;
    for (const Node* node : keys_.sections("mappings")) {
      SectionReader mapping(*node, Scope::Mapping, std::nullopt, findings_);
      const auto ipv4 = mapping.ipv4_prefix("ipv4");
      const auto ipv6 = mapping.ipv6_prefix("ipv6");
      if (!ipv4 || !ipv6) {
        ++mapping_errors_;
        continue;
      }
      if (auto made = make_mapping(*ipv4, *ipv6)) {
        instance_.mappings.push_back(*made);
        origins_.inline_positions.push_back(node->position);
      } else {
        ++mapping_errors_;
        findings_.error(*node, std::move(made.error().what), std::move(made.error().fix));
      }
    }
    for (const std::string& path : keys_.paths("mappings-files")) read_mappings_file(path);
    has_all_mappings_ = mapping_errors_ == errors_before &&
                        (files_ == MappingsFiles::Read || instance_.mappings_files.empty());

    MappingConflicts conflicts = find_mapping_conflicts(
        instance_.mappings, [&](std::size_t index) { return origins_.place_of(index); });
    findings_.error(std::move(conflicts.identical));
    findings_.warn(std::move(conflicts.overlapping));
  }

  void read_mappings_file(const std::string& given) {
    const std::string path = path_from(base_dir_, given);
    const Node& place = keys_.place_of("mappings-files");
    if (std::ranges::find(instance_.mappings_files, path) != instance_.mappings_files.end())
      return findings_.error(place, fmt::format("mappings-files: {} is named twice", in_quotes(given)),
                             "name it once");
    instance_.mappings_files.push_back(path);
    if (files_ == MappingsFiles::Skip) return;
    auto table = load_mapping_csv(path);
    if (!table) {
      ++mapping_errors_;
      return findings_.error(std::move(table).error());
    }
    origins_.files.push_back({path, instance_.mappings.size(), std::move(table->lines)});
    if (instance_.mappings.empty())
      instance_.mappings = std::move(table->mappings);
    else
      instance_.mappings.insert(instance_.mappings.end(), table->mappings.begin(), table->mappings.end());
  }

  // --- rules and softwires ---

  void read_rules() {
    rule_origins_.main_file = findings_.file();
    for (const Node* node : keys_.sections("rules")) {
      SectionReader keys(*node, Scope::Rule, std::nullopt, findings_);
      const auto ipv6 = keys.ipv6_prefix("ipv6-prefix");
      const auto ipv4 = keys.ipv4_prefix("ipv4-prefix");
      share::MapRule::Parts parts;
      parts.ea_length = static_cast<uint8_t>(keys.integer("ea-length"));
      parts.format = instance_.format;
      read_psid(keys, parts);
      const bool is_fmr = keys.boolean("fmr");
      if (keys.has("fmr") && !is_customer_edge(instance_.mechanism))
        findings_.error(keys.place_of("fmr"), "fmr: a border relay forwards by all of its rules",
                        "remove it, here and in the other rules (RFC 7597 §5)");
      if (!ipv6 || !ipv4) continue;
      parts.ipv6 = *ipv6;
      parts.ipv4 = *ipv4;
      if (add_rule(*node, parts) && !is_fmr) no_fmrs_.push_back(instance_.rules.back());
    }
    for (const Node* node : keys_.sections("softwires")) {
      SectionReader keys(*node, Scope::Softwire, std::nullopt, findings_);
      const auto b4 = keys.ipv6_address("b4-address");
      const auto ipv4 = keys.ipv4_prefix("ipv4");
      share::MapRule::Parts parts;
      read_psid(keys, parts);
      if (!b4 || !ipv4) continue;
      parts.ipv6 = Ipv6Prefix::holding(*b4, 128);
      parts.ipv4 = *ipv4;
      (void)add_rule(*node, parts);
    }
    const bool has_softwires =
        instance_.mechanism == Mechanism::LwAftr || instance_.mechanism == Mechanism::FourOverSix;
    const std::string_view key = has_softwires ? "softwires-files" : "rules-files";
    for (const std::string& path : keys_.paths(key)) read_rules_file(key, path);
    check_rules();
  }

  void read_psid(SectionReader& keys, share::MapRule::Parts& parts) {
    parts.psid_offset = static_cast<uint8_t>(keys.integer("psid-offset"));
    parts.given_psid_length = static_cast<uint8_t>(keys.integer("psid-length"));
    parts.given_psid = static_cast<uint16_t>(keys.integer("psid"));
    const auto border = keys.ipv6_address("br-address");
    if (!border) return;
    const auto found = std::ranges::find(instance_.local_addresses, *border);
    if (found == instance_.local_addresses.end())
      return findings_.error(keys.place_of("br-address"),
                             fmt::format("br-address: {} is none of br-addresses", border->to_string()),
                             "add it there, or leave it out");
    parts.border = static_cast<uint8_t>(found - instance_.local_addresses.begin());
  }

  bool add_rule(const Node& node, const share::MapRule::Parts& parts) {
    const auto rule = share::MapRule::create(parts);
    if (!rule) {
      findings_.error(node, std::string(share::describe(rule.error())), "see RFC 7597 §5");
      return false;
    }
    instance_.rules.push_back(*rule);
    rule_origins_.inline_positions.push_back(node.position);
    return true;
  }

  // All rules may be the basic mapping rule; what stays with the instance is for forwarding.
  std::vector<share::MapRule> candidate_rules() {
    std::vector<share::MapRule> all = instance_.rules;
    std::erase_if(instance_.rules, [&](const share::MapRule& rule) {
      return std::ranges::find(no_fmrs_, rule) != no_fmrs_.end();
    });
    return all;
  }

  void read_rules_file(std::string_view key, const std::string& given) {
    const std::string path = path_from(base_dir_, given);
    const Node& place = keys_.place_of(key);
    if (std::ranges::find(instance_.rules_files, path) != instance_.rules_files.end())
      return findings_.error(place, fmt::format("{}: {} is named twice", key, in_quotes(given)),
                             "name it once");
    instance_.rules_files.push_back(path);
    if (files_ == MappingsFiles::Skip) return;
    if (key == "rules-files") {
      auto table = load_map_rule_csv(path, instance_.format);
      if (!table) return findings_.error(std::move(table).error());
      check_borders(path, *table);
      append_rules(path, std::move(table->rules), std::move(table->lines));
    } else {
      auto table = load_softwire_csv(path, instance_.local_addresses);
      if (!table) return findings_.error(std::move(table).error());
      append_rules(path, std::move(table->rules), std::move(table->lines));
    }
  }

  void check_borders(const std::string& path, const CsvMapRules& table) {
    const std::size_t borders = std::max<std::size_t>(1, instance_.local_addresses.size());
    for (std::size_t i = 0; i < table.rules.size(); ++i)
      if (table.rules[i].parts().border >= borders)
        return findings_.error(ConfigErrors{
            {{path,
              {table.lines[i], 1},
              fmt::format("border {} is none of the {} br-addresses", table.rules[i].parts().border, borders),
              "they count from 0"}},
            0});
  }

  void append_rules(const std::string& path, std::vector<share::MapRule> rules, std::vector<uint32_t> lines) {
    rule_origins_.files.push_back({path, instance_.rules.size(), std::move(lines)});
    if (instance_.rules.empty())
      instance_.rules = std::move(rules);
    else
      instance_.rules.insert(instance_.rules.end(), rules.begin(), rules.end());
  }

  void check_rules() {
    if (rule_origins_.inline_positions.empty() && rule_origins_.files.empty()) return;
    const auto place_of = [&](std::size_t index) { return rule_origins_.place_of(index); };
    MapRuleFindings found = check_map_rules(
        instance_.rules, translates(instance_.mechanism) ? MapRuleUse::Any : MapRuleUse::Tunnels);
    ConfigErrors errors;
    errors.omitted = found.omitted_errors;
    for (const MapRuleFinding& finding : found.findings) {
      if (finding.is_error())
        errors.errors.push_back(to_diagnostic(finding, place_of));
      else
        findings_.warn({Warning{to_diagnostic(finding, place_of)}});
    }
    findings_.error(std::move(errors));
  }

  const Node& node_;
  const std::string& base_dir_;
  MappingsFiles files_;
  Findings& findings_;
  SectionReader keys_;
  InstanceSettings instance_;
  Origins origins_;
  Origins rule_origins_;
  std::vector<share::MapRule> no_fmrs_;  // rules that are no forwarding mapping rules
  std::size_t mapping_errors_ = 0;
  bool has_all_mappings_ = true;  // false while some mappings could not be read
};

std::optional<ControlListen> read_control_listen(SectionReader& control, Findings& findings) {
  const auto listen = control.text("listen");
  const auto token_file = control.text("token-file");
  if (listen && !token_file && !control.has("token-file"))
    findings.error(control.place_of("listen"),
                   "listen: needs a token-file: every user of this host gets there",
                   "add \"token-file: /etc/yonroku/token\"");
  if (token_file && !control.has("listen"))
    findings.error(control.place_of("token-file"), "token-file: there is no listen that asks for a token",
                   "add \"listen: 127.0.0.1:4646\", or remove token-file");
  if (!listen || !token_file) return std::nullopt;
  const auto colon = listen->rfind(':');
  const bool has_brackets = listen->starts_with('[');
  return ControlListen{has_brackets ? listen->substr(1, colon - 2) : listen->substr(0, colon),
                       static_cast<uint16_t>(std::stoi(listen->substr(colon + 1))), *token_file};
}

}  // namespace

Settings read_settings(const Node& root, const std::string& base_dir, MappingsFiles files,
                       Findings& findings) {
  Settings settings;
  SectionReader top(root, Scope::Top, std::nullopt, findings);
  if (root.kind != Node::Kind::Mapping) return settings;

  static const Node kNoSection = [] {
    Node node;
    node.kind = Node::Kind::Mapping;
    return node;
  }();
  const Node* control_node = top.section("control");
  SectionReader control(control_node ? *control_node : kNoSection, Scope::Control, std::nullopt, findings);
  settings.control_socket = control.text("socket").value_or("");
  check_control_socket(settings.control_socket, control.place_of("socket"), findings);
  settings.control_listen = read_control_listen(control, findings);
  const Node* log_node = top.section("log");
  SectionReader log(log_node ? *log_node : kNoSection, Scope::Log, std::nullopt, findings);
  settings.log_level = log.choice<LogLevel>("level");
  settings.user = top.text("user");
  settings.offload_state = top.text("offload-state");
  if (settings.offload_state)
    check_offload_state(*settings.offload_state, top.place_of("offload-state"), findings);
  if (const Node* const nat_log = top.section("nat-log"))
    settings.nat_log = read_nat_log(*nat_log, base_dir, findings);

  const std::vector<const Node*> nodes = top.sections("instances");
  for (const Node* node : nodes)
    settings.instances.push_back(InstanceReader(*node, base_dir, files, findings).read());
  if (const Node* list = root.find("instances");
      list && list->kind == Node::Kind::Sequence && list->children.empty())
    findings.error(*list, "instances is empty", "add an instance: \"- name: ...\" with its mechanism");
  check_together(settings, nodes, findings);
  return settings;
}

}  // namespace yonroku::config
