// Stateful NAT64 in memory, without any device: nanoseconds for one small UDP packet of an established
// session, out and back, by the number of sessions; new sessions per second; how long one portion of expiry
// takes; octets for each session; what an offload costs that takes every session, or has no room for any.
//
// Sessions are one for each binding, 64 bindings to a host; packets are drawn at random over all of them.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "base/random_source.h"
#include "carry/translate/translate.h"
#include "engine/nat_event_ring.h"
#include "engine/pipeline.h"
#include "io/huge_pages.h"

namespace yonroku {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kStride = 65'792;  // as far apart as a worker's buffers
constexpr Ipv4Address kServer(203, 0, 113, 7);
const Ipv6Prefix kPrefix = Ipv6Prefix::holding({0x2001'0db8'0064'0000, 0}, 96);

std::unique_ptr<engine::Snapshot> make_snapshot(std::size_t sessions) {
  mechanism::Nat64Settings settings(*share::Pref64::create(kPrefix));
  settings.nat.max_sessions = static_cast<uint32_t>(sessions + 1024);
  settings.nat.pools = {{{Ipv4Prefix::holding(Ipv4Address(100, 64, 0, 0), 24)}, 1024, 65535}};
  return std::make_unique<engine::Snapshot>(
      engine::Snapshot{nullptr, nullptr, nullptr, mechanism::Nat64(settings), {}, 0});
}

Ipv6Address host_of(std::size_t session) {
  return {0x2001'0db8'8000'0000 | session >> 6, 0x1234'5678'9abc'def0};
}
uint16_t port_of(std::size_t session) { return static_cast<uint16_t>(20000 + (session & 63)); }

using Octets = std::array<std::byte, sizeof(Ipv6Header) + sizeof(UdpHeader) + 36>;

void write_outbound(std::size_t session, std::span<std::byte> packet) {
  std::memset(packet.data(), 0, packet.size());
  auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
  header.set_version_and_class(0);
  header.payload_length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv6Header)));
  header.next_header = IpProtocol::Udp;
  header.hop_limit = 64;
  header.set_source(host_of(session));
  header.set_destination({kPrefix.address().high(), kServer.value()});
  auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv6Header));
  udp.source_port = be16::from_host(port_of(session));
  udp.destination_port = be16::from_host(53);
  udp.length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv6Header)));
  udp.checksum = be16::from_host(0x1234);  // not looked at
}

void write_inbound(const share::Ipv4Endpoint& outside, std::span<std::byte> packet) {
  std::memset(packet.data(), 0, packet.size());
  carry::Ipv4Fields fields;
  fields.addresses = {kServer, outside.address, {}};
  fields.ttl = 64;
  fields.protocol = IpProtocol::Udp;
  fields.total_length = static_cast<uint16_t>(packet.size());
  carry::write_ipv4_header(packet.data(), fields);
  auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv4Header));
  udp.source_port = be16::from_host(53);
  udp.destination_port = be16::from_host(outside.port);
  udp.length = be16::from_host(static_cast<uint16_t>(packet.size() - sizeof(Ipv4Header)));
  udp.checksum = be16::from_host(0x1234);
}

// Takes as many sessions as it has room for, and has seen none of their packets.
class FakeOffload final : public share::SessionOffload {
 public:
  explicit FakeOffload(std::size_t room) : room_(room) {}
  uint32_t begin(const share::OffloadedSession& /*session*/) noexcept override {
    return room_ == 0 ? kNone : static_cast<uint32_t>(--room_);
  }
  void end(uint32_t /*flow*/) noexcept override { ++room_; }
  [[nodiscard]] Seen seen(uint32_t /*flow*/) const noexcept override { return {}; }
  [[nodiscard]] bool is_of(uint32_t /*flow*/,
                           const share::OffloadedSession& /*session*/) const noexcept override {
    return true;
  }

 private:
  std::size_t room_;
};

// A NAT with sessions in it, made once for each number of them.
std::size_t resident_octets() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * 4096;
}

