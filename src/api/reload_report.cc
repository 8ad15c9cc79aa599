#include "api/reload_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/text.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;

std::string counts_text(const ordered_json& counts) {
  return counted(counts.at("sessions").get<uint64_t>(), "session") + " and " +
         counted(counts.at("bindings").get<uint64_t>(), "binding");
}

}  // namespace

std::string ReloadText::line(const ordered_json& line) {
  constexpr std::size_t kRowsAtOnce = 1000;
  if (line.contains("instances")) return take_rows() + sums(line);
  rows_.push_back(line);
  has_rows_ = true;
  return rows_.size() < kRowsAtOnce ? "" : take_rows();
}

std::string ReloadText::take_rows() {
  ordered_json page{{"sessions", ordered_json::array()}};
  for (ordered_json& row : rows_) page["sessions"].push_back(std::move(row));
  rows_.clear();
  return table_.page(page);
}

std::string ReloadText::sums(const ordered_json& line) const {
  std::string text = has_rows_ ? "\n" : "";
  for (const auto& instance : line.at("instances")) {
    const auto name = instance.at("name").get<std::string>();
    const auto change = instance.at("change").get<std::string>();
    if (change != "kept") text += fmt::format("{} is {}\n", name, change);
    if (instance.at("reasons").empty()) {
      if (change == "kept") text += fmt::format("{}: nothing ends\n", name);
      continue;
    }
    text += fmt::format("{}: {} end\n", name, counts_text(instance));
    for (const auto& [reason, counts] : instance.at("reasons").items())
      text += fmt::format("  {}: {}\n", reason, counts_text(counts));
  }
  if (const auto omitted = line.at("omitted").get<uint64_t>(); omitted > 0)
    text += fmt::format("{} more are not listed: --all lists them\n", grouped(omitted));
  return text;
}

}  // namespace yonroku::api
