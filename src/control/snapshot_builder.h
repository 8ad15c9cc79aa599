// From validated settings to what the engine runs.
#pragma once

#include <memory>
#include <memory_resource>

#include "base/result.h"
#include "config/settings.h"
#include "control/services.h"
#include "engine/snapshot.h"

namespace yonroku::control {

// The table of the instance's explicit mappings. `seed` keys its hash.
[[nodiscard]] Result<std::shared_ptr<share::EamTable>> build_eam_table(
    const config::InstanceSettings& settings, uint64_t seed,
    std::pmr::memory_resource* memory = std::pmr::get_default_resource());

// The table of the instance's rules and softwires.
[[nodiscard]] Result<std::shared_ptr<share::MapRuleTable>> build_rule_table(
    const config::InstanceSettings& settings, uint64_t seed,
    std::pmr::memory_resource* memory = std::pmr::get_default_resource());

// What a mechanism refers to. Of the two tables it has the one that it needs.
struct Tables {
  std::shared_ptr<share::EamTable> eam = nullptr;
  std::shared_ptr<share::MapRuleTable> rules = nullptr;
  std::shared_ptr<carry::PathMtuTable> path_mtus = nullptr;
  std::shared_ptr<const share::ServiceTable> services = nullptr;
};
[[nodiscard]] Result<Tables> build_tables(
    const config::InstanceSettings& settings, uint64_t seed,
    std::pmr::memory_resource* memory = std::pmr::get_default_resource());

[[nodiscard]] std::unique_ptr<engine::Snapshot> build_snapshot(const config::InstanceSettings& settings,
                                                               Tables tables);

}  // namespace yonroku::control
