#include "api/who_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include "api/time_text.h"

namespace yonroku::api {
namespace {

using natlog::Milliseconds;

constexpr std::size_t kMostAnswers = 1000;
constexpr int64_t kLongestSkew = 86'400;

std::optional<uint64_t> number(std::string_view text, uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

Result<std::optional<share::NatProtocol>> protocol_of(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (text.empty()) return std::nullopt;
  if (text == "udp" || text == "17") return share::NatProtocol::Udp;
  if (text == "tcp" || text == "6") return share::NatProtocol::Tcp;
  if (text == "icmp" || text == "1") return share::NatProtocol::Icmp;
  return fail("protocol", fmt::format("\"{}\" is none of a NAT", text), "udp, tcp or icmp");
}

// A prefix or an address; an IPv4 address is ::ADDRESS.
std::optional<Ipv6Prefix> subscriber_of(std::string_view text) {
  if (const auto prefix = Ipv6Prefix::parse(text)) return prefix;
  if (const auto ipv6 = Ipv6Address::parse(text)) return Ipv6Prefix::create(*ipv6, 128);
  if (const auto ipv4 = Ipv4Address::parse(text))
    return Ipv6Prefix::create(Ipv6Address(0, ipv4->value()), 128);
  return std::nullopt;
}

Result<std::optional<natlog::Remote>> remote_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto address = Ipv4Address::parse(text.substr(0, colon));
  const auto port = colon < text.size() ? number(text.substr(colon + 1), 65535) : std::nullopt;
  if (!address || (colon < text.size() && !port))
    return fail("remote", fmt::format("\"{}\" is none", text),
                "the other side's IPv4 address and, if it is known, port, such as 203.0.113.7:443");
  return natlog::Remote{*address,
                        port ? std::optional<uint16_t>(static_cast<uint16_t>(*port)) : std::nullopt};
}

Result<WhoResult> answer_used(Who& who, const WhoRequest& request, int64_t now) {
  const auto subscriber = subscriber_of(request.subscriber);
  if (!subscriber)
    return fail("subscriber", fmt::format("\"{}\" is none", request.subscriber),
                "an IPv6 prefix such as 2001:db8:12::/56, or an address");
  const int64_t from = request.from.empty() ? 0 : TRY(parse_time(request.from, now));
  const int64_t until = request.until.empty() ? now : TRY(parse_time(request.until, now));
  if (from > until) return fail("from", "is after until");
  const auto limit =
      request.limit.empty() ? std::optional<uint64_t>(kMostAnswers) : number(request.limit, 1'000'000);
  if (!limit || *limit == 0) return fail("limit", fmt::format("\"{}\" is no number", request.limit));
  return who.used_by(*subscriber, {from, until}, *limit, TRY(remote_of(request.remote)));
}

// --- CSV ---

using Fields = std::vector<std::string>;

// The fields of the next line, which is taken off the text. Quoted ones may hold commas, quotes and line
// ends.
Fields next_line(std::string_view& text) {
  Fields fields(1);
  bool is_quoted = false;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (is_quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (text.starts_with('"')) {
        fields.back() += '"';
        text.remove_prefix(1);
      } else {
        is_quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      is_quoted = true;
    } else if (c == ',' || c == ';' || c == '\t') {
      fields.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

void append_field(std::string& out, std::string_view field) {
  if (!out.empty() && out.back() != '\n') out += ',';
  // A table program takes what begins so for a formula.
  const bool is_formula = !field.empty() && std::string_view("=+-@").find(field[0]) != std::string_view::npos;
  if (!is_formula && field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    if (field.empty() && (out.empty() || out.back() == '\n')) out += "\"\"";
    return;
  }
  out += '"';
  if (is_formula) out += '\'';
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  out += '"';
}

enum Column : std::size_t { Address, Port, Protocol, Time, RemoteAddress, RemotePort, ColumnCount };
using Columns = std::array<std::optional<std::size_t>, ColumnCount>;

std::string simplified(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c + 32);
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      out += c;
  }
  return out;
}

std::optional<Column> column_named(std::string_view name) {
  constexpr std::pair<std::string_view, Column> kNames[] = {{"address", Address},
                                                            {"ip", Address},
                                                            {"ipaddress", Address},
                                                            {"ipv4", Address},
                                                            {"ipv4address", Address},
                                                            {"outside", Address},
                                                            {"source", Address},
                                                            {"sourceip", Address},
                                                            {"srcip", Address},
                                                            {"sourceaddress", Address},
                                                            {"port", Port},
                                                            {"sourceport", Port},
                                                            {"srcport", Port},
                                                            {"outsideport", Port},
                                                            {"protocol", Protocol},
                                                            {"proto", Protocol},
                                                            {"time", Time},
                                                            {"timestamp", Time},
                                                            {"datetime", Time},
                                                            {"date", Time},
                                                            {"when", Time},
                                                            {"remote", RemoteAddress},
                                                            {"remoteip", RemoteAddress},
                                                            {"remoteaddress", RemoteAddress},
                                                            {"destination", RemoteAddress},
                                                            {"destinationip", RemoteAddress},
                                                            {"destinationaddress", RemoteAddress},
                                                            {"destip", RemoteAddress},
                                                            {"dstip", RemoteAddress},
                                                            {"serverip", RemoteAddress},
                                                            {"remoteport", RemotePort},
                                                            {"destinationport", RemotePort},
                                                            {"destport", RemotePort},
                                                            {"dstport", RemotePort},
                                                            {"serverport", RemotePort}};
  const std::string simple = simplified(name);
  for (const auto& [known, column] : kNames)
    if (known == simple) return column;
  return std::nullopt;
}

std::optional<Columns> columns_of(const Fields& heading) {
  Columns columns;
  for (std::size_t i = 0; i < heading.size(); ++i)
    if (const auto column = column_named(heading[i]); column && !columns[*column]) columns[*column] = i;
  if (!columns[Address] || !columns[Port]) return std::nullopt;
  return columns;
}

std::string field_at(const Fields& fields, const std::optional<std::size_t>& column) {
  if (!column || *column >= fields.size()) return {};
  std::string_view field = fields[*column];
  while (field.starts_with(' ')) field.remove_prefix(1);
  while (field.ends_with(' ')) field.remove_suffix(1);
  return std::string(field);
}

struct Complaint {
  Fields fields;
  std::optional<WhoQuestion> question;
  std::string why_not;
};

constexpr std::string_view kAdded[] = {"instance", "mechanism", "subscriber", "inside", "inside-port",
                                       "from",     "until",     "how",        "note"};

void append_answer(std::string& out, const Fields& asked, std::size_t width, const WhoAnswer& answer,
                   const std::string& note) {
  for (std::size_t i = 0; i < width; ++i) append_field(out, i < asked.size() ? asked[i] : "");
  append_field(out, answer.instance);
  append_field(out, answer.instance.empty() ? "" : config::to_string(answer.mechanism));
  append_field(out, answer.subscriber);
  append_field(out, answer.inside.value_or(""));
  append_field(out, answer.inside_port ? std::to_string(*answer.inside_port) : "");
  append_field(out, answer.from ? time_text(*answer.from) : "");
  append_field(out, answer.until ? time_text(*answer.until) : "");
  append_field(out, answer.instance.empty() ? "" : to_string(answer.how));
  append_field(out, note);
  out += '\n';
}

std::string gaps_note(const WhoResult& result) {
  uint64_t lost = 0;
  bool was_away = false;
  for (const natlog::Gap& gap : result.gaps) {
    lost += gap.lost.value_or(0);
    was_away = was_away || !gap.lost;
  }
  std::string note = "nobody is known";
  if (lost != 0) note += fmt::format("; {} events were lost around then", lost);
  if (was_away) note += "; the program did not run for some time around then";
  if (result.log_begin) note += fmt::format("; the log begins at {}", time_text(*result.log_begin));
  return note;
}

void append_answers(std::string& out, const Fields& asked, std::size_t width, const WhoResult& result) {
  if (result.answers.empty()) return append_answer(out, asked, width, {}, gaps_note(result));
  for (const WhoAnswer& answer : result.answers) {
    std::string note;
    for (const std::string& each : answer.notes) note += (note.empty() ? "" : "; ") + each;
    append_answer(out, asked, width, answer, note);
  }
}

// The port counts where there is an address.
std::string remote_at(const Fields& fields, const Columns& columns) {
  std::string remote = field_at(fields, columns[RemoteAddress]);
  const std::string port = field_at(fields, columns[RemotePort]);
  if (!remote.empty() && !port.empty()) remote += ":" + port;
  return remote;
}

std::vector<Complaint> read_complaints(std::string_view text, Fields& heading, const WhoRequest& of_all,
                                       int64_t now) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  std::vector<Complaint> complaints;
  std::optional<Columns> columns;
  while (!text.empty()) {
    Fields fields = next_line(text);
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (!columns) {
      columns = columns_of(fields);
      if (columns) {
        heading = std::move(fields);
        continue;
      }
      const bool has_protocol = fields.size() > 3;
      columns = Columns{
          0, 1, has_protocol ? std::optional<std::size_t>(2) : std::nullopt, has_protocol ? 3 : 2, {}, {}};
      heading =
          has_protocol ? Fields{"address", "port", "protocol", "time"} : Fields{"address", "port", "time"};
    }
    WhoRequest request;
    request.address = field_at(fields, (*columns)[Address]);
    request.port = field_at(fields, (*columns)[Port]);
    request.protocol = field_at(fields, (*columns)[Protocol]);
    request.time = field_at(fields, (*columns)[Time]);
    request.skew = of_all.skew;
    request.remote = remote_at(fields, *columns);
    if (request.remote.empty()) request.remote = of_all.remote;
    // Who complains about something names a time.
    auto question = request.time.empty() ? fail("time", "is missing") : parse_question(request, now);
    Complaint complaint{std::move(fields), std::nullopt, {}};
    if (question)
      complaint.question = *question;
    else
      complaint.why_not = question.error().to_string();
    complaints.push_back(std::move(complaint));
  }
  return complaints;
}

}  // namespace

Result<WhoQuestion> parse_question(const WhoRequest& request, int64_t now) {
  const auto address = Ipv4Address::parse(request.address);
  if (!address)
    return fail("address", fmt::format("\"{}\" is no IPv4 address", request.address),
                "the address that the other side saw, such as 198.51.100.2");
  const auto port = number(request.port, 65535);
  if (!port)
    return fail("port", fmt::format("\"{}\" is none", request.port),
                "0 to 65535; an address is shared, and without its port nobody can tell");
  const auto skew = request.skew.empty() ? std::optional<uint64_t>(0)
                                         : number(request.skew, static_cast<uint64_t>(kLongestSkew));
  if (!skew) return fail("skew", fmt::format("\"{}\" is none", request.skew), "seconds, at most 86400");
  return WhoQuestion{*address,
                     static_cast<uint16_t>(*port),
                     TRY(protocol_of(request.protocol)),
                     request.time.empty() ? now : TRY(parse_time(request.time, now)),
                     static_cast<Milliseconds>(*skew) * 1000,
                     TRY(remote_of(request.remote))};
}

Result<WhoResult> answer(Who& who, const WhoRequest& request, int64_t now) {
  if (!request.subscriber.empty()) return answer_used(who, request, now);
  return who.ask(TRY(parse_question(request, now)));
}

Result<std::string> answer_csv(Who& who, std::string_view text, const WhoRequest& of_all, int64_t now,
                               const std::function<bool()>& is_ending) {
  Fields heading;
  const auto complaints = read_complaints(text, heading, of_all, now);
  // In the order of time, so that each part of the log is opened once.
  std::vector<std::size_t> order(complaints.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, {}, [&](std::size_t i) { return complaints[i].question ? complaints[i].question->time : 0; });
  std::vector<std::string> answers(complaints.size());
  for (const std::size_t i : order) {
    if (is_ending()) return fail("", "the program ends", "ask again when it runs");
    const Complaint& complaint = complaints[i];
    if (complaint.question) {
      append_answers(answers[i], complaint.fields, heading.size(), TRY(who.ask(*complaint.question)));
    } else {
      append_answer(answers[i], complaint.fields, heading.size(), {}, "error: " + complaint.why_not);
    }
  }
  std::string out;
  for (const std::string& name : heading) append_field(out, name);
  for (const std::string_view name : kAdded) append_field(out, name);
  out += '\n';
  for (const std::string& each : answers) out += each;
  return out;
}

}  // namespace yonroku::api
