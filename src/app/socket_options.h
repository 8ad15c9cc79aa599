// What show, mappings, rules and softwires have in common: whom to ask, about which instance, and how to
// print the answer.
#pragma once

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace yonroku::app {

struct SocketOptions {
  std::string socket = "/run/yonroku/control.sock";
  std::string instance;
  bool is_json = false;

  void add_to(CLI::App& command) {
    command.add_option("--socket", socket, "control socket of the running program")->capture_default_str();
    command.add_option("-i,--instance", instance, "instance meant, when there are several");
    command.add_flag("--json", is_json, "print the result as JSON");
  }
};

// The table in use, as CSV or JSON on standard output: "mappings", "rules" or "softwires".
void print_table(const SocketOptions& options, std::string_view table);

}  // namespace yonroku::app