// Of processor time: what others do on the machine is no stall of ours.
double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Filled {
  explicit Filled(std::size_t sessions)
      : before(resident_octets()),
        snapshot(make_snapshot(sessions)),
        pipeline(1, 0, 1, io::huge_page_memory()),
        returns(sessions) {
    const auto& mechanism = std::get<mechanism::Nat64>(snapshot->mechanism);
    pipeline.prepare(mechanism, Instant());
    std::vector<std::byte> buffer(kStride);
    const std::size_t of_returns = returns.size() * sizeof(returns[0]);
    for (std::size_t i = 0; i < sessions; ++i) {
      Packet packet(buffer, engine::Pipeline::kHeadroom, sizeof(Octets));
      write_outbound(i, packet.bytes());
      pipeline.forward(*snapshot, mechanism, packet, Instant(), [&](const Packet& result) {
        const auto& ip = *reinterpret_cast<const Ipv4Header*>(result.data());
        const auto& udp = *reinterpret_cast<const UdpHeader*>(result.data() + sizeof(Ipv4Header));
        returns[i] = {ip.source(), udp.source_port.host()};
      });
    }
    octets_per_session =
        static_cast<double>(resident_octets() - before - of_returns) / static_cast<double>(sessions);
    resident_megabytes = static_cast<double>(resident_octets() - of_returns) * 1e-6;
  }
  // An answer to each, in any order.
  void answer_all() {
    RandomSource random(11);
    std::vector<uint32_t> order(returns.size());
    std::iota(order.begin(), order.end(), 0u);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    std::vector<std::byte> buffer(kStride);
    for (const uint32_t session : order) {
      Packet packet(buffer, engine::Pipeline::kHeadroom, sizeof(Octets) - 20);
      write_inbound(returns[session], packet.bytes());
      pipeline.forward(*snapshot, std::get<mechanism::Nat64>(snapshot->mechanism), packet, Instant(),
                       [](const Packet&) {});
    }
  }
  std::size_t before;
  double resident_megabytes = 0;  // of the whole program, but for `returns`
  double octets_per_session = 0;
  std::unique_ptr<engine::Snapshot> snapshot;
  engine::Pipeline pipeline;
  std::vector<share::Ipv4Endpoint> returns;  // the outside endpoint of each session
};

Filled& filled_with(std::size_t sessions) {
  static std::unique_ptr<Filled> filled;
  static std::size_t size = 0;
  if (size != sessions) {
    filled.reset();  // one large table at a time
    filled = std::make_unique<Filled>(sessions);
    size = sessions;
  }
  return *filled;
}

