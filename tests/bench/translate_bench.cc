// Nanoseconds for one packet through the pipeline in memory, without any device: by kind and direction, by
// the number of mappings, one at a time and in batches as a worker sees them.
//
// The packet is restored from a copy before each pass; the copy is timed apart (BM_CopyOnly), so that it can
// be taken off. Destinations are drawn at random over the whole table.
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
constexpr Ipv4Address kFirstMapped(100, 64, 0, 0);
constexpr Ipv6Address kServers(0x2001'0db8'0001'0000, 0);
const auto kPref64 = *share::Pref64::create(*Ipv6Prefix::parse("2001:db8:64::/96"));
constexpr Ipv4Address kClient(203, 0, 113, 7);

enum class Kind { Udp, Tcp, Echo };

// Mapped hosts are scattered, so that neighbours in the table are not neighbours in memory.
Ipv4Address mapped_host(uint64_t index) {
  return Ipv4Address(kFirstMapped.value() + static_cast<uint32_t>(index));
}
Ipv6Address mapped_server(uint64_t index) {
  return {kServers.high() | (index * 0x9e3779b9 & 0xffff), index * 0x9e3779b97f4a7c15};
}

const engine::Snapshot& snapshot_of(std::size_t mappings) {
  static std::map<std::size_t, std::unique_ptr<engine::Snapshot>> made;
  auto& snapshot = made[mappings];
  if (snapshot) return *snapshot;
  made.clear();  // one large table at a time
  auto table = std::make_shared<share::EamTable>(0x5eed, io::huge_page_memory());
  table->reserve(mappings);
  for (std::size_t i = 0; i < mappings; ++i)
    (void)table->add({Ipv4Prefix::holding(mapped_host(i), 32), Ipv6Prefix::holding(mapped_server(i), 128)});
  config::InstanceSettings settings;
  settings.name = "bench";
  settings.pref64 = kPref64;
  settings.translator_ipv4 = Ipv4Address(192, 0, 0, 8);
  auto& fresh = made[mappings];
  fresh = control::build_snapshot(settings, {std::move(table)});
  return *fresh;
}

std::vector<std::byte> ipv4_packet(Kind kind, Ipv4Address source, Ipv4Address destination,
                                   std::size_t payload) {
  const IpProtocol protocol = kind == Kind::Udp   ? IpProtocol::Udp
                              : kind == Kind::Tcp ? IpProtocol::Tcp
                                                  : IpProtocol::Icmp;
  const std::size_t transport = kind == Kind::Tcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
  std::vector<std::byte> packet(sizeof(Ipv4Header) + transport + payload);
  carry::Ipv4Fields fields;
  fields.addresses = {source, destination};
  fields.ttl = 64;
  fields.protocol = protocol;
  fields.total_length = static_cast<uint16_t>(packet.size());
  fields.flags_fragment_offset = Ipv4Header::kDontFragment;
  carry::write_ipv4_header(packet.data(), fields);
  auto* at = packet.data() + sizeof(Ipv4Header);
  if (kind == Kind::Tcp) {
    auto& tcp = *reinterpret_cast<TcpHeader*>(at);
    tcp.data_offset = 0x50;
    tcp.flags = TcpHeader::kAck;
    tcp.checksum = be16::from_host(0x1234);
  } else if (kind == Kind::Udp) {
    auto& udp = *reinterpret_cast<UdpHeader*>(at);
    udp.length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv4Header)));
    udp.checksum = be16::from_host(0x1234);
  } else {
    reinterpret_cast<IcmpHeader*>(at)->type = icmpv4::kEcho;
  }
  return packet;
}

std::vector<std::byte> ipv6_packet(Kind kind, const Ipv6Address& source, const Ipv6Address& destination,
                                   std::size_t payload) {
  auto ipv4 = ipv4_packet(kind, {}, {}, payload);
  std::vector<std::byte> packet(ipv4.size() + 20);
  std::memcpy(packet.data() + sizeof(Ipv6Header), ipv4.data() + sizeof(Ipv4Header),
              ipv4.size() - sizeof(Ipv4Header));
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  header.set_version_and_class(0);
  header.payload_length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv6Header)));
  header.next_header = kind == Kind::Udp   ? IpProtocol::Udp
                       : kind == Kind::Tcp ? IpProtocol::Tcp
                                           : IpProtocol::Icmpv6;
  header.hop_limit = 64;
  header.set_source(source);
  header.set_destination(destination);
  if (kind == Kind::Echo)
    reinterpret_cast<IcmpHeader*>(packet.data() + sizeof(Ipv6Header))->type = icmpv6::kEcho;
  return packet;
}

