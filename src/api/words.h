// What the words in the answers mean: drop reasons with their RFC sections, and why the offload leaves
// packets to the engine.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace yonroku::api {

[[nodiscard]] nlohmann::ordered_json words_json();

}  // namespace yonroku::api
