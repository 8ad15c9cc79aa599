#include "natlog/json_lines.h"

#include "natlog/fields.h"

namespace yonroku::natlog {
namespace {

struct MemberWriter {
  std::string& out;

  void number(std::string_view name, uint64_t value) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":{})", name, value);
  }
  // Values are names, addresses, and lines of our own CSV: nothing that JSON would escape.
  void text(std::string_view name, std::string_view value) {
    if (value == "true")
      fmt::format_to(std::back_inserter(out), R"(,"{}":true)", name);
    else
      fmt::format_to(std::back_inserter(out), R"(,"{}":"{}")", name, value);
  }
};

// Whose ports they are: bindings and blocks of one subscriber have the same.
std::string subscriber_of(const Event& event) {
  const share::InsideEndpoint& inside = event.what.inside;
  if (inside.ipv6 == Ipv6Address{}) return inside.ipv4.to_string();
  return Ipv6Prefix::holding(inside.ipv6, event.source->settings.nat.subscriber_prefix_length)
      .address()
      .to_string();
}

}  // namespace

template <class Entry>
std::string JsonEncoder::line_of(const Entry& entry) {
  std::string line = R"({"time":")";
  line.reserve(256);
  time_.append(line, entry.time);
  line += '"';
  MemberWriter writer{line};
  put_fields(writer, entry);
  line += '}';
  return line;
}

void append_json(std::string& out, const share::NatEvent& event) {
  MemberWriter writer{out};
  put_event(writer, event, event.last_port);
}

void JsonEncoder::encode(const Batch& batch, std::vector<Message>& out) {
  if (const auto* const events = std::get_if<std::vector<Event>>(&batch)) {
    for (const Event& event : *events) out.push_back({subscriber_of(event), line_of(event)});
  } else if (const auto* const note = std::get_if<Note>(&batch)) {
    out.push_back({note->source != nullptr ? note->source->instance() : "", line_of(*note)});
  } else {
    for_each_line(std::get<TableChange>(batch),
                  [&](const TableLine& line) { out.push_back({line.source->instance(), line_of(line)}); });
  }
}

}  // namespace yonroku::natlog
