#include "api/json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <iterator>

#include <nlohmann/json.hpp>

#include "config/map_rule_text.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;

uint64_t packets_of(const observe::Totals& totals, observe::Direction direction) {
  uint64_t sum = 0;
  for (const auto& flow : totals.translated[static_cast<std::size_t>(direction)]) sum += flow.packets;
  return sum;
}

// As in a mappings file: a whole address without its length.
template <class Prefix>
std::string short_text(const Prefix& prefix) {
  return prefix.suffix_length() == 0 ? prefix.address().to_string() : prefix.to_string();
}

template <class Counts>
ordered_json by_protocol(const Counts& counts) {
  return {{"udp", counts[0]}, {"tcp", counts[1]}, {"icmp", counts[2]}};
}

ordered_json to_json(const control::NatStatus& nat) {
  std::array<uint64_t, share::kNatProtocolCount> sessions{};
  for (std::size_t i = 0; i < sessions.size(); ++i)
    sessions[i] = nat.counts.sessions_of(static_cast<share::NatProtocol>(i));
  ordered_json json = {{"bindings", by_protocol(nat.counts.bindings)},
                       {"sessions", by_protocol(sessions)},
                       {"max-sessions", nat.max_sessions},
                       {"subscribers", nat.counts.subscribers},
                       {"addresses", nat.addresses},
                       {"ports", nat.counts.ports},
                       {"used-ports", by_protocol(nat.counts.used_ports)},
                       {"resting-ports", nat.counts.resting_ports}};
  if (nat.counts.blocks > 0) {
    json["port-blocks"] = nat.counts.blocks;
    json["used-port-blocks"] = nat.counts.used_blocks;
    json["resting-port-blocks"] = nat.counts.resting_blocks;
  }
  if (nat.alg)
    json["alg"] = {{"rewritten", nat.alg->rewritten},
                   {"not-understood", nat.alg->not_understood},
                   {"refused", nat.alg->refused}};
  json["short-of"] = control::short_of(nat);
  return json;
}

ordered_json instance_json(const control::InstanceStatus& instance) {
  ordered_json json = {{"name", instance.name},         {"mechanism", instance.mechanism},
                       {"device", instance.device},     {"workers", instance.workers},
                       {"mappings", instance.mappings}, {"mappings-memory", instance.mappings_memory},
                       {"routes", instance.routes},     {"since", time_text(instance.since)}};
  if (instance.table == control::TableKind::Rules || instance.table == control::TableKind::Softwires)
    json[std::string(to_string(instance.table))] = instance.mappings;
  if (instance.nat) json["nat"] = to_json(*instance.nat);
  if (instance.offload)
    json["offload"] = {
        {"state", instance.offload->refusal ? "refused" : "on"},
        {"refusal", instance.offload->refusal ? ordered_json(*instance.offload->refusal) : ordered_json()}};
  json["failure"] = instance.failure ? ordered_json(*instance.failure) : ordered_json();
  return json;
}

ordered_json to_json(const natlog::LogStatus& log) {
  ordered_json json = {{"events", log.events}, {"missed", log.missed}, {"receivers", ordered_json::array()}};
  for (const natlog::DeliveryStatus& receiver : log.receivers)
    json["receivers"].push_back(
        {{"name", receiver.name},
         {"written", receiver.written},
         {"lost", receiver.lost},
         {"waiting", receiver.waiting},
         {"error", receiver.error ? ordered_json(*receiver.error) : ordered_json()},
         {"remark", receiver.remark ? ordered_json(*receiver.remark) : ordered_json()},
         {"since", receiver.since == std::chrono::system_clock::time_point{}
                       ? ordered_json()
                       : ordered_json(time_text(receiver.since))}});
  return json;
}

// By reason, direction and protocol: what is not zero.
ordered_json drop_details_json(const observe::Totals& totals) {
  ordered_json json = ordered_json::object();
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    observe::for_each_kind([&](observe::PacketKind kind) {
      if (const uint64_t count = totals.dropped_by_kind[i][kind]; count > 0)
        json[std::string(kDropReasons[i].label)][label(kind.direction)][label(kind.protocol)] = count;
    });
  return json;
}

// What only grows.
ordered_json events_json(const share::NatCounts& nat) {
  ordered_json json;
  for (std::size_t p = 0; p < share::kNatProtocolCount; ++p) {
    const auto protocol = static_cast<share::NatProtocol>(p);
    ordered_json ended, refused;
    for (std::size_t i = 0; i < share::kSessionEndCount; ++i)
      if (const auto end = static_cast<share::SessionEnd>(i); share::can_end(protocol, end))
        ended[std::string(to_string(end))] = nat.ended_sessions[p][i];
    for (std::size_t i = 0; i < share::kNatRefusalCount; ++i)
      refused[std::string(to_string(static_cast<share::NatRefusal>(i)))] = nat.refusals[p][i];
    json[std::string(to_string(protocol))] = {{"created-bindings", nat.created_bindings(protocol)},
                                              {"ended-bindings", nat.ended_bindings[p]},
                                              {"created-sessions", nat.created_sessions(protocol)},
                                              {"ended-sessions", std::move(ended)},
                                              {"refused", std::move(refused)}};
  }
  return json;
}

