// yonroku mappings add|remove|replace|list: the mappings of the running program. A change is all or nothing,
// in force when the command returns, and lasts until the next reload or restart: the configuration file is
// not changed.

#include <memory>
#include <string>
#include <vector>

#include "api/client.h"
#include "api/request_body.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "app/socket_options.h"
#include "app/table_change.h"

namespace yonroku::app {
namespace {

using Method = api::Client::Method;

struct MappingsOptions : SocketOptions {
  std::string ipv4;
  std::string ipv6;
  std::vector<std::string> prefixes;
  std::string file;
};

// `body` was checked here already, so that errors name the user's file and not the request.
void change(const MappingsOptions& options, Method method, const std::string& body) {
  api::Client client(options.socket);
  print_change(value_or_fail(client.request(method, api::mappings_path(options.instance), body)),
               options.is_json);
}

// A single mapping on the command line has no place to name.
template <class T>
T without_place(Result<T> result) {
  if (!result) result.error().where.clear();
  return value_or_fail(std::move(result));
}

void add(const MappingsOptions& options) {
  if (!options.file.empty()) {
    if (!options.ipv4.empty()) throw CLI::ValidationError("either IPV4 IPV6 or --batch FILE, not both");
    const std::string body = read_input(options.file);
    value_or_fail(api::parse_mappings_body(body, input_name(options.file)));
    return change(options, Method::Post, body);
  }
  if (options.ipv4.empty() || options.ipv6.empty())
    throw CLI::ValidationError("an IPv4 and an IPv6 prefix are needed, or --batch FILE");
  const std::string body = options.ipv4 + "," + options.ipv6 + "\n";
  if (without_place(api::parse_mappings_body(body)).empty())
    throw CLI::ValidationError("\"" + options.ipv4 + "\" is no IPv4 address or prefix");
  change(options, Method::Post, body);
}

void remove(const MappingsOptions& options) {
  if (!options.file.empty()) {
    if (!options.prefixes.empty()) throw CLI::ValidationError("either IPV4 or --batch FILE, not both");
    const std::string body = read_input(options.file);
    value_or_fail(api::parse_prefixes_body(body, input_name(options.file)));
    return change(options, Method::Delete, body);
  }
  if (options.prefixes.empty()) throw CLI::ValidationError("an IPv4 prefix is needed, or --batch FILE");
  std::string body;
  for (const std::string& prefix : options.prefixes) body += prefix + "\n";
  without_place(api::parse_prefixes_body(body));
  change(options, Method::Delete, body);
}

void replace(const MappingsOptions& options) {
  const std::string body = read_input(options.file);
  value_or_fail(api::parse_mappings_body(body, input_name(options.file)));
  change(options, Method::Put, body);
}

}  // namespace

void add_mappings_command(CLI::App& app) {
  const auto options = std::make_shared<MappingsOptions>();
  CLI::App* command = app.add_subcommand("mappings", "Change the mappings of the running program");
  options->add_to(*command);
  command->require_subcommand(1);

  CLI::App* add_one = command->add_subcommand("add", "Add a mapping, or many");
  add_one->add_option("IPV4", options->ipv4, "IPv4 address or prefix");
  add_one->add_option("IPV6", options->ipv6, "IPv6 address or prefix that stands for it");
  add_one->add_option("--batch", options->file, "CSV file of ipv4,ipv6 lines; - is standard input");
  add_one->fallthrough()->callback([options] { add(*options); });

  CLI::App* remove_some = command->add_subcommand("remove", "Remove mappings");
  remove_some->add_option("IPV4", options->prefixes, "IPv4 prefixes of the mappings");
  remove_some->add_option("--batch", options->file, "file with one IPv4 prefix a line; - is standard input");
  remove_some->fallthrough()->callback([options] { remove(*options); });

  CLI::App* replace_all = command->add_subcommand("replace", "Replace the whole table by a CSV file");
  replace_all->add_option("FILE.csv", options->file, "ipv4,ipv6 lines; - is standard input")->required();
  replace_all->fallthrough()->callback([options] { replace(*options); });

  CLI::App* list = command->add_subcommand("list", "Print the mappings in use, as CSV");
  list->fallthrough()->callback([options] { print_table(*options, "mappings"); });
}

}  // namespace yonroku::app
