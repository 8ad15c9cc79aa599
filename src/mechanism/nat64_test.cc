#include "mechanism/nat64.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "carry/translate/translate.h"

namespace yonroku::mechanism {
namespace {

constexpr Ipv4Address kServer(203, 0, 113, 7);
const Ipv6Prefix kPrefix = Ipv6Prefix::holding({0x20010db800640000, 0}, 96);

Nat64 nat64(uint8_t pool_length, share::PortAllocation allocation = share::PortAllocation::Dynamic) {
  Nat64Settings settings(*share::Pref64::create(kPrefix));
  settings.nat.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), pool_length)}, 1024, 65535}};
  settings.nat.max_sessions = 10'000;
  settings.nat.allocation = allocation;
  settings.nat.block_size = 500;
  settings.nat.static_bindings = {
      {share::NatProtocol::Udp, {0x20010db800000000, 3}, {}, 53, Ipv4Address(192, 0, 2, 0), 5353}};
  return Nat64(settings);
}

std::vector<std::byte> outbound(const Ipv6Address& host, uint16_t port) {
  std::vector<std::byte> packet(sizeof(Ipv6Header) + sizeof(UdpHeader) + 8);
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  header.set_version_and_class(0);
  header.payload_length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv6Header)));
  header.next_header = IpProtocol::Udp;
  header.hop_limit = 64;
  header.set_source(host);
  header.set_destination({kPrefix.address().high(), kServer.value()});
  auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv6Header));
  udp.source_port = be16::from_host(port);
  udp.destination_port = be16::from_host(53);
  udp.length = be16::from_host(16);
  udp.checksum = be16::from_host(1);
  return packet;
}

std::vector<std::byte> inbound(const share::Ipv4Endpoint& outside) {
  std::vector<std::byte> packet(sizeof(Ipv4Header) + sizeof(UdpHeader) + 8);
  carry::Ipv4Fields fields;
  fields.addresses = {kServer, outside.address, {}};
  fields.ttl = 64;
  fields.protocol = IpProtocol::Udp;
  fields.total_length = static_cast<uint16_t>(packet.size());
  carry::write_ipv4_header(packet.data(), fields);
  auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv4Header));
  udp.source_port = be16::from_host(53);
  udp.destination_port = be16::from_host(outside.port);
  udp.length = be16::from_host(16);
  udp.checksum = be16::from_host(1);
  return packet;
}

// Several workers of one instance. Packets come to any of them, and are handed over as the engine would.
class Workers {
 public:
  Workers(const Nat64& mechanism, uint16_t count) : mechanism_(mechanism) {
    for (uint16_t i = 0; i < count; ++i) {
      states_.push_back(std::make_unique<WorkerState>(1000u + i, i, count));
      mechanism_.prepare(*states_.back());
    }
  }
  // The packet that results, empty when it was dropped. Handed over once at most.
  std::vector<std::byte> process(uint16_t worker, const std::vector<std::byte>& octets) {
    std::vector<std::byte> buffer(128 + octets.size() + 64);
    std::copy(octets.begin(), octets.end(), buffer.begin() + 128);
    Packet packet(buffer, 128, octets.size());
    Verdict verdict = mechanism_.process(packet, *states_[worker]);
    if (verdict.action == Verdict::Action::HandOver) {
      ++handed_over;
      verdict = mechanism_.process(packet, *states_[verdict.detail]);
    }
    EXPECT_NE(verdict.action, Verdict::Action::HandOver);
    if (verdict.action == Verdict::Action::Drop) return {};
    return {packet.data(), packet.data() + packet.size()};
  }
  int handed_over = 0;

 private:
  const Nat64& mechanism_;
  std::vector<std::unique_ptr<WorkerState>> states_;
};

TEST(Nat64, ReturnsFindTheirSessionWhicheverWorkerReceivesThem) {
  for (const auto allocation : {share::PortAllocation::Dynamic, share::PortAllocation::Blocks}) {
    const Nat64 mechanism = nat64(30, allocation);
    constexpr uint16_t kWorkers = 3;
    Workers workers(mechanism, kWorkers);
    std::set<std::pair<uint32_t, uint16_t>> outside_endpoints;
    for (uint64_t i = 0; i < 300; ++i) {
      const Ipv6Address host{0x20010db800000000, 100 + i / 4};
      const auto port = static_cast<uint16_t>(2000 + i % 4);
      const auto out = workers.process(static_cast<uint16_t>(i % kWorkers), outbound(host, port));
      ASSERT_FALSE(out.empty()) << i;
      const auto& ip = *reinterpret_cast<const Ipv4Header*>(out.data());
      const auto& udp = *reinterpret_cast<const UdpHeader*>(out.data() + sizeof(Ipv4Header));
      const share::Ipv4Endpoint outside{ip.source(), udp.source_port.host()};
      EXPECT_TRUE(outside_endpoints.insert({outside.address.value(), outside.port}).second) << i;
      for (uint16_t worker = 0; worker < kWorkers; ++worker) {
        const auto back = workers.process(worker, inbound(outside));
        ASSERT_FALSE(back.empty()) << i;
        EXPECT_EQ(reinterpret_cast<const Ipv6Header*>(back.data())->destination(), host);
      }
    }
    EXPECT_GT(workers.handed_over, 300);
  }
}

TEST(Nat64, AStaticBindingBelongsToItsHostsWorker) {
  const Nat64 mechanism = nat64(30);
  Workers workers(mechanism, 4);
  for (uint16_t worker = 0; worker < 4; ++worker) {
    const auto in = workers.process(worker, inbound({Ipv4Address(192, 0, 2, 0), 5353}));
    ASSERT_FALSE(in.empty());
    const auto& udp = *reinterpret_cast<const UdpHeader*>(in.data() + sizeof(Ipv6Header));
    EXPECT_EQ(udp.destination_port.host(), 53);
    const auto out = workers.process(worker, outbound({0x20010db800000000, 3}, 53));
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(reinterpret_cast<const UdpHeader*>(out.data() + sizeof(Ipv4Header))->source_port.host(), 5353);
  }
}

}  // namespace
}  // namespace yonroku::mechanism
