#include "natlog/syslog_message.h"

#include <algorithm>

#include "natlog/fields.h"

namespace yonroku::natlog {
namespace {

using Kind = share::NatEvent::Kind;

// RFC 5424 §6.2.1
enum Severity : unsigned { kError = 3, kWarning = 4, kNotice = 5, kInformational = 6 };

constexpr std::size_t kLongestHostname = 255;     // RFC 5424 §6
constexpr uint32_t kLastSequenceId = 2147483647;  // RFC 5424 §7.3.1

// We have no number of our own: RFC 5612 set 32473 aside for documentation, so it is nobody's.
constexpr std::string_view kStructuredDataId = "yonroku@32473";

// RFC 5424 §6.3: SD-PARAM.
struct ParameterWriter {
  std::string& out;

  void number(std::string_view name, uint64_t value) {
    fmt::format_to(std::back_inserter(out), R"( {}="{}")", name, value);
  }
  void text(std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(out), R"( {}=")", name);
    for (const char c : value) {
      if (c == '"' || c == '\\' || c == ']') out += '\\';  // RFC 5424 §6.3.3
      out += c;
    }
    out += '"';
  }
};

struct Class {
  Severity severity;
  std::string_view message_id;
};

Class class_of(const Event& event) {
  if (is_refusal(event.what.kind)) return {kWarning, "NAT-REFUSAL"};
  if (is_port_block(event.what.kind)) return {kInformational, "PORT-BLOCK"};
  return {kInformational, is_session(event.what.kind) ? "NAT-SESSION" : "NAT-BINDING"};
}
Class class_of(const Note& note) { return {note.kind == Note::Kind::Lost ? kError : kNotice, "NOTE"}; }
Class class_of(const TableLine&) { return {kNotice, "TABLE"}; }

std::string inside_of(const share::InsideEndpoint& inside) {
  if (inside.ipv6 == Ipv6Address{}) return inside.ipv4.to_string();
  std::string text = inside.ipv6.to_string();
  if (has_inside_ipv4(inside)) text = inside.ipv4.to_string() + " behind " + text;
  return text;
}

std::string_view words_of_limit(share::NatRefusal limit) {
  switch (limit) {
    case share::NatRefusal::SubscriberPorts: return "has as many ports as it may have";
    case share::NatRefusal::SubscriberSessions: return "has as many sessions as it may have";
    default: return "opens sessions faster than it may";
  }
}

void append_words(std::string& out, const Event& event) {
  const share::NatEvent& what = event.what;
  const auto to = std::back_inserter(out);
  const std::string inside = inside_of(what.inside), outside = what.outside.address.to_string();
  if (is_port_block(what.kind)) {
    fmt::format_to(to, "ports {}-{} of {} {} {}", what.outside.port, event.last_port, outside,
                   what.kind == Kind::PortBlockTaken ? "now belong to" : "no longer belong to", inside);
    return;
  }
  const std::string_view number = what.protocol == share::NatProtocol::Icmp ? "identifier" : "port";
  switch (what.kind) {
    case Kind::PortsExhausted:
      fmt::format_to(to, "no {} {} is left for {}", to_string(what.protocol), number, inside);
      if (what.outside.address != Ipv4Address{}) fmt::format_to(to, " at {}", outside);
      return;
    case Kind::LimitExceeded: fmt::format_to(to, "{} {}", inside, words_of_limit(what.limit)); return;
    case Kind::TableFull: fmt::format_to(to, "the table is full: nothing new for {}", inside); return;
    default: break;
  }
  fmt::format_to(
      to, "{} {} {} of {} {} {} {} {}", to_string(what.protocol), number, what.outside.port, outside,
      what.kind == Kind::BindingCreated || what.kind == Kind::SessionCreated ? "now stands for"
                                                                             : "no longer stands for",
      inside, number, what.inside.port);
  if (is_session(what.kind) && what.remote.address != Ipv4Address{}) {
    fmt::format_to(to, " towards {}", what.remote.address.to_string());
    if (what.protocol != share::NatProtocol::Icmp) fmt::format_to(to, " port {}", what.remote.port);
  }
}

void append_words(std::string& out, const Note& note) {
  const auto to = std::back_inserter(out);
  const std::string_view name = note.source != nullptr ? std::string_view(note.source->instance()) : "";
  switch (note.kind) {
    case Note::Kind::Began: fmt::format_to(to, "{} begins", name); break;
    case Note::Kind::Changed: fmt::format_to(to, "{} has other settings", name); break;
    case Note::Kind::Ended: fmt::format_to(to, "{} has ended, and all that it knew", name); break;
    case Note::Kind::Lost: fmt::format_to(to, "{} entries of the log are missing here", note.count); break;
  }
}

void append_words(std::string& out, const TableLine& change) {
  const auto to = std::back_inserter(out);
  if (change.line.empty())
    fmt::format_to(to, "{}: another table, of {}", change.source->instance(), change.size);
  else
    fmt::format_to(to, "{}: {} {}", change.source->instance(), change.event, change.line);
}

// RFC 5424 §6.2.4: PRINTUSASCII; "-" is the NILVALUE.
std::string hostname_of(std::string host) {
  std::ranges::replace_if(host, [](char c) { return c <= ' ' || c >= 0x7f; }, '?');
  return host.empty() ? "-" : host.substr(0, kLongestHostname);
}

}  // namespace

SyslogEncoder::SyslogEncoder(const Origin& origin)
    : facility_(origin.facility),
      origin_(fmt::format("{} yonroku {}", hostname_of(origin.host), origin.process)) {}

template <class Entry>
void SyslogEncoder::encode_entry(const Entry& entry, std::vector<Message>& out) {
  const Class its = class_of(entry);
  std::string text;
  text.reserve(384);
  fmt::format_to(std::back_inserter(text), "<{}>1 ", facility_ * 8 + its.severity);
  time_.append(text, entry.time);
  sequence_id_ = sequence_id_ == kLastSequenceId ? 1 : sequence_id_ + 1;
  fmt::format_to(std::back_inserter(text), " {} {} [{}", origin_, its.message_id, kStructuredDataId);
  ParameterWriter writer{text};
  put_fields(writer, entry);
  fmt::format_to(std::back_inserter(text), R"(][meta sequenceId="{}"] )", sequence_id_);
  append_words(text, entry);
  out.push_back({{}, std::move(text)});
}

void SyslogEncoder::encode(const Batch& batch, std::vector<Message>& out) {
  if (const auto* const events = std::get_if<std::vector<Event>>(&batch)) {
    for (const Event& event : *events) encode_entry(event, out);
  } else if (const auto* const note = std::get_if<Note>(&batch)) {
    encode_entry(*note, out);
  } else {
    for_each_line(std::get<TableChange>(batch), [&](const TableLine& line) { encode_entry(line, out); });
  }
}

}  // namespace yonroku::natlog
