// Nanoseconds for one packet into and out of a tunnel in memory, without any device, by the number of
// softwires; and through the border relay of MAP-T, by the number of rules. The inner packets are UDP with 36
// octets of payload; destinations and ports are drawn at random over the whole table.
//
// The packet is restored from a copy before each pass; BM_CopyOnly of translate_bench times the copy alone.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "base/random_source.h"
#include "carry/translate/translate.h"
#include "config/settings.h"
#include "control/snapshot_builder.h"
#include "engine/pipeline.h"
#include "io/huge_pages.h"

namespace yonroku {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kStride = 65'792;  // as far apart as a worker's buffers
constexpr Ipv4Address kFirst(100, 64, 0, 0);
constexpr Ipv6Address kBorder(0x2001'0db8'ffff'0000, 1);
constexpr Ipv4Address kServer(203, 0, 113, 7);
constexpr uint8_t kPsidLength = 6;  // 64 customers share an address, 1024 ports each

struct Customer {
  Ipv4Address address;
  uint16_t port;
  Ipv6Address b4;
};

share::MapRule softwire(uint64_t index) {
  const Ipv4Address address(kFirst.value() + static_cast<uint32_t>(index >> kPsidLength));
  const auto psid = static_cast<uint16_t>(index & ((1u << kPsidLength) - 1));
  const Ipv6Address b4(0x2001'0db8'0001'0000 | (index * 0x9e3779b9 & 0xffff), index * 0x9e3779b97f4a7c15);
  return *share::MapRule::create({.ipv6 = Ipv6Prefix::holding(b4, 128),
                                  .ipv4 = Ipv4Prefix::holding(address, 32),
                                  .given_psid_length = kPsidLength,
                                  .given_psid = psid});
}

const engine::Snapshot& snapshot_of(std::size_t softwires) {
  static std::map<std::size_t, std::unique_ptr<engine::Snapshot>> made;
  auto& snapshot = made[softwires];
  if (snapshot) return *snapshot;
  made.clear();  // one large table at a time
  control::Tables tables;
  tables.eam = std::make_shared<share::EamTable>(1);
  tables.rules = std::make_shared<share::MapRuleTable>(share::MapRuleTable::Index::Ipv4Only, 0x5eed,
                                                       io::huge_page_memory());
  tables.path_mtus = std::make_shared<carry::PathMtuTable>();
  tables.rules->reserve(softwires);
  for (std::size_t i = 0; i < softwires; ++i) (void)tables.rules->add(softwire(i));
  config::InstanceSettings settings;
  settings.name = "bench";
  settings.mechanism = config::Mechanism::LwAftr;
  settings.local_addresses = {kBorder};
  auto& fresh = made[softwires];
  fresh = control::build_snapshot(settings, std::move(tables));
  return *fresh;
}

Customer customer(uint64_t index, RandomSource& random) {
  const share::MapRule rule = softwire(index);
  const auto ports = *share::PortSet::create(rule.ports(), rule.parts().given_psid);
  return {rule.ipv4().address(),
          static_cast<uint16_t>(ports.range(0).first + random.below(ports.range_size())),
          rule.ipv6().address()};
}

std::vector<std::byte> inner_packet(Ipv4Address source, uint16_t source_port, Ipv4Address destination,
                                    uint16_t destination_port) {
  std::vector<std::byte> packet(sizeof(Ipv4Header) + sizeof(UdpHeader) + 36);
  carry::Ipv4Fields fields;
  fields.addresses = {source, destination};
  fields.ttl = 64;
  fields.protocol = IpProtocol::Udp;
  fields.total_length = static_cast<uint16_t>(packet.size());
  carry::write_ipv4_header(packet.data(), fields);
  auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv4Header));
  udp.source_port = be16::from_host(source_port);
  udp.destination_port = be16::from_host(destination_port);
  udp.length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv4Header)));
  return packet;
}

std::vector<std::byte> outer_packet(const std::vector<std::byte>& inner, const Ipv6Address& source) {
  std::vector<std::byte> packet(sizeof(Ipv6Header) + inner.size());
  std::memcpy(packet.data() + sizeof(Ipv6Header), inner.data(), inner.size());
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  header.set_version_and_class(0);
  header.payload_length = be16::from_host(static_cast<uint16_t>(inner.size()));
  header.next_header = IpProtocol::Ipv4;
  header.hop_limit = 64;
  header.set_source(source);
  header.set_destination(kBorder);
  return packet;
}

// Batches of these packets, over and over.
template <class Mechanism>
void measure(benchmark::State& state, const engine::Snapshot& snapshot,
             const std::vector<std::vector<std::byte>>& originals) {
  const auto& mechanism = std::get<Mechanism>(snapshot.mechanism);
  engine::Pipeline pipeline(1);
  std::pmr::vector<std::byte> buffers(kBatch * kStride, io::huge_page_memory());
  std::array<Packet, kBatch> packets;
  std::size_t next = 0;
  uint64_t sent = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      const auto& bytes = originals[next + i];
      packets[i] = Packet(std::span<std::byte>(buffers).subspan(i * kStride, kStride),
                          engine::Pipeline::kHeadroom, bytes.size());
      std::memcpy(packets[i].data(), bytes.data(), bytes.size());
    }
    next = (next + kBatch) % originals.size();
    for (const Packet& packet : packets) mechanism.prefetch(packet.bytes());
    for (Packet& packet : packets)
      pipeline.forward(snapshot, mechanism, packet, Instant(),
                       [&](const Packet& result) { sent += result.size(); });
  }
  benchmark::DoNotOptimize(sent);
  const auto done = static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(kBatch);
  state.SetItemsProcessed(done);
  state.counters["ns/packet"] = benchmark::Counter(static_cast<double>(done) * 1e-9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["octets/softwire"] =
      static_cast<double>(snapshot.rules->memory_size()) / static_cast<double>(state.range(0));
  uint64_t dropped = 0;
  for (const auto& reason : pipeline.counters().dropped) dropped += reason.value();
  if (dropped > 0 || sent == 0) state.SkipWithError("packets were dropped");
}

