// yonroku run: the daemon in the foreground. SIGHUP reads the configuration again, SIGTERM and SIGINT stop
// it.

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/server.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "control/daemon.h"
#include "control/notify.h"

namespace yonroku::app {
namespace {

constexpr long kCheckNanoseconds = 200'000'000;  // how soon a failed instance is noticed

struct RunOptions {
  std::string config;
};

// Blocked in every thread, so that await_signal() alone gets them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// The signal that came, or 0 after a while without one.
int await_signal(const sigset_t& signals) {
  constexpr timespec kTimeout{0, kCheckNanoseconds};
  const int signal = ::sigtimedwait(&signals, nullptr, &kTimeout);
  return signal < 0 ? 0 : signal;
}

void start_log() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("yonroku"));
  spdlog::set_pattern("yonroku: %l: %v");
}

void set_log_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::Trace: return spdlog::set_level(spdlog::level::trace);
    case config::LogLevel::Debug: return spdlog::set_level(spdlog::level::debug);
    case config::LogLevel::Info: return spdlog::set_level(spdlog::level::info);
    case config::LogLevel::Warn: return spdlog::set_level(spdlog::level::warn);
    case config::LogLevel::Error: return spdlog::set_level(spdlog::level::err);
  }
}

// One write, so that lines of other threads stay apart.
void say(const std::string& text) { fmt::print(stderr, "{}\n", text); }

// Reads the file again, whoever asks for it: SIGHUP or the API.
class Reloader {
 public:
  Reloader(std::string path, control::Daemon& daemon) : path_(std::move(path)), daemon_(daemon) {}

  Result<void> reload() {
    const std::scoped_lock lock(mutex_);
    control::notify_reloading();
    auto outcome = try_to_reload();
    control::notify_ready();
    if (outcome)
      say("reloaded");
    else
      say(outcome.error().to_string() + "\nyonroku: the settings stay as they were");
    return outcome;
  }

  // What reload() would do.
  Result<control::ReloadPreview> preview() {
    const auto loaded = config::load_config(path_);
    if (!loaded) return std::unexpected(loaded.error().to_error());
    return daemon_.preview(loaded->settings);
  }

 private:
  Result<void> try_to_reload() {
    const auto loaded = config::load_config(path_);
    if (!loaded) return std::unexpected(loaded.error().to_error());
    for (const config::Warning& warning : loaded->warnings) say(warning.to_string());
    TRY(daemon_.reload(loaded->settings));
    set_log_level(loaded->settings.log_level);
    return {};
  }

  std::mutex mutex_;
  std::string path_;
  control::Daemon& daemon_;
};

void serve_until_stopped(control::Daemon& daemon, Reloader& reloader, const sigset_t& signals) {
  for (;;) {
    const int signal = await_signal(signals);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) static_cast<void>(reloader.reload());  // it has said what is wrong
    if (const auto failure = daemon.failure()) fail_command({"", *failure, ""});
  }
}

void run(const RunOptions& options) {
  start_log();
  const sigset_t signals = block_signals();
  std::unique_ptr<control::Daemon> daemon;
  std::unique_ptr<Reloader> reloader;
  std::unique_ptr<api::Server> server;
  {
    const config::Settings settings = load_settings(options.config);
    set_log_level(settings.log_level);
    // Before the daemon gives its privileges up, and before it touches a device that another one owns.
    auto socket = value_or_fail(api::ListeningSocket::open(settings.control_socket, settings.user));
    std::optional<api::TcpDoor> tcp;
    if (settings.control_listen) tcp = value_or_fail(api::TcpDoor::open(*settings.control_listen));
    daemon = value_or_fail(control::Daemon::start(settings));
    reloader = std::make_unique<Reloader>(options.config, *daemon);
    const api::Reloads reloads{[&] { return reloader->reload(); }, [&] { return reloader->preview(); }};
    server = api::Server::start(api::backend_of(*daemon, reloads), std::move(socket), std::move(tcp));
  }  // a million mappings of the configuration are not needed any more
  for (const std::string& warning : daemon->status().warnings) say("warning: " + warning);
  control::notify_ready();
  say("ready");
  serve_until_stopped(*daemon, *reloader, signals);
  control::notify_stopping();
  server->stop();
}

}  // namespace

void add_run_command(CLI::App& app) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Run the translator in the foreground");
  command->add_option("-c,--config", options->config, "configuration file")->required();
  command->callback([options] { run(*options); });
}

}  // namespace yonroku::app
