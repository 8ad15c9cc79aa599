#include "api/spoofer_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/text.h"

namespace yonroku::api {

using nlohmann::ordered_json;

ordered_json spoofers_json(std::span<const control::InstanceSpoofers> instances) {
  ordered_json spoofers = ordered_json::array();
  for (const control::InstanceSpoofers& each : instances)
    for (const control::Spoofer& spoofer : each.spoofers)
      spoofers.push_back({{"instance", each.instance},
                          {"source", spoofer.source.to_string()},
                          {"packets", spoofer.packets},
                          {"at-least", spoofer.at_least},
                          {"seconds-ago", spoofer.age.count()}});
  return {{"spoofers", std::move(spoofers)}};
}

std::string spoofers_text(const ordered_json& answer) {
  std::string text, instance;
  for (const auto& spoofer : answer.at("spoofers")) {
    if (const auto name = spoofer.at("instance").get<std::string>(); name != instance) {
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n", name);
      instance = name;
    }
    const auto packets = spoofer.at("packets").get<uint64_t>(),
               least = spoofer.at("at-least").get<uint64_t>();
    text += fmt::format("  {:<39}  {:>15} {}{}, the last {} s ago\n", spoofer.at("source").get<std::string>(),
                        grouped(packets), packets == 1 ? "packet" : "packets",
                        least == packets ? "" : fmt::format(" at most, {} at least", grouped(least)),
                        grouped(spoofer.at("seconds-ago").get<uint64_t>()));
  }
  return text.empty() ? "no source has failed the check\n" : text;
}

}  // namespace yonroku::api
