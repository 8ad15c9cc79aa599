#include "api/service_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/text.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const control::ServerStatus& server) {
  ordered_json json = {{"address", server.name.address.to_string()},
                       {"port", server.name.port},
                       {"weight", server.weight},
                       {"up", server.is_up()},
                       {"flows", server.flows}};
  if (!server.health) return json;
  const control::HealthReport& health = *server.health;
  json["since"] =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(health.since)));
  json["checks"] = health.checks;
  json["failed-checks"] = health.failures;
  json["failure"] = health.last_failure.empty() ? ordered_json() : ordered_json(health.last_failure);
  return json;
}

std::string state_text(const ordered_json& server) {
  if (!server.at("up").get<bool>()) return "down";
  return server.at("weight").get<uint64_t>() == 0 ? "drained" : "up";
}

std::string check_text(const ordered_json& server) {
  if (!server.contains("checks")) return "not checked";
  std::string text = fmt::format("{}, {} failed", counted(server.at("checks").get<uint64_t>(), "check"),
                                 grouped(server.at("failed-checks").get<uint64_t>()));
  if (!server.at("failure").is_null()) text += ": " + server.at("failure").get<std::string>();
  return text;
}

}  // namespace

Result<ordered_json> services_json(const control::Status& status, const std::string& instance) {
  ordered_json services = ordered_json::array();
  bool is_known = instance.empty();
  for (const control::InstanceStatus& each : status.instances) {
    if (!instance.empty() && each.name != instance) continue;
    is_known = true;
    for (const control::ServiceStatus& service : each.services) {
      ordered_json& json = services.emplace_back(ordered_json{{"instance", each.name},
                                                              {"number", service.number},
                                                              {"vip", service.key.vip.to_string()},
                                                              {"port", service.key.port},
                                                              {"protocol", to_string(service.key.protocol)}});
      json["servers"] = ordered_json::array();
      for (const control::ServerStatus& server : service.servers) json["servers"].push_back(to_json(server));
    }
  }
  if (!is_known)
    return fail("instance", "there is no \"" + instance + "\"", "`yonroku show status` lists them");
  return ordered_json{{"services", std::move(services)}};
}

std::string services_text(const ordered_json& answer) {
  std::string text;
  for (const auto& service : answer.at("services")) {
    text += fmt::format("{}{}: {} [{}]:{}\n", text.empty() ? "" : "\n",
                        service.at("instance").get<std::string>(), service.at("protocol").get<std::string>(),
                        service.at("vip").get<std::string>(), service.at("port").get<unsigned>());
    for (const auto& server : service.at("servers"))
      text += fmt::format(
          "  {:<21}  weight {:<4}  {:<7}  {:>12} flows  {}\n",
          fmt::format("{}:{}", server.at("address").get<std::string>(), server.at("port").get<unsigned>()),
          server.at("weight").get<unsigned>(), state_text(server),
          grouped(server.at("flows").get<uint64_t>()), check_text(server));
  }
  return text.empty() ? "there are no services\n" : text;
}

}  // namespace yonroku::api
