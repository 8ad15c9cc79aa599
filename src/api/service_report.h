// Services of load balancers and their servers, as JSON and as text for people.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "control/daemon.h"

namespace yonroku::api {

// {"services": [...]} of one instance, or of all of them when it is empty. An error for one that has none.
[[nodiscard]] Result<nlohmann::ordered_json> services_json(const control::Status& status,
                                                           const std::string& instance);

// From the API's answer.
[[nodiscard]] std::string services_text(const nlohmann::ordered_json& answer);

}  // namespace yonroku::api
