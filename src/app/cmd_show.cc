// yonroku show status|counters|mappings|rules|softwires: what the running program says about itself. Of its
// NATs: cmd_show_nat.cc.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/offload_report.h"
#include "api/report.h"
#include "api/service_report.h"
#include "api/spoofer_report.h"
#include "app/cmd_show_nat.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "app/socket_options.h"

namespace yonroku::app {
namespace {

using nlohmann::ordered_json;

struct ShowOptions : SocketOptions {
  bool is_all = false;
};

Result<ordered_json> ask(const SocketOptions& options, const std::string& path) {
  api::Client client(options.socket);
  const auto answer = TRY(client.request(api::Client::Method::Get, path));
  auto json = ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("instances"))
    return fail(options.socket, "the answer is not understood",
                "is that yonroku's control socket, of this version?");
  if (options.instance.empty()) return json;
  auto& instances = json["instances"];
  auto chosen = ordered_json::array();
  std::string names;
  for (const auto& instance : instances) {
    const std::string name = instance.value("name", "");
    names += (names.empty() ? "" : ", ") + name;
    if (name == options.instance) chosen.push_back(instance);
  }
  if (chosen.empty())
    return fail("", "there is no instance \"" + options.instance + "\"", "there are: " + names);
  instances = std::move(chosen);
  return json;
}

void show_status(const ShowOptions& options) {
  const ordered_json status = value_or_fail(ask(options, "/v1/status"));
  if (options.is_json)
    fmt::print("{}\n", status.dump(2));
  else
    fmt::print("{}", api::status_report(status, std::chrono::system_clock::now()));
}

void show_counters(const ShowOptions& options) {
  const ordered_json counters = value_or_fail(ask(options, "/v1/counters"));
  if (options.is_json)
    fmt::print("{}\n", counters.dump(2));
  else
    fmt::print("{}", api::counters_report(counters, options.is_all ? api::Zeros::Show : api::Zeros::Hide));
}

// What is under /v1/<topic> as a report for people.
void show_report(const ShowOptions& options, std::string_view topic,
                 std::string (*to_text)(const ordered_json&)) {
  api::Client client(options.socket);
  const auto answer =
      value_or_fail(client.request(api::Client::Method::Get, api::table_path(options.instance, topic)));
  const auto report = ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object())
    fail_command({options.socket, "the answer is not understood",
                  "is that yonroku's control socket, of this version?"});
  fmt::print("{}", options.is_json ? report.dump(2) + "\n" : to_text(report));
}

}  // namespace

void print_table(const SocketOptions& options, std::string_view table) {
  api::Client client(options.socket);
  const auto answer =
      value_or_fail(client.request(api::Client::Method::Get, api::table_path(options.instance, table), "",
                                   options.is_json ? "application/json" : "text/csv"));
  std::fwrite(answer.body.data(), 1, answer.body.size(), stdout);
}

void add_show_command(CLI::App& app) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Show what the running program does");
  options->add_to(*command);
  command->require_subcommand(1);
  CLI::App* status = command->add_subcommand("status", "What runs, what is wrong, and since when");
  status->fallthrough()->callback([options] { show_status(*options); });
  CLI::App* counters =
      command->add_subcommand("counters", "What was translated, and what was dropped and why");
  counters->add_flag("--all", options->is_all, "show counters that are zero as well");
  counters->fallthrough()->callback([options] { show_counters(*options); });
  for (const char* table : {"mappings", "rules", "softwires"})
    command->add_subcommand(table, fmt::format("The {} in use, as CSV", table))
        ->fallthrough()
        ->callback([options, table] { print_table(*options, table); });
  command->add_subcommand("services", "The services of a load balancer, and how their servers are")
      ->fallthrough()
      ->callback([options] { show_report(*options, "services", api::services_text); });
  command->add_subcommand("spoofers", "Whose packets failed the check of the source, and how many")
      ->fallthrough()
      ->callback([options] { show_report(*options, "spoofers", api::spoofers_text); });
  command
      ->add_subcommand("offload",
                       "What the kernel forwards itself, where, and what it leaves to the engine and why")
      ->fallthrough()
      ->callback([options] { show_report(*options, "offload", api::offload_text); });
  add_show_nat_commands(*command, options);
}

}  // namespace yonroku::app
