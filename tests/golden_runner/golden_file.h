// Reads a golden file: configuration, then steps of one input, the verdict expected and the packets expected;
// or of time that passes, and the packets that are sent meanwhile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"

namespace yonroku::golden {

struct Step {
  std::optional<Duration> until;  // time passes, counted from the beginning; then there is no input
  std::vector<std::byte> input;
  std::string expect;  // "to-ipv6", "to-ipv4", "hairpin", "drop REASON", "reply REASON"
  std::vector<std::vector<std::byte>> packets;
};

struct GoldenFile {
  std::string config;  // a file name in configs/
  std::vector<Step> steps;
};

Result<GoldenFile> read_golden_file(const std::string& path);

}  // namespace yonroku::golden
