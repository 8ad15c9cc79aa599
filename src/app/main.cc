// yonroku(1): the command line. What the subcommands do is in cmd_<name>.cc.

#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "app/commands.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int run(int argument_count, char** arguments) {
  CLI::App app("IPv4 over IPv6-only networks: stateless translation (SIIT) and CLAT", "yonroku");
  app.set_version_flag("--version", std::string("yonroku ") + YONROKU_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "yonroku: " + std::string(error.what()) + "; `yonroku --help` lists commands and options\n";
  });

  yonroku::app::add_check_command(app);
  yonroku::app::add_import_command(app);

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
