// yonroku check FILE: validates a configuration. Errors and warnings go to stderr, one line each; `--json`
// prints one object to stdout instead.

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "config/load.h"
#include "config/nat_pools.h"

namespace yonroku::app {
namespace {

struct CheckOptions {
  std::string file;
  bool is_json = false;
};

nlohmann::ordered_json to_json(const config::Diagnostic& diagnostic) {
  return {{"file", diagnostic.file},
          {"line", diagnostic.position.line},
          {"column", diagnostic.position.column},
          {"what", diagnostic.what},
          {"fix", diagnostic.fix}};
}

// What a customer edge has: "192.0.2.18 with 1008 ports".
std::string own_words(const config::InstanceSettings& instance) {
  const share::NatPool& pool = instance.nat.pools.front();
  const Ipv4Prefix& prefix = pool.addresses.front();
  const std::string address = prefix.length() == 32 ? prefix.address().to_string() : prefix.to_string();
  return pool.port_set ? fmt::format("{} with {} ports", address, pool.port_set->size()) : address;
}

void print_json(const std::string& file, const config::ConfigResult<config::Loaded>& loaded) {
  nlohmann::ordered_json report = {{"file", file}, {"ok", loaded.has_value()}};
  auto errors = nlohmann::ordered_json::array();
  auto warnings = nlohmann::ordered_json::array();
  auto instances = nlohmann::ordered_json::array();
  if (loaded) {
    for (const config::Warning& warning : loaded->warnings) warnings.push_back(to_json(warning));
    for (const config::InstanceSettings& instance : loaded->settings.instances) {
      instances.push_back({{"name", instance.name},
                           {"mechanism", to_string(instance.mechanism)},
                           {"device", instance.device},
                           {"mappings", instance.mappings.size()}});
      if (!config::has_nat(instance.mechanism)) continue;
      instances.back()["pool-addresses"] = config::count_addresses(instance.nat.pools);
      if (config::is_customer_edge(instance.mechanism)) instances.back()["own"] = own_words(instance);
      instances.back()["static-bindings"] = instance.nat.static_bindings.size();
    }
  } else {
    for (const config::Diagnostic& error : loaded.error().errors) errors.push_back(to_json(error));
    report["omitted-errors"] = loaded.error().omitted;
  }
  report["errors"] = std::move(errors);
  report["warnings"] = std::move(warnings);
  report["instances"] = std::move(instances);
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_text(const std::string& file, const config::ConfigResult<config::Loaded>& loaded) {
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().to_string());
    return;
  }
  for (const config::Warning& warning : loaded->warnings) fmt::print(stderr, "{}\n", warning.to_string());
  std::size_t mappings = 0;
  uint64_t addresses = 0;
  std::string own;
  for (const config::InstanceSettings& instance : loaded->settings.instances) {
    mappings += instance.mappings.size();
    if (config::is_customer_edge(instance.mechanism))
      own += ", " + own_words(instance);
    else
      addresses += config::count_addresses(instance.nat.pools);
  }
  const std::size_t count = loaded->settings.instances.size();
  std::string summary = fmt::format("{} instance{}, {} mapping{}", count, count == 1 ? "" : "s", mappings,
                                    mappings == 1 ? "" : "s");
  if (addresses > 0) summary += fmt::format(", {} address{} of pools", addresses, addresses == 1 ? "" : "es");
  fmt::print("{}: good: {}{}\n", file, summary, own);
}

void check(const CheckOptions& options) {
  const auto loaded = config::load_config(options.file);
  if (options.is_json)
    print_json(options.file, loaded);
  else
    print_text(options.file, loaded);
  if (!loaded) throw CommandFailed{};
}

}  // namespace

void add_check_command(CLI::App& app) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand("check", "Validate a configuration and print every error");
  command->add_option("FILE", options->file, "configuration file")->required();
  command->add_flag("--json", options->is_json, "print the result as JSON");
  command->callback([options] { check(*options); });
}

}  // namespace yonroku::app
