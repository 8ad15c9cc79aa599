#include "api/nat_report.h"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/text.h"

namespace yonroku::api {
namespace {

using control::NatTable;
using nlohmann::ordered_json;

// "[2001:db8::1]:40000", "192.0.2.1:80", "192.0.2.1 id 7" of an ICMP query.
std::string endpoint_text(const ordered_json& entry, const std::string& name) {
  std::string ipv6;
  if (name == "inside" && entry.contains("inside")) ipv6 = entry.at("inside").get<std::string>();
  std::string address = name == "inside" ? entry.value("inside-ipv4", "") : entry.value(name, "");
  if (!ipv6.empty() && !address.empty()) {  // behind a B4
    address += " at " + ipv6;
    ipv6.clear();
  }
  if (entry.contains(name + "-port")) {
    const auto port = entry.at(name + "-port").get<unsigned>();
    return ipv6.empty() ? fmt::format("{}:{}", address, port) : fmt::format("[{}]:{}", ipv6, port);
  }
  if (ipv6.empty()) ipv6 = address;
  if (entry.contains(name + "-identifier"))
    return fmt::format("{} id {}", ipv6, entry.at(name + "-identifier").get<unsigned>());
  return ipv6;
}

// "2:03:59", "4:05", "0:12".
std::string time_left_text(uint64_t seconds) {
  if (seconds >= 3600)
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string used_text(const ordered_json& address, const char* protocol) {
  const auto used = address.at("used").at(protocol).get<uint64_t>();
  return fmt::format("{} ({})", grouped(used), percent_text(used, address.at("ports").get<uint64_t>()));
}

std::string blocks_text(const ordered_json& subscriber) {
  std::string text;
  if (!subscriber.contains("port-blocks")) return "-";
  for (const auto& block : subscriber.at("port-blocks"))
    text += (text.empty() ? "" : ", ") + block.at("ports").get<std::string>();
  return text;
}

std::string binding_kind(const ordered_json& binding) {
  if (binding.at("static").get<bool>()) return "static";
  return binding.at("shared").get<bool>() ? "shared" : "dynamic";
}

std::string sessions_of(const ordered_json& binding) {
  const auto sessions = binding.at("sessions").get<uint64_t>();
  return sessions >= share::BindingView::kMostCounted ? fmt::format("{}+", sessions)
                                                      : std::to_string(sessions);
}

// What a customer has of a shared address.
std::string port_set_text(const ordered_json& entry) {
  constexpr std::size_t kInOneLine = 8;
  std::string text =
      fmt::format("\nthe ports of {}, PSID {} of {} bits, offset {}:", entry.at("address").get<std::string>(),
                  entry.at("psid").get<unsigned>(), entry.at("psid-length").get<unsigned>(),
                  entry.at("psid-offset").get<unsigned>());
  std::size_t count = 0;
  for (const auto& range : entry.at("port-ranges")) {
    text += count % kInOneLine == 0 ? "\n  " : ", ";
    text += range.get<std::string>();
    ++count;
  }
  return text + "\n";
}

}  // namespace

NatTableText::Row NatTableText::heading() const {
  switch (table_) {
    case NatTable::Bindings: return {"PROTO", "INSIDE", "OUTSIDE", "KIND", "SESSIONS", "LEFT"};
    case NatTable::Sessions: {
      Row row{"PROTO", "INSIDE", "OUTSIDE", "REMOTE", "STATE", "LEFT"};
      if (reasons_ == Reasons::Shown) row.insert(row.end(), {"INSTANCE", "REASON"});
      return row;
    }
    case NatTable::Subscribers: return {"SUBSCRIBER", "OUTSIDE", "PORTS", "SESSIONS", "PORT BLOCKS"};
    case NatTable::Ports: break;
  }
  return {"ADDRESS", "PORTS", "UDP USED", "TCP USED", "ICMP USED"};
}

NatTableText::Row NatTableText::row_of(const ordered_json& entry) const {
  const auto left = [&] { return time_left_text(entry.at("seconds-left").get<uint64_t>()); };
  const auto number = [&](const char* name) { return grouped(entry.at(name).get<uint64_t>()); };
  switch (table_) {
    case NatTable::Bindings:
      return {entry.at("protocol").get<std::string>(),
              endpoint_text(entry, "inside"),
              endpoint_text(entry, "outside"),
              binding_kind(entry),
              sessions_of(entry),
              entry.at("sessions").get<uint64_t>() == 0 ? "-" : left()};
    case NatTable::Sessions: {
      const bool has_session = entry.contains("remote");
      Row row{entry.at("protocol").get<std::string>(),
              endpoint_text(entry, "inside"),
              endpoint_text(entry, "outside"),
              has_session ? endpoint_text(entry, "remote") : "-",
              has_session ? entry.at("state").get<std::string>() : binding_kind(entry),
              has_session ? left() : "-"};
      if (reasons_ == Reasons::Shown)
        row.insert(row.end(),
                   {entry.at("instance").get<std::string>(), entry.at("reason").get<std::string>()});
      return row;
    }
    case NatTable::Subscribers:
      return {entry.at("subscriber").get<std::string>(), entry.value("outside", "-"), number("bindings"),
              number("sessions"), blocks_text(entry)};
    case NatTable::Ports: break;
  }
  return {entry.at("address").get<std::string>(), number("ports"), used_text(entry, "udp"),
          used_text(entry, "tcp"), used_text(entry, "icmp")};
}

std::string NatTableText::page(const ordered_json& answer) {
  const auto& entries = answer.at(std::string(to_string(table_)));
  if (entries.empty()) return "";
  std::vector<Row> rows;
  if (!has_rows_) rows.push_back(heading());
  has_rows_ = true;
  for (const auto& entry : entries) {
    rows.push_back(row_of(entry));
    if (entry.contains("port-ranges")) port_sets_ += port_set_text(entry);
  }
  widths_.resize(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths_[i]);
    text += row.back() + "\n";
  }
  return text;
}

std::string event_text(const ordered_json& event) {
  const auto name = event.at("event").get<std::string>();
  if (name == "missed")
    return fmt::format("{} events were missed: too many at once", grouped(event.at("count").get<uint64_t>()));
  const auto time = event.at("time").get<std::string>();  // 2026-11-21T12:03:59.120Z
  const std::string what = name.ends_with("-created") ? "new" : name.ends_with("-ended") ? "end" : name;
  std::string text = fmt::format("{}  {:<3}  {:<4}  {}", time.substr(11, 12), what,
                                 event.at("protocol").get<std::string>(), endpoint_text(event, "inside"));
  if (event.at("outside") != "0.0.0.0") text += "  " + endpoint_text(event, "outside");
  if (event.contains("remote")) text += "  " + endpoint_text(event, "remote");
  return text;
}

std::string NatTableText::end(const ordered_json& last_answer) const {
  if (!has_rows_) return fmt::format("no {}\n", to_string(table_));
  std::string text = port_sets_;
  if (table_ == NatTable::Ports && last_answer.contains("busiest") && !last_answer.at("busiest").empty()) {
    NatTableText busiest(NatTable::Subscribers);
    text += "\nthe busiest subscribers:\n" + busiest.page({{"subscribers", last_answer.at("busiest")}});
  }
  if (!last_answer.at("next").is_null()) text += "and more: --limit says how many are shown\n";
  return text;
}

}  // namespace yonroku::api
