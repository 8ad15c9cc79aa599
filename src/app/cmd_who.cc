// yonroku who: who had an address and port at some time, what a subscriber used, and answers to a table of
// complaints. The running program is asked, or its log is read.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/json.h"
#include "api/time_text.h"
#include "api/who_report.h"
#include "api/who_request.h"
#include "app/commands.h"
#include "app/encoded.h"
#include "app/offline_options.h"
#include "app/table_change.h"
#include "control/daemon.h"

namespace yonroku::app {
namespace {

using nlohmann::ordered_json;

struct WhoOptions {
  std::string socket = "/run/yonroku/control.sock";
  std::string store, config, csv;
  std::vector<std::string> words;  // protocol and time, as they come
  api::WhoRequest request;
  bool is_json = false;
};

int64_t now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Times without a zone are of this host's, not of the program's. Only moments are handed on.
void make_absolute(std::string& time, int64_t now) {
  if (!time.empty()) time = api::time_text(value_or_fail(api::parse_time(time, now)));
}

// "udp 2026-11-21 12:03": a protocol, if the first word is one, and a time, quoted or not.
void read_words(WhoOptions& options) {
  std::size_t first = 0;
  if (!options.words.empty())
    for (const std::string_view protocol : {"udp", "tcp", "icmp", "UDP", "TCP", "ICMP"})
      if (options.words[0] == protocol) {
        options.request.protocol = protocol;
        first = 1;
      }
  for (std::size_t i = first; i < options.words.size(); ++i)
    options.request.time += (options.request.time.empty() ? "" : " ") + options.words[i];
}

void check_usage(const WhoOptions& options) {
  const bool has_address = !options.request.address.empty();
  const int questions =
      int{has_address} + int{!options.request.subscriber.empty()} + int{!options.csv.empty()};
  if (questions != 1)
    throw CLI::ValidationError("one of ADDRESS PORT, --subscriber PREFIX and --csv FILE is needed");
  if (has_address && options.request.port.empty())
    throw CLI::ValidationError("a PORT is needed: an address is shared");
  if (!options.store.empty() && !options.config.empty())
    throw CLI::ValidationError("either --store or --config, not both");
}

// Where the log is; nullopt: the running program knows.
std::optional<std::string> folder_of(const WhoOptions& options) {
  if (!options.store.empty()) return options.store;
  if (options.config.empty()) return std::nullopt;
  return value_or_fail(control::log_folder(load_settings(options.config)));
}

// Of the running program.
api::Answer request(const WhoOptions& options, api::Client::Method method, const std::string& query,
                    const std::string& body = {}, const std::string& accept = "application/json") {
  api::Client client(options.socket);
  auto answer = client.request(method, "/v1/who" + query, body, accept);
  if (!answer && answer.error().where.empty()) {
    std::string& fix = answer.error().fix;
    fix += fix.empty() ? "" : "; ";
    fix += "without the program, --config FILE or --store FOLDER reads its log";
  }
  return value_or_fail(std::move(answer));
}

std::string query_of(const api::WhoRequest& request) {
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) query += fmt::format("{}{}={}", query.empty() ? '?' : '&', name, encoded(value));
  };
  add("address", request.address);
  add("port", request.port);
  add("protocol", request.protocol);
  add("time", request.time);
  add("skew", request.skew);
  add("subscriber", request.subscriber);
  add("from", request.from);
  add("until", request.until);
  add("limit", request.limit);
  add("remote", request.remote);
  return query;
}

std::string heading_of(const api::WhoRequest& request, int64_t now) {
  const std::string remote = request.remote.empty() ? "" : " to " + request.remote;
  if (!request.subscriber.empty())
    return fmt::format("{}{}{}{}", request.subscriber, remote,
                       request.from.empty() ? "" : " from " + request.from,
                       request.until.empty() ? "" : " until " + request.until);
  return fmt::format("{} port {}{}{} at {}{}", request.address, request.port,
                     request.protocol.empty() ? "" : " " + request.protocol, remote,
                     request.time.empty() ? api::time_text(now - now % 1000) : request.time,
                     request.skew.empty() ? "" : ", " + request.skew + " seconds either way");
}

ordered_json ask(const WhoOptions& options, int64_t now) {
  if (const auto folder = folder_of(options)) {
    auto who = value_or_fail(api::Who::open(*folder));
    return to_json(value_or_fail(api::answer(who, options.request, now)));
  }
  const auto answer = request(options, api::Client::Method::Get, query_of(options.request));
  auto json = ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    fail_command({options.socket, "the answer is not understood",
                  "is that yonroku's control socket, of this version?"});
  return json;
}

void answer_complaints(const WhoOptions& options, int64_t now) {
  const std::string complaints = read_input(options.csv);
  if (const auto folder = folder_of(options)) {
    auto who = value_or_fail(api::Who::open(*folder));
    fmt::print("{}", value_or_fail(api::answer_csv(who, complaints, options.request, now)));
    return;
  }
  const auto answer =
      request(options, api::Client::Method::Post, query_of(options.request), complaints, "text/csv");
  fmt::print("{}", answer.body);
}

void run(WhoOptions& options) {
  read_words(options);
  check_usage(options);
  const int64_t asked_at = now();
  if (!options.csv.empty()) return answer_complaints(options, asked_at);
  make_absolute(options.request.time, asked_at);
  make_absolute(options.request.from, asked_at);
  make_absolute(options.request.until, asked_at);
  const ordered_json answer = ask(options, asked_at);
  if (options.is_json)
    fmt::print("{}\n", api::dump(answer));
  else
    fmt::print("{}", api::who_text(answer, heading_of(options.request, asked_at)));
}

}  // namespace

void add_who_command(CLI::App& app) {
  const auto options = std::make_shared<WhoOptions>();
  CLI::App* const command =
      app.add_subcommand("who", "Who had an address and port at some time, or what a subscriber used");
  command->add_option("address", options->request.address, "the outside IPv4 ADDRESS");
  command->add_option("port", options->request.port, "the outside PORT, or ICMP identifier");
  command->add_option("protocol-and-time", options->words,
                      "udp, tcp or icmp, and when: \"2026-11-21 12:03\", RFC 3339, now (the default), -2h");
  command->add_option("--skew", options->request.skew, "how many SECONDS the time may be wrong");
  command->add_option("--remote", options->request.remote,
                      "only who talked to this ADDRESS[:PORT], where destinations are logged");
  command->add_option("--subscriber", options->request.subscriber, "what this IPv6 PREFIX or address used");
  command->add_option("--from", options->request.from, "of --subscriber: only what was there after TIME");
  command->add_option("--until", options->request.until, "of --subscriber: only what was there before TIME");
  command->add_option("--limit", options->request.limit, "of --subscriber: so many answers at most");
  command->add_option("--csv", options->csv,
                      "answer all complaints of FILE (- for stdin): address,port,protocol,time");
  command->add_option("--socket", options->socket, "control socket of the running program")
      ->capture_default_str();
  command->add_option("--store", options->store, "read the log in FOLDER instead of asking");
  command->add_option("-c,--config", options->config,
                      "read the log of the configuration FILE instead of asking");
  command->add_flag("--json", options->is_json, "print the result as JSON");
  command->callback([options] { run(*options); });
}

}  // namespace yonroku::app
