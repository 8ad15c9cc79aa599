#include "config/nat_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "config/nat_pools.h"

namespace yonroku::config {
namespace {

using share::Dependence;
using share::NatProtocol;
using share::PortAllocation;

const std::string kPlat = "instances:\n  - name: plat\n    mechanism: nat64\n    pref64: 2001:db8:64::/96\n";
const std::string kNat64 = kPlat + "    pools: [{addresses: 198.51.100.0/28}]\n";

Loaded expect_good(const std::string& text) {
  auto loaded = parse_config(text, "t.yaml", ".", MappingsFiles::Skip);
  if (!loaded) {
    ADD_FAILURE() << text << loaded.error().to_string();
    return {};
  }
  return *std::move(loaded);
}

InstanceSettings instance_of(const std::string& text) {
  Loaded loaded = expect_good(text);
  if (loaded.settings.instances.size() != 1) return {};
  for (const Warning& warning : loaded.warnings) ADD_FAILURE() << warning.to_string();
  return std::move(loaded.settings.instances[0]);
}

// The defaults of schema.yaml are those of nat_settings.h.
TEST(ReadNat, FillsInTheDefaults) {
  const InstanceSettings i = instance_of(kNat64);
  EXPECT_EQ(i.mechanism, Mechanism::Nat64);
  EXPECT_TRUE(translates(i.mechanism));
  EXPECT_FALSE(has_rules(i.mechanism));
  EXPECT_EQ(i.pref64->prefix().to_string(), "2001:db8:64::/96");
  EXPECT_EQ(i.translator_ipv6.to_string(), "2001:db8:64::c000:8");
  EXPECT_EQ(i.well_known_prefix_non_global, WellKnownPrefixNonGlobal::Drop);
  EXPECT_TRUE(i.hairpin);
  share::NatSettings defaults;
  defaults.pools = {{.addresses = {*Ipv4Prefix::parse("198.51.100.0/28")}}};
  EXPECT_EQ(i.nat, defaults);
  EXPECT_EQ(i.nat.pools[0].first_port, 1024);
  EXPECT_EQ(i.nat.pools[0].last_port, 65535);
}

TEST(ReadNat, ReadsEveryKey) {
  const InstanceSettings i = instance_of(
      kPlat +
      "    pools:\n      - addresses: [198.51.100.0/28, 198.51.100.64]\n        ports: 2048-65535\n"
      "      - {addresses: 203.0.113.0/24, ports: 1-65024}\n"
      "    filtering: address-and-port-dependent\n    port-allocation: blocks\n    port-block-size: 512\n"
      "    port-blocks-per-subscriber: 8\n    port-block-rest-time: 0\n    port-rest-time: 86400\n"
      "    port-parity: keep\n    port-range: ignore\n    port-contiguity: keep\n"
      "    when-exhausted: reuse-by-destination\n    udp-timeout: 120\n    tcp-established-timeout: 86400\n"
      "    tcp-opening-timeout: 30\n    tcp-closing-timeout: 241\n    tcp-incoming-syn-timeout: 7\n"
      "    icmp-timeout: 61\n    subscriber-prefix-length: 56\n    ports-per-subscriber: 4000\n"
      "    sessions-per-subscriber: 5000\n    new-sessions-per-second: 100\n    max-sessions: 5000000\n"
      "    offload-after: 255\n    hairpin: false\n    static-bindings:\n"
      "      - {protocol: tcp, inside: '2001:db8:1::80', inside-port: 8443, outside: 198.51.100.2, "
      "outside-port: 443}\n"
      "      - {protocol: icmp, inside: '2001:db8:1::80', inside-port: 0, outside: 198.51.100.64, "
      "outside-port: 0}\n");
  const share::NatSettings& nat = i.nat;
  ASSERT_EQ(nat.pools.size(), 2u);
  EXPECT_EQ(nat.pools[0].addresses,
            (std::vector{*Ipv4Prefix::parse("198.51.100.0/28"), *Ipv4Prefix::parse("198.51.100.64")}));
  EXPECT_EQ(nat.pools[0].first_port, 2048);
  EXPECT_EQ(nat.pools[1].first_port, 1);
  EXPECT_EQ(nat.pools[1].last_port, 65024);
  EXPECT_EQ(nat.mapping, Dependence::EndpointIndependent);
  EXPECT_EQ(nat.filtering, Dependence::AddressAndPortDependent);
  EXPECT_EQ(nat.allocation, PortAllocation::Blocks);
  EXPECT_EQ(nat.block_size, 512);
  EXPECT_EQ(nat.blocks_per_subscriber, 8);
  EXPECT_EQ(nat.block_rest, 0u);
  EXPECT_EQ(nat.port_rest, 86400u);
  EXPECT_TRUE(nat.keep_parity);
  EXPECT_FALSE(nat.keep_range);
  EXPECT_TRUE(nat.keep_contiguity);
  EXPECT_EQ(nat.when_exhausted, share::WhenExhausted::ReuseByDestination);
  EXPECT_EQ(nat.timeouts, (share::NatTimeouts{.udp = 120,
                                              .tcp_established = 86400,
                                              .tcp_opening = 30,
                                              .tcp_closing = 241,
                                              .tcp_incoming_syn = 7,
                                              .icmp = 61}));
  EXPECT_EQ(nat.subscriber_prefix_length, 56);
  EXPECT_EQ(nat.ports_per_subscriber, 4000u);
  EXPECT_EQ(nat.sessions_per_subscriber, 5000u);
  EXPECT_EQ(nat.new_sessions_per_second, 100u);
  EXPECT_EQ(nat.max_sessions, 5'000'000u);
  EXPECT_EQ(nat.offload_after, 255);
  EXPECT_FALSE(i.hairpin);
  ASSERT_EQ(nat.static_bindings.size(), 2u);
  EXPECT_EQ(nat.static_bindings[0], (share::StaticBinding{.protocol = NatProtocol::Tcp,
                                                          .inside = *Ipv6Address::parse("2001:db8:1::80"),
                                                          .inside_ipv4 = {},
                                                          .inside_port = 8443,
                                                          .outside = Ipv4Address(198, 51, 100, 2),
                                                          .outside_port = 443}));
  EXPECT_EQ(nat.static_bindings[1].protocol, NatProtocol::Icmp);
}

TEST(ReadNat, DeterministicAllocationCountsItsSubscribers) {
  const std::string pool = kPlat +
                           "    pools: [{addresses: 198.51.100.0/28}]\n    port-allocation: deterministic\n"
                           "    port-block-size: 1008\n    subscriber-prefix-length: 56\n";  // 16 * 64 blocks
  const InstanceSettings i = instance_of(pool + "    subscribers: ['2001:db8:1000::/46']\n");
  EXPECT_EQ(i.nat.allocation, PortAllocation::Deterministic);
  EXPECT_EQ(i.nat.subscribers, std::vector{*Ipv6Prefix::parse("2001:db8:1000::/46")});
  const auto refused =
      parse_config(pool + "    subscribers: ['2001:db8:1000::/46', '2001:db8:2000::/56']\n", "t.yaml", ".");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().to_string(),
            "t.yaml:9:18: the pools have 1024 blocks of 1008 ports for 1025 subscribers; add addresses, make "
            "port-block-size smaller, or check subscriber-prefix-length (RFC 7422 §2)");
}

struct WarningRow {
  std::string_view key;
  std::string_view warning;  // behind "t.yaml:"
};

TEST(ReadNat, Warns) {
  for (
      const WarningRow& row : std::initializer_list<WarningRow>{
          {"udp-timeout: 119",
           "6:18: warning: udp-timeout: 119 seconds cut off what is still in use; write 120 or more (RFC "
           "4787 §4.3, REQ-5)"},
          {"tcp-established-timeout: 7439",
           "6:30: warning: tcp-established-timeout: 7439 seconds cut off what is still in use; write 7440 or "
           "more (RFC 5382 §5, REQ-5)"},
          {"tcp-closing-timeout: 239",
           "6:26: warning: tcp-closing-timeout: 239 seconds cut off what is still in use; write 240 or more "
           "(RFC 5382 §5, REQ-5, and RFC 7857 §2.1)"},
          {"icmp-timeout: 59",
           "6:19: warning: icmp-timeout: 59 seconds cut off what is still in use; write 60 or more (RFC 5508 "
           "§3.2, REQ-2)"},
          {"mapping: address-dependent",
           "6:14: warning: mapping: hosts cannot learn the address and port that others reach them by; leave "
           "it out for endpoint-independent (RFC 4787 §4.1, REQ-1)"},
          {"sessions-per-subscriber: 1000001",
           "6:30: warning: sessions-per-subscriber: 1000001 are more than max-sessions, 1000000; one "
           "subscriber could take all; lower it"},
          {"{port-allocation: blocks, port-block-size: 4096}",
           "7:22: warning: the pool's ports 1024-65535 are 15 blocks of 4096 and 3072 ports that nobody "
           "gets; port-block-size 4032 would divide them"},
      }) {
    std::string keys(row.key);
    if (keys.starts_with('{')) {  // two keys, the second of which is complained about
      keys = keys.substr(1, keys.size() - 2);
      keys.replace(keys.find(", "), 2, "\n    ");
    }
    const Loaded loaded = expect_good(kNat64 + "    " + keys + "\n");
    ASSERT_EQ(loaded.warnings.size(), 1u) << row.key;
    EXPECT_EQ(loaded.warnings[0].to_string(), "t.yaml:" + std::string(row.warning)) << row.key;
  }
}

TEST(ReadNat, NeedsARestartForWhatItsMemoryHangsOn) {
  const Settings running = expect_good(kNat64).settings;
  Settings wanted = running;
  wanted.instances[0].nat.timeouts.udp = 400;
  wanted.instances[0].nat.pools[0].last_port = 60000;
  EXPECT_TRUE(settings_needing_restart(running, wanted).empty());
  wanted.instances[0].nat.max_sessions = 2'000'000;
  wanted.instances[0].nat.block_size = 512;
  wanted.instances[0].nat.allocation = PortAllocation::Blocks;
  EXPECT_EQ(settings_needing_restart(running, wanted),
            (std::vector<std::string>{"instance plat: port-allocation", "instance plat: port-block-size",
                                      "instance plat: max-sessions"}));
  wanted.instances[0].mechanism = Mechanism::Siit;
  EXPECT_EQ(settings_needing_restart(running, wanted), std::vector<std::string>{"instance plat: mechanism"});
}

TEST(NatPools, FindOverlaps) {
  const std::vector<Ipv4Prefix> prefixes = {
      *Ipv4Prefix::parse("192.0.2.128/25"), *Ipv4Prefix::parse("192.0.2.0/25"),
      *Ipv4Prefix::parse("192.0.2.7"),      *Ipv4Prefix::parse("192.0.2.130/31"),
      *Ipv4Prefix::parse("192.0.2.131"),    *Ipv4Prefix::parse("192.0.2.0/25")};
  const auto pairs = find_overlaps(prefixes);
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[0].inner, 5u);  // the same prefix again
  EXPECT_EQ(pairs[0].outer, 1u);
  EXPECT_EQ(pairs[1].inner, 2u);
  EXPECT_EQ(pairs[1].outer, 1u);
  EXPECT_EQ(pairs[2].inner, 3u);
  EXPECT_EQ(pairs[3].inner, 4u);
  EXPECT_EQ(pairs[3].outer, 0u);
  EXPECT_TRUE(find_overlaps(std::span(prefixes).first(2)).empty());
}

TEST(NatPools, CountAndShare) {
  const auto pools = [](std::initializer_list<const char*> prefixes) {
    share::NatPool pool;
    for (const char* prefix : prefixes) pool.addresses.push_back(*Ipv4Prefix::parse(prefix));
    return std::vector{pool};
  };
  EXPECT_EQ(count_addresses(pools({"192.0.2.0/24", "198.51.100.1"})), 257u);
  EXPECT_EQ(count_addresses(pools({"0.0.0.0/0"})), uint64_t{1} << 32);
  EXPECT_FALSE(first_shared_prefix(pools({"192.0.2.0/25"}), pools({"192.0.2.128/25"})));
  EXPECT_FALSE(first_shared_prefix({}, pools({"192.0.2.128/25"})));
  EXPECT_EQ(first_shared_prefix(pools({"198.51.100.1", "192.0.2.9"}), pools({"192.0.2.0/24"})),
            Ipv4Prefix::parse("192.0.2.9"));
}

}  // namespace
}  // namespace yonroku::config
