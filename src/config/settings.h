// A validated configuration, key by key as in schema.yaml, with every default filled in. What a key means is
// written there. An enumeration's values stand in the order of the key's `values` in schema.yaml.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/nat_log_settings.h"
#include "config/service_settings.h"
#include "mechanism/alg/alg_settings.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "packet/prefix.h"
#include "share/mapping/eam.h"
#include "share/mapping/map_rule.h"
#include "share/mapping/rfc6052.h"
#include "share/nat/nat_settings.h"

namespace yonroku::config {

enum class Mechanism : uint8_t {
  Siit,
  Clat,
  MapEBr,
  LwAftr,
  FourOverSix,
  Ipip,
  DsLiteB4,
  MapTBr,
  Nat64,
  DsLiteAftr,
  MapECe,
  MapTCe,
  LwB4,
  Slb64,
};
inline constexpr std::size_t kMechanismCount = 14;

// Customer edges with a NAT of their own, in the ports that the customer has.
constexpr bool is_customer_edge(Mechanism m) {
  return m == Mechanism::MapECe || m == Mechanism::MapTCe || m == Mechanism::LwB4;
}
// Those that rewrite headers; the others put IPv4 packets into IPv6 packets.
constexpr bool translates(Mechanism m) {
  return m == Mechanism::Siit || m == Mechanism::Clat || m == Mechanism::MapTBr || m == Mechanism::Nat64 ||
         m == Mechanism::MapTCe || m == Mechanism::Slb64;
}
// Those that keep bindings and sessions.
constexpr bool has_nat(Mechanism m) {
  return m == Mechanism::Nat64 || m == Mechanism::DsLiteAftr || m == Mechanism::Slb64 || is_customer_edge(m);
}
// Those whose NAT has pools of addresses and ports that it shares out.
constexpr bool has_pools(Mechanism m) { return has_nat(m) && !is_customer_edge(m); }
// Those that look customers up in a table of rules or softwires.
constexpr bool has_rules(Mechanism m) {
  return m != Mechanism::Siit && m != Mechanism::Clat && !has_pools(m);
}

enum class LogLevel : uint8_t { Trace, Debug, Info, Warn, Error };
enum class RouteMode : uint8_t { Auto, Manual };
enum class Offload : uint8_t { Off, Tc, Xdp, Auto };
enum class UdpZeroChecksum : uint8_t { Compute, Drop };
enum class IcmpErrors : uint8_t { Send, Off };
enum class UntranslatableIcmpv6Source : uint8_t { Dummy, Pool, Drop };
enum class WellKnownPrefixNonGlobal : uint8_t { Drop, Translate };
enum class Hairpinning : uint8_t { Intrinsic, Simple, Off };
enum class FlowLabel : uint8_t { Zero, Hash };
enum class DscpFromTunnel : uint8_t { Keep, Copy };
enum class FragmentPacket : uint8_t { Outer, Inner };
enum class TunnelPathMtu : uint8_t { Learn, Ignore };
enum class InboundIcmp : uint8_t { Forward, Errors, Drop };
enum class TunnelSide : uint8_t { Customer, Provider };

struct MssClamp {
  enum class Mode : uint8_t { Off, Auto, Bytes } mode = Mode::Off;
  uint16_t bytes = 0;  // of Mode::Bytes
  friend bool operator==(const MssClamp&, const MssClamp&) = default;
};

struct InstanceSettings {
  std::string name;
  Mechanism mechanism = Mechanism::Siit;
  std::string device;
  uint16_t workers = 1;

  Offload offload = Offload::Off;
  std::vector<std::string> offload_interfaces;  // empty: every one that can
  uint32_t offload_flows = 262144;
  RouteMode routes = RouteMode::Auto;
  std::optional<std::vector<Ipv4Prefix>> ipv4_routes;  // nullopt: what the settings imply
  std::optional<std::vector<Ipv6Prefix>> ipv6_routes;

  Ipv4Address translator_ipv4;
  Ipv6Address translator_ipv6;  // given or derived, never unspecified
  uint16_t ipv4_mtu = 1500;
  uint16_t ipv6_mtu = 1500;
  uint16_t lowest_ipv6_mtu = 1280;
  std::optional<uint8_t> traffic_class;  // nullopt: copy
  std::optional<uint8_t> tos;            // nullopt: copy
  UdpZeroChecksum udp_zero_checksum = UdpZeroChecksum::Compute;
  MssClamp mss_clamp;

