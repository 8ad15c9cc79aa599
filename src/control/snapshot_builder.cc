#include "control/snapshot_builder.h"

#include <algorithm>

#include "base/check.h"
#include "control/routes.h"

namespace yonroku::control {
namespace {

mechanism::Hairpinning hairpinning(const config::InstanceSettings& settings) {
  // A CLAT's hosts have no second address to meet under.
  if (settings.mechanism == config::Mechanism::Clat) return mechanism::Hairpinning::Off;
  switch (settings.hairpinning) {
    case config::Hairpinning::Simple: return mechanism::Hairpinning::Simple;
    case config::Hairpinning::Off: return mechanism::Hairpinning::Off;
    case config::Hairpinning::Intrinsic: break;
  }
  return mechanism::Hairpinning::Intrinsic;
}

mechanism::UntranslatableSource untranslatable_source(const config::InstanceSettings& settings) {
  switch (settings.untranslatable_icmpv6_source) {
    case config::UntranslatableIcmpv6Source::Pool: return mechanism::UntranslatableSource::Pool;
    case config::UntranslatableIcmpv6Source::Drop: return mechanism::UntranslatableSource::Drop;
    case config::UntranslatableIcmpv6Source::Dummy: break;
  }
  return mechanism::UntranslatableSource::Dummy;
}

// A segment of that MSS has 40 octets of headers in IPv4 and 60 in IPv6, and must fit both links.
uint16_t mss_clamp(const config::InstanceSettings& settings) {
  switch (settings.mss_clamp.mode) {
    case config::MssClamp::Mode::Off: return 0;
    case config::MssClamp::Mode::Bytes: return settings.mss_clamp.bytes;
    case config::MssClamp::Mode::Auto: break;
  }
  // In a tunnel it has the headers of both.
  if (!config::translates(settings.mechanism)) return static_cast<uint16_t>(settings.ipv6_mtu - 80);
  return static_cast<uint16_t>(std::min(settings.ipv6_mtu - 60, std::max(settings.ipv4_mtu - 40, 1)));
}

engine::IcmpReplySettings icmp_settings(const config::InstanceSettings& settings) {
  engine::IcmpReplySettings icmp;
  icmp.send = settings.icmp_errors == config::IcmpErrors::Send;
  icmp.report_spoofing = settings.report_spoofing;
  icmp.report_unreachable = settings.report_unreachable;
  icmp.source_ipv4 = settings.translator_ipv4;
  icmp.source_ipv6 = settings.translator_ipv6;
  if (settings.mechanism == config::Mechanism::DsLiteAftr) icmp.nat_outside = engine::NatOutside::Ipv4;
  if (config::is_customer_edge(settings.mechanism)) icmp.nat_outside = engine::NatOutside::Ipv6;
  return icmp;
}

carry::TranslateSettings translate_settings(const config::InstanceSettings& settings) {
  carry::TranslateSettings translate;
  translate.ipv4_mtu = settings.ipv4_mtu;
  translate.ipv6_mtu = settings.ipv6_mtu;
  translate.lowest_ipv6_mtu = settings.lowest_ipv6_mtu;
  translate.traffic_class = settings.traffic_class;
  translate.tos = settings.tos;
  translate.udp_zero_checksum = settings.udp_zero_checksum == config::UdpZeroChecksum::Drop
                                    ? carry::UdpZeroChecksum::Drop
                                    : carry::UdpZeroChecksum::Compute;
  translate.mss_clamp = mss_clamp(settings);
  return translate;
}

mechanism::InboundIcmp inbound_icmp(const config::InstanceSettings& settings) {
  switch (settings.inbound_icmp) {
    case config::InboundIcmp::Errors: return mechanism::InboundIcmp::Errors;
    case config::InboundIcmp::Drop: return mechanism::InboundIcmp::Drop;
    case config::InboundIcmp::Forward: break;
  }
  return mechanism::InboundIcmp::Forward;
}

carry::EncapsulateSettings encapsulate_settings(const config::InstanceSettings& settings) {
  carry::EncapsulateSettings encapsulate;
  encapsulate.ipv6_mtu = settings.ipv6_mtu;
  encapsulate.traffic_class = settings.traffic_class;
  encapsulate.dscp_to_ipv4 = settings.dscp_from_tunnel == config::DscpFromTunnel::Copy;
  encapsulate.hop_limit = settings.hop_limit;
  encapsulate.encapsulation_limit = settings.encapsulation_limit;
  encapsulate.flow_label =
      settings.flow_label == config::FlowLabel::Hash ? carry::FlowLabel::Hash : carry::FlowLabel::Zero;
  encapsulate.fragment = settings.fragment == config::FragmentPacket::Inner ? carry::FragmentPacket::Inner
                                                                            : carry::FragmentPacket::Outer;
  encapsulate.mss_clamp = mss_clamp(settings);
  return encapsulate;
}

mechanism::PathMtuDiscovery path_mtu_discovery(const config::InstanceSettings& settings) {
  return settings.tunnel_path_mtu == config::TunnelPathMtu::Ignore ? mechanism::PathMtuDiscovery::Ignore
                                                                   : mechanism::PathMtuDiscovery::Learn;
}

mechanism::SoftwireSettings softwire_settings(const config::InstanceSettings& settings) {
  mechanism::SoftwireSettings softwire;
  softwire.encapsulate = encapsulate_settings(settings);
  softwire.border_addresses = settings.local_addresses;
  if (is_customer(settings)) softwire.own_prefixes = settings.customer_prefixes;
  // Only a border relay has customers who could talk to each other.
  const bool has_customers = settings.mechanism != config::Mechanism::Ipip && !is_customer(settings);
  softwire.hairpinning = has_customers && settings.hairpin ? mechanism::SoftwireHairpinning::On
                                                           : mechanism::SoftwireHairpinning::Off;
  softwire.path_mtu_discovery = path_mtu_discovery(settings);
  softwire.inbound_icmp = inbound_icmp(settings);
  softwire.icmp_source = settings.translator_ipv4;
  return softwire;
}

share::WellKnownPrefixNonGlobal well_known_prefix_non_global(const config::InstanceSettings& settings) {
  return settings.well_known_prefix_non_global == config::WellKnownPrefixNonGlobal::Translate
             ? share::WellKnownPrefixNonGlobal::Translate
             : share::WellKnownPrefixNonGlobal::Drop;
}

mechanism::Nat64Settings nat64_settings(const config::InstanceSettings& settings) {
  mechanism::Nat64Settings nat64(*settings.pref64);
  nat64.translate = translate_settings(settings);
  nat64.nat = settings.nat;
  nat64.alg = settings.alg;
  nat64.hairpin = settings.hairpin;
  nat64.well_known_prefix_non_global = well_known_prefix_non_global(settings);
  return nat64;
}

mechanism::SoftwireNaptSettings softwire_napt_settings(const config::InstanceSettings& settings) {
  mechanism::SoftwireNaptSettings napt;
  napt.encapsulate = encapsulate_settings(settings);
  napt.own_address = settings.local_addresses.front();
  napt.border_addresses = settings.remote_borders;
  napt.nat = settings.nat;
  napt.alg = settings.alg;
  napt.hairpin = settings.hairpin;
  napt.path_mtu_discovery = path_mtu_discovery(settings);
  napt.icmp_source = settings.translator_ipv4;
  return napt;
}

mechanism::DsLiteAftrSettings ds_lite_aftr_settings(const config::InstanceSettings& settings) {
  mechanism::DsLiteAftrSettings aftr;
  aftr.encapsulate = encapsulate_settings(settings);
  aftr.own_address = settings.local_addresses.front();
  aftr.b4_prefixes = settings.b4_prefixes;
  aftr.inside_prefixes = settings.inside_prefixes;
  aftr.nat = settings.nat;
  aftr.alg = settings.alg;
  aftr.hairpin = settings.hairpin;
  aftr.path_mtu_discovery = path_mtu_discovery(settings);
  aftr.own_ipv4 = settings.translator_ipv4;
  return aftr;
}

mechanism::MapTCeSettings map_t_ce_settings(const config::InstanceSettings& settings) {
  mechanism::MapTCeSettings ce(*settings.pref64);
  ce.translate = translate_settings(settings);
  ce.rule = settings.basic_rule;
  ce.psid = settings.own.psid;
  ce.nat = settings.nat;
  ce.alg = settings.alg;
  ce.hairpin = settings.hairpin;
  ce.node_identification = settings.node_identification ? mechanism::NodeIdentification::Append
                                                        : mechanism::NodeIdentification::Omit;
  return ce;
}

mechanism::MapT map_t(const config::InstanceSettings& settings, const Tables& tables) {
  mechanism::MapTSettings map_t(*settings.pref64);
  map_t.translate = translate_settings(settings);
  map_t.node_identification = settings.node_identification ? mechanism::NodeIdentification::Append
                                                           : mechanism::NodeIdentification::Omit;
  return {map_t, *tables.eam, *tables.rules};
}

mechanism::Siit siit(const config::InstanceSettings& settings, const Tables& tables) {
  mechanism::SiitSettings siit;
  siit.translate = translate_settings(settings);

  const bool is_clat = settings.mechanism == config::Mechanism::Clat;
  siit.mapping.ipv4_side_prefix = is_clat ? settings.clat_prefix : settings.pref64;
  siit.mapping.ipv6_side_prefix = is_clat ? settings.plat_prefix : settings.pref64;
  siit.mapping.well_known_prefix_non_global = well_known_prefix_non_global(settings);
  siit.mapping.denylist_ipv4 = settings.denylist_ipv4;
  siit.mapping.denylist_ipv6 = settings.denylist_ipv6;
  // A CLAT's routes lead to the IPv4 Internet, not to mapped hosts.
  if (!is_clat && settings.ipv4_routes) siit.mapping.routed_here = *settings.ipv4_routes;
  siit.mapping.own_address = settings.translator_ipv4;
  siit.hairpinning = hairpinning(settings);
  siit.untranslatable_source = untranslatable_source(settings);
  siit.icmpv6_source_pool = settings.icmpv6_source_pool;
  siit.node_identification = settings.node_identification ? mechanism::NodeIdentification::Append
                                                          : mechanism::NodeIdentification::Omit;
  siit.translator_ipv6 = settings.translator_ipv6;

  return {siit, *tables.eam};
}

// All but what a mechanism refers to, which `tables` hold and keep.
std::unique_ptr<engine::Snapshot> snapshot_of(const config::InstanceSettings& settings, Tables tables,
                                              engine::Mechanism mechanism) {
  auto snapshot = std::make_unique<engine::Snapshot>(
      engine::Snapshot{std::move(tables.eam), std::move(tables.rules), std::move(tables.path_mtus),
                       std::move(mechanism), icmp_settings(settings), settings.icmp_error_rate});
  snapshot->held_syn = Duration::seconds(settings.nat.timeouts.tcp_incoming_syn);
  return snapshot;
}

}  // namespace

Result<std::shared_ptr<share::EamTable>> build_eam_table(const config::InstanceSettings& settings,
                                                         uint64_t seed, std::pmr::memory_resource* memory) {
  auto table = std::make_shared<share::EamTable>(seed, memory);
  table->reserve(settings.mappings.size() + (settings.clat_address ? 1 : 0));
  const auto add = [&](const share::EamMapping& mapping) -> Result<void> {
    if (const auto refusal = table->add(mapping); refusal != share::EamTable::Refusal::None)
      return fail(settings.name, mapping.ipv4.to_string() + " <-> " + mapping.ipv6.to_string() + ": " +
                                     std::string(share::describe(refusal)));
    return {};
  };
  if (settings.clat_address)
    TRY(add({Ipv4Prefix::holding(settings.clat_ipv4, 32), Ipv6Prefix::holding(*settings.clat_address, 128)}));
  for (const auto& mapping : settings.mappings) TRY(add(mapping));
  return table;
}

Result<std::shared_ptr<share::MapRuleTable>> build_rule_table(const config::InstanceSettings& settings,
                                                              uint64_t seed,
                                                              std::pmr::memory_resource* memory) {
  // In a tunnel the inner source leads back to the rule: no use for an index of IPv6 prefixes there.
  const auto index = config::translates(settings.mechanism) ? share::MapRuleTable::Index::BothWays
                                                            : share::MapRuleTable::Index::Ipv4Only;
  auto table = std::make_shared<share::MapRuleTable>(index, seed, memory);
  table->reserve(settings.rules.size());
  for (const share::MapRule& rule : settings.rules)
    if (const auto refusal = table->add(rule); refusal != share::MapRuleTable::Refusal::None)
      return fail(settings.name, rule.ipv4().to_string() + " <-> " + rule.ipv6().to_string() + ": " +
                                     std::string(share::describe(refusal)));
  return table;
}

Result<Tables> build_tables(const config::InstanceSettings& settings, uint64_t seed,
                            std::pmr::memory_resource* memory) {
  Tables tables;
  tables.eam = TRY(build_eam_table(settings, seed, memory));
  ServiceNumbers numbers;
  tables.services = build_services(settings.services, numbers);
  if (config::has_rules(settings.mechanism)) tables.rules = TRY(build_rule_table(settings, seed, memory));
  if (tables.rules != nullptr || !config::translates(settings.mechanism))
    tables.path_mtus = std::make_shared<carry::PathMtuTable>(memory);
  return tables;
}

std::unique_ptr<engine::Snapshot> build_snapshot(const config::InstanceSettings& settings, Tables tables) {
  const auto finish = [&](engine::Mechanism mechanism) {
    return snapshot_of(settings, std::move(tables), std::move(mechanism));
  };
  switch (settings.mechanism) {
    case config::Mechanism::DsLiteAftr:
      return finish(mechanism::DsLiteAftr(ds_lite_aftr_settings(settings), *tables.path_mtus));
    case config::Mechanism::MapECe:
    case config::Mechanism::LwB4:
      return finish(
          mechanism::SoftwireNapt(softwire_napt_settings(settings), *tables.rules, *tables.path_mtus));
    case config::Mechanism::MapTCe:
      return finish(mechanism::MapTCe(map_t_ce_settings(settings), *tables.rules));
    case config::Mechanism::MapTBr: return finish(map_t(settings, tables));
    case config::Mechanism::Nat64: return finish(mechanism::Nat64(nat64_settings(settings)));
    case config::Mechanism::Slb64:
      return finish(mechanism::Slb64({translate_settings(settings), settings.nat, tables.services}));
    case config::Mechanism::Siit:
    case config::Mechanism::Clat: return finish(siit(settings, tables));
    case config::Mechanism::MapEBr:
    case config::Mechanism::LwAftr:
    case config::Mechanism::FourOverSix:
    case config::Mechanism::Ipip:
    case config::Mechanism::DsLiteB4: break;
  }
  return finish(mechanism::Softwire(softwire_settings(settings), *tables.rules, *tables.path_mtus));
}

}  // namespace yonroku::control
