// yonroku top: what instances do at the moment, on the whole terminal, until q.

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/report.h"
#include "api/top_view.h"
#include "app/commands.h"
#include "app/offline_options.h"

namespace yonroku::app {
namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct TopOptions {
  std::string socket = "/run/yonroku/control.sock";
  std::string instance;
  double interval = 1;  // seconds
  bool is_once = false;
};

volatile sig_atomic_t has_ended = 0;

// The alternate screen without a cursor or echo; everything as it was when it goes.
class Terminal {
 public:
  Terminal() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    put("\x1b[?1049h\x1b[?25l");
    struct sigaction action{};
    action.sa_handler = [](int) { has_ended = 1; };
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
    action.sa_handler = [](int) {};  // poll() ends, and the screen is drawn again
    ::sigaction(SIGWINCH, &action, nullptr);
  }
  ~Terminal() {
    put("\x1b[?25h\x1b[?1049l");
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  static api::TopSize size() {
    winsize window{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return {80, 24};
    return {window.ws_col, window.ws_row};
  }
  static void draw(const std::string& text) {
    std::string out = "\x1b[H";
    for (const char c : text) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
    if (out.ends_with('\n')) out.pop_back();  // the last line scrolls nothing
    put(out + "\x1b[J");
  }
  enum class Key : uint8_t { None, Quit, Up, Down };
  // What was typed within so long; None, too, when the window got another size.
  static Key wait(std::chrono::milliseconds time) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char typed[8] = {};
    if (::poll(&input, 1, static_cast<int>(time.count())) <= 0) return Key::None;
    const ssize_t got = ::read(STDIN_FILENO, typed, sizeof typed - 1);
    if (got <= 0) return Key::Quit;
    const std::string_view key(typed, static_cast<std::size_t>(got));
    if (key == "q" || key == "Q") return Key::Quit;
    if (key == "k" || key == "\x1b[A") return Key::Up;
    if (key == "j" || key == "\x1b[B") return Key::Down;
    return Key::None;
  }

 private:
  static void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  termios before_{};
};

// Asks the program again and again, and keeps what the last answers were.
class Top {
 public:
  explicit Top(const TopOptions& options) : options_(options), client_(options.socket) {}

  // An error when the program does not answer; the model stays as it was.
  Result<void> look() {
    const ordered_json status = TRY(get("/v1/status"));
    ordered_json counters = TRY(get("/v1/counters"));
    const auto now = Clock::now();
    const auto time = std::chrono::system_clock::now();
    model_.headline = api::status_headline(status, time);
    model_.problems = api::problems_of(status, time);
    const ordered_json& before = counters_ ? *counters_ : counters;
    const double seconds = counters_ ? std::chrono::duration<double>(now - at_).count() : 1.0;
    model_.instances = api::top_instances(status, before, counters, seconds);
    counters_ = std::move(counters);
    at_ = now;
    if (model_.chosen >= model_.instances.size()) model_.chosen = 0;
    if (!options_.instance.empty()) TRY(choose(options_.instance));
    return look_at_subscribers();
  }
  void move(int by) {
    const auto count = static_cast<int>(model_.instances.size());
    if (count == 0) return;
    options_.instance.clear();
    model_.chosen = static_cast<std::size_t>((static_cast<int>(model_.chosen) + count + by) % count);
    model_.subscribers.clear();
    next_search_ = {};
  }
  [[nodiscard]] const api::TopModel& model() const { return model_; }

 private:
  // For an instance's busiest subscribers, under way in another thread.
  struct Search {
    std::string instance;
    Clock::time_point begin;
    std::future<Result<ordered_json>> answer;
  };

  Result<ordered_json> get(const std::string& path) { return get(client_, path); }
  Result<ordered_json> get(api::Client& client, const std::string& path) const {
    const auto answer = TRY(client.request(api::Client::Method::Get, path));
    auto json = ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object())
      return fail(options_.socket, "the answer is not understood",
                  "is that yonroku's control socket, of this version?");
    return json;
  }
  Result<void> choose(const std::string& name) {
    for (std::size_t i = 0; i < model_.instances.size(); ++i)
      if (model_.instances[i].name == name) {
        model_.chosen = i;
        return {};
      }
    return fail("", "there is no instance \"" + name + "\"", "`yonroku show status` lists them");
  }
  // Seldom, since each of them has to be looked at, and of millions that takes seconds: the screen does not
  // wait for it.
  Result<void> look_at_subscribers() {
    constexpr auto kPause = std::chrono::seconds(10);
    constexpr int kMostOfTheTime = 20;  // a twentieth of it
    if (model_.instances.empty()) return {};
    const api::TopInstance& chosen = model_.instances[model_.chosen];
    if (!search_ && chosen.sessions && Clock::now() >= next_search_)
      search_ = Search{chosen.name, Clock::now(), std::async(std::launch::async, [this, name = chosen.name] {
                         api::Client client(options_.socket);
                         return get(client, "/v1/instances/" + name + "/subscribers?sort=sessions&limit=10");
                       })};
    if (!search_) return {};
    if (!options_.is_once && search_->answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
      return {};
    Search search = *std::exchange(search_, std::nullopt);
    const auto answer = search.answer.get();
    if (search.instance != chosen.name) return {};
    next_search_ =
        Clock::now() + std::max<Clock::duration>(kPause, kMostOfTheTime * (Clock::now() - search.begin));
    model_.subscribers = api::top_subscribers(TRY(answer));
    return {};
  }

  TopOptions options_;
  api::Client client_;
  api::TopModel model_;
  std::optional<ordered_json> counters_;
  Clock::time_point at_;
  Clock::time_point next_search_;
  std::optional<Search> search_;
};

void show_once(Top& top, const TopOptions& options) {
  value_or_fail(top.look());
  std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
  value_or_fail(top.look());
  constexpr std::size_t kWide = 160;
  fmt::print("{}", api::top_text(top.model(), {kWide, 0}, api::TopStyle::Plain));
}

void show_until_quit(Top& top, const TopOptions& options) {
  value_or_fail(top.look());
  const Terminal terminal;
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
  Result<void> looked;
  for (auto next = Clock::now() + interval; has_ended == 0;) {
    api::TopModel model = top.model();
    if (!looked) model.problems.insert(model.problems.begin(), looked.error().to_string());
    Terminal::draw(api::top_text(model, Terminal::size(), api::TopStyle::Ansi));
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
    switch (Terminal::wait(std::max(left, std::chrono::milliseconds(0)))) {
      case Terminal::Key::Quit: return;
      case Terminal::Key::Up: top.move(-1); break;
      case Terminal::Key::Down: top.move(+1); break;
      case Terminal::Key::None: break;
    }
    if (Clock::now() < next) continue;
    looked = top.look();
    next = Clock::now() + interval;
  }
}

void run(TopOptions options) {
  if (::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) options.is_once = true;
  Top top(options);
  if (options.is_once)
    show_once(top, options);
  else
    show_until_quit(top, options);
}

}  // namespace

void add_top_command(CLI::App& app) {
  const auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "Show what instances do at the moment, until q");
  command->add_option("--socket", options->socket, "control socket of the running program")
      ->capture_default_str();
  command->add_option("-i,--instance", options->instance, "instance whose drops and subscribers are shown");
  constexpr double kShortest = 0.2, kLongest = 3600;
  command->add_option("--interval", options->interval, "seconds between two looks")
      ->check(CLI::Range(kShortest, kLongest))
      ->capture_default_str();
  command->add_flag("--once", options->is_once, "print it once, as plain text");
  command->callback([options] { run(*options); });
}

}  // namespace yonroku::app
