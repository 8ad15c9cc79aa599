// yonroku show bindings|sessions|subscribers|ports: what the NAT of the running program holds.

#include "app/cmd_show_nat.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/nat_report.h"
#include "app/commands.h"
#include "app/encoded.h"
#include "app/offline_options.h"

namespace yonroku::app {
namespace {

using control::NatTable;
using nlohmann::ordered_json;

constexpr uint64_t kPageSize = 1000;

std::string query_text(const NatOptions& options) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("&{}={}", name, encoded(value));
  };
  add("subscriber", options.subscriber);
  add("inside", options.inside);
  add("outside", options.outside);
  add("remote", options.remote);
  add("protocol", options.protocol);
  add("sort", options.sort);
  return text;
}

// Asks for page after page and gives each to `show`, with whether it is the last.
template <class Show>
void for_each_page(const SocketOptions& where, const NatOptions& options, NatTable table, Show&& show) {
  api::Client client(where.socket);
  const std::string path = api::table_path(where.instance, to_string(table));
  std::string from;
  for (uint64_t left = options.limit.value_or(UINT64_MAX); left > 0;) {
    std::string query = query_text(options) + from;
    // The busiest are one page: how many, the API knows where nobody says.
    if (options.sort.empty() || options.limit) query += fmt::format("&limit={}", std::min(left, kPageSize));
    const auto answer =
        value_or_fail(client.request(api::Client::Method::Get, fmt::format("{}?{}", path, query.substr(1))));
    const auto page = ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
    const std::string name(to_string(table));
    if (!page.is_object() || !page.contains(name))
      fail_command({where.socket, "the answer is not understood",
                    "is that yonroku's control socket, of this version?"});
    if (page.contains("error"))
      fail_command({page["error"].value("where", ""), page["error"].value("what", ""),
                    page["error"].value("fix", "")});
    left -= std::min<uint64_t>(left, page[name].size());
    const bool is_last = left == 0 || page["next"].is_null();
    show(page, is_last);
    if (is_last) return;
    from = "&from=" + encoded(page["next"].get<std::string>());
  }
}

void print_json(const SocketOptions& where, const NatOptions& options, NatTable table) {
  const std::string name(to_string(table));
  fmt::print("{{\"{}\":[", name);
  bool is_first = true;
  for_each_page(where, options, table, [&](const ordered_json& page, bool is_last) {
    for (const auto& entry : page.at(name)) {
      fmt::print("{}\n{}", is_first ? "" : ",", entry.dump());
      is_first = false;
    }
    if (!is_last) return;
    if (page.contains("busiest"))
      fmt::print("],\n\"busiest\":{}}}\n", page.at("busiest").dump());
    else
      fmt::print("]}}\n");
  });
}

void print_text(const SocketOptions& where, const NatOptions& options, NatTable table) {
  api::NatTableText text(table);
  for_each_page(where, options, table, [&](const ordered_json& page, bool is_last) {
    fmt::print("{}", text.page(page));
    if (is_last) fmt::print("{}", text.end(page));
  });
}

// What happens from now on, line by line.
void follow(const SocketOptions& where, const NatOptions& options, NatTable table) {
  api::Client client(where.socket);
  uint64_t left = options.limit.value_or(UINT64_MAX);
  std::string line;
  const auto print_line = [&] {
    const auto event = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_object() && event.contains("event") && left > 0) {
      --left;
      fmt::print("{}\n", where.is_json ? line : api::event_text(event));
    }
    line.clear();
  };
  value_or_fail(client.stream(
      fmt::format("{}?follow=yes{}", api::table_path(where.instance, to_string(table)), query_text(options)),
      [&](std::string_view octets) {
        for (const char c : octets) {
          if (c != '\n')
            line += c;
          else if (!line.empty())
            print_line();
        }
        return std::fflush(stdout) == 0 && left > 0;
      }));
}

void show_table(const SocketOptions& where, const NatOptions& options, NatTable table) {
  if (options.is_followed)
    follow(where, options, table);
  else if (where.is_json)
    print_json(where, options, table);
  else
    print_text(where, options, table);
}

constexpr const char* kPortsHelp =
    "How many ports of each address are in use, of a customer edge which ones it has, and the busiest "
    "subscribers";

}  // namespace

void add_ports_command(CLI::App& app) {
  const auto where = std::make_shared<SocketOptions>();
  const auto options = std::make_shared<NatOptions>();
  CLI::App* const command = app.add_subcommand("ports", kPortsHelp);
  where->add_to(*command);
  command->add_option("--outside", options->outside, "only of this outside ADDRESS");
  command->callback([where, options] { show_table(*where, *options, NatTable::Ports); });
}

void add_show_nat_commands(CLI::App& show, const std::shared_ptr<SocketOptions>& where) {
  struct Command {
    NatTable table;
    const char* help;
  };
  constexpr Command kCommands[] = {
      {NatTable::Bindings, "Who inside has which outside address and port"},
      {NatTable::Sessions, "Who talks to whom through the NAT, and how much longer it is remembered"},
      {NatTable::Subscribers, "How much each subscriber uses"},
      {NatTable::Ports, kPortsHelp},
  };
  const auto options = std::make_shared<NatOptions>();
  for (const auto& [table, help] : kCommands) {
    CLI::App* const command = show.add_subcommand(std::string(to_string(table)), help);
    if (table != NatTable::Ports)
      command->add_option("--subscriber", options->subscriber,
                          "only of this subscriber: an address of it, or a prefix");
    command->add_option("--outside", options->outside, "only with this outside ADDRESS[:PORT]");
    if (table == NatTable::Bindings || table == NatTable::Sessions) {
      command->add_option("--inside", options->inside, "only of this inside ADDRESS or [ADDRESS]:PORT");
      command->add_option("--protocol", options->protocol, "only udp, tcp or icmp");
    }
    if (table == NatTable::Sessions)
      command->add_option("--remote", options->remote, "only with this remote ADDRESS[:PORT]");
    if (table == NatTable::Subscribers)
      command
          ->add_option("--sort", options->sort,
                       "the busiest first, by sessions or bindings: 10, or as --limit says")
          ->check(CLI::IsMember({"sessions", "bindings"}));
    command->add_option("--limit", options->limit, "show so many at most")->check(CLI::PositiveNumber);
    if (table == NatTable::Bindings || table == NatTable::Sessions)
      command->add_flag("--follow", options->is_followed, "print what begins and ends from now on");
    command->fallthrough()->callback([where, options, table] { show_table(*where, *options, table); });
  }
}

}  // namespace yonroku::app
