#include "api/nat_listing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json.h"
#include "natlog/json_lines.h"

namespace yonroku::api {
namespace {

using control::NatPiece;
using control::NatPlace;
using control::NatQuery;
using control::NatTable;

constexpr std::size_t kPieceSize = 64 << 10;
// For one piece, so that the other end hears of us from time to time, and we of it.
constexpr int kMostLooks = 256;
constexpr std::size_t kMostBusiest = 100;
constexpr std::size_t kBusiest = 10;  // where no number is given

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "ADDRESS", "ADDRESS:PORT" or ":PORT"; an IPv6 address with a port stands in brackets.
struct Endpoint {
  std::string_view address;
  std::optional<uint16_t> port;
};
std::optional<Endpoint> split_endpoint(std::string_view text) {
  Endpoint endpoint;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    endpoint.address = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return std::nullopt;
  } else if (std::ranges::count(text, ':') == 1) {
    endpoint.address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  } else {
    endpoint.address = text;
  }
  if (!port.empty()) {
    endpoint.port = parse_number<uint16_t>(port.substr(1));
    if (!endpoint.port) return std::nullopt;
  }
  if (endpoint.address.empty() && !endpoint.port) return std::nullopt;
  return endpoint;
}

// False when `text` is no IPv4 address with or without a port.
bool read_ipv4(std::string_view text, std::optional<Ipv4Address>& address, std::optional<uint16_t>& port) {
  const auto endpoint = split_endpoint(text);
  if (!endpoint) return false;
  port = endpoint->port;
  if (!endpoint->address.empty()) address = Ipv4Address::parse(endpoint->address);
  return endpoint->address.empty() || address.has_value();
}

bool read_inside(std::string_view text, control::NatFilter& filter) {
  const auto endpoint = split_endpoint(text);
  if (!endpoint) return false;
  filter.inside_port = endpoint->port;
  if (endpoint->address.empty()) return true;
  filter.inside = Ipv6Address::parse(endpoint->address);
  if (!filter.inside) filter.inside_ipv4 = Ipv4Address::parse(endpoint->address);
  return filter.inside || filter.inside_ipv4;
}

bool read_subscriber(std::string_view text, control::NatFilter& filter) {
  filter.subscriber = Ipv6Prefix::parse(text);
  if (!filter.subscriber) filter.subscriber_ipv4 = Ipv4Prefix::parse(text);
  return filter.subscriber || filter.subscriber_ipv4;
}

bool read_protocol(std::string_view text, control::NatFilter& filter) {
  for (std::size_t i = 0; i < share::kNatProtocolCount; ++i)
    if (const auto protocol = static_cast<share::NatProtocol>(i); to_string(protocol) == text)
      filter.protocol = protocol;
  return filter.protocol.has_value();
}

bool read_order(std::string_view text, control::SubscriberOrder& order) {
  order = text == "sessions" ? control::SubscriberOrder::Sessions : control::SubscriberOrder::Bindings;
  return text == "sessions" || text == "bindings";
}

// "WORKER-ENTRY".
std::string place_text(const NatPlace& place) { return fmt::format("{}-{}", place.worker, place.entry); }
bool read_place(std::string_view text, NatPlace& place) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  const auto worker = parse_number<uint32_t>(text.substr(0, dash));
  const auto entry = parse_number<uint64_t>(text.substr(dash + 1));
  if (!worker || !entry) return false;
  place = {*worker, *entry};
  return true;
}

bool has_endpoints(NatTable table) { return table == NatTable::Bindings || table == NatTable::Sessions; }

// Whether the table has what the parameter asks about.
bool applies(NatTable table, std::string_view name) {
  if (name == "limit" || name == "from" || name == "outside") return true;
  if (name == "remote") return table == NatTable::Sessions;
  if (name == "follow") return has_endpoints(table);
  if (name == "busiest" || name == "used-ranges") return table == NatTable::Ports;
  if (name == "sort") return table == NatTable::Subscribers;
  if (name == "subscriber") return table != NatTable::Ports;
  return has_endpoints(table);
}

