// What the control API says, as JSON. The words are those of the counters, drop reasons and configuration.
#pragma once

#include <chrono>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "control/daemon.h"

namespace yonroku::api {

[[nodiscard]] nlohmann::ordered_json to_json(const Error& error);
[[nodiscard]] nlohmann::ordered_json to_json(const control::Status& status);
[[nodiscard]] nlohmann::ordered_json to_json(const control::MappingChange& change);
[[nodiscard]] nlohmann::ordered_json to_json(const observe::Totals& totals);
[[nodiscard]] nlohmann::ordered_json to_json(std::span<const control::InstanceCounters> counters);
// Written directly: a million mappings as a tree would take a gigabyte.
[[nodiscard]] std::string mappings_json(std::span<const share::EamMapping> mappings);
// One rule or softwire, with the keys of the configuration.
void append_rule_json(std::string& text, const share::MapRule& rule, control::TableKind kind,
                      const control::RuleWords& words);

// UTC, as in ISO 8601.
[[nodiscard]] std::string time_text(std::chrono::system_clock::time_point time);

// One line, whatever octets are in its strings.
[[nodiscard]] std::string dump(const nlohmann::ordered_json& json);

}  // namespace yonroku::api
