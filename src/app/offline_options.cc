#include "app/offline_options.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/commands.h"

namespace yonroku::app {

void OfflineOptions::add_to(CLI::App& command) {
  command.add_option("-c,--config", config, "configuration file")->required();
  command.add_option("-i,--instance", instance, "instance of the configuration, when it has several");
  command.add_flag("--json", is_json, "print the result as JSON");
}

config::Settings load_settings(const std::string& path) {
  auto loaded = config::load_config(path);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().to_string());
    throw CommandFailed{};
  }
  for (const config::Warning& warning : loaded->warnings) fmt::print(stderr, "{}\n", warning.to_string());
  return std::move(loaded->settings);
}

void fail_command(const Error& error) {
  fmt::print(stderr, "yonroku: {}\n", error.to_string());
  throw CommandFailed{};
}

}  // namespace yonroku::app
