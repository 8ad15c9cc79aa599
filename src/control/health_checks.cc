#include "control/health_checks.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "control/health_state.h"

namespace yonroku::control {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t discard(char*, std::size_t size, std::size_t count, void*) { return size * count; }

void free_easy(CURL* easy) { curl_easy_cleanup(easy); }
void free_multi(CURLM* multi) { curl_multi_cleanup(multi); }
using Easy = std::unique_ptr<CURL, decltype(&free_easy)>;
using Multi = std::unique_ptr<CURLM, decltype(&free_multi)>;

// One check, ready to be started.
Easy make_check(const HealthTarget& target) {
  Easy easy(curl_easy_init(), free_easy);
  YONROKU_CHECK(easy != nullptr);  // out of memory
  CURL* const c = easy.get();
  const config::HealthSettings& settings = target.settings;
  const std::string url =
      fmt::format("http://{}:{}{}", target.server.address.to_string(), target.server.port, settings.path);
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(c, CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, long{settings.timeout} * 1000);
  curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, discard);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "yonroku");
  curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
  if (settings.check == config::HealthSettings::Check::Tcp)
    curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
  else if (target.proxy_protocol == share::ProxyProtocol::V2)
    curl_easy_setopt(c, CURLOPT_HAPROXYPROTOCOL, 1L);  // such a server reads nothing before it
  return easy;
}

// Why the check has failed; empty: it has not.
std::string failure_of(CURL* easy, CURLcode code, const config::HealthSettings& settings) {
  if (code != CURLE_OK) return curl_easy_strerror(code);
  if (settings.check == config::HealthSettings::Check::Tcp) return {};
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  const bool is_expected = settings.expect ? status == *settings.expect : status >= 200 && status <= 299;
  return is_expected ? std::string() : fmt::format("HTTP status {}", status);
}

}  // namespace

std::vector<HealthTarget> health_targets(const config::Settings& settings) {
  std::vector<HealthTarget> targets;
  for (const auto& instance : settings.instances)
    for (const auto& service : instance.services)
      for (const auto& server : service.servers)
        if (service.health)
          targets.push_back({instance.name,
                             {service.key, server.endpoint.address, server.endpoint.port},
                             *service.health,
                             service.proxy_protocol});
  return targets;
}

class HealthChecks::Runner {
 public:
  explicit Runner(std::function<void()> changed)
      : changed_(std::move(changed)), multi_(curl_multi_init(), free_multi) {
    YONROKU_CHECK(multi_ != nullptr);  // out of memory
    thread_ = std::thread([this] { run(); });
  }