Result<void> read_parameter(NatTable table, const std::string& name, const std::string& value,
                            NatRequest& request) {
  struct Parameter {
    std::string_view name;
    std::string_view wanted;
  };
  constexpr Parameter kParameters[] = {
      {"subscriber", "an IPv6 or IPv4 address or prefix"},
      {"inside", "ADDRESS, ADDRESS:PORT or :PORT; an IPv6 address with a port stands in brackets"},
      {"outside", "an IPv4 ADDRESS, ADDRESS:PORT or :PORT"},
      {"remote", "an IPv4 ADDRESS, ADDRESS:PORT or :PORT"},
      {"protocol", "udp, tcp or icmp"},
      {"limit", "a number from 1 on"},
      {"from", "what `next` said in the answer before"},
      {"busiest", "a number from 0 to 100"},
      {"sort", "sessions or bindings"},
      {"follow", "yes"},
      {"used-ranges", "yes"},
  };
  const auto* known = std::ranges::find(kParameters, name, &Parameter::name);
  if (known == std::end(kParameters))
    return fail(name, "there is no such parameter",
                "there are: subscriber, inside, outside, remote, protocol, limit, from, busiest, sort, "
                "follow, used-ranges");
  if (!applies(table, name))
    return fail(name, fmt::format("{} are not told apart by it", to_string(table)), "leave it out");
  control::NatFilter& filter = request.query.filter;
  bool is_good = false;
  if (name == "subscriber") is_good = read_subscriber(value, filter);
  if (name == "inside") is_good = read_inside(value, filter);
  if (name == "outside") is_good = read_ipv4(value, filter.outside, filter.outside_port);
  if (name == "outside" && filter.outside_port && !has_endpoints(table))
    return fail(name, fmt::format("{} have no port of their own", to_string(table)),
                "give the address alone");
  if (name == "remote") is_good = read_ipv4(value, filter.remote, filter.remote_port);
  if (name == "protocol") is_good = read_protocol(value, filter);
  if (name == "from") is_good = read_place(value, request.from);
  if (name == "sort") request.is_sorted = is_good = read_order(value, request.query.order);
  if (name == "follow") request.is_followed = is_good = value == "yes";
  if (name == "used-ranges") request.query.has_taken_ports = is_good = value == "yes";
  if (name == "limit") {
    request.limit = parse_number<uint64_t>(value);
    is_good = request.limit.value_or(0) > 0;
  }
  if (name == "busiest") {
    const auto busiest = parse_number<std::size_t>(value);
    is_good = busiest && *busiest <= kMostBusiest;
    request.busiest = busiest.value_or(0);
  }
  if (is_good) return {};
  return fail(name, fmt::format("\"{}\" is not {}", value, known->wanted));
}

// Keys with the name of an endpoint, as in static-bindings. ICMP queries have an identifier instead of a
// port, and none at the other end.
void append_port(std::string& text, std::string_view name, uint16_t port, share::NatProtocol protocol) {
  if (protocol != share::NatProtocol::Icmp)
    fmt::format_to(std::back_inserter(text), R"(,"{}-port":{})", name, port);
  else if (name != "remote")
    fmt::format_to(std::back_inserter(text), R"(,"{}-identifier":{})", name, port);
}

template <class View>
void append_endpoints(std::string& text, const View& view) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, R"({{"protocol":"{}")", to_string(view.protocol));
  if (view.inside.ipv6 != Ipv6Address{})
    fmt::format_to(out, R"(,"inside":"{}")", view.inside.ipv6.to_string());
  // No host has an address of 0.0.0.0/8: a load balancer writes its service's number there.
  if (view.inside.ipv4.value() >> 24 != 0)
    fmt::format_to(out, R"(,"inside-ipv4":"{}")", view.inside.ipv4.to_string());
  else if (view.inside.ipv4 != Ipv4Address{})
    fmt::format_to(out, R"(,"service":{})", view.inside.ipv4.value());
  append_port(text, "inside", view.inside.port, view.protocol);
  fmt::format_to(out, R"(,"outside":"{}")", view.outside.address.to_string());
  append_port(text, "outside", view.outside.port, view.protocol);
}

}  // namespace

