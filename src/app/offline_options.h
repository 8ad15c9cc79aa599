// What translate, explain and run have in common: the configuration, and how errors are told.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "config/load.h"

namespace yonroku::app {

struct OfflineOptions {
  std::string config;
  std::optional<std::string> instance;
  bool is_json = false;

  void add_to(CLI::App& command);
};

// The settings, with errors and warnings on stderr; throws CommandFailed when there are errors.
[[nodiscard]] config::Settings load_settings(const std::string& path);

// Prints the error as one line on stderr, and throws CommandFailed.
[[noreturn]] void fail_command(const Error& error);

// The value, or fail_command().
template <class T>
T value_or_fail(Result<T> result) {
  if (!result) fail_command(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace yonroku::app