  IcmpErrors icmp_errors = IcmpErrors::Send;
  uint32_t icmp_error_rate = 1000;  // per second
  UntranslatableIcmpv6Source untranslatable_icmpv6_source = UntranslatableIcmpv6Source::Dummy;
  std::vector<Ipv4Prefix> icmpv6_source_pool;
  bool node_identification = true;

  WellKnownPrefixNonGlobal well_known_prefix_non_global = WellKnownPrefixNonGlobal::Drop;
  std::vector<share::EamMapping>
      mappings;  // inline ones first, then those of the files; no two share a prefix
  std::vector<std::string> mappings_files;  // as paths that open() takes

  // siit
  Hairpinning hairpinning = Hairpinning::Intrinsic;
  std::vector<Ipv4Prefix> denylist_ipv4;
  std::vector<Ipv6Prefix> denylist_ipv6;
  std::optional<share::Pref64> pref64;  // of map-t-br: dmr

  // clat: plat_prefix always; clat_address or clat_prefix or neither (then mappings)
  std::optional<share::Pref64> plat_prefix;
  std::optional<Ipv6Address> clat_address;
  Ipv4Address clat_ipv4;
  std::optional<share::Pref64> clat_prefix;
  std::optional<std::string> neighbour_proxy;
  bool default_route = true;

  // tunnels
  uint8_t hop_limit = 64;
  FlowLabel flow_label = FlowLabel::Zero;
  std::optional<uint8_t> encapsulation_limit;  // nullopt: off
  DscpFromTunnel dscp_from_tunnel = DscpFromTunnel::Keep;
  FragmentPacket fragment = FragmentPacket::Outer;
  TunnelPathMtu tunnel_path_mtu = TunnelPathMtu::Learn;
  // br-addresses, local-address, b4-address, aftr-address of an AFTR, or a customer edge's own
  std::vector<Ipv6Address> local_addresses;
  bool hairpin = true;
  bool report_spoofing = false;
  bool report_unreachable = true;
  InboundIcmp inbound_icmp = InboundIcmp::Forward;
  share::InterfaceIdentifierFormat format = share::InterfaceIdentifierFormat::Rfc7597;
  // Of rules and softwires, given inline or in files; of ipip and ds-lite-b4, what their addresses make; of
  // customer edges, forwarding mapping rules, and in a tunnel one that leads to the border. All keys differ.
  std::vector<share::MapRule> rules;
  std::vector<std::string> rules_files;  // rules-files or softwires-files, as paths that open() takes
  TunnelSide side = TunnelSide::Customer;
  std::vector<Ipv4Prefix> customer_prefixes;

  share::NatSettings nat;                 // of those with a NAT
  std::vector<ServiceSettings> services;  // slb64; no two have the same key
  mechanism::AlgSettings alg;

  // customer edges: what the provider gave, and what follows from it
  std::optional<Ipv6Prefix> end_user_prefix;
  std::vector<Ipv6Address> remote_borders;  // br-address or aftr-address, the first one sent to
  share::MapRule basic_rule;                // of lwb4: the softwire
  share::AddressAndPsid own;                // by the basic rule; of a prefix, its first address

  // ds-lite-aftr
  std::vector<Ipv6Prefix> b4_prefixes;
  std::vector<Ipv4Prefix> inside_prefixes;

  friend bool operator==(const InstanceSettings&, const InstanceSettings&) = default;
};

// Where the control API is beside its socket, and the token that its clients have to show.
struct ControlListen {
  std::string address;  // "127.0.0.1" or "::1"
  uint16_t port = 0;
  std::string token_file;
  friend bool operator==(const ControlListen&, const ControlListen&) = default;
};

struct Settings {
  std::string control_socket;
  std::optional<ControlListen> control_listen;
  LogLevel log_level = LogLevel::Info;
  std::optional<std::string> user;
  std::optional<std::string> offload_state;  // a folder of a BPF file system
  std::optional<NatLogSettings> nat_log;     // nullopt: nothing is logged
  std::vector<InstanceSettings> instances;

  friend bool operator==(const Settings&, const Settings&) = default;
};

// Whether this is a customer's end: its IPv4 packets go out by a default route.
[[nodiscard]] bool is_customer(const InstanceSettings& settings);

[[nodiscard]] std::string_view to_string(Mechanism mechanism);
[[nodiscard]] std::string_view to_string(LogLevel level);

// What a reload from `running` to `wanted` cannot take over, in words such as "instance dc: workers"; empty:
// nothing. Instances that come or go are not listed.
[[nodiscard]] std::vector<std::string> settings_needing_restart(const Settings& running,
                                                                const Settings& wanted);

}  // namespace yonroku::config
