// What the translator's fuzzer chooses besides the packet: a configuration, and what the device says about
// the packet. Read from the octets behind the packet's own length, so that a bare packet is an input too:
// everything is default.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "config/settings.h"
#include "control/snapshot_builder.h"
#include "packet/test_packets.h"

namespace yonroku::fuzz {

// Octets one after the other; zeros when they run out.
class Choices {
 public:
  explicit Choices(test::View octets) : octets_(octets) {}
  uint8_t next() { return at_ < octets_.size() ? octets_[at_++] : uint8_t{0}; }
  uint16_t next16() {
    const uint8_t high = next();
    return static_cast<uint16_t>(high << 8 | next());
  }
  template <class T, std::size_t kCount>
  T one_of(const T (&values)[kCount]) {
    return values[next() % kCount];
  }

 private:
  test::View octets_;
  std::size_t at_ = 0;
};

struct Base {
  config::InstanceSettings settings;
  std::shared_ptr<share::EamTable> table;
};

inline share::Pref64 pref64(const char* text) { return *share::Pref64::create(*Ipv6Prefix::parse(text)); }

inline Base make_base(config::Mechanism mechanism,
                      std::initializer_list<std::pair<const char*, const char*>> mappings,
                      void (*change)(config::InstanceSettings&)) {
  Base base;
  base.settings.name = "fuzz";
  base.settings.mechanism = mechanism;
  base.settings.translator_ipv4 = Ipv4Address(192, 0, 0, 8);
  base.settings.translator_ipv6 = *Ipv6Address::parse("2001:db8:64::c000:8");
  for (const auto& [ipv4, ipv6] : mappings)
    base.settings.mappings.push_back({*Ipv4Prefix::parse(ipv4), *Ipv6Prefix::parse(ipv6)});
  change(base.settings);
  auto table = control::build_eam_table(base.settings, 1);
  if (!table) std::abort();
  base.table = *table;
  return base;
}

// The golden corpus' configurations, more or less, so that its packets find their addresses mapped.
inline const std::vector<Base>& bases() {
  using config::InstanceSettings;
  using config::Mechanism;
  static const std::vector<Base> kAll = [] {
    std::vector<Base> made;
    made.push_back(make_base(Mechanism::Siit,
                             {{"192.0.2.80", "2001:db8:2::80"}, {"192.0.2.1", "2001:db8:3::1"}},
                             [](InstanceSettings& s) { s.pref64 = pref64("2001:db8:64::/96"); }));
    made.push_back(make_base(Mechanism::Siit,
                             {{"192.0.2.1", "2001:db8:aaaa::"},
                              {"192.0.2.2", "2001:db8:bbbb::b"},
                              {"192.0.2.16/28", "2001:db8:cccc::/124"},
                              {"192.0.2.128/26", "2001:db8:dddd::/64"},
                              {"192.0.2.192/29", "2001:db8:eeee:8::/62"},
                              {"192.0.2.224/31", "64:ff9b::/127"}},
                             [](InstanceSettings& s) {
                               s.pref64 = pref64("64:ff9b::/96");
                               s.well_known_prefix_non_global = config::WellKnownPrefixNonGlobal::Translate;
                             }));
    made.push_back(make_base(Mechanism::Clat, {}, [](InstanceSettings& s) {
      s.plat_prefix = pref64("64:ff9b::/96");
      s.clat_address = *Ipv6Address::parse("2001:db8::464");
      s.clat_ipv4 = Ipv4Address(192, 0, 0, 1);
      s.well_known_prefix_non_global = config::WellKnownPrefixNonGlobal::Translate;
    }));
    made.push_back(make_base(Mechanism::Clat, {}, [](InstanceSettings& s) {
      s.plat_prefix = pref64("2001:db8:1234::/96");
      s.clat_prefix = pref64("2001:db8:aaaa::/96");
    }));
    made.push_back(make_base(Mechanism::Siit,
                             {{"0.0.0.0/0", "2001:db8:ff00::/40"}, {"198.51.100.64", "2001:db8::abcd"}},
                             [](InstanceSettings&) {}));
    made.push_back(make_base(Mechanism::Siit, {{"192.0.2.80", "2001:db8:2::80"}}, [](InstanceSettings& s) {
      s.pref64 = pref64("2001:db8:100::/40");
      s.denylist_ipv4 = {*Ipv4Prefix::parse("10.0.0.0/8"), *Ipv4Prefix::parse("198.51.100.128/25")};
      s.denylist_ipv6 = {*Ipv6Prefix::parse("2001:db8:3::/48")};
      s.ipv4_routes = {*Ipv4Prefix::parse("192.0.2.0/24")};
    }));
    made.push_back(make_base(Mechanism::Siit, {}, [](InstanceSettings& s) { s.pref64 = pref64("::/96"); }));
    return made;
  }();
  return kAll;
}

struct Chosen {
  config::InstanceSettings settings;
  std::unique_ptr<engine::Snapshot> snapshot;
};

inline Chosen choose_configuration(Choices& choices) {
  const Base& base = bases()[choices.next() % bases().size()];
  Chosen chosen{base.settings, nullptr};
  config::InstanceSettings& settings = chosen.settings;
  settings.mappings = {};
  settings.ipv4_mtu = choices.one_of<uint16_t>({1500, 1480, 1280, 576, 68, 9000, 65535, 604});
  settings.ipv6_mtu = choices.one_of<uint16_t>({1500, 1280, 1400, 9000, 65535});
  settings.lowest_ipv6_mtu = std::min(settings.ipv6_mtu, choices.one_of<uint16_t>({1280, 65535, 1300}));
  const uint8_t flags = choices.next();
  if ((flags & 1) != 0) settings.traffic_class = uint8_t{0};
  if ((flags & 2) != 0) settings.tos = uint8_t{0x28};
  if ((flags & 4) != 0) settings.udp_zero_checksum = config::UdpZeroChecksum::Drop;
  if ((flags & 8) != 0) settings.node_identification = false;
  if ((flags & 16) != 0) settings.icmp_errors = config::IcmpErrors::Off;
  if ((flags & 32) != 0) settings.mss_clamp = {config::MssClamp::Mode::Bytes, 1220};
  settings.hairpinning = choices.one_of<config::Hairpinning>(
      {config::Hairpinning::Intrinsic, config::Hairpinning::Simple, config::Hairpinning::Off});
  settings.untranslatable_icmpv6_source = choices.one_of<config::UntranslatableIcmpv6Source>(
      {config::UntranslatableIcmpv6Source::Dummy, config::UntranslatableIcmpv6Source::Pool,
       config::UntranslatableIcmpv6Source::Drop});
  settings.icmpv6_source_pool = {*Ipv4Prefix::parse("198.51.100.240/28")};
  chosen.snapshot = control::build_snapshot(settings, {base.table});
  return chosen;
}

// The octets to be translated, and what the device says about them. Headers' checksums are made right when
// that is chosen, since chance alone never does it.
struct Input {
  test::Octets octets;
  Offload offload;
};

inline Input choose_input(test::View packet, Choices& choices, bool mend) {
  Input input{{packet.begin(), packet.end()}, {}};
  const uint8_t device = choices.next();
  const uint16_t segment_size = choices.next16();
  const auto seen = test::see(input.octets);
  if (seen && mend) {
    if (seen->version == 4) test::set_header_checksum(input.octets);
    if (!seen->is_fragment() && (device & 0x80) == 0) test::set_transport_checksum(input.octets);
  }
  if ((device & 1) != 0) {
    input.offload.partial_checksum = true;
    if (seen && (device & 2) == 0) {
      // As the kernel does it.
      if (!seen->is_fragment()) test::set_partial_checksum(input.octets);
      input.offload.checksum_start = static_cast<uint16_t>(seen->transport);
      input.offload.checksum_offset = seen->protocol == test::kTcp   ? 16
                                      : seen->protocol == test::kUdp ? 6
                                                                     : 2;
    } else {
      // As decode() lets it pass: inside of the packet.
      input.offload.checksum_start = choices.next16();
      input.offload.checksum_offset = choices.next16();
      if (input.offload.checksum_start + input.offload.checksum_offset + 2u > input.octets.size())
        input.offload.partial_checksum = false;
    }
  }
  if ((device & 4) != 0 && segment_size > 0) {
    const bool is_udp = seen && seen->protocol == test::kUdp;
    input.offload.segment_size = segment_size;
    input.offload.segmentation = (device & 8) != 0 ? static_cast<Offload::Segmentation>(1 + device / 16 % 3)
                                 : is_udp          ? Offload::Segmentation::Udp
                                 : seen && seen->version == 4 ? Offload::Segmentation::TcpIpv4
                                                              : Offload::Segmentation::TcpIpv6;
  }
  // The kernel leaves no checksum to us over a packet with padding.
  for (unsigned padding = input.offload.partial_checksum ? 0 : device >> 4 & 3; padding > 0; --padding)
    input.octets.push_back(choices.next());
  return input;
}

}  // namespace yonroku::fuzz
