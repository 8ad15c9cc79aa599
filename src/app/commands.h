// The subcommands of yonroku. Each lives in its own cmd_<name>.cc and adds itself to the command line.
//
// A subcommand's callback returns normally for exit status 0 and throws CommandFailed for 1. Wrong usage is
// found by CLI11 (or thrown as CLI::ValidationError) and gives 2. What went wrong is on stderr by then, one
// line for each error.
#pragma once

#include <CLI/CLI.hpp>

namespace yonroku::app {

struct CommandFailed {};

void add_check_command(CLI::App& app);
void add_run_command(CLI::App& app);
void add_reload_command(CLI::App& app);
void add_import_command(CLI::App& app);
void add_translate_command(CLI::App& app);
void add_explain_command(CLI::App& app);
void add_show_command(CLI::App& app);
void add_top_command(CLI::App& app);
void add_ports_command(CLI::App& app);
void add_mappings_command(CLI::App& app);
void add_rules_command(CLI::App& app);
void add_softwires_command(CLI::App& app);
void add_map_command(CLI::App& app);
void add_who_command(CLI::App& app);

}  // namespace yonroku::app
