// The golden corpus through the engine in memory: the same bytes, the same verdict, and each packet counted
// once.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/load.h"
#include "control/snapshot_builder.h"
#include "engine/pipeline.h"
#include "golden_file.h"

namespace yonroku::golden {
namespace {

std::vector<std::string> golden_paths() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(YONROKU_GOLDEN_DIR))
    if (entry.path().extension() == ".golden") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char octet[4];
    std::snprintf(octet, sizeof octet, "%02x", static_cast<unsigned>(bytes[i]));
    text += (i == 0 ? "" : i % 16 == 0 ? "\n" : " ") + std::string(octet);
  }
  return text;
}

std::string word(const engine::Pipeline::Outcome& outcome, bool was_ipv6) {
  switch (outcome.verdict.action) {
    case Verdict::Action::ToIpv4: return "to-ipv4";
    case Verdict::Action::ToIpv6: return was_ipv6 ? "hairpin" : "to-ipv6";
    case Verdict::Action::Reassemble: return "held";
    default: return (outcome.replied ? "reply " : "drop ") + std::string(label(outcome.verdict.reason));
  }
}

constexpr Instant kBeginning = Instant::from_nanoseconds(1'000'000'000);

// What a worker does between two batches. Only mechanisms that remember something have anything to do then.
template <class Pipeline, class Mech, class Emit>
void let_time_pass(Pipeline& pipeline, const engine::Snapshot& snapshot, const Mech& mechanism, Instant now,
                   Emit&& emit) {
  if constexpr (requires { pipeline.expire(snapshot, mechanism, now, emit); })
    pipeline.expire(snapshot, mechanism, now, emit);
}

std::vector<std::string> hex_of(const std::vector<std::vector<std::byte>>& packets) {
  std::vector<std::string> texts;
  for (const auto& bytes : packets) texts.push_back(hex(bytes));
  return texts;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, EngineInMemory) {
  const auto file = read_golden_file(GetParam());
  ASSERT_TRUE(file) << file.error().to_string();
  const auto loaded = config::load_config(std::string(YONROKU_GOLDEN_DIR) + "/configs/" + file->config);
  ASSERT_TRUE(loaded) << file->config;
  const auto& settings = loaded->settings.instances.at(0);
  auto table = control::build_tables(settings, 0);
  ASSERT_TRUE(table) << table.error().to_string();
  const auto snapshot = control::build_snapshot(settings, *table);
  engine::Pipeline pipeline(/*seed=*/0);

  std::vector<std::byte> buffer(engine::Pipeline::kHeadroom + engine::Pipeline::kLargestPacket);
  Instant now = kBeginning;
  std::size_t held = 0;
  for (const Step& step : file->steps) {
    std::vector<std::string> results;
    const auto emit = [&](const Packet& result) { results.push_back(hex(result.bytes())); };
    if (step.until) {
      now = kBeginning + *step.until;
      std::visit([&](const auto& mechanism) { let_time_pass(pipeline, *snapshot, mechanism, now, emit); },
                 snapshot->mechanism);
      EXPECT_EQ(results, hex_of(step.packets)) << "sent by itself";
      continue;
    }
    Packet packet(buffer, engine::Pipeline::kHeadroom, step.input.size());
    std::copy(step.input.begin(), step.input.end(), packet.data());
    const bool was_ipv6 = !step.input.empty() && static_cast<uint8_t>(step.input[0]) >> 4 == 6;
    const auto outcome = std::visit(
        [&](const auto& mechanism) { return pipeline.process(*snapshot, mechanism, packet, now, emit); },
        snapshot->mechanism);
    held += outcome.verdict.action == Verdict::Action::Reassemble ? 1 : 0;
    EXPECT_EQ(word(outcome, was_ipv6), step.expect);
    if (outcome.verdict.action == Verdict::Action::Drop) {
      EXPECT_EQ(hex(packet.bytes()), hex(step.input)) << "a dropped packet is intact";
    }
    EXPECT_EQ(results, hex_of(step.packets));
    // Every packet is in exactly one counter, unless it waits for other fragments or was put together with
    // them.
    if (held > 0) continue;
    uint64_t counted = 0;
    for (const auto& reason : pipeline.counters().dropped) counted += reason.value();
    for (const auto& direction : pipeline.counters().translated)
      for (const auto& flow : direction) counted += flow.packets.value();
    EXPECT_EQ(counted, pipeline.counters().received[0].value() + pipeline.counters().received[1].value());
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& file) {
  std::string name = std::filesystem::relative(file.param, YONROKU_GOLDEN_DIR).string();
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Golden, testing::ValuesIn(golden_paths()), test_name);

}  // namespace
}  // namespace yonroku::golden
