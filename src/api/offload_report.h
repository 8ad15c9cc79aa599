// What the offload does, as JSON and as text for people.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "control/daemon.h"

namespace yonroku::api {

inline constexpr const char* kOffloadPlaces[fastpath::kPlaces] = {"tc", "xdp"};  // labels of fastpath::Place
[[nodiscard]] const char* miss_label(fastpath::Miss miss);

// {"interfaces": [...], "instances": [...]} of one instance, or of all of them when it is empty. An error for
// one that does not exist.
[[nodiscard]] Result<nlohmann::ordered_json> offload_json(const control::Status& status,
                                                          const std::string& instance);

// From the API's answer.
[[nodiscard]] std::string offload_text(const nlohmann::ordered_json& answer);

}  // namespace yonroku::api
