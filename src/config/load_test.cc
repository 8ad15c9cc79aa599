#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "config/schema.h"

namespace yonroku::config {
namespace {

ConfigResult<Loaded> parse(const std::string& text) {
  return parse_config(text, "t.yaml", ".", MappingsFiles::Skip);
}

Loaded expect_good(const std::string& text) {
  auto loaded = parse(text);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().to_string();
    return {};
  }
  return *std::move(loaded);
}

const std::string kSiit = "instances:\n  - name: dc\n    mechanism: siit\n    pref64: 2001:db8:64::/96\n";
const std::string kClat = "instances:\n  - name: phone\n    mechanism: clat\n    plat-prefix: 64:ff9b::/96\n";

TEST(Load, FillsInTheDefaults) {
  const Loaded loaded = expect_good(kSiit);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.settings.control_socket, "/run/yonroku/control.sock");
  EXPECT_EQ(loaded.settings.log_level, LogLevel::Info);
  EXPECT_EQ(loaded.settings.user, std::nullopt);
  ASSERT_EQ(loaded.settings.instances.size(), 1u);
  const InstanceSettings& i = loaded.settings.instances[0];
  EXPECT_EQ(i.name, "dc");
  EXPECT_EQ(i.device, "dc");
  EXPECT_EQ(i.workers, 1);
  EXPECT_EQ(i.routes, RouteMode::Auto);
  EXPECT_EQ(i.ipv4_routes, std::nullopt);
  EXPECT_EQ(i.ipv6_routes, std::nullopt);
  EXPECT_EQ(i.translator_ipv4.to_string(), "192.0.0.8");
  EXPECT_EQ(i.translator_ipv6.to_string(), "2001:db8:64::c000:8");
  EXPECT_EQ(i.ipv4_mtu, 1500);
  EXPECT_EQ(i.ipv6_mtu, 1500);
  EXPECT_EQ(i.lowest_ipv6_mtu, 1280);
  EXPECT_EQ(i.traffic_class, std::nullopt);
  EXPECT_EQ(i.tos, std::nullopt);
  EXPECT_EQ(i.udp_zero_checksum, UdpZeroChecksum::Compute);
  EXPECT_EQ(i.mss_clamp.mode, MssClamp::Mode::Off);
  EXPECT_EQ(i.icmp_errors, IcmpErrors::Send);
  EXPECT_EQ(i.icmp_error_rate, 1000u);
  EXPECT_EQ(i.untranslatable_icmpv6_source, UntranslatableIcmpv6Source::Dummy);
  EXPECT_TRUE(i.node_identification);
  EXPECT_EQ(i.well_known_prefix_non_global, WellKnownPrefixNonGlobal::Drop);
  EXPECT_EQ(i.hairpinning, Hairpinning::Intrinsic);
  EXPECT_EQ(i.pref64->prefix().to_string(), "2001:db8:64::/96");
}

TEST(Load, ReadsWhereTheControlApiListens) {
  EXPECT_FALSE(expect_good(kSiit).settings.control_listen);
  for (const char* listen : {"127.0.0.1:4646", "'[::1]:4646'"}) {
    const auto& read =
        expect_good(std::string("control: {listen: ") + listen + ", token-file: /etc/t}\n" + kSiit).settings;
    ASSERT_TRUE(read.control_listen) << listen;
    EXPECT_EQ(read.control_listen->address, listen[0] == '\'' ? "::1" : "127.0.0.1");
    EXPECT_EQ(read.control_listen->port, 4646);
    EXPECT_EQ(read.control_listen->token_file, "/etc/t");
  }
}

