// What is wrong or doubtful in a configuration: file, line, column, what, and how to fix it. Reading a
// configuration never stops at the first error; it gathers them all in a ConfigErrors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace yonroku::config {

// Both count from 1; a line of 0 means the file as a whole.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
  friend constexpr auto operator<=>(const Position&, const Position&) = default;
};

struct Diagnostic {
  std::string file;
  Position position;
  std::string what;
  std::string fix;

  [[nodiscard]] std::string where() const {
    if (position.line == 0) return file;
    return file + ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
  }
  [[nodiscard]] Error to_error() const { return {where(), what, fix}; }
  // "file:line:column: what; fix"
  [[nodiscard]] std::string to_string() const { return to_error().to_string(); }
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// The configuration can be used, but perhaps does not do what was meant.
struct Warning : Diagnostic {
  // "file:line:column: warning: what; fix"
  [[nodiscard]] std::string to_string() const { return Error{where() + ": warning", what, fix}.to_string(); }
};

// Never empty when it is the error of an expected.
struct ConfigErrors {
  std::vector<Diagnostic> errors;
  std::size_t omitted = 0;  // further errors that are only counted

  // One line for each error, and "and N more errors" when some were left out. Ends without a newline.
  [[nodiscard]] std::string to_string() const;
  // All errors as one Error, for callers that speak Result<T>.
  [[nodiscard]] Error to_error() const { return {{}, to_string(), {}}; }
};

template <class T>
using ConfigResult = std::expected<T, ConfigErrors>;

[[nodiscard]] inline std::unexpected<ConfigErrors> fail_with(std::string file, Position position,
                                                             std::string what, std::string fix = {}) {
  ConfigErrors errors;
  errors.errors.push_back({std::move(file), position, std::move(what), std::move(fix)});
  return std::unexpected(std::move(errors));
}

}  // namespace yonroku::config
