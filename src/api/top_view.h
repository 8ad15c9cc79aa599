// `yonroku top`: what instances do at the moment, as a screen full of text. Made from the API's answers
// alone; the terminal is app/'s.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace yonroku::api {

struct TopInstance {
  struct Drop {
    std::string reason;
    double rate = 0;  // packets per second
    uint64_t total = 0;
  };
  std::string name;
  std::string mechanism;
  double packets_to_ipv6 = 0, packets_to_ipv4 = 0, bits_to_ipv6 = 0, bits_to_ipv4 = 0;  // per second
  std::optional<double> offloaded;  // share of the packets
  std::optional<uint64_t> sessions;
  std::optional<double> new_sessions;  // per second
  double drops = 0;                    // likewise
  std::optional<double> busy;          // share of the time that the workers ran
  std::vector<Drop> drop_reasons;      // the most frequent first
};

struct TopSubscriber {
  std::string name;
  uint64_t bindings = 0;
  uint64_t sessions = 0;
};

struct TopModel {
  std::string headline;  // of the status report: what runs, and whether something is wrong
  std::vector<std::string> problems;
  std::vector<TopInstance> instances;
  std::size_t chosen = 0;                  // of instances
  std::vector<TopSubscriber> subscribers;  // of the chosen one, the busiest first
};

// From two answers of /v1/counters, so many seconds apart, and one of /v1/status.
[[nodiscard]] std::vector<TopInstance> top_instances(const nlohmann::ordered_json& status,
                                                     const nlohmann::ordered_json& before,
                                                     const nlohmann::ordered_json& after, double seconds);
// From an answer of /v1/instances/NAME/subscribers.
[[nodiscard]] std::vector<TopSubscriber> top_subscribers(const nlohmann::ordered_json& answer);

struct TopSize {
  std::size_t columns;
  std::size_t rows;  // 0: as many as there are
};
enum class TopStyle : uint8_t { Plain, Ansi };
// Lines that end with "\n", none longer than the screen is wide.
[[nodiscard]] std::string top_text(const TopModel& model, TopSize size, TopStyle style);

}  // namespace yonroku::api
