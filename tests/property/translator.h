// A translator in memory, and random packets for it. Seeds are fixed: every run sees the same packets.
#pragma once

#include <memory>
#include <vector>

#include "base/random_source.h"
#include "config/settings.h"
#include "control/snapshot_builder.h"
#include "engine/pipeline.h"
#include "packet/test_packets.h"

namespace yonroku::property {

struct Result {
  engine::Pipeline::Outcome outcome;
  std::vector<test::Octets> packets;
  std::vector<Offload> offloads;
  test::Octets left;  // what the input's buffer holds afterwards

  [[nodiscard]] bool is_dropped() const { return outcome.verdict.action == Verdict::Action::Drop; }
};

inline config::InstanceSettings settings() {
  config::InstanceSettings settings;
  settings.name = "property";
  settings.pref64 = share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
  settings.translator_ipv4 = Ipv4Address(192, 0, 0, 8);
  settings.translator_ipv6 = *Ipv6Address::parse("2001:db8:64::c000:8");
  settings.mappings = {{*Ipv4Prefix::parse("192.0.2.80"), *Ipv6Prefix::parse("2001:db8:2::80")},
                       {*Ipv4Prefix::parse("198.51.100.0/24"), *Ipv6Prefix::parse("2001:db8:100::/120")}};
  settings.icmp_error_rate = UINT32_MAX;
  return settings;
}

class Translator {
 public:
  explicit Translator(const config::InstanceSettings& settings, uint64_t seed = 0)
      : snapshot_(control::build_snapshot(settings, *control::build_tables(settings, 1))),
        pipeline_(seed),
        buffer_(engine::Pipeline::kHeadroom + engine::Pipeline::kLargestPacket) {}

  Result operator()(const test::Octets& input, const Offload& offload = {}) {
    Packet packet(buffer_, engine::Pipeline::kHeadroom, input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
    packet.offload = offload;
    Result result;
    result.outcome = pipeline_.process(*snapshot_, std::get<mechanism::Siit>(snapshot_->mechanism), packet,
                                       Instant::from_nanoseconds(1'000'000'000), [&](const Packet& out) {
                                         const auto octets = test::octets_of(out.bytes());
                                         result.packets.emplace_back(octets.begin(), octets.end());
                                         result.offloads.push_back(out.offload);
                                       });
    const auto left = test::octets_of(packet.bytes());
    result.left.assign(left.begin(), left.end());
    return result;
  }
  [[nodiscard]] const observe::Counters& counters() const { return pipeline_.counters(); }
  // Packets that ended in a counter: translated or dropped.
  [[nodiscard]] uint64_t counted() const {
    uint64_t sum = 0;
    for (const auto& reason : counters().dropped) sum += reason.value();
    for (const auto& direction : counters().translated)
      for (const auto& flow : direction) sum += flow.packets.value();
    return sum;
  }

 private:
  std::unique_ptr<engine::Snapshot> snapshot_;
  engine::Pipeline pipeline_;
  std::vector<std::byte> buffer_;
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t bound) { return random_.below(bound); }
  uint8_t octet() { return static_cast<uint8_t>(random_.next()); }
  test::Octets octets(std::size_t size) {
    test::Octets data(size);
    for (std::size_t i = 0; i < size; i += 8) {
      const uint64_t eight = random_.next();
      for (std::size_t j = i; j < std::min(size, i + 8); ++j)
        data[j] = static_cast<uint8_t>(eight >> 8 * (j - i));
    }
    return data;
  }
  // Mostly small, sometimes up to `most`.
  std::size_t size(std::size_t most) { return below(8) == 0 ? below(most + 1) : below(65); }

  // A TCP, UDP, echo or other segment whose checksum is to be put by ipv4() or ipv6(); sets the protocol.
  test::Octets segment(bool is_ipv4, uint8_t& protocol, std::size_t most = 1200) {
    switch (below(4)) {
      case 0:
        protocol = test::kTcp;
        return test::tcp(octets(size(most)), static_cast<uint8_t>(below(64) & ~2u),
                         static_cast<uint32_t>(random_.next()), octets(below(3) * 4));
      case 1:
        protocol = test::kUdp;
        return test::udp(octets(size(most)), static_cast<uint16_t>(random_.next()),
                         static_cast<uint16_t>(random_.next()));
      case 2:
        protocol = is_ipv4 ? test::kIcmp : test::kIcmpv6;
        return test::icmp(static_cast<uint8_t>(is_ipv4 ? below(2) * 8 : 128 + below(2)), 0,
                          static_cast<uint32_t>(random_.next()), octets(size(most)));
      default:
        protocol = 50;  // ESP: opaque
        return octets(8 + size(most));
    }
  }
  // From an IPv4 host anywhere to a mapped one.
  // At most 1260 octets: never fragmented, never too big.
  test::Octets ipv4_packet(std::size_t most = 1200) {
    test::Ipv4Spec spec;
    const test::Octets data = segment(true, spec.protocol, most);
    spec.source = test::address4(static_cast<uint8_t>(1 + below(100)), octet(), octet(), octet());
    if (below(2) == 0) spec.destination = test::address4(198, 51, 100, octet());
    spec.tos = octet();
    spec.ttl = static_cast<uint8_t>(3 + below(253));
    spec.identification = static_cast<uint16_t>(random_.next());
    spec.flags_and_offset = below(2) == 0 ? test::kDf : 0;
    return test::ipv4(spec, data);
  }
  test::Octets ipv6_packet(std::size_t most = 1200) {
    test::Ipv6Spec spec;
    const test::Octets data = segment(false, spec.next_header, most);
    if (below(2) == 0)
      spec.source = test::address6({0x2001, 0xdb8, 0x100}, static_cast<uint32_t>(1 + below(255)));
    spec.destination =
        test::address6({0x2001, 0xdb8, 0x64}, static_cast<uint32_t>((1 + below(100)) << 24 | below(1 << 24)));
    spec.traffic_class = octet();
    spec.hop_limit = static_cast<uint8_t>(3 + below(253));
    spec.flow_label = static_cast<uint32_t>(below(1 << 20));
    return test::ipv6(spec, data);
  }

 private:
  RandomSource random_;
};

}  // namespace yonroku::property