TEST(Load, ReadsReceiversOfTheLog) {
  const Loaded loaded = expect_good(
      "nat-log:\n"
      "  ipfix:\n"
      "    - {server: 192.0.2.1}\n"
      "    - {server: 192.0.2.2, transport: tls, ca-file: ca.pem, certificate: own.pem}\n"
      "    - {server: 192.0.2.3, transport: tls, port: 4739, server-name: c.example}\n"
      "  kafka:\n"
      "    - {brokers: [192.0.2.1], sasl-mechanism: SCRAM-SHA-512, username: 'gate way', password-file: "
      "secret}\n"
      "    - {brokers: [192.0.2.2], sasl-mechanism: PLAIN, username: gateway, password-file: /etc/secret}\n" +
      kSiit);
  const NatLogSettings& log = *loaded.settings.nat_log;
  ASSERT_EQ(log.ipfix.size(), 3u);
  EXPECT_EQ(log.ipfix[0].port, 4739);
  EXPECT_EQ(log.ipfix[1].port, 4740);
  EXPECT_EQ(log.ipfix[1].server_name, "192.0.2.2");
  EXPECT_THAT(*log.ipfix[1].tls.certificate, testing::EndsWith("own.pem"));
  EXPECT_EQ(log.ipfix[2].port, 4739);
  EXPECT_EQ(log.ipfix[2].server_name, "c.example");
  ASSERT_EQ(log.kafka.size(), 2u);
  EXPECT_EQ(log.kafka[0].sasl, KafkaSettings::Sasl::ScramSha512);
  EXPECT_EQ(log.kafka[0].username, "gate way");
  EXPECT_THAT(log.kafka[0].password_file, testing::EndsWith("secret"));
  EXPECT_EQ(log.kafka[1].password_file, "/etc/secret");
  std::vector<std::string> warnings;
  for (const Warning& warning : loaded.warnings) warnings.push_back(warning.what);
  EXPECT_THAT(warnings,
              testing::ElementsAre("the collector can't tell who we are without a certificate of ours",
                                   "PLAIN shows the password to everybody on the way"));
}

TEST(Load, ReadsEveryKeyOfASiitInstance) {
  const Loaded loaded = expect_good(
      "control: {socket: /tmp/y.sock}\nlog: {level: trace}\nuser: nobody\n" + kSiit +
      "    device: tun-dc\n    workers: 4\n    routes: auto\n    ipv4-routes: [198.51.100.0/24]\n    "
      "ipv6-routes: []\n"
      "    translator-ipv4: 198.51.100.1\n    translator-ipv6: 2001:db8::1\n    ipv4-mtu: 1480\n    "
      "ipv6-mtu: 9000\n"
      "    lowest-ipv6-mtu: 1500\n    traffic-class: 0\n    tos: 184\n    udp-zero-checksum: drop\n    "
      "mss-clamp: 1360\n"
      "    icmp-errors: off\n    icmp-error-rate: 7\n    untranslatable-icmpv6-source: pool\n"
      "    icmpv6-source-pool: [198.51.100.240/28]\n    node-identification: false\n"
      "    well-known-prefix-non-global: translate\n    mappings:\n"
      "      - {ipv4: 192.0.2.1, ipv6: '2001:db8:aaaa::'}\n      - {ipv4: 192.0.2.16/28, ipv6: "
      "'2001:db8:cccc::/124'}\n"
      "    mappings-files: [a.csv, /b.csv]\n    hairpinning: off\n    denylist-ipv4: [10.0.0.0/8]\n"
      "    denylist-ipv6: ['2001:db8:bad::/48']\n");
  ASSERT_EQ(loaded.settings.instances.size(), 1u);
  EXPECT_EQ(loaded.settings.control_socket, "/tmp/y.sock");
  EXPECT_EQ(loaded.settings.log_level, LogLevel::Trace);
  EXPECT_EQ(loaded.settings.user, "nobody");
  const InstanceSettings& i = loaded.settings.instances[0];
  EXPECT_EQ(i.device, "tun-dc");
  EXPECT_EQ(i.workers, 4);
  ASSERT_TRUE(i.ipv4_routes);
  EXPECT_EQ(i.ipv4_routes->at(0).to_string(), "198.51.100.0/24");
  EXPECT_TRUE(i.ipv6_routes && i.ipv6_routes->empty());
  EXPECT_EQ(i.translator_ipv4.to_string(), "198.51.100.1");
  EXPECT_EQ(i.translator_ipv6.to_string(), "2001:db8::1");
  EXPECT_EQ(i.ipv4_mtu, 1480);
  EXPECT_EQ(i.ipv6_mtu, 9000);
  EXPECT_EQ(i.lowest_ipv6_mtu, 1500);
  EXPECT_EQ(i.traffic_class, 0);
  EXPECT_EQ(i.tos, 184);
  EXPECT_EQ(i.udp_zero_checksum, UdpZeroChecksum::Drop);
  EXPECT_EQ(i.mss_clamp, (MssClamp{MssClamp::Mode::Bytes, 1360}));
  EXPECT_EQ(i.icmp_errors, IcmpErrors::Off);
  EXPECT_EQ(i.icmp_error_rate, 7u);
  EXPECT_EQ(i.untranslatable_icmpv6_source, UntranslatableIcmpv6Source::Pool);
  EXPECT_EQ(i.icmpv6_source_pool.at(0).to_string(), "198.51.100.240/28");
  EXPECT_FALSE(i.node_identification);
  EXPECT_EQ(i.well_known_prefix_non_global, WellKnownPrefixNonGlobal::Translate);
  ASSERT_EQ(i.mappings.size(), 2u);
  EXPECT_EQ(i.mappings[0].ipv4.to_string(), "192.0.2.1/32");
  EXPECT_EQ(i.mappings[0].ipv6.to_string(), "2001:db8:aaaa::/128");
  EXPECT_EQ(i.mappings_files, (std::vector<std::string>{"a.csv", "/b.csv"}));
  EXPECT_EQ(i.hairpinning, Hairpinning::Off);
  EXPECT_EQ(i.denylist_ipv4.at(0).to_string(), "10.0.0.0/8");
  EXPECT_EQ(i.denylist_ipv6.at(0).to_string(), "2001:db8:bad::/48");
}

