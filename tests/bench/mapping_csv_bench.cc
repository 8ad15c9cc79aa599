// How fast a table of mappings is read: the CSV alone, and with the search for identical and overlapping
// prefixes as load_config() does it. "lines" is the rate in lines a second; a million lines should take well
// under 0.5 s.

#include <benchmark/benchmark.h>

#include <string>

#include "config/load.h"
#include "config/mapping_conflicts.h"
#include "config/mapping_csv.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace {

using namespace yonroku;  // NOLINT(google-build-using-namespace): a benchmark of its own

// `count` host mappings; `stride` odd: the order of the addresses, 1 for sorted.
std::string make_table(uint32_t count, uint32_t stride) {
  std::string text = "ipv4,ipv6\n";
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t host = i * stride & 0x00ff'ffffu;
    text += Ipv4Address(0x0a00'0000u | host).to_string() + ',' +
            Ipv6Address(0x2001'0db8'0001'0000u | host >> 16, uint64_t{host} << 32 | 0x80).to_string() + '\n';
  }
  return text;
}

void report(benchmark::State& state) {
  state.counters["lines"] =
      benchmark::Counter(static_cast<double>(state.range(0)) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void BM_ParseMappingCsv(benchmark::State& state) {
  const std::string text = make_table(static_cast<uint32_t>(state.range(0)), 1);
  for (auto _ : state) {
    auto table = config::parse_mapping_csv(text, "bench.csv");
    if (!table || table->mappings.size() != static_cast<std::size_t>(state.range(0)))
      state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(table);
  }
  report(state);
}
BENCHMARK(BM_ParseMappingCsv)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void conflicts(benchmark::State& state, uint32_t stride) {
  const auto table =
      config::parse_mapping_csv(make_table(static_cast<uint32_t>(state.range(0)), stride), "bench.csv");
  for (auto _ : state) {
    auto found = config::find_mapping_conflicts(table->mappings, [](std::size_t) { return config::Place{}; });
    if (!found.identical.errors.empty()) state.SkipWithError("conflicts");
    benchmark::DoNotOptimize(found);
  }
  report(state);
}
void BM_FindConflictsSorted(benchmark::State& state) { conflicts(state, 1); }
void BM_FindConflictsShuffled(benchmark::State& state) { conflicts(state, 7'654'321); }
BENCHMARK(BM_FindConflictsSorted)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FindConflictsShuffled)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The same table inside of the YAML file, for comparison: mappings-files exist for a reason.
void BM_ParseYamlMappings(benchmark::State& state) {
  std::string text =
      "instances:\n  - name: bench\n    mechanism: siit\n    pref64: 2001:db8:64::/96\n    mappings:\n";
  for (uint32_t i = 0; i < static_cast<uint32_t>(state.range(0)); ++i)
    text += "      - {ipv4: " + Ipv4Address(0x0a00'0000u | i).to_string() +
            ", ipv6: " + Ipv6Address(0x2001'0db8'0001'0000u, uint64_t{i} << 32 | 0x80).to_string() + "}\n";
  for (auto _ : state) {
    auto loaded = config::parse_config(text, "bench.yaml", ".");
    if (!loaded) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(loaded);
  }
  report(state);
}
BENCHMARK(BM_ParseYamlMappings)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
