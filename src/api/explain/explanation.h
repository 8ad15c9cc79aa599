// One packet through an instance in memory, told step by step.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/explain/decisions.h"
#include "api/offline.h"

namespace yonroku::api {

struct Explanation {
  std::vector<std::byte> before;
  std::vector<std::byte> whole;  // what it and earlier fragments make, if they do
  Decisions decisions;
  std::string verdict;        // "to-ipv6", "to-ipv4", "hairpin", "held", "drop"
  std::string verdict_words;  // the same for people
  DropReason reason = DropReason::None;
  Decision drop;             // of a dropped packet
  std::string advice;        // likewise, and of one that is held
  Decision silence;          // why nobody is told about a dropped packet, if nobody is
  bool is_answered = false;  // an ICMP error about the dropped packet is in `after`
  std::vector<std::vector<std::byte>> after;
};

[[nodiscard]] Explanation explain(OfflineInstance& instance, const config::InstanceSettings& settings,
                                  std::span<const std::byte> packet, Instant now);

[[nodiscard]] std::string to_text(const Explanation& explanation);
[[nodiscard]] nlohmann::ordered_json to_json(const Explanation& explanation);

}  // namespace yonroku::api