TEST(Load, ReadsClatInstances) {
  const Loaded host = expect_good(kClat + "    clat-address: 2001:db8::464\n    neighbour-proxy: eth0\n");
  ASSERT_EQ(host.settings.instances.size(), 1u);
  const InstanceSettings& i = host.settings.instances[0];
  EXPECT_EQ(i.mechanism, Mechanism::Clat);
  EXPECT_TRUE(i.plat_prefix->is_well_known());
  EXPECT_EQ(i.clat_address->to_string(), "2001:db8::464");
  EXPECT_EQ(i.clat_ipv4.to_string(), "192.0.0.1");
  EXPECT_EQ(i.translator_ipv6.to_string(), "2001:db8::464");
  EXPECT_EQ(i.neighbour_proxy, "eth0");
  EXPECT_TRUE(i.default_route);
  EXPECT_EQ(i.well_known_prefix_non_global, WellKnownPrefixNonGlobal::Translate);

  const Loaded lan = expect_good(kClat + "    clat-prefix: 2001:db8:1::/96\n    default-route: false\n");
  ASSERT_EQ(lan.settings.instances.size(), 1u);
  EXPECT_EQ(lan.settings.instances[0].translator_ipv6.to_string(), "2001:db8:1::c000:8");
  EXPECT_FALSE(lan.settings.instances[0].default_route);
}

TEST(Load, DerivesTranslatorIpv6FromAMappingFirst) {
  const Loaded loaded = expect_good(kSiit +
                                    "    translator-ipv4: 198.51.100.1\n    mappings: [{ipv4: "
                                    "198.51.100.0/24, ipv6: '2001:db8:5::/64'}]\n");
  ASSERT_EQ(loaded.settings.instances.size(), 1u);
  EXPECT_EQ(loaded.settings.instances[0].translator_ipv6.to_string(), "2001:db8:5:0:100::");
}

std::string smallest(Mechanism mechanism) {
  const std::string tunnel =
      "instances:\n  - name: t\n    mechanism: " + std::string(to_string(mechanism)) + "\n";
  const std::string border = tunnel + "    br-addresses: ['2001:db8:ffff::1']\n";
  switch (mechanism) {
    case Mechanism::Siit: return kSiit;
    case Mechanism::Clat: return kClat + "    clat-address: 2001:db8::464\n";
    case Mechanism::MapEBr:
      return border +
             "    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16}]\n";
    case Mechanism::LwAftr:
    case Mechanism::FourOverSix: return border;
    case Mechanism::Ipip:
      return tunnel + "    local-address: 2001:db8:1::1\n    remote-address: 2001:db8:2::1\n" +
             "    customer-prefixes: [192.0.2.1]\n";
    case Mechanism::MapTBr:
      return tunnel + "    dmr: 2001:db8:ffff::/64\n" +
             "    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16}]\n";
    case Mechanism::Nat64:
      return tunnel + "    pref64: 2001:db8:64::/96\n    pools: [{addresses: 198.51.100.1}]\n";
    case Mechanism::DsLiteAftr:
      return tunnel + "    aftr-address: 2001:db8:2::1\n    pools: [{addresses: 198.51.100.1}]\n";
    case Mechanism::MapECe:
      return tunnel + "    end-user-prefix: 2001:db8:12:3400::/56\n    br-address: 2001:db8:ffff::1\n" +
             "    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16}]\n";
    case Mechanism::MapTCe:
      return tunnel + "    end-user-prefix: 2001:db8:12:3400::/56\n    dmr: 2001:db8:ffff::/64\n" +
             "    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16}]\n";
    case Mechanism::LwB4:
      return tunnel + "    b4-address: 2001:db8:1::1\n    aftr-address: 2001:db8:2::1\n" +
             "    ipv4-address: 192.0.2.18\n";
    case Mechanism::Slb64:
      return tunnel + "    pools: [{addresses: 198.51.100.1}]\n" +
             "    services: [{vip: '2001:db8::80', port: 80, servers: [{address: 192.0.2.10}]}]\n";
    case Mechanism::DsLiteB4:
      return tunnel + "    b4-address: 2001:db8:1::1\n    aftr-address: 2001:db8:2::1\n";
  }
  return {};
}

