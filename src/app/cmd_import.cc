// yonroku import map646|tayga|jool|snabb FILE: another translator's configuration as ours, on stdout or in a
// file.

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "app/commands.h"
#include "config/import.h"
#include "config/text_file.h"

namespace yonroku::app {
namespace {

constexpr std::size_t kMaxImportSize = std::size_t{1} << 30;

struct ImportCommand {
  std::string file;
  std::string output;
  config::ImportOptions options;
};

[[noreturn]] void fail_with(const std::string& text) {
  fmt::print(stderr, "{}\n", text);
  throw CommandFailed{};
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  stream.close();
  if (!stream) fail_with(path + ": cannot be written; check the directory and its permissions");
}

void import(const ImportCommand& command, config::Importer importer) {
  const auto text = config::read_text_file(command.file, kMaxImportSize);
  if (!text) fail_with(text.error().to_string());
  config::ImportOptions options = command.options;
  options.read_file = [&](const std::string& path) {
    return config::read_text_file(config::path_from(config::directory_of(command.file), path),
                                  kMaxImportSize);
  };
  const auto imported = importer(*text, command.file, options);
  if (!imported) fail_with(imported.error().to_string());
  if (!options.mappings_file.empty()) {
    const std::string directory = command.output.empty() ? "." : config::directory_of(command.output);
    write_file(config::path_from(directory, options.mappings_file), imported->mappings_csv);
  }
  if (command.output.empty()) {
    std::fwrite(imported->yaml.data(), 1, imported->yaml.size(), stdout);
  } else {
    write_file(command.output, imported->yaml);
  }
}

}  // namespace

void add_import_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("import", "Convert another translator's configuration");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, config::Importer importer) {
    const auto state = std::make_shared<ImportCommand>();
    CLI::App* source = command->add_subcommand(name, help);
    source->add_option("FILE", state->file, "the configuration to convert")->required();
    source->add_option("-o,--output", state->output, "write the configuration here instead of to stdout");
    source->add_option("--mappings-csv", state->options.mappings_file,
                       "write the mappings, or softwires, to this CSV file, as seen from the configuration");
    source->add_option("--name", state->options.name, "name of the instance");
    source->add_option("--pref64", state->options.pref64,
                       "prefix for unmapped addresses, where the source has none");
    source->add_option("--translator-ipv6", state->options.translator_ipv6,
                       "source of ICMPv6 errors, where the source has neither address nor prefix");
    source->callback([state, importer] { import(*state, importer); });
  };
  add("map646", "a map646.conf", config::import_map646);
  add("tayga", "a tayga.conf", config::import_tayga);
  add("jool", "a JSON file of jool_siit, or its EAM table as CSV", config::import_jool);
  add("snabb", "the configuration of Snabb's lwAFTR", config::import_snabb);
}

}  // namespace yonroku::app
