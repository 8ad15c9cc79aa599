// yonroku(1): the command line. What the subcommands do is in cmd_<name>.cc.

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "config/schema.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

bool has_command(const CLI::App& app, const std::string& word) {
  return !app.get_subcommands([&](const CLI::App* command) { return command->get_name() == word; }).empty();
}

// CLI11 would only say that a subcommand is missing.
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view meant = yonroku::config::closest_word(word, candidates);
  return "yonroku: unknown command \"" + word + "\"; " +
         (meant.empty() ? "`yonroku --help` lists them" : "did you mean \"" + std::string(meant) + "\"?") +
         "\n";
}

int run(int argument_count, char** arguments) {
  CLI::App app("IPv4 over IPv6-only networks: stateless translation (SIIT) and CLAT", "yonroku");
  app.set_version_flag("--version", std::string("yonroku ") + YONROKU_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "yonroku: " + std::string(error.what()) + "; `yonroku --help` lists commands and options\n";
  });

  yonroku::app::add_run_command(app);
  yonroku::app::add_reload_command(app);
  yonroku::app::add_check_command(app);
  yonroku::app::add_translate_command(app);
  yonroku::app::add_explain_command(app);
  yonroku::app::add_show_command(app);
  yonroku::app::add_top_command(app);
  yonroku::app::add_ports_command(app);
  yonroku::app::add_who_command(app);
  yonroku::app::add_mappings_command(app);
  yonroku::app::add_rules_command(app);
  yonroku::app::add_softwires_command(app);
  yonroku::app::add_map_command(app);
  yonroku::app::add_import_command(app);

  if (argument_count > 1 && arguments[1][0] != '-' && !has_command(app, arguments[1])) {
    std::fputs(unknown_command(app, arguments[1]).c_str(), stderr);
    return kUsage;
  }
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {  // also --help and --version, whose exit status is 0
    return app.exit(error) == 0 ? 0 : kUsage;
  } catch (const yonroku::app::CommandFailed&) {
    return kFailed;
  }
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    return run(argument_count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "yonroku: internal error: %s\n", error.what());
    return kFailed;
  }
}
