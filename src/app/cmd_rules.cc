// yonroku softwires|rules add|remove|replace|list: the binding table of a lwAFTR or a public 4over6 border,
// and the mapping rules of a MAP-E border relay, in the running program. A change is all or nothing, in force
// when the command returns, and lasts until the next reload or restart: the configuration file is not
// changed.
//
// What is wrong with a line only the program can say, since lines count on its br-addresses.

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/client.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "app/socket_options.h"
#include "app/table_change.h"

namespace yonroku::app {
namespace {

using Method = api::Client::Method;

struct Column {
  std::string name;  // of the CSV file; the option is called --NAME
  std::string help;
  std::string value;
};

struct RulesOptions : SocketOptions {
  std::string table;  // "softwires" or "rules"
  std::vector<Column> needed;
  std::vector<Column> more;
  std::vector<std::string> ipv4;
  std::string psid;
  std::string file;
};

// Errors of the program name the body by that word; the reader knows the file.
Error renamed(Error error, const std::string& name) {
  const auto rename = [&](std::string& text) {
    constexpr std::string_view kBody = "body:";
    for (std::size_t at = 0; at != std::string::npos;) {
      if (text.compare(at, kBody.size(), kBody) == 0) text.replace(at, kBody.size() - 1, name);
      at = text.find('\n', at);
      if (at != std::string::npos) ++at;
    }
  };
  rename(error.where);
  rename(error.what);
  return error;
}

// `name` empty: words of the command line, which have no place to name.
void change(const RulesOptions& options, Method method, const std::string& body, const std::string& name) {
  api::Client client(options.socket);
  const auto answer = client.request(method, api::table_path(options.instance, options.table), body);
  if (answer) return print_change(*answer, options.is_json);
  Error error = answer.error();
  if (!name.empty()) fail_command(renamed(std::move(error), name));
  if (error.where.starts_with("body:")) error.where.clear();
  fail_command(error);
}

bool has_words(const std::vector<Column>& columns) {
  for (const Column& column : columns)
    if (!column.value.empty()) return true;
  return false;
}

// One line below the names of the columns. A comma would make two columns of a word, a # a comment.
std::string one_line(const RulesOptions& options) {
  std::string names;
  std::string values;
  for (const auto* columns : {&options.needed, &options.more})
    for (const Column& column : *columns) {
      if (column.value.find_first_of(",#\n") != std::string::npos)
        throw CLI::ValidationError("\"" + column.value + "\" is no " + column.name);
      names += (names.empty() ? "" : ",") + column.name;
      values += (&column == options.needed.data() ? "" : ",") + column.value;
    }
  return names + "\n" + values + "\n";
}

void add(const RulesOptions& options) {
  const bool has_needed = has_words(options.needed);
  if (!options.file.empty()) {
    if (has_needed || has_words(options.more))
      throw CLI::ValidationError("either one on the command line or --batch FILE, not both");
    return change(options, Method::Post, read_input(options.file), input_name(options.file));
  }
  std::string missing;
  for (const Column& column : options.needed)
    if (column.value.empty()) missing += (missing.empty() ? "" : " and ") + column.name;
  if (!missing.empty()) throw CLI::ValidationError(missing + " needed, or --batch FILE");
  change(options, Method::Post, one_line(options), "");
}

void remove(const RulesOptions& options) {
  if (!options.file.empty()) {
    if (!options.ipv4.empty() || !options.psid.empty())
      throw CLI::ValidationError("either IPV4 or --batch FILE, not both");
    return change(options, Method::Delete, read_input(options.file), input_name(options.file));
  }
  if (options.ipv4.empty())
    throw CLI::ValidationError("an IPv4 address or prefix is needed, or --batch FILE");
  if (!options.psid.empty() && options.ipv4.size() > 1)
    throw CLI::ValidationError("--psid goes with one IPv4 address; --batch FILE takes many");
  std::string body;
  for (const std::string& ipv4 : options.ipv4) {
    if (ipv4.find_first_of(",#\n") != std::string::npos)
      throw CLI::ValidationError("\"" + ipv4 + "\" is no IPv4 address or prefix");
    body += ipv4 + (options.psid.empty() ? "" : "," + options.psid) + "\n";
  }
  change(options, Method::Delete, body, "");
}

void replace(const RulesOptions& options) {
  change(options, Method::Put, read_input(options.file), input_name(options.file));
}

void add_to(CLI::App& app, const std::shared_ptr<RulesOptions>& options, const std::string& help) {
  CLI::App* command = app.add_subcommand(options->table, help);
  options->add_to(*command);
  command->require_subcommand(1);

  CLI::App* add_some = command->add_subcommand("add", "Add one, or many");
  for (Column& column : options->needed) add_some->add_option(column.name, column.value, column.help);
  for (Column& column : options->more) add_some->add_option("--" + column.name, column.value, column.help);
  add_some->add_option("--batch", options->file,
                       "CSV file as in " + options->table + "-files; - is standard input");
  add_some->fallthrough()->callback([options] { add(*options); });

  CLI::App* remove_some = command->add_subcommand("remove", "Remove some");
  remove_some->add_option("IPV4", options->ipv4, "IPv4 addresses or prefixes");
  remove_some->add_option("--psid", options->psid, "PSID, where the address is shared");
  remove_some->add_option("--batch", options->file,
                          "file with one ipv4,psid a line, or CSV; - is standard input");
  remove_some->fallthrough()->callback([options] { remove(*options); });

  CLI::App* replace_all = command->add_subcommand("replace", "Replace the whole table by a CSV file");
  replace_all
      ->add_option("FILE.csv", options->file, "as in " + options->table + "-files; - is standard input")
      ->required();
  replace_all->fallthrough()->callback([options] { replace(*options); });

  CLI::App* list = command->add_subcommand("list", "Print the table in use, as CSV");
  list->fallthrough()->callback([options] { print_table(*options, options->table); });
}

}  // namespace

void add_softwires_command(CLI::App& app) {
  const auto options = std::make_shared<RulesOptions>();
  options->table = "softwires";
  options->needed = {{"b4-address", "IPv6 address of the customer's end", ""},
                     {"ipv4", "IPv4 address or prefix of the customer", ""}};
  options->more = {{"psid-offset", "PSID offset", ""},
                   {"psid-length", "PSID length", ""},
                   {"psid", "PSID, where the address is shared", ""},
                   {"br-address", "our address that the customer talks to", ""}};
  add_to(app, options, "Change the softwires of the running program");
}

void add_rules_command(CLI::App& app) {
  const auto options = std::make_shared<RulesOptions>();
  options->table = "rules";
  options->needed = {{"ipv6-prefix", "rule IPv6 prefix", ""},
                     {"ipv4-prefix", "rule IPv4 prefix", ""},
                     {"ea-length", "number of EA bits", ""}};
  options->more = {{"psid-offset", "PSID offset", ""},
                   {"psid-length", "PSID length", ""},
                   {"psid", "PSID that the EA bits do not carry", ""},
                   {"format", "rfc7597 or draft-03", ""},
                   {"border", "which of br-addresses the customers talk to, from 0", ""}};
  add_to(app, options, "Change the mapping rules of the running program");
}

}  // namespace yonroku::app