TEST(Load, TheSmallestConfigurationOfEachMechanism) {
  for (std::size_t i = 0; i < kMechanismCount; ++i) {
    const Loaded loaded = expect_good(smallest(static_cast<Mechanism>(i)));
    ASSERT_EQ(loaded.settings.instances.size(), 1u);
    EXPECT_EQ(loaded.settings.instances[0].mechanism, static_cast<Mechanism>(i));
  }
}

// The table of keys and the reader agree: a value of the wrong kind in any key is noticed.
TEST(Load, EveryKeyOfTheSchemaIsRead) {
  for (const KeySpec& key : schema()) {
    if (key.scope == Scope::Mapping || key.scope == Scope::Rule || key.scope == Scope::Softwire) continue;
    if (key.scope == Scope::Pool || key.scope == Scope::StaticBinding) continue;
    if (key.scope == Scope::Service || key.scope == Scope::Server || key.scope == Scope::Health) continue;
    const std::string bad = ": {no: {such: thing}}\n";
    const std::string name(key.name);
    for (std::size_t i = 0; i < kMechanismCount; ++i) {
      const auto mechanism = static_cast<Mechanism>(i);
      if (!key.belongs_to(mechanism)) continue;
      std::string text = smallest(mechanism);
      if (key.scope == Scope::Top) text = name + bad + (name == "instances" ? "" : text);
      if (key.scope == Scope::Control) text = "control: {" + name + ": {no: such}}\n" + text;
      if (key.scope == Scope::Log) text = "log: {" + name + ": {no: such}}\n" + text;
      if (key.scope == Scope::NatLog) text = "nat-log: {" + name + ": {no: such}}\n" + text;
      const auto in_list = [&](const std::string& list) {
        return "nat-log: {" + list + ": [{" + name + ": {no: such}}]}\n" + smallest(mechanism);
      };
      if (key.scope == Scope::SyslogServer) text = in_list("syslog");
      if (key.scope == Scope::IpfixCollector) text = in_list("ipfix");
      if (key.scope == Scope::KafkaCluster) text = in_list("kafka");
      if (key.scope == Scope::Instance) {
        if (const auto at = text.find(" " + name + ":"); at != std::string::npos)
          text.replace(at, text.find('\n', at) + 1 - at, " " + name + bad);
        else
          text += "    " + name + bad;
      }
      const auto loaded = parse(text);
      ASSERT_FALSE(loaded) << text;
      const bool is_named = std::ranges::any_of(loaded.error().errors, [&](const Diagnostic& error) {
        return error.what.find(name) != std::string::npos ||
               error.what.find("unknown key \"no\"") != std::string::npos;
      });
      EXPECT_TRUE(is_named) << text << loaded.error().to_string();
    }
  }
}

TEST(Load, ErrorsStandInTheOrderOfTheFile) {
  const auto loaded =
      parse("log: {level: loud}\nuser: -x\n" + kSiit + "    tos: 300\n    workers: 0\n    zzz: 1\n");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().errors.size(), 5u);
  EXPECT_TRUE(std::ranges::is_sorted(loaded.error().errors, {}, &Diagnostic::position));
}

struct WarningRow {
  std::string_view name;
  std::string text;
  std::string_view warning;
};