Result<NatRequest> parse_nat_request(NatTable table,
                                     const std::multimap<std::string, std::string>& parameters) {
  NatRequest request;
  request.query.table = table;
  for (const auto& [name, value] : parameters) TRY(read_parameter(table, name, value, request));
  if (request.query.has_taken_ports && !request.query.filter.outside)
    return fail("used-ranges", "only one address is told about at a time", "name it as outside=ADDRESS");
  if (request.is_sorted && request.from != NatPlace{})
    return fail("from", "who is busiest is found from the beginning on", "leave it out, or sort");
  if (request.is_sorted && request.limit.value_or(0) > kMostBusiest)
    return fail("limit", fmt::format("\"{}\" is too many to sort", *request.limit), "at most 100");
  return request;
}

void append_json(std::string& text, const share::BindingView& binding) {
  append_endpoints(text, binding);
  fmt::format_to(std::back_inserter(text), R"(,"static":{},"shared":{},"sessions":{},"seconds-left":{}}})",
                 binding.is_static, binding.is_shared, binding.sessions, binding.seconds_left);
}

void append_json(std::string& text, const share::SessionView& session) {
  append_endpoints(text, session);
  fmt::format_to(std::back_inserter(text), R"(,"remote":"{}")", session.remote.address.to_string());
  append_port(text, "remote", session.remote.port, session.protocol);
  fmt::format_to(std::back_inserter(text), R"(,"state":"{}","seconds-left":{}}})", session.state_text(),
                 session.seconds_left);
}

void append_json(std::string& text, const share::NatEvent& event, int64_t time) {
  constexpr int64_t kPerSecond = 1000;
  fmt::format_to(std::back_inserter(text), R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z")",
                 fmt::gmtime(static_cast<time_t>(time / kPerSecond)), time % kPerSecond);
  natlog::append_json(text, event);
  text += '}';
}

void append_json(std::string& text, const share::SubscriberView& subscriber) {
  const auto out = std::back_inserter(text);
  if (subscriber.ipv6.length() == 0)
    fmt::format_to(out, R"({{"subscriber":"{}")", subscriber.ipv4.to_string());
  else if (subscriber.ipv6.suffix_length() == 0)
    fmt::format_to(out, R"({{"subscriber":"{}")", subscriber.ipv6.address().to_string());
  else
    fmt::format_to(out, R"({{"subscriber":"{}")", subscriber.ipv6.to_string());
  if (subscriber.outside) fmt::format_to(out, R"(,"outside":"{}")", subscriber.outside->to_string());
  fmt::format_to(out, R"(,"bindings":{},"sessions":{})", subscriber.bindings, subscriber.sessions);
  if (subscriber.block_count > 0) {
    text += R"(,"port-blocks":[)";
    for (std::size_t i = 0; i < subscriber.block_count; ++i) {
      const auto& block = subscriber.blocks[i];
      fmt::format_to(out, R"({}{{"ports":"{}-{}","used":{}}})", i == 0 ? "" : ",", block.first_port,
                     block.last_port, block.used);
    }
    text += ']';
  }
  text += '}';
}

// As `yonroku map ports` has it.
void append_json(std::string& text, const share::PortSet& set) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, R"(,"psid-offset":{},"psid-length":{},"psid":{},"port-ranges":[)",
                 set.parameters().psid_offset, set.parameters().psid_length, set.psid());
  for (std::size_t i = 0; i < set.range_count(); ++i)
    fmt::format_to(out, R"({}"{}-{}")", i == 0 ? "" : ",", set.range(i).first, set.range(i).last);
  text += ']';
}

void append_json(std::string& text, const share::PoolAddressView& address) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, R"({{"address":"{}","ports":{},"used":{{"udp":{},"tcp":{},"icmp":{}}})",
                 address.address.to_string(), address.ports, address.used[0], address.used[1],
                 address.used[2]);
  if (address.port_set) append_json(text, *address.port_set);
  text += '}';
}

