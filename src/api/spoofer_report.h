// Whose packets failed the check of the source, as JSON and as text for people.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "control/spoofers.h"

namespace yonroku::api {

// {"spoofers": [...]}
[[nodiscard]] nlohmann::ordered_json spoofers_json(std::span<const control::InstanceSpoofers> instances);

// From the API's answer.
[[nodiscard]] std::string spoofers_text(const nlohmann::ordered_json& answer);

}  // namespace yonroku::api
