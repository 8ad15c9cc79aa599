#include "api/offload_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/text.h"

namespace yonroku::api {
namespace {

using fastpath::CountersView;
using nlohmann::ordered_json;

struct MissName {
  const char* name;
  const char* meaning;
};
constexpr MissName kMisses[] = {
#define YONROKU_MISS(enumerator, name, meaning) {name, meaning},
#include "fastpath/misses.def"
#undef YONROKU_MISS
};

ordered_json to_json(const CountersView& counters) {
  ordered_json json = ordered_json::object();
  for (std::size_t direction = 0; direction < std::size(counters.forwarded); ++direction) {
    ordered_json& flow = json[observe::kDirectionLabels[direction]];
    flow = {{"packets", 0}, {"octets", 0}};
    for (const fastpath::Count& count : counters.forwarded[direction]) {
      flow["packets"] = flow["packets"].get<uint64_t>() + count.packets;
      flow["octets"] = flow["octets"].get<uint64_t>() + count.octets;
    }
  }
  json["misses"] = ordered_json::object();
  for (std::size_t i = 0; i < fastpath::kMissCount; ++i) json["misses"][kMisses[i].name] = counters.misses[i];
  return json;
}

// What a NAT that did not answer would know is null.
ordered_json flows_json(const fastpath::FlowsStatus& flows, const std::optional<control::NatStatus>& nat) {
  return {{"used", nat ? ordered_json(nat->counts.offloaded_sessions) : ordered_json()},
          {"capacity", flows.capacity},
          {"refused", nat ? ordered_json(nat->counts.refused_offloads) : ordered_json()},
          {"recovered", flows.at_start.kept},
          {"ended", flows.at_start.removed}};
}

ordered_json to_json(const control::InstanceStatus& instance) {
  ordered_json json = {{"instance", instance.name}};
  if (!instance.offload) {
    json["state"] = "off";
    return json;
  }
  const fastpath::InstanceStatus& offload = *instance.offload;
  json["state"] = offload.refusal ? "refused" : "on";
  json["refusal"] = offload.refusal ? ordered_json(*offload.refusal) : ordered_json();
  json["interfaces"] = offload.interfaces;
  for (std::size_t place = 0; place < std::size(kOffloadPlaces); ++place)
    json[kOffloadPlaces[place]] = to_json(offload.counters[place]);
  if (offload.flows)
    json["flows"] = flows_json(*offload.flows, instance.nat);
  else if (!instance.nat)
    json["table"] = {{"entries", instance.mappings}, {"octets", instance.mappings_memory}};
  return json;
}

std::string place_text(const char* place, const ordered_json& counters) {
  std::string text;
  const auto flow = [&](const char* direction) {
    const ordered_json& counted = counters.at(direction);
    return fmt::format("{} {} packets, {}", direction, grouped(counted.at("packets").get<uint64_t>()),
                       size_text(counted.at("octets").get<uint64_t>()));
  };
  text += fmt::format("  {:<4} {}; {}\n", place, flow("to-ipv6"), flow("to-ipv4"));
  for (const auto& miss : kMisses)
    if (const auto count = counters.at("misses").at(miss.name).get<uint64_t>(); count > 0)
      text +=
          fmt::format("       left to the engine {:>14}  {}: {}\n", grouped(count), miss.name, miss.meaning);
  return text;
}

// How full what it shares with the programs is.
std::string memory_text(const ordered_json& instance) {
  if (instance.contains("table")) {
    const ordered_json& table = instance.at("table");
    return fmt::format("  table {} entries in {}\n", grouped(table.at("entries").get<uint64_t>()),
                       size_text(table.at("octets").get<uint64_t>()));
  }
  if (!instance.contains("flows")) return {};
  const ordered_json& flows = instance.at("flows");
  const auto number = [&](const char* key) {
    return flows.at(key).is_null() ? std::string("?") : grouped(flows.at(key).get<uint64_t>());
  };
  return fmt::format("  flows {} of {} in use, {} refused; at the start {} recovered, {} ended\n",
                     number("used"), number("capacity"), number("refused"), number("recovered"),
                     number("ended"));
}

}  // namespace

const char* miss_label(fastpath::Miss miss) { return kMisses[static_cast<std::size_t>(miss)].name; }

Result<ordered_json> offload_json(const control::Status& status, const std::string& instance) {
  ordered_json instances = ordered_json::array();
  for (const control::InstanceStatus& each : status.instances)
    if (instance.empty() || each.name == instance) instances.push_back(to_json(each));
  if (!instance.empty() && instances.empty())
    return fail("instance", "there is no \"" + instance + "\"", "`yonroku show status` lists them");
  ordered_json interfaces = ordered_json::array();
  for (const fastpath::InterfaceStatus& each : status.offload_interfaces) {
    ordered_json places = ordered_json::array();
    if (each.has_xdp) places.push_back("xdp");
    if (each.has_tc) places.push_back("tc");
    interfaces.push_back({{"interface", each.name}, {"places", std::move(places)}, {"why", each.why}});
  }
  return ordered_json{{"interfaces", std::move(interfaces)},
                      {"routes-by", status.offload_is_exact ? "packet" : "destination"},
                      {"instances", std::move(instances)}};
}

std::string offload_text(const ordered_json& answer) {
  std::string text;
  for (const auto& interface : answer.at("interfaces")) {
    std::string places;
    for (const auto& place : interface.at("places"))
      places += (places.empty() ? "" : ", then ") + place.get<std::string>();
    text += fmt::format("{:<15} {:<12} {}\n", interface.at("interface").get<std::string>(),
                        places.empty() ? "nothing" : places, interface.at("why").get<std::string>());
  }
  if (answer.at("routes-by") == "packet")
    text +=
        "routing asks for more than destinations (`ip rule`, routes by source or TOS): it is asked about "
        "every\n"
        "packet, and sessions of NATs stay with the engine\n";
  for (const auto& instance : answer.at("instances")) {
    const auto state = instance.at("state").get<std::string>();
    text +=
        fmt::format("{}{}: {}", text.empty() ? "" : "\n", instance.at("instance").get<std::string>(), state);
    if (state == "off") {
      text += "\n";
      continue;
    }
    if (state == "refused") text += ", " + instance.at("refusal").get<std::string>();
    text += "\n";
    for (const char* place : kOffloadPlaces) text += place_text(place, instance.at(place));
    text += memory_text(instance);
  }
  return text;
}

}  // namespace yonroku::api
