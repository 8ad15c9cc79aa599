// yonroku map ce|address|port-set|rules: who has which IPv4 address and ports in a MAP domain (RFC 7597 §5),
// both ways. The rules are on the command line or in a CSV file; no running program is asked.

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json.h"
#include "api/map_domain.h"
#include "api/map_report.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "config/map_rule_check.h"
#include "config/map_rule_csv.h"
#include "config/map_rule_text.h"

namespace yonroku::app {
namespace {

struct MapOptions {
  std::vector<std::string> rules;
  std::string file;
  std::string format = "rfc7597";
  std::string prefix;
  std::string address;
  std::optional<uint16_t> port;
  uint8_t psid_offset = 6;
  uint8_t psid_length = 0;
  std::string psid;
  bool shows_all_ranges = false;
  bool is_json = false;

  [[nodiscard]] api::Ranges ranges() const { return shows_all_ranges ? api::Ranges::All : api::Ranges::Some; }
};

struct Rules {
  std::vector<share::MapRule> rules;
  std::vector<config::Place> places;
  config::ConfigErrors errors;

  void add(const share::MapRule& rule, config::Place place) {
    rules.push_back(rule);
    places.push_back(std::move(place));
  }
};

// What was written wrongly on the command line.
template <class T>
T value_or_usage(const std::string& name, config::Value<T> value) {
  if (!value) throw CLI::ValidationError(Error{name, value.error().what, value.error().fix}.to_string());
  return *std::move(value);
}

// Those of the command line come first.
Rules read_rules(const MapOptions& options) {
  if (options.rules.empty() && options.file.empty())
    throw CLI::ValidationError(
        "there are no rules: give --rule ipv6=PREFIX,ipv4=PREFIX,ea=LENGTH, or --rules FILE");
  const auto format = value_or_usage("--format", config::parse_interface_identifier_format(options.format));
  Rules read;
  for (std::size_t i = 0; i < options.rules.size(); ++i) {
    const std::string name = options.rules.size() == 1 ? "--rule" : fmt::format("--rule {}", i + 1);
    const auto text = value_or_usage(name, config::parse_map_rule_words(options.rules[i], format));
    if (const auto rule = text.rule())
      read.add(*rule, {name, {}});
    else
      read.errors.errors.push_back({name, {}, rule.error().complaint.what, rule.error().complaint.fix});
  }
  if (options.file.empty()) return read;
  auto table = config::load_map_rule_csv(options.file, format);
  if (!table) {
    for (config::Diagnostic& error : table.error().errors) read.errors.errors.push_back(std::move(error));
    read.errors.omitted = table.error().omitted;
    return read;
  }
  for (std::size_t i = 0; i < table->rules.size(); ++i)
    read.add(table->rules[i], {options.file, {table->lines[i], 1}});
  return read;
}

api::MapDomain read_domain(const MapOptions& options) {
  Rules read = read_rules(options);
  if (!read.errors.errors.empty()) {
    fmt::print(stderr, "{}\n", read.errors.to_string());
    throw CommandFailed{};
  }
  return value_or_fail(api::MapDomain::create(std::move(read.rules), [&](std::size_t i) {
    return config::Diagnostic{read.places[i].file, read.places[i].position, {}, {}}.where();
  }));
}

template <class Answer>
void print(const MapOptions& options, const Answer& answer) {
  if (options.is_json)
    fmt::print("{}\n", api::dump(api::to_json(answer)));
  else
    fmt::print("{}", api::to_text(answer, options.ranges()));
}

void customer_edge(const MapOptions& options) {
  const auto prefix = value_or_usage("PREFIX", config::parse_ipv6_prefix(options.prefix));
  print(options, value_or_fail(read_domain(options).customer_edge(prefix)));
}

void address(const MapOptions& options) {
  if (const auto ipv4 = Ipv4Address::parse(options.address))
    return print(options, value_or_fail(read_domain(options).owner(*ipv4, options.port)));
  if (options.address.find(':') == std::string::npos)
    (void)value_or_usage("ADDRESS", config::parse_ipv4_address(options.address));
  const auto ipv6 = value_or_usage("ADDRESS", config::parse_ipv6_address(options.address));
  if (options.port) throw CLI::ValidationError("an IPv6 address says its ports itself: leave PORT out");
  print(options, value_or_fail(read_domain(options).read(ipv6)));
}

void port_set(const MapOptions& options) {
  api::PortSetQuestion question{{options.psid_offset, options.psid_length}, std::nullopt, options.port};
  if (!options.psid.empty()) question.psid = value_or_usage("--psid", config::parse_psid(options.psid));
  value_or_fail(question.check());
  print(options, question);
}

nlohmann::ordered_json to_json(const config::Diagnostic& diagnostic) {
  return {{"file", diagnostic.file},
          {"line", diagnostic.position.line},
          {"column", diagnostic.position.column},
          {"what", diagnostic.what},
          {"fix", diagnostic.fix}};
}

void rules(const MapOptions& options) {
  const Rules read = read_rules(options);
  config::ConfigErrors errors = read.errors;
  std::vector<config::Warning> warnings;
  const config::MapRuleFindings found = config::check_map_rules(read.rules);
  for (const config::MapRuleFinding& each : found.findings) {
    config::Diagnostic told = to_diagnostic(each, [&](std::size_t i) { return read.places[i]; });
    if (each.is_error())
      errors.errors.push_back(std::move(told));
    else
      warnings.push_back({std::move(told)});
  }
  errors.omitted += found.omitted_errors;

  if (options.is_json) {
    nlohmann::ordered_json json = {{"ok", errors.errors.empty()},
                                   {"errors", nlohmann::ordered_json::array()},
                                   {"omitted-errors", errors.omitted},
                                   {"warnings", nlohmann::ordered_json::array()},
                                   {"omitted-warnings", found.omitted_warnings}};
    for (const config::Diagnostic& error : errors.errors) json["errors"].push_back(to_json(error));
    for (const config::Warning& warning : warnings) json["warnings"].push_back(to_json(warning));
    json.update(api::rules_json(read.rules));
    fmt::print("{}\n", api::dump(json));
  } else {
    if (!errors.errors.empty()) fmt::print(stderr, "{}\n", errors.to_string());
    for (const config::Warning& warning : warnings) fmt::print(stderr, "{}\n", warning.to_string());
    if (found.omitted_warnings > 0) fmt::print(stderr, "and {} more warnings\n", found.omitted_warnings);
    if (!read.rules.empty()) fmt::print("{}", api::rules_text(read.rules));
  }
  if (!errors.errors.empty()) throw CommandFailed{};
}

void add_rule_options(CLI::App& command, MapOptions& options) {
  command
      .add_option(
          "--rule", options.rules,
          "ipv6=PREFIX,ipv4=PREFIX,ea=LENGTH, and where needed offset, psid-length, psid, format; may be "
          "said again")
      ->allow_extra_args(false);
  command.add_option("--rules", options.file, "CSV file of rules: ipv6-prefix,ipv4-prefix,ea-length, ...");
  command
      .add_option("--format", options.format,
                  "interface identifier of rules that say none: rfc7597 or draft-03")
      ->capture_default_str();
}

void add_output_options(CLI::App& command, MapOptions& options) {
  command.add_flag("--all-ranges", options.shows_all_ranges, "print every port range");
  command.add_flag("--json", options.is_json, "print the result as JSON");
}

}  // namespace

void add_map_command(CLI::App& app) {
  const auto options = std::make_shared<MapOptions>();
  CLI::App* command = app.add_subcommand("map", "Calculate addresses and ports of a MAP domain");
  command->require_subcommand(1);

  CLI::App* ce = command->add_subcommand("ce", "What a customer edge has, from its End-user IPv6 prefix");
  add_rule_options(*ce, *options);
  add_output_options(*ce, *options);
  ce->add_option("PREFIX", options->prefix, "the prefix delegated to it, or any address of it")->required();
  ce->callback([options] { customer_edge(*options); });

  CLI::App* address_command =
      command->add_subcommand("address", "Whose an IPv4 address and port, or an IPv6 address, is");
  add_rule_options(*address_command, *options);
  add_output_options(*address_command, *options);
  address_command->add_option("ADDRESS", options->address, "an IPv4 or IPv6 address")->required();
  address_command->add_option("PORT", options->port, "a port, or ICMP identifier, of a shared IPv4 address");
  address_command->callback([options] { address(*options); });

  CLI::App* port_set_command =
      command->add_subcommand("port-set", "How the ports of an address are shared out");
  port_set_command->add_option("--offset", options->psid_offset, "PSID offset: a bits")
      ->capture_default_str()
      ->check(CLI::Range(0, 15));
  port_set_command
      ->add_option("--psid-length", options->psid_length, "PSID length: k bits, for 2^k customers")
      ->required()
      ->check(CLI::Range(0, 16));
  port_set_command->add_option("--psid", options->psid, "only the customer with this PSID");
  port_set_command->add_option("--port", options->port, "say whose this port is");
  add_output_options(*port_set_command, *options);
  port_set_command->callback([options] { port_set(*options); });

  CLI::App* rules_command =
      command->add_subcommand("rules", "Check rules, and say what the domain amounts to");
  add_rule_options(*rules_command, *options);
  rules_command->add_flag("--json", options->is_json, "print the result as JSON");
  rules_command->callback([options] { rules(*options); });
}

}  // namespace yonroku::app