struct Batch {
  explicit Batch(std::size_t mappings, bool from_ipv4, Kind kind, std::size_t payload)
      : buffers(kBatch * kStride, io::huge_page_memory()) {
    RandomSource random(7);
    // Enough different packets that their table entries do not stay in the cache.
    const std::size_t count =
        std::max<std::size_t>(kBatch, std::min<std::size_t>(mappings, 1 << 17) / kBatch * kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      const uint64_t index = random.below(mappings);
      originals.push_back(from_ipv4
                              ? ipv4_packet(kind, kClient, mapped_host(index), payload)
                              : ipv6_packet(kind, mapped_server(index), kPref64.embed(kClient), payload));
    }
  }
  Packet restore(std::size_t slot, std::size_t original) {
    const auto& bytes = originals[original];
    Packet packet(std::span<std::byte>(buffers).subspan(slot * kStride, kStride), engine::Pipeline::kHeadroom,
                  bytes.size());
    std::memcpy(packet.data(), bytes.data(), bytes.size());
    return packet;
  }
  std::pmr::vector<std::byte> buffers;  // on huge pages, as a worker's are
  std::vector<std::vector<std::byte>> originals;
};

void run(benchmark::State& state, std::size_t mappings, bool from_ipv4, Kind kind, std::size_t payload) {
  const engine::Snapshot& snapshot = snapshot_of(mappings);
  const auto& siit = std::get<mechanism::Siit>(snapshot.mechanism);
  engine::Pipeline pipeline(1);
  Batch batch(mappings, from_ipv4, kind, payload);
  std::array<Packet, kBatch> packets;
  std::size_t next = 0;
  uint64_t sent = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) packets[i] = batch.restore(i, next + i);
    next = (next + kBatch) % batch.originals.size();
    for (const Packet& packet : packets) siit.prefetch(packet.bytes());
    for (Packet& packet : packets)
      pipeline.forward(snapshot, siit, packet, Instant(),
                       [&](const Packet& result) { sent += result.size(); });
  }
  benchmark::DoNotOptimize(sent);
  const auto done = static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(kBatch);
  state.SetItemsProcessed(done);
  state.counters["ns/packet"] = benchmark::Counter(static_cast<double>(done) * 1e-9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (sent == 0) state.SkipWithError("nothing was translated");
}

void BM_CopyOnly(benchmark::State& state) {
  Batch batch(static_cast<std::size_t>(state.range(0)), true, Kind::Udp, 36);
  std::size_t next = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      Packet packet = batch.restore(i, next + i);
      benchmark::DoNotOptimize(packet.data());
    }
    next = (next + kBatch) % batch.originals.size();
  }
  const auto done = static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(kBatch);
  state.counters["ns/packet"] = benchmark::Counter(static_cast<double>(done) * 1e-9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_CopyOnly)->Arg(1)->Arg(10'000'000);

void BM_ToIpv6(benchmark::State& state) {
  run(state, static_cast<std::size_t>(state.range(0)), true, Kind::Udp, 36);
}
void BM_ToIpv4(benchmark::State& state) {
  run(state, static_cast<std::size_t>(state.range(0)), false, Kind::Udp, 36);
}
BENCHMARK(BM_ToIpv6)->Arg(1)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);
BENCHMARK(BM_ToIpv4)->Arg(1)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);

void BM_KindToIpv6(benchmark::State& state) {
  run(state, 1, true, static_cast<Kind>(state.range(0)), static_cast<std::size_t>(state.range(1)));
}
void BM_KindToIpv4(benchmark::State& state) {
  run(state, 1, false, static_cast<Kind>(state.range(0)), static_cast<std::size_t>(state.range(1)));
}
BENCHMARK(BM_KindToIpv6)
    ->ArgNames({"udp0-tcp1-echo2", "payload"})
    ->Args({0, 36})
    ->Args({1, 24})
    ->Args({2, 36})
    ->Args({1, 1400});
BENCHMARK(BM_KindToIpv4)
    ->ArgNames({"udp0-tcp1-echo2", "payload"})
    ->Args({0, 36})
    ->Args({1, 24})
    ->Args({2, 36})
    ->Args({1, 1400});

}  // namespace
}  // namespace yonroku
