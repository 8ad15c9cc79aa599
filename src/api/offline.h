// One instance of a configuration, run in memory over packets from a file: no device, no routes, no clock.
// The same packets give the same results every time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "engine/pipeline.h"

namespace yonroku::api {

// The instance of that name, or the only one.
[[nodiscard]] Result<const config::InstanceSettings*> choose_instance(const config::Settings& settings,
                                                                      const std::optional<std::string>& name);

class OfflineInstance {
 public:
  static Result<OfflineInstance> create(const config::InstanceSettings& settings);

  // Calls `emit(const Packet&)` for each result, in order. The octets given are not changed.
  template <class Emit>
  engine::Pipeline::Outcome process(std::span<const std::byte> bytes, Instant now, Emit&& emit) {
    Packet packet = load(bytes);
    return std::visit(
        [&](const auto& mechanism) {
          return pipeline_->process(*snapshot_, mechanism, packet, now, std::forward<Emit>(emit));
        },
        snapshot_->mechanism);
  }

  void set_trace(Trace* trace) { pipeline_->set_trace(trace); }
  // What it was made of, and the tables that it looks up.
  [[nodiscard]] const engine::Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const observe::Counters& counters() const { return pipeline_->counters(); }

 private:
  explicit OfflineInstance(std::unique_ptr<engine::Snapshot> snapshot);
  Packet load(std::span<const std::byte> bytes);

  std::unique_ptr<engine::Snapshot> snapshot_;
  std::unique_ptr<engine::Pipeline> pipeline_;
  std::vector<std::byte> buffer_;
};

// "to-ipv6", "to-ipv4", "hairpin", "held" (a fragment that waits for the others) or "drop".
[[nodiscard]] std::string_view verdict_word(const Verdict& verdict, bool was_ipv6);

}  // namespace yonroku::api
