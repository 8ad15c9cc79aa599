// The API's answers as text for people: what runs, what is wrong, what was counted.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace yonroku::api {

[[nodiscard]] std::string status_report(const nlohmann::ordered_json& status,
                                        std::chrono::system_clock::time_point now);

// Its first line alone, and what is wrong with what to do about it, the worst first.
[[nodiscard]] std::string status_headline(const nlohmann::ordered_json& status,
                                          std::chrono::system_clock::time_point now);
[[nodiscard]] std::vector<std::string> problems_of(const nlohmann::ordered_json& status,
                                                   std::chrono::system_clock::time_point now);

enum class Zeros : uint8_t { Hide, Show };
[[nodiscard]] std::string counters_report(const nlohmann::ordered_json& counters, Zeros zeros);

}  // namespace yonroku::api
