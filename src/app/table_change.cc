#include "app/table_change.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "app/offline_options.h"
#include "config/text_file.h"

namespace yonroku::app {
namespace {

constexpr std::size_t kLargestFile = 1024 << 20;

}  // namespace

std::string read_input(const std::string& path) {
  if (path != "-") return value_or_fail(config::read_text_file(path, kLargestFile));
  std::string text;
  std::array<char, 65536> piece;
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), stdin)) > 0;)
    text.append(piece.data(), got);
  return text;
}

std::string input_name(const std::string& path) { return path == "-" ? "standard input" : path; }

void print_change(const api::Answer& answer, bool is_json) {
  if (is_json) return fmt::print("{}", answer.body);
  const auto change = nlohmann::ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  std::string text;
  if (change.is_object())
    for (const auto& [what, number] : change.items())
      if (number.is_number_unsigned() && number.get<uint64_t>() > 0)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number.get<uint64_t>(), what);
  fmt::print("{}\n", text.empty() ? "nothing to change" : text);
}

}  // namespace yonroku::app