void run(benchmark::State& state, bool into_tunnel) {
  const auto softwires = static_cast<std::size_t>(state.range(0));
  const engine::Snapshot& snapshot = snapshot_of(softwires);
  RandomSource random(7);
  // Enough different packets that their table entries do not stay in the cache.
  const std::size_t count =
      std::max<std::size_t>(kBatch, std::min<std::size_t>(softwires, 1 << 17) / kBatch * kBatch);
  std::vector<std::vector<std::byte>> originals;
  for (std::size_t i = 0; i < count; ++i) {
    const Customer who = customer(random.below(softwires), random);
    originals.push_back(into_tunnel ? inner_packet(kServer, 53, who.address, who.port)
                                    : outer_packet(inner_packet(who.address, who.port, kServer, 53), who.b4));
  }
  measure<mechanism::Softwire>(state, snapshot, originals);
}

// --- MAP-T: rules of 16 addresses, each shared by 256 customers ---

share::MapRule map_rule(uint64_t index) {
  return *share::MapRule::create(
      {.ipv6 = Ipv6Prefix::holding({0x2001'0000'0000'0000 | index << 12, 0}, 52),
       .ipv4 = Ipv4Prefix::holding(Ipv4Address(0x0a00'0000 + static_cast<uint32_t>(index << 4)), 28),
       .ea_length = 12,
       .psid_offset = 6});
}

void run_map_t(benchmark::State& state, bool to_ipv6) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  control::Tables tables;
  tables.eam = std::make_shared<share::EamTable>(1);
  tables.rules = std::make_shared<share::MapRuleTable>(share::MapRuleTable::Index::BothWays, 0x5eed,
                                                       io::huge_page_memory());
  tables.path_mtus = std::make_shared<carry::PathMtuTable>();
  tables.rules->reserve(rules);
  for (std::size_t i = 0; i < rules; ++i) (void)tables.rules->add(map_rule(i));
  config::InstanceSettings settings;
  settings.name = "bench";
  settings.mechanism = config::Mechanism::MapTBr;
  settings.pref64 = share::Pref64::create(Ipv6Prefix::holding({0x2001'0db8'ffff'0000, 0}, 64));
  const auto snapshot = control::build_snapshot(settings, std::move(tables));

  RandomSource random(7);
  const std::size_t count =
      std::max<std::size_t>(kBatch, std::min<std::size_t>(rules, 1 << 17) / kBatch * kBatch);
  std::vector<std::vector<std::byte>> originals;
  for (std::size_t i = 0; i < count; ++i) {
    const share::MapRule rule = map_rule(random.below(rules));
    const share::AddressAndPsid who{
        Ipv4Address(rule.ipv4().address().value() + static_cast<uint32_t>(random.below(16))),
        static_cast<uint16_t>(random.below(256))};
    const uint16_t port = share::PortSet::create(rule.ports(), who.psid)->range(3).first;
    if (to_ipv6) {
      originals.push_back(inner_packet(kServer, 53, who.address, port));
      reinterpret_cast<UdpHeader*>(originals.back().data() + sizeof(Ipv4Header))->checksum =
          be16::from_host(1);
      continue;
    }
    std::vector<std::byte> packet = inner_packet(who.address, port, kServer, 53);
    packet.insert(packet.begin(), sizeof(Ipv6Header) - sizeof(Ipv4Header), std::byte{});
    auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
    header.set_version_and_class(0);
    header.payload_length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv6Header)));
    header.next_header = IpProtocol::Udp;
    header.hop_limit = 64;
    header.set_source(rule.host_address_of(who));
    header.set_destination(settings.pref64->embed(kServer));
    reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv6Header))->checksum = be16::from_host(1);
    originals.push_back(std::move(packet));
  }
  measure<mechanism::MapT>(state, *snapshot, originals);
}

void BM_IntoSoftwire(benchmark::State& state) { run(state, true); }
void BM_OutOfSoftwire(benchmark::State& state) { run(state, false); }
BENCHMARK(BM_IntoSoftwire)->Arg(1)->Arg(63)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);
BENCHMARK(BM_OutOfSoftwire)->Arg(1)->Arg(63)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);

void BM_MapTToIpv6(benchmark::State& state) { run_map_t(state, true); }
void BM_MapTToIpv4(benchmark::State& state) { run_map_t(state, false); }
BENCHMARK(BM_MapTToIpv6)->Arg(1)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(BM_MapTToIpv4)->Arg(1)->Arg(1'000)->Arg(1'000'000);

}  // namespace
}  // namespace yonroku
