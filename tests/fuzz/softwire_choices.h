// What the tunnels' fuzzer chooses besides the packets: one of the golden corpus' configurations, so that its
// packets find their rules, and settings to change in it.
#pragma once

#include "config/load.h"
#include "translator_choices.h"

namespace yonroku::fuzz {

// In the order of BASES in make_seeds.py.
inline const std::vector<config::InstanceSettings>& softwire_bases() {
  static const std::vector<config::InstanceSettings> kAll = [] {
    std::vector<config::InstanceSettings> made;
    for (const char* const text : {
             R"(mechanism: ipip
    side: provider
    local-address: '2001:db8:ffff::1'
    remote-address: '2001:db8:b4::2'
    customer-prefixes: [192.0.2.80/28])",
             R"(mechanism: map-e-br
    br-addresses: ['2001:db8:ffff::1', '2001:db8:ffff::2']
    rules:
      - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16}
      - {ipv6-prefix: '2001:db8:5500::/40', ipv4-prefix: 198.51.100.0/24, ea-length: 4, br-address: '2001:db8:ffff::2'})",
             R"(mechanism: lwaftr
    report-spoofing: true
    br-addresses: ['2001:db8:ffff::1', '2001:db8:ffff::2']
    softwires:
      - {b4-address: '2001:db8:b4::1', ipv4: 192.0.2.1, psid-length: 6, psid: 1}
      - {b4-address: '2001:db8:b4::2', ipv4: 192.0.2.1, psid-length: 6, psid: 2}
      - {b4-address: '2001:db8:b4::3', ipv4: 192.0.2.3, psid-offset: 4, psid-length: 4, psid: 5}
      - {b4-address: '2001:db8:b4::4', ipv4: 192.0.2.4}
      - {b4-address: '2001:db8:b4::5', ipv4: 192.0.2.5, br-address: '2001:db8:ffff::2'})",
             R"(mechanism: ds-lite-b4
    b4-address: '2001:db8:b4::2'
    aftr-address: '2001:db8:ffff::1')",
             R"(mechanism: ipip
    local-address: '2001:db8:b4::2'
    remote-address: '2001:db8:ffff::1'
    customer-prefixes: [192.0.2.80/28, 198.51.100.1/32])",
             R"(mechanism: 4over6
    br-addresses: ['2001:db8:ffff::1']
    softwires:
      - {b4-address: '2001:db8:b4::1', ipv4: 192.0.2.1}
      - {b4-address: '2001:db8:b4::2', ipv4: 192.0.2.2}
      - {b4-address: '2001:db8:b4::3', ipv4: 192.0.2.64/29})",
             R"(mechanism: map-e-br
    format: draft-03
    br-addresses: ['2001:db8:ffff::1']
    rules:
      - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 4})"}) {
      const auto loaded =
          config::parse_config(std::string("instances:\n  - name: fuzz\n    ") + text + "\n", "fuzz", ".");
      if (!loaded) std::abort();
      made.push_back(loaded->settings.instances.at(0));
    }
    return made;
  }();
  return kAll;
}

// Changes of the settings take 6 octets; zeros change nothing.
inline Chosen choose_softwire(Choices& choices) {
  Chosen chosen{softwire_bases()[choices.next() % softwire_bases().size()], nullptr};
  config::InstanceSettings& settings = chosen.settings;
  settings.ipv6_mtu = choices.one_of<uint16_t>({1500, 1280, 1281, 1400, 9000, 65535});
  const uint8_t flags = choices.next();
  if ((flags & 1) != 0) settings.traffic_class = uint8_t{0xb8};
  if ((flags & 2) != 0) settings.dscp_from_tunnel = config::DscpFromTunnel::Copy;
  if ((flags & 4) != 0) settings.fragment = config::FragmentPacket::Inner;
  if ((flags & 8) != 0) settings.tunnel_path_mtu = config::TunnelPathMtu::Ignore;
  if ((flags & 16) != 0) settings.icmp_errors = config::IcmpErrors::Off;
  if ((flags & 32) != 0) settings.mss_clamp = {config::MssClamp::Mode::Bytes, 1220};
  if ((flags & 64) != 0) settings.hairpin = false;
  if ((flags & 128) != 0) settings.flow_label = config::FlowLabel::Hash;
  const uint8_t limit = choices.next();
  if (limit != 0) settings.encapsulation_limit = static_cast<uint8_t>(limit - 1);
  const uint8_t hop_limit = choices.next();
  if (hop_limit != 0) settings.hop_limit = hop_limit;
  settings.inbound_icmp = static_cast<config::InboundIcmp>(hop_limit % 3);
  settings.report_unreachable = hop_limit < 128;
  auto tables = control::build_tables(settings, 1);
  if (!tables) std::abort();
  chosen.snapshot = control::build_snapshot(settings, std::move(*tables));
  return chosen;
}

}  // namespace yonroku::fuzz
