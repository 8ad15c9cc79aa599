// The offload's programs alone (BPF_PROG_TEST_RUN, needs root): nanoseconds for one small UDP packet, at tc
// and XDP, by what is done to it and how many mappings or flows there are. Packets are drawn at random over
// all of them. A program around ours makes each packet anew; what that costs is measured with programs that
// do nothing, or only change the packet's size, and subtracted. Tunnels are measured at XDP alone.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <optional>
#include <random>

#include "control/route_watcher.h"
#include "fastpath/instance_view.h"
#include "fastpath/restore.skel.h"
#include "fastpath/table_memory.h"
#include "fastpath/test_network.h"

namespace yonroku {
namespace {

using fastpath::TestNetwork;
using Hook = TestNetwork::Hook;

constexpr int kRuns = 1'000'000;
constexpr std::size_t kHeaders = 96;
constexpr std::size_t kMostFrames = 1'000'000;

enum class Case : uint8_t {
  SiitToIpv6,
  SiitToIpv4,
  Nat64Out,
  Nat64In,
  Lw4o6ToIpv6,
  Lw4o6ToIpv4,
  AftrOut,
  AftrIn
};

test::Address address4(uint32_t address) {
  test::Address octets{};
  test::put32(octets, 0, address);
  return octets;
}
test::Address address6(uint64_t high, uint64_t low) {
  test::Address octets{};
  for (std::size_t i = 0; i < 8; ++i) {
    octets[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
    octets[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
  }
  return octets;
}

constexpr uint64_t kPrefix = 0x2001'0db8'0064'0000;
constexpr Ipv6Address kTunnelEnd{kPrefix, 1};
constexpr uint64_t kInside = 0x2001'0db8'8000'0000;
constexpr uint32_t kCustomers = 0x0a00'0000;
constexpr uint32_t kPool = 0x6440'0000;
constexpr uint32_t kServer = 0xcb00'7107;
const share::Pref64 kPref64 = *share::Pref64::create(Ipv6Prefix::holding({kPrefix, 0}, 96));

// Number i of the mappings: a host address on either side.
constexpr uint32_t customer4(uint32_t i) { return kCustomers + i; }
constexpr Ipv6Address customer6(uint32_t i) { return {kInside | i >> 8, i & 0xff}; }

// Number i of the flows: 64 of a host.
fastpath::FlowContent nat64_flow(uint32_t i) {
  fastpath::FlowContent flow{};
  flow.near_high = kInside | i >> 6;
  flow.near_low = 1;
  flow.remote = kServer + (i & 3);
  flow.far_high = kPrefix;
  flow.far_low = flow.remote;
  flow.outside = kPool + i / 60'000;
  flow.inside_port = static_cast<uint16_t>(20'000 + (i & 63));
  flow.outside_port = static_cast<uint16_t>(2'000 + i % 60'000);
  flow.remote_port = 443;
  flow.protocol = test::kUdp;
  flow.kind = fastpath::FlowKind::Nat64;
  return flow;
}

// Likewise of an AFTR.
fastpath::FlowContent tunnelled_flow(uint32_t i) {
  fastpath::FlowContent flow = nat64_flow(i);
  flow.kind = fastpath::FlowKind::DsLiteAftr;
  flow.far_high = kTunnelEnd.high();
  flow.far_low = kTunnelEnd.low();
  flow.inside = 0xc0a8'0002;
  flow.outside += 0x10'0000;
  return flow;
}

test::Octets tunnelled(const Ipv6Address& from, const test::Octets& packet) {
  return test::ipv6({.source = address6(from.high(), from.low()),
                     .destination = address6(kTunnelEnd.high(), kTunnelEnd.low()),
                     .next_header = 4},
                    packet);
}

test::Octets packet_of(Case which, uint32_t i) {
  const test::Octets payload = test::counting(26);
  switch (which) {
    case Case::SiitToIpv6: return test::ipv4({address4(kServer), address4(customer4(i))}, test::udp(payload));
    case Case::SiitToIpv4:
      return test::ipv6({address6(customer6(i).high(), customer6(i).low()), address6(kPrefix, kServer)},
                        test::udp(payload));
    case Case::Lw4o6ToIpv6:
      return test::ipv4({address4(kServer), address4(customer4(i))}, test::udp(payload));
    case Case::Lw4o6ToIpv4:
      return tunnelled(customer6(i),
                       test::ipv4({address4(customer4(i)), address4(kServer)}, test::udp(payload)));
    case Case::AftrOut: {
      const fastpath::FlowContent f = tunnelled_flow(i);
      return tunnelled({f.near_high, f.near_low},
                       test::ipv4({address4(f.inside), address4(f.remote)},
                                  test::udp(payload, f.inside_port, f.remote_port)));
    }
    case Case::AftrIn: {
      const fastpath::FlowContent f = tunnelled_flow(i);
      return test::ipv4({address4(f.remote), address4(f.outside)},
                        test::udp(payload, f.remote_port, f.outside_port));
    }
    case Case::Nat64Out: {
      const fastpath::FlowContent f = nat64_flow(i);
      return test::ipv6({address6(f.near_high, f.near_low), address6(f.far_high, f.far_low)},
                        test::udp(payload, f.inside_port, f.remote_port));
    }
    case Case::Nat64In: {
      const fastpath::FlowContent f = nat64_flow(i);
      return test::ipv4({address4(f.remote), address4(f.outside)},
                        test::udp(payload, f.remote_port, f.outside_port));
    }
  }
  return {};
}

// All that is the same in every benchmark, for as many entries.
class Bench {
 public:
  explicit Bench(uint32_t entries)
      : entries_(entries),
        table_(1, &memory_),
        rules_(share::MapRuleTable::Index::Ipv4Only, 1, &memory_),
        path_mtus_(&memory_) {
    ok_ = TestNetwork::enter() && load() && make_tables() && serve_nat64() && serve_aftr();
  }
  ~Bench() {
    watcher_.reset();
    if (frames_ != nullptr) ::munmap(frames_, frames_size());
    if (restore_ != nullptr) yonroku_restore__destroy(restore_);
  }
  [[nodiscard]] bool ok() const { return ok_; }

  bool prepare(Case which) {
    const bool is_lw4o6 = which == Case::Lw4o6ToIpv6 || which == Case::Lw4o6ToIpv4;
    const bool is_aftr = which == Case::AftrOut || which == Case::AftrIn;
    if (!(is_aftr ? set_instance(0, serve_aftr_at(0)) : is_lw4o6 ? serve_lw4o6() : serve_siit()))
      return false;
    std::mt19937 random(7);
    const uint32_t count = frame_count();
    std::size_t size = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const test::Octets frame =
          TestNetwork::frame_of(packet_of(which, static_cast<uint32_t>(random() % entries_)));
      size = frame.size();
      if (i == 0) first_ = frame;
      std::copy_n(frame.begin(), std::min(kHeaders, size), frames_ + i * kHeaders);
    }
    const uint32_t zero = 0, about[4] = {count, 0, static_cast<uint32_t>(size), 0};
    (void)bpf_map_update_elem(bpf_map__fd(restore_->maps.about), &zero, about, BPF_ANY);
    return true;
  }
  // Nanoseconds with `program` behind the one that restores; 0: it did not forward.
  double measure(Hook hook, int program) {
    const bool is_tc = hook == Hook::Tc;
    const uint32_t zero = 0;
    const bpf_map* const target = is_tc ? restore_->maps.program_at_tc : restore_->maps.program_at_xdp;
    (void)bpf_map_update_elem(bpf_map__fd(target), &zero, &program, BPF_ANY);
    const int restore = bpf_program__fd(is_tc ? restore_->progs.restore_tc : restore_->progs.restore_xdp);
    const auto outcome = network_.run(hook, restore, first_, kRuns);
    return outcome.action == TestNetwork::Action::Forwarded ? outcome.duration : 0;
  }
  double own_cost(Hook hook) {
    const bool is_tc = hook == Hook::Tc;
    const auto& programs = restore_->progs;
    const double nothing = measure(hook, bpf_program__fd(is_tc ? programs.nothing_tc : programs.nothing_xdp));
    const double cross = measure(hook, bpf_program__fd(is_tc ? programs.cross_tc : programs.cross_xdp));
    return nothing + (cross - nothing) / 2;  // restoring changes the size too, once
  }
  int program(Hook hook) const { return hook == Hook::Tc ? programs_->tc() : programs_->xdp(); }

 private:
  [[nodiscard]] uint32_t frame_count() const { return std::min<uint32_t>(entries_, kMostFrames); }
  [[nodiscard]] std::size_t frames_size() const { return (frame_count() * kHeaders + 4095) / 4096 * 4096; }

  bool load() {
    auto loaded = fastpath::Programs::load(2 * entries_);
    if (!loaded) return false;
    programs_.emplace(std::move(*loaded));
    restore_ = yonroku_restore__open();
    if (restore_ == nullptr) return false;
    (void)bpf_map__set_max_entries(restore_->maps.frames, frame_count());
    if (yonroku_restore__load(restore_) != 0) return false;
    void* const memory = ::mmap(nullptr, frames_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
                                bpf_map__fd(restore_->maps.frames), 0);
    if (memory == MAP_FAILED) return false;
    frames_ = static_cast<uint8_t*>(memory);
    return network_.set_up(*programs_, {"10.0.0.0/8", "2001:db8:64::/96"}) && watch_routes();
  }
  bool watch_routes() {
    control::RouteWatcher::Listener listener;
    listener.routes_changed = [this] { programs_->forget_routes(); };
    listener.interfaces_changed = [] {};
    listener.routing_depends_on_more = [](bool) {};
    listener.blocks_are_right = [this] { programs_->trust_blocks(); };
    auto watcher = control::RouteWatcher::start(std::move(listener), programs_->whole_blocks());
    if (!watcher) return false;
    watcher_ = std::move(*watcher);
    return true;
  }
  bool set_instance(uint32_t number, fastpath::Served served) {
    served.view.places = UINT32_MAX;
    return bool(programs_->set_instance(number, served.view));
  }
  bool make_tables() {
    table_.reserve(entries_);
    for (uint32_t i = 0; i < entries_; ++i) {
      const Ipv4Prefix ipv4 = Ipv4Prefix::holding(Ipv4Address(customer4(i)), 32);
      const Ipv6Prefix ipv6 = Ipv6Prefix::holding(customer6(i), 128);
      if (table_.add({ipv4, ipv6}) != share::EamTable::Refusal::None ||
          rules_.add(*share::MapRule::create({.ipv6 = ipv6, .ipv4 = ipv4})) !=
              share::MapRuleTable::Refusal::None)
        return false;
    }
    return true;
  }
  bool set_served(const fastpath::ServedOrNot& served) {
    if (!served || !set_instance(0, *served)) return false;
    uint32_t number = 0;
    for (const auto& table : served->tables)
      if (!programs_->set_table(number++, memory_.map_of(table.slots, table.seed))) return false;
    return true;
  }
  bool serve_lw4o6() {
    mechanism::SoftwireSettings settings;
    settings.border_addresses = {kTunnelEnd};
    return set_served(fastpath::serve(0, settings, rules_, path_mtus_));
  }
  bool serve_siit() {
    mechanism::SiitSettings settings;
    settings.mapping.ipv4_side_prefix = kPref64;
    return set_served(fastpath::serve(0, settings, table_));
  }
  bool serve_nat64() {
    if (!set_instance(1, fastpath::serve(mechanism::Nat64Settings(kPref64)))) return false;
    return install(1, nat64_flow);
  }
  fastpath::Served serve_aftr_at(uint32_t number) {
    mechanism::DsLiteAftrSettings settings;
    settings.own_address = kTunnelEnd;
    return fastpath::serve(number, settings, path_mtus_);
  }
  bool serve_aftr() { return set_instance(2, serve_aftr_at(2)) && install(2, tunnelled_flow); }
  bool install(uint8_t instance, fastpath::FlowContent (*flow)(uint32_t)) {
    auto flows = programs_->add_flow_table(entries_);
    if (!flows) return false;
    for (uint32_t i = 0; i < entries_; ++i) {
      fastpath::FlowContent content = flow(i);
      content.instance = instance;
      (void)flows->install(content);
    }
    flows_.push_back(std::move(*flows));
    return true;
  }

  uint32_t entries_;
  fastpath::TableMemory memory_;
  share::EamTable table_;
  share::MapRuleTable rules_;
  carry::PathMtuTable path_mtus_;
  TestNetwork network_;
  std::optional<fastpath::Programs> programs_;
  std::vector<fastpath::FlowTable> flows_;
  yonroku_restore* restore_ = nullptr;
  std::unique_ptr<control::RouteWatcher> watcher_;
  uint8_t* frames_ = nullptr;
  test::Octets first_;
  bool ok_ = false;
};

Bench& bench_of(uint32_t entries) {
  static std::optional<Bench> bench;
  static uint32_t made = 0;
  if (made != entries) {
    bench.reset();
    bench.emplace(entries);
    made = entries;
  }
  return *bench;
}

void run(benchmark::State& state, Case which, Hook hook) {
  Bench& bench = bench_of(static_cast<uint32_t>(state.range(0)));
  if (!bench.ok()) return state.SkipWithError("needs root, and a kernel with BPF");
  if (!bench.prepare(which)) return state.SkipWithError("the programs do not take the instance");
  double best = 0;
  for (auto _ : state) {
    const double around = bench.own_cost(hook);
    const double all = bench.measure(hook, bench.program(hook));
    if (all == 0) return state.SkipWithError("a packet was not forwarded");
    const double own = all - around;
    best = best == 0 ? own : std::min(best, own);
    state.SetIterationTime(own * kRuns / 1e9);
  }
  state.counters["ns"] = best;
}

void add_all() {
  for (const int64_t entries : {1, 1'000, 1'000'000})
    for (const auto& [name, which] :
         {std::pair("siit_to_ipv6", Case::SiitToIpv6), std::pair("siit_to_ipv4", Case::SiitToIpv4),
          std::pair("nat64_out", Case::Nat64Out), std::pair("nat64_in", Case::Nat64In),
          std::pair("lw4o6_to_ipv6", Case::Lw4o6ToIpv6), std::pair("lw4o6_to_ipv4", Case::Lw4o6ToIpv4),
          std::pair("aftr_out", Case::AftrOut), std::pair("aftr_in", Case::AftrIn)})
      for (const auto& [place, hook] : {std::pair("xdp", Hook::Xdp), std::pair("tc", Hook::Tc)}) {
        if (hook == Hook::Tc && which >= Case::Lw4o6ToIpv6) continue;
        benchmark::RegisterBenchmark((std::string(name) + "/" + place).c_str(),
                                     [which, hook](benchmark::State& state) { run(state, which, hook); })
            ->Arg(entries)
            ->UseManualTime()
            ->Iterations(5);
      }
}
[[maybe_unused]] const bool kAdded = (add_all(), true);

}  // namespace
}  // namespace yonroku