TEST(Load, Warns) {
  for (const WarningRow& row : std::initializer_list<WarningRow>{
           {"well-known prefix with a non-global translator",
            "instances:\n  - {name: a, mechanism: siit, pref64: '64:ff9b::/96'}\n",
            "t.yaml:2:40: warning: ICMPv6 errors would come from 64:ff9b::c000:8, a non-global address in "
            "the well-known prefix; "
            "add \"translator-ipv6:\" with an address of this router (RFC 6052 §3.1)"},
           {"overlapping mappings",
            kSiit + "    mappings:\n      - {ipv4: 192.0.2.0/24, ipv6: '2001:db8:a::/120'}\n      - {ipv4: "
                    "192.0.2.8/29, ipv6: '2001:db8:b::/125'}\n",
            "t.yaml:7:9: warning: 192.0.2.8/29 lies inside 192.0.2.0/24 in line 6; there and back may differ "
            "(RFC 7757 §5); fine if meant as an exception"},
           {"mapping inside of pref64",
            kSiit + "    mappings:\n      - {ipv4: 192.0.2.1, ipv6: '2001:db8:64::1'}\n",
            "t.yaml:6:7: warning: the mapping 192.0.2.1/32 - 2001:db8:64::1/128 lies inside of pref64 "
            "2001:db8:64::/96; "
            "mappings win over the prefix, so the embedded IPv4 addresses there are out of reach"},
           {"denied mapping",
            kSiit + "    denylist-ipv4: [192.0.2.0/24]\n    mappings:\n      - {ipv4: 192.0.2.1, ipv6: "
                    "'2001:db8:1::1'}\n",
            "t.yaml:7:7: warning: the mapping 192.0.2.1/32 - 2001:db8:1::1/128 is entirely denied; "
            "denylist-ipv4 and denylist-ipv6 win over mappings"},
           {"pool without use", kSiit + "    icmpv6-source-pool: [198.51.100.0/28]\n",
            "t.yaml:5:25: warning: icmpv6-source-pool is not used; add \"untranslatable-icmpv6-source: "
            "pool\""},
           {"multicast mapping",
            kSiit + "    mappings:\n      - {ipv4: 224.0.0.0/8, ipv6: '2001:db8:1::/64'}\n",
            "t.yaml:6:7: warning: the mapping 224.0.0.0/8 - 2001:db8:1::/64 has addresses that no packet may "
            "come from; packets from there are dropped as "
            "illegal-source"},
           {"MSS that cannot fit", kSiit + "    mss-clamp: 1500\n",
            "t.yaml:5:16: warning: an MSS of 1500 does not fit ipv4-mtu 1500 and ipv6-mtu 1500; write auto, "
            "or 1440 or less"},
       }) {
    const Loaded loaded = expect_good(row.text);
    ASSERT_EQ(loaded.warnings.size(), 1u) << row.name;
    EXPECT_EQ(loaded.warnings[0].to_string(), row.warning) << row.name;
  }
}

TEST(Load, ReadsAliases) {
  const Loaded loaded = expect_good(
      "instances:\n  - name: a\n    mechanism: siit\n    pref64: 2001:db8:1::/96\n    denylist-ipv4: "
      "&private [10.0.0.0/8]\n"
      "  - name: b\n    mechanism: siit\n    pref64: 2001:db8:2::/96\n    denylist-ipv4: *private\n");
  ASSERT_EQ(loaded.settings.instances.size(), 2u);
  EXPECT_EQ(loaded.settings.instances[1].denylist_ipv4, loaded.settings.instances[0].denylist_ipv4);
}

TEST(Load, SizeIsLimited) {
  const auto loaded = parse(kSiit + std::string(kSiit.size() + (16u << 20), '#'));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().to_string(),
            "t.yaml: the file has more than 16 MiB; put the mappings into CSV files and name them in "
            "mappings-files");
}

TEST(Settings, NeedingRestart) {
  const Settings running = expect_good(kSiit).settings;
  Settings wanted = running;
  EXPECT_TRUE(settings_needing_restart(running, wanted).empty());
  wanted.instances[0].ipv6_mtu = 1400;
  EXPECT_TRUE(settings_needing_restart(running, wanted).empty());
  wanted.instances[0].workers = 2;
  wanted.user = "nobody";
  wanted.offload_state = "/sys/fs/bpf/yonroku";
  EXPECT_EQ(settings_needing_restart(running, wanted),
            (std::vector<std::string>{"user", "offload-state", "instance dc: workers"}));
}

}  // namespace
}  // namespace yonroku::config