ordered_json workers_json(const control::InstanceCounters& instance) {
  ordered_json json = ordered_json::array();
  for (const auto& time : instance.cpu_times)
    json.push_back({{"cpu-seconds",
                     time ? ordered_json(std::chrono::duration<double>(*time).count()) : ordered_json()}});
  return json;
}

}  // namespace

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

ordered_json to_json(const Error& error) {
  return {{"error", {{"where", error.where}, {"what", error.what}, {"fix", error.fix}}}};
}

ordered_json to_json(const control::Status& status) {
  ordered_json json = {
      {"version", status.version}, {"process-id", status.process_id}, {"since", time_text(status.since)}};
  json["reloaded"] = status.reloaded ? ordered_json(time_text(*status.reloaded)) : ordered_json();
  json["warnings"] = status.warnings;
  if (status.log) json["nat-log"] = to_json(*status.log);
  json["instances"] = ordered_json::array();
  for (const auto& instance : status.instances) json["instances"].push_back(instance_json(instance));
  return json;
}

ordered_json to_json(const control::MappingChange& change) {
  return {{"added", change.added},
          {"removed", change.removed},
          {"replaced", change.replaced},
          {"unchanged", change.unchanged}};
}

ordered_json to_json(const observe::Totals& totals) {
  ordered_json json = {{"received", {{"ipv4", totals.received[0]}, {"ipv6", totals.received[1]}}}};
  ordered_json by_protocol;
  for (std::size_t d = 0; d < observe::kDirections; ++d) {
    const char* direction = observe::kDirectionLabels[d];
    json[direction] = packets_of(totals, static_cast<observe::Direction>(d));
    for (std::size_t p = 0; p < observe::kProtocols; ++p)
      by_protocol[direction][observe::kProtocolLabels[p]] = {{"packets", totals.translated[d][p].packets},
                                                             {"octets", totals.translated[d][p].octets}};
  }
  json["protocols"] = std::move(by_protocol);
  uint64_t dropped = 0;
  ordered_json drops = ordered_json::object();
  for (std::size_t i = 1; i < kDropReasonCount; ++i) {
    drops[std::string(kDropReasons[i].label)] = totals.dropped[i];
    dropped += totals.dropped[i];
  }
  json["dropped"] = dropped;
  json["drops"] = std::move(drops);
  json["drop-details"] = drop_details_json(totals);
  json["icmp-errors"] = {{"icmp", totals.icmp_errors_sent[0]},
                         {"icmpv6", totals.icmp_errors_sent[1]},
                         {"limited", totals.icmp_errors_limited}};
  json["too-big-sent"] = {{"icmp", totals.too_big_sent[0]}, {"icmpv6", totals.too_big_sent[1]}};
  for (std::size_t d = 0; d < observe::kDirections; ++d)
    json["too-big-forwarded"][observe::kDirectionLabels[d]] = totals.too_big_forwarded[d];
  json["segmented"] = totals.segmented;
  json["reassembled"] = totals.reassembled;
  json["reassembled-fragments"] = totals.reassembled_fragments;
  json["handed-over"] = totals.handed_over;
  json["segments"] = totals.segments;
  json["fragments"] = totals.fragments;
  json["not-sent"] = totals.not_sent;
  json["batches"] = totals.batches;
  return json;
}

ordered_json to_json(std::span<const control::InstanceCounters> counters) {
  ordered_json json = {{"instances", ordered_json::array()}};
  for (const auto& instance : counters) {
    ordered_json one = {{"name", instance.name}};
    one.update(to_json(instance.totals));
    one["offloaded"] = instance.offloaded_packets;
    one["learned-path-mtus"] = instance.learned_path_mtus;
    one["workers"] = workers_json(instance);
    if (instance.nat) one["nat"] = events_json(*instance.nat);
    json["instances"].push_back(std::move(one));
  }
  return json;
}

std::string mappings_json(std::span<const share::EamMapping> mappings) {
  std::string text = "{\"mappings\":[";
  text.reserve(text.size() + mappings.size() * 64);
  bool is_first = true;
  for (const auto& mapping : mappings) {
    fmt::format_to(std::back_inserter(text), "{}\n{{\"ipv4\":\"{}\",\"ipv6\":\"{}\"}}", is_first ? "" : ",",
                   short_text(mapping.ipv4), short_text(mapping.ipv6));
    is_first = false;
  }
  return text + "]}";
}

void append_rule_json(std::string& text, const share::MapRule& rule, control::TableKind kind,
                      const control::RuleWords& words) {
  const share::MapRule::Parts& parts = rule.parts();
  const auto out = std::back_inserter(text);
  if (kind == control::TableKind::Softwires)
    fmt::format_to(out, R"({{"b4-address":"{}","ipv4":"{}")", parts.ipv6.address().to_string(),
                   short_text(parts.ipv4));
  else
    fmt::format_to(out, R"({{"ipv6-prefix":"{}","ipv4-prefix":"{}","ea-length":{},"format":"{}")",
                   parts.ipv6.to_string(), parts.ipv4.to_string(), parts.ea_length,
                   config::to_string(parts.format));
  fmt::format_to(out, R"(,"psid-offset":{})", parts.psid_offset);
  if (rule.has_given_psid())
    fmt::format_to(out, R"(,"psid-length":{},"psid":{})", parts.given_psid_length, parts.given_psid);
  if (parts.border < words.borders.size())
    fmt::format_to(out, R"(,"br-address":"{}")", words.borders[parts.border].to_string());
  text += '}';
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace yonroku::api