  ~Runner() {
    {
      const std::scoped_lock lock(mutex_);
      is_stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    thread_.join();
  }

  void watch(std::vector<HealthTarget> targets) {
    {
      const std::scoped_lock lock(mutex_);
      wanted_ = std::move(targets);
    }
    curl_multi_wakeup(multi_.get());
  }

  [[nodiscard]] DownServers down(const std::string& instance) const {
    const std::scoped_lock lock(mutex_);
    DownServers down;
    for (const auto& probe : probes_)
      if (probe->target.instance == instance && !probe->state.is_up()) down.insert(probe->target.server);
    return down;
  }

  [[nodiscard]] std::optional<HealthReport> report(const std::string& instance,
                                                   const ServerName& server) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& probe : probes_)
      if (probe->target.server == server && probe->target.instance == instance) return probe->report;
    return std::nullopt;
  }

 private:
  struct Probe {
    explicit Probe(const HealthTarget& wanted)
        : target(wanted), state(wanted.settings.rise, wanted.settings.fall) {
      report.since = std::chrono::system_clock::now();
    }
    HealthTarget target;
    HealthState state;
    HealthReport report;
    Clock::time_point due;
    Easy easy{nullptr, free_easy};  // while a check is under way
  };

  void run() {
    for (;;) {
      Clock::time_point next;
      bool is_any_changed = false;
      {
        const std::scoped_lock lock(mutex_);
        if (is_stopping_) break;
        if (wanted_) {
          take_over(*std::exchange(wanted_, std::nullopt));
          is_any_changed = true;  // nobody says any more that those are down that went
        }
        next = start_due(Clock::now());
      }
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      is_any_changed |= read_results();
      if (is_any_changed) {
        changed_();
        continue;
      }
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
      curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(std::clamp<int64_t>(wait, 0, 1000)),
                      nullptr);
    }
    for (const auto& probe : probes_) abandon(*probe);
  }

  // Servers that are new, or checked otherwise from now on, begin as up ones; their checks are spread over
  // one interval.
  void take_over(const std::vector<HealthTarget>& wanted) {
    std::vector<std::unique_ptr<Probe>> probes;
    const Clock::time_point now = Clock::now();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto known = std::ranges::find_if(
          probes_, [&](const auto& probe) { return probe != nullptr && probe->target == wanted[i]; });
      if (known != probes_.end()) {
        probes.push_back(std::move(*known));
        continue;
      }
      auto& probe = probes.emplace_back(std::make_unique<Probe>(wanted[i]));
      probe->due = now + std::chrono::milliseconds(1000u * wanted[i].settings.interval * i / wanted.size());
    }
    for (const auto& gone : probes_)
      if (gone != nullptr) abandon(*gone);
    probes_ = std::move(probes);
  }

  void abandon(Probe& probe) {
    if (probe.easy == nullptr) return;
    curl_multi_remove_handle(multi_.get(), probe.easy.get());
    probe.easy.reset();
  }

  // Returns when the next one is due.
  Clock::time_point start_due(Clock::time_point now) {
    Clock::time_point next = now + std::chrono::seconds(1);
    for (const auto& probe : probes_) {
      if (probe->easy == nullptr && probe->due <= now) {
        probe->easy = make_check(probe->target);
        curl_easy_setopt(probe->easy.get(), CURLOPT_PRIVATE, probe.get());
        curl_multi_add_handle(multi_.get(), probe->easy.get());
        probe->due = now + std::chrono::seconds(probe->target.settings.interval);
      }
      if (probe->easy == nullptr) next = std::min(next, probe->due);
    }
    return next;
  }

  // True when a server went up or down.
  bool read_results() {
    bool is_any_changed = false;
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Probe* probe = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &probe);
      const std::string failure =
          failure_of(message->easy_handle, message->data.result, probe->target.settings);
      abandon(*probe);
      const std::scoped_lock lock(mutex_);
      is_any_changed |= add(*probe, failure);
    }
    return is_any_changed;
  }

  static bool add(Probe& probe, const std::string& failure) {
    ++probe.report.checks;
    probe.report.failures += failure.empty() ? 0u : 1u;
    probe.report.last_failure = failure;
    const bool has_changed =
        probe.state.add(failure.empty() ? HealthState::Outcome::Success : HealthState::Outcome::Failure);
    if (!has_changed) return false;
    probe.report.is_up = probe.state.is_up();
    probe.report.since = std::chrono::system_clock::now();
    if (probe.report.is_up)
      spdlog::info("{}: the server {} is up", probe.target.instance, to_text(probe.target.server));
    else
      spdlog::warn("{}: the server {} is down: {}", probe.target.instance, to_text(probe.target.server),
                   failure);
    return true;
  }

  std::function<void()> changed_;
  Multi multi_;
  mutable std::mutex mutex_;  // of what follows; what a check is doing is the thread's alone
  std::vector<std::unique_ptr<Probe>> probes_;
  std::optional<std::vector<HealthTarget>> wanted_;
  bool is_stopping_ = false;
  std::thread thread_;
};

HealthChecks::HealthChecks(std::function<void()> changed) {
  curl_global_init(CURL_GLOBAL_NOTHING);
  runner_ = std::make_unique<Runner>(std::move(changed));
}
HealthChecks::~HealthChecks() = default;

void HealthChecks::watch(std::vector<HealthTarget> targets) { runner_->watch(std::move(targets)); }
DownServers HealthChecks::down(const std::string& instance) const { return runner_->down(instance); }
std::optional<HealthReport> HealthChecks::report(const std::string& instance,
                                                 const ServerName& server) const {
  return runner_->report(instance, server);
}

}  // namespace yonroku::control
