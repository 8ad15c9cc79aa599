// What is told of an entry, in the words of docs/api.md: the same fields for every receiver that gets text.
//
// A Writer has text(name, value) and number(name, value).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/map_rule_csv.h"
#include "config/softwire_csv.h"
#include "natlog/record.h"

namespace yonroku::natlog {

[[nodiscard]] inline bool is_port_block(share::NatEvent::Kind kind) {
  return kind == share::NatEvent::Kind::PortBlockTaken || kind == share::NatEvent::Kind::PortBlockReturned;
}
[[nodiscard]] inline bool is_session(share::NatEvent::Kind kind) {
  return kind == share::NatEvent::Kind::SessionCreated || kind == share::NatEvent::Kind::SessionEnded;
}
[[nodiscard]] inline bool is_refusal(share::NatEvent::Kind kind) {
  return kind == share::NatEvent::Kind::PortsExhausted || kind == share::NatEvent::Kind::LimitExceeded ||
         kind == share::NatEvent::Kind::TableFull;
}
// A load balancer writes its service's number where others have the inside's IPv4 address; no host has one of
// 0.0.0.0/8.
[[nodiscard]] inline bool has_inside_ipv4(const share::InsideEndpoint& inside) {
  return inside.ipv4.value() >> 24 != 0;
}

template <class Writer>
void put_port(Writer& out, std::string_view port, std::string_view identifier, uint16_t value,
              share::NatProtocol protocol) {
  if (protocol != share::NatProtocol::Icmp)
    out.number(port, value);
  else if (!identifier.empty())
    out.number(identifier, value);
}

template <class Writer>
void put_event(Writer& out, const share::NatEvent& what, uint16_t last_port) {
  const bool is_block = is_port_block(what.kind);
  out.text("event", to_string(what.kind));
  if (!is_block) out.text("protocol", to_string(what.protocol));
  if (what.inside.ipv6 != Ipv6Address{}) out.text("inside", what.inside.ipv6.to_string());
  if (has_inside_ipv4(what.inside))
    out.text("inside-ipv4", what.inside.ipv4.to_string());
  else if (what.inside.ipv4 != Ipv4Address{})
    out.number("service", what.inside.ipv4.value());
  if (!is_block) put_port(out, "inside-port", "inside-identifier", what.inside.port, what.protocol);
  if (what.kind == share::NatEvent::Kind::LimitExceeded) out.text("limit", to_string(what.limit));
  const bool has_outside = what.outside.address != Ipv4Address{};
  if (has_outside) out.text("outside", what.outside.address.to_string());
  if (is_block) {
    out.number("outside-port", what.outside.port);
    out.number("outside-last-port", last_port);
  } else if (has_outside && !is_refusal(what.kind)) {
    put_port(out, "outside-port", "outside-identifier", what.outside.port, what.protocol);
  }
  if (is_session(what.kind) && what.remote.address != Ipv4Address{}) {
    out.text("remote", what.remote.address.to_string());
    put_port(out, "remote-port", "", what.remote.port, what.protocol);
  }
  if (what.is_recovered) out.text("recovered", "true");
}

template <class Writer>
void put_fields(Writer& out, const Event& event) {
  out.text("instance", event.source->instance());
  put_event(out, event.what, event.last_port);
}

template <class Writer>
void put_fields(Writer& out, const Note& note) {
  static constexpr std::string_view kEvents[] = {"instance-began", "instance-changed", "instance-ended",
                                                 "log-lost"};
  if (note.source != nullptr) out.text("instance", note.source->instance());
  out.text("event", kEvents[static_cast<std::size_t>(note.kind)]);
  if (note.kind == Note::Kind::Lost) out.number("count", note.count);
}

// One line of a table that has come or gone, as in its CSV file; or the whole table anew, then without a
// line.
struct TableLine {
  Milliseconds time;
  const Source* source;
  std::string_view event;
  std::string line{};
  uint64_t size = 0;
};

template <class Writer>
void put_fields(Writer& out, const TableLine& change) {
  out.text("instance", change.source->instance());
  out.text("event", change.event);
  if (change.line.empty())
    out.number("size", change.size);
  else
    out.text("line", change.line);
}

template <class Visit>
void for_each_line(const TableChange& change, Visit visit) {
  const config::InstanceSettings& settings = change.source->settings;
  const bool is_softwires =
      settings.mechanism == config::Mechanism::LwAftr || settings.mechanism == config::Mechanism::FourOverSix;
  if (change.kind == TableChange::Kind::Whole) {
    const bool is_rules = config::has_rules(settings.mechanism);
    visit(TableLine{.time = change.time,
                    .source = change.source,
                    .event = is_softwires ? "softwires-replaced"
                             : is_rules   ? "rules-replaced"
                                          : "mappings-replaced",
                    .size = change.added_rules.size() + change.added_mappings.size()});
    return;
  }
  const auto put = [&](std::string_view event, std::string line) {
    visit(TableLine{change.time, change.source, event, std::move(line)});
  };
  const auto put_rule = [&](std::string_view event, const share::MapRule& rule) {
    std::string line;
    if (is_softwires)
      config::append_softwire_csv(line, rule, settings.local_addresses);
    else
      config::append_map_rule_csv(line, rule);
    while (line.ends_with('\n')) line.pop_back();
    put(event, std::move(line));
  };
  for (const auto& rule : change.removed_rules)
    put_rule(is_softwires ? "softwire-removed" : "rule-removed", rule);
  for (const auto& rule : change.added_rules) put_rule(is_softwires ? "softwire-added" : "rule-added", rule);
  for (const auto& mapping : change.removed_mappings)
    put("mapping-removed", mapping.ipv4.to_string() + ',' + mapping.ipv6.to_string());
  for (const auto& mapping : change.added_mappings)
    put("mapping-added", mapping.ipv4.to_string() + ',' + mapping.ipv6.to_string());
}

}  // namespace yonroku::natlog