namespace {

// The ports in runs, lowest first.
void append_ranges(std::string& text, const share::TakenPorts& taken, std::size_t protocol) {
  const auto is_taken = [&](uint32_t slot) {
    return (taken.bits[protocol][slot / 64] >> slot % 64 & 1) != 0;
  };
  const auto follows = [&](uint32_t slot) {
    return slot < taken.slots.count && is_taken(slot) &&
           taken.slots.port(slot) == taken.slots.port(slot - 1) + 1;
  };
  bool is_first = true;
  for (uint32_t slot = 0; slot < taken.slots.count; ++slot) {
    if (!is_taken(slot)) continue;
    const uint16_t first = taken.slots.port(slot);
    while (follows(slot + 1)) ++slot;
    fmt::format_to(std::back_inserter(text), R"({}"{}-{}")", is_first ? "" : ",", first,
                   taken.slots.port(slot));
    is_first = false;
  }
}

void append_with_ranges_of(std::string& text, const share::PoolAddressView& address,
                           const share::TakenPorts& taken) {
  append_json(text, address);
  text.back() = ',';
  text += R"("used-ranges":{)";
  for (std::size_t i = 0; i < share::kNatProtocolCount; ++i) {
    fmt::format_to(std::back_inserter(text), R"({}"{}":[)", i == 0 ? "" : ",",
                   to_string(static_cast<share::NatProtocol>(i)));
    append_ranges(text, taken, i);
    text += ']';
  }
  text += "}}";
}

}  // namespace

NatListing::NatListing(const NatRequest& request, Look look, Pause pause)
    : request_(request),
      look_(std::move(look)),
      pause_(pause),
      next_(request.from),
      phase_(request.is_sorted ? Phase::Busiest : Phase::Table),
      busiest_(request.query.order, request.is_sorted ? request.limit.value_or(kBusiest) : request.busiest,
               request.query.filter) {}

Result<NatPiece> NatListing::look(const NatQuery& query, std::size_t most) {
  if (has_looked_ && pause_ == Pause::BetweenLooks) std::this_thread::sleep_for(kPauseBetweenLooks);
  has_looked_ = true;
  auto piece = TRY(look_(query, *next_, most));
  next_ = piece.next;
  return piece;
}

template <class Views>
void NatListing::append(std::string& text, const Views& views) {
  for (const auto& view : views) {
    text += count_++ == 0 ? "\n" : ",\n";
    append_json(text, view);
  }
}

void NatListing::append_with_ranges(std::string& text, const NatPiece& piece) {
  for (std::size_t i = 0; i < std::min(piece.ports.size(), piece.taken.size()); ++i) {
    text += count_++ == 0 ? "\n" : ",\n";
    append_with_ranges_of(text, piece.ports[i], piece.taken[i]);
  }
}

Result<std::string> NatListing::next_piece() {
  switch (phase_) {
    case Phase::Table: return next_of_table();
    case Phase::Busiest: return next_of_busiest();
    case Phase::Ended: break;
  }
  return std::string();
}

Result<std::string> NatListing::next_of_table() {
  std::string text = head();
  const auto is_full = [&] { return request_.limit && count_ >= *request_.limit; };
  for (int looks = 0; next_ && !is_full() && looks < kMostLooks && text.size() < kPieceSize; ++looks) {
    const uint64_t most = request_.limit ? *request_.limit - count_ : control::kNatPlacesAtOnce;
    const NatPiece piece = TRY(
        look(request_.query, static_cast<std::size_t>(std::min<uint64_t>(most, control::kNatPlacesAtOnce))));
    append(text, piece.bindings);
    append(text, piece.sessions);
    append(text, piece.subscribers);
    if (piece.taken.empty())
      append(text, piece.ports);
    else
      append_with_ranges(text, piece);
  }
  if (next_ && !is_full()) return text;
  if (request_.query.table == NatTable::Ports && !next_) {
    phase_ = Phase::Busiest;
    if (request_.busiest > 0) next_ = NatPlace{};
    count_ = 0;
    return text + "],\"busiest\":[";
  }
  phase_ = Phase::Ended;
  return text + fmt::format("],\"next\":{}}}\n", next_ ? "\"" + place_text(*next_) + "\"" : "null");
}

Result<std::string> NatListing::next_of_busiest() {
  std::string text = head();
  for (int looks = 0; next_ && looks < kMostLooks; ++looks)
    busiest_.add(TRY(look(busiest_.query(), control::kNatPlacesAtOnce)).subscribers);
  if (next_) return text;
  append(text, busiest_.found());
  phase_ = Phase::Ended;
  return text + "],\"next\":null}\n";
}

// Before the first piece.
std::string NatListing::head() {
  return std::exchange(has_begun_, true) ? "" : fmt::format("{{\"{}\":[", to_string(request_.query.table));
}

std::string NatListing::end_with(const Error& error) {
  phase_ = Phase::Ended;
  const std::string object = dump(to_json(error));
  return "]," + object.substr(1) + "\n";
}

}  // namespace yonroku::api
