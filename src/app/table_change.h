// What the commands have in common that change a table of the running program.
#pragma once

#include <string>

#include "api/client.h"

namespace yonroku::app {

// All of a file, or of standard input for "-"; fails the command when it cannot be read.
[[nodiscard]] std::string read_input(const std::string& path);
// What errors call it.
[[nodiscard]] std::string input_name(const std::string& path);

// "2 added, 1 removed", or the answer as it is.
void print_change(const api::Answer& answer, bool is_json);

}  // namespace yonroku::app
