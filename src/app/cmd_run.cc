// yonroku run: the translator in the foreground. SIGHUP reloads, SIGTERM and SIGINT end it, a device that goes away
// ends it with an error.

#include <fmt/format.h>
#include <signal.h>
#include <time.h>

#include <cerrno>
#include <memory>
#include <string>

#include "app/commands.h"
#include "config/load.h"
#include "control/daemon.h"
#include "control/notify.h"

namespace yonroku::app {
namespace {

struct RunOptions {
  std::string config;
};

// Blocked in every thread, so that the main loop alone takes them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void reload(control::Daemon& daemon, const std::string& path) {
  control::notify_reloading();
  const auto loaded = config::load_config(path);
  if (!loaded) {
    fmt::print(stderr, "{}\n{}: not reloaded, the old settings stay in force\n", loaded.error().to_string(), path);
  } else {
    for (const auto& warning : loaded->warnings) fmt::print(stderr, "{}\n", warning.to_string());
    if (const auto done = daemon.reload(loaded->settings); !done) {
      fmt::print(stderr, "{}\n{}: not reloaded, the old settings stay in force\n", done.error().to_string(), path);
    } else {
      fmt::print(stderr, "reloaded\n");
    }
  }
  control::notify_ready();
}

void run(const RunOptions& options) {
  const sigset_t signals = block_signals();
  auto loaded = config::load_config(options.config);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().to_string());
    throw CommandFailed{};
  }
  for (const auto& warning : loaded->warnings) fmt::print(stderr, "{}\n", warning.to_string());
  const auto daemon = control::Daemon::start(loaded->settings);
  if (!daemon) {
    fmt::print(stderr, "{}\n", daemon.error().to_string());
    throw CommandFailed{};
  }
  loaded->settings = {};  // the tables have them
  for (const auto& warning : (*daemon)->status().warnings) fmt::print(stderr, "warning: {}\n", warning);
  control::notify_ready();
  fmt::print(stderr, "ready\n");

  while (true) {
    constexpr timespec kLookAfterFailures{0, 200'000'000};
    const int signal = ::sigtimedwait(&signals, nullptr, &kLookAfterFailures);
    if (signal == SIGHUP) reload(**daemon, options.config);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (const auto failure = (*daemon)->failure()) {
      fmt::print(stderr, "{}\n", *failure);
      throw CommandFailed{};
    }
  }
  control::notify_stopping();
}

}  // namespace

void add_run_command(CLI::App& app) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Run the translator in the foreground");
  command->add_option("-c,--config", options->config, "configuration file")->required();
  command->callback([options] { run(*options); });
}

}  // namespace yonroku::app
