// Answers to "who was it" as JSON, and as text for people.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/who.h"

namespace yonroku::api {

// As docs/api.md says.
[[nodiscard]] nlohmann::ordered_json to_json(const WhoResult& result);
// `question` is what was asked for, for the heading: "198.51.100.2 port 2100".
[[nodiscard]] std::string who_text(const nlohmann::ordered_json& answer, std::string_view question);

}  // namespace yonroku::api
