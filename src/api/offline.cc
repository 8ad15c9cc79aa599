#include "api/offline.h"

#include <algorithm>

#include "control/snapshot_builder.h"

namespace yonroku::api {
namespace {

constexpr uint64_t kNoRandomness = 0;

std::string names_of(const config::Settings& settings) {
  std::string names;
  for (const auto& instance : settings.instances) names += (names.empty() ? "" : ", ") + instance.name;
  return names;
}

}  // namespace

Result<const config::InstanceSettings*> choose_instance(const config::Settings& settings,
                                                        const std::optional<std::string>& name) {
  if (!name) {
    if (settings.instances.size() == 1) return &settings.instances.front();
    return fail("", "the configuration has " + std::to_string(settings.instances.size()) + " instances",
                "choose one with --instance: " + names_of(settings));
  }
  for (const auto& instance : settings.instances)
    if (instance.name == *name) return &instance;
  return fail("", "there is no instance \"" + *name + "\"", "the configuration has: " + names_of(settings));
}

Result<OfflineInstance> OfflineInstance::create(const config::InstanceSettings& settings) {
  auto tables = TRY(control::build_tables(settings, kNoRandomness));
  return OfflineInstance(control::build_snapshot(settings, std::move(tables)));
}

OfflineInstance::OfflineInstance(std::unique_ptr<engine::Snapshot> snapshot)
    : snapshot_(std::move(snapshot)),
      pipeline_(std::make_unique<engine::Pipeline>(kNoRandomness)),
      buffer_(engine::Pipeline::kHeadroom + engine::Pipeline::kLargestPacket) {}

Packet OfflineInstance::load(std::span<const std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), engine::Pipeline::kLargestPacket));  // no IP packet is larger
  Packet packet(buffer_, engine::Pipeline::kHeadroom, bytes.size());
  std::copy(bytes.begin(), bytes.end(), packet.data());
  return packet;
}

std::string_view verdict_word(const Verdict& verdict, bool was_ipv6) {
  switch (verdict.action) {
    case Verdict::Action::ToIpv4: return "to-ipv4";
    case Verdict::Action::ToIpv6: return was_ipv6 ? "hairpin" : "to-ipv6";
    case Verdict::Action::Reassemble: return "held";
    case Verdict::Action::HandOver:  // there is one worker
    case Verdict::Action::Segment:
    case Verdict::Action::Drop: break;
  }
  return "drop";
}

}  // namespace yonroku::api
