// yonroku reload: the running program reads its configuration again; or tells what that would end.

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/reload_report.h"
#include "app/commands.h"
#include "app/offline_options.h"

namespace yonroku::app {
namespace {

using nlohmann::ordered_json;

struct ReloadOptions {
  std::string socket = "/run/yonroku/control.sock";
  uint64_t limit = 100;
  bool is_dry = false;
  bool is_all = false;
  bool is_json = false;
};

void reload(const ReloadOptions& options) {
  api::Client client(options.socket);
  const auto answer = value_or_fail(client.request(api::Client::Method::Post, "/v1/reload"));
  fmt::print("{}", options.is_json ? answer.body : "reloaded\n");
}

void print_ends(const ReloadOptions& options) {
  api::Client client(options.socket);
  api::ReloadText text;
  bool is_complete = false;
  std::string line;
  const auto print_line = [&] {
    const auto json = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.contains("error"))
      fail_command({json["error"].value("where", ""), json["error"].value("what", ""),
                    json["error"].value("fix", "")});
    is_complete = json.contains("instances");
    fmt::print("{}", options.is_json ? line + "\n" : text.line(json));
    line.clear();
  };
  const std::string limit = options.is_all ? "all" : std::to_string(options.limit);
  value_or_fail(client.stream("/v1/reload?limit=" + limit, [&](std::string_view octets) {
    for (const char c : octets) {
      if (c == '\n')
        print_line();
      else
        line += c;
    }
    return true;
  }));
  if (!is_complete) fail_command({options.socket, "the answer ends too early", "try again"});
}

}  // namespace

void add_reload_command(CLI::App& app) {
  const auto options = std::make_shared<ReloadOptions>();
  CLI::App* command = app.add_subcommand("reload", "Have the running program read its configuration again");
  command->add_option("--socket", options->socket, "control socket of the running program")
      ->capture_default_str();
  CLI::Option* dry =
      command->add_flag("--dry-run", options->is_dry, "only say which NAT sessions that would end");
  CLI::Option* limit = command->add_option("--limit", options->limit, "list so many sessions at most")
                           ->capture_default_str()
                           ->needs(dry);
  command->add_flag("--all", options->is_all, "list all sessions")->needs(dry)->excludes(limit);
  command->add_flag("--json", options->is_json, "print the result as JSON");
  command->callback([options] { options->is_dry ? print_ends(*options) : reload(*options); });
}

}  // namespace yonroku::app