void run(benchmark::State& state, bool outbound) {
  const auto sessions = static_cast<std::size_t>(state.range(0));
  Filled& filled = filled_with(sessions);
  const auto& mechanism = std::get<mechanism::Nat64>(filled.snapshot->mechanism);
  RandomSource random(7);
  const std::size_t count =
      std::max<std::size_t>(kBatch, std::min<std::size_t>(sessions, 1 << 17) / kBatch * kBatch);
  const std::size_t size = outbound ? sizeof(Octets) : sizeof(Octets) - 20;
  std::vector<Octets> originals(count);
  for (Octets& original : originals) {
    const std::size_t session = random.below(sessions);
    if (outbound)
      write_outbound(session, original);
    else
      write_inbound(filled.returns[session], std::span(original).first(size));
  }
  std::pmr::vector<std::byte> buffers(kBatch * kStride, io::huge_page_memory());
  std::array<Packet, kBatch> packets;
  std::size_t next = 0;
  uint64_t sent = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      packets[i] = Packet(std::span<std::byte>(buffers).subspan(i * kStride, kStride),
                          engine::Pipeline::kHeadroom, size);
      std::memcpy(packets[i].data(), originals[next + i].data(), size);
    }
    next = (next + kBatch) % originals.size();
    filled.pipeline.prefetch(mechanism, std::span<const Packet>(packets));
    for (Packet& packet : packets)
      filled.pipeline.forward(*filled.snapshot, mechanism, packet, Instant(), [&](const Packet&) { ++sent; });
    filled.pipeline.begin_offers();
  }
  const auto done = static_cast<uint64_t>(state.iterations()) * kBatch;
  if (sent != done) state.SkipWithError("packets were dropped");
  state.SetItemsProcessed(static_cast<int64_t>(done));
  if (sessions >= 1'000'000) {
    state.counters["octets/session"] = filled.octets_per_session;
    state.counters["program MB"] = filled.resident_megabytes;
  }
  state.counters["ns/packet"] = benchmark::Counter(static_cast<double>(done) * 1e-9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_NatOut(benchmark::State& state) { run(state, true); }
void BM_NatBack(benchmark::State& state) { run(state, false); }
BENCHMARK(BM_NatOut)->Arg(1)->Arg(1000)->Arg(1'000'000)->Arg(10'000'000);
BENCHMARK(BM_NatBack)->Arg(1)->Arg(1000)->Arg(1'000'000)->Arg(10'000'000);

// Answered sessions, of packets out that the NAT sees nevertheless: 0 no offload, 1 one without room, 2 one
// that has all of them.
void BM_NatOffload(benchmark::State& state) {
  const auto sessions = static_cast<std::size_t>(state.range(0));
  FakeOffload offload(state.range(1) == 2 ? sessions : 0);
  Filled& filled = filled_with(sessions);
  filled.answer_all();
  filled.pipeline.set_session_offload(state.range(1) == 0 ? nullptr : &offload);
  filled.answer_all();  // so that each has an answer that it knows of
  run(state, true);
  filled.pipeline.set_session_offload(nullptr);
}
BENCHMARK(BM_NatOffload)->ArgsProduct({{1000, 1'000'000}, {0, 1, 2}});

// Packets each of which opens a session, until there are a million; 1: what happens is told to a ring, which
// somebody reads as the log does.
void BM_NatOpen(benchmark::State& state) {
  constexpr std::size_t kSessions = 1'000'000;
  const auto snapshot = make_snapshot(kSessions);
  const auto& mechanism = std::get<mechanism::Nat64>(snapshot->mechanism);
  std::vector<std::byte> buffer(kStride);
  engine::NatEventRing ring(262'144);
  std::atomic<bool> is_over = false;
  uint64_t told = 0;
  std::thread reader([&] {
    std::vector<share::NatEvent> read;
    for (uint64_t next = 0; state.range(0) != 0 && !is_over; read.clear()) {
      ring.read(next, 4096, read);
      told += read.size();
      if (read.size() < 4096) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  uint64_t opened = 0;
  double opening = 0;
  for (auto _ : state) {
    engine::Pipeline pipeline(1, 0, 1, io::huge_page_memory());
    pipeline.prepare(mechanism, Instant());
    if (state.range(0) != 0) pipeline.nat()->set_event_sink(&ring);
    const double start = seconds();
    for (std::size_t i = 0; i < kSessions; ++i) {
      Packet packet(buffer, engine::Pipeline::kHeadroom, sizeof(Octets));
      write_outbound(i, packet.bytes());
      pipeline.forward(*snapshot, mechanism, packet, Instant(), [&](const Packet&) { ++opened; });
    }
    opening += seconds() - start;
  }
  is_over = true;
  reader.join();
  state.counters["sessions/s"] = static_cast<double>(opened) / opening;
  state.counters["told"] = static_cast<double>(told);
}
BENCHMARK(BM_NatOpen)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(3);

// How long a worker is away from its packets, in microseconds.
void count_stalls(benchmark::State& state, std::vector<double>& stalls) {
  std::ranges::sort(stalls);
  const auto at = [&](double part) {
    return stalls[static_cast<std::size_t>(part * static_cast<double>(stalls.size() - 1))] * 1e6;
  };
  state.counters["median µs"] = at(0.5);
  state.counters["99.9 % µs"] = at(0.999);
  state.counters["longest µs"] = at(1);
}

// Sessions that were answered, in an order that is none of the table's, and are all over at once.
void BM_NatExpire(benchmark::State& state) {
  const auto sessions = static_cast<std::size_t>(state.range(0));
  std::vector<double> portions;
  double all = 0;
  for (auto _ : state) {
    Filled filled(sessions);
    filled.answer_all();
    const auto& mechanism = std::get<mechanism::Nat64>(filled.snapshot->mechanism);
    const Instant later = Instant::from_nanoseconds(400'000'000'000);
    for (bool more = true; more;) {
      const double before = seconds();
      more = filled.pipeline.expire(*filled.snapshot, mechanism, later, [](const Packet&) {});
      portions.push_back(seconds() - before);
      all += portions.back();
    }
    if (filled.pipeline.nat()->session_count() != 0) state.SkipWithError("sessions are left");
  }
  count_stalls(state, portions);
  state.counters["ns/session"] =
      all * 1e9 / (static_cast<double>(sessions) * static_cast<double>(state.iterations()));
}
// What keeps a worker from its packets besides: 0 other timeouts, 1 another pool, both of which look at each
// binding, 2 one portion of a question about the table, 3 one about what a reload would end.
void BM_NatStall(benchmark::State& state) {
  const auto sessions = static_cast<std::size_t>(state.range(0));
  Filled filled(sessions);
  share::Nat& nat = *filled.pipeline.nat();
  share::NatSettings after = nat.settings();
  if (state.range(1) == 0) after.timeouts.udp = 200;
  if (state.range(1) != 0) after.pools.push_back({{Ipv4Prefix::holding(Ipv4Address(100, 65, 0, 0), 24)}});
  const share::NatChange change(nat.settings(), after, 0, 1);
  std::vector<double> stalls;
  uint64_t seen = 0;
  for (auto _ : state) {
    for (uint64_t from = 0; from != share::Nat::kEnd;) {
      const double before = seconds();
      if (state.range(1) < 2) {
        nat.change(after, Instant());
        from = share::Nat::kEnd;
      } else if (state.range(1) == 2) {
        from = nat.visit_sessions(from, 256, Instant(), [&](const share::SessionView&) { ++seen; });
      } else {
        from = nat.visit_ends(change, from, 256, Instant(), [&](const share::NatEndView&) { ++seen; });
      }
      stalls.push_back(seconds() - before);
    }
  }
  benchmark::DoNotOptimize(seen);
  count_stalls(state, stalls);
}
BENCHMARK(BM_NatStall)
    ->ArgsProduct({{10'000'000}, {0, 1, 2, 3}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

BENCHMARK(BM_NatExpire)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace yonroku
