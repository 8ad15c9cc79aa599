#include "api/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/text.h"
#include "observe/counters.h"
#include "packet/verdict.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;
using std::chrono::system_clock;

std::optional<system_clock::time_point> parse_time(const ordered_json& text) {
  std::tm parts{};
  if (!text.is_string() ||
      ::strptime(text.get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr)
    return std::nullopt;
  return system_clock::from_time_t(::timegm(&parts));
}

// "3 days 4 h", "5 min 10 s".
std::string duration_text(std::chrono::seconds duration) {
  const int64_t seconds = std::max<int64_t>(duration.count(), 0);
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} day{} {} h", seconds / 86400, seconds / 86400 == 1 ? "" : "s",
                     seconds % 86400 / 3600);
}

std::string since_text(const ordered_json& time, system_clock::time_point now) {
  const auto then = parse_time(time);
  if (!then) return "an unknown time";
  return duration_text(std::chrono::duration_cast<std::chrono::seconds>(now - *then));
}

// The first few, and how many more.
std::string joined(const ordered_json& words) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), kMost); ++i)
    text += (text.empty() ? "" : ", ") + words[i].get<std::string>();
  return words.size() > kMost ? text + fmt::format(" and {} more", grouped(words.size() - kMost)) : text;
}

// "  5 softwires in 1.2 kB"; nothing for a tunnel whose ends the configuration fixes.
std::string table_text(const ordered_json& instance) {
  const char* thing = instance.contains("softwires") ? "softwire"
                      : instance.contains("rules")   ? "rule"
                                                     : "explicit mapping";
  const std::string mechanism = instance.at("mechanism").get<std::string>();
  if (mechanism == "ipip" || mechanism == "ds-lite-b4" || mechanism == "nat64" || mechanism == "slb64")
    return "";
  const auto count = instance.at("mappings").get<uint64_t>();
  return fmt::format("  {}{}\n", counted(count, thing),
                     count == 0 ? "" : " in " + size_text(instance.at("mappings-memory").get<uint64_t>()));
}

// "udp 9,000, tcp 345": those that there are.
std::string by_protocol_text(const ordered_json& counts) {
  std::string text;
  for (const auto& [protocol, count] : counts.items())
    if (count.get<uint64_t>() > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", protocol, grouped(count.get<uint64_t>()));
  return text;
}

uint64_t sum_of(const ordered_json& counts) {
  uint64_t sum = 0;
  for (const auto& count : counts) sum += count.get<uint64_t>();
  return sum;
}

// What is above 90 % in use, with how much of it there is.
std::string shortage_text(const ordered_json& nat, const std::string& what) {
  const auto ports = nat.at("ports").get<uint64_t>();
  for (const auto& [protocol, used] : nat.at("used-ports").items())
    if (what == protocol + "-ports")
      return fmt::format("ports for {}: {} of {} are taken", protocol, grouped(used.get<uint64_t>()),
                         grouped(ports));
  if (what == "port-blocks")
    return fmt::format("blocks of ports: {} of {} are taken",
                       grouped(nat.at("used-port-blocks").get<uint64_t>()),
                       grouped(nat.at("port-blocks").get<uint64_t>()));
  return fmt::format("room for sessions: {} of {} are there", grouped(sum_of(nat.at("sessions"))),
                     grouped(nat.at("max-sessions").get<uint64_t>()));
}

std::string nat_text(const ordered_json& nat) {
  const std::string by_protocol = by_protocol_text(nat.at("sessions"));
  std::string out = fmt::format(
      "  {}{} ({} at most), {} of {}\n", counted(sum_of(nat.at("sessions")), "session"),
      by_protocol.empty() ? "" : ": " + by_protocol, grouped(nat.at("max-sessions").get<uint64_t>()),
      counted(sum_of(nat.at("bindings")), "binding"),
      counted(nat.at("subscribers").get<uint64_t>(), "subscriber"));
  const auto ports = nat.at("ports").get<uint64_t>();
  std::string used;
  for (const auto& [protocol, count] : nat.at("used-ports").items())
    used += fmt::format("{}{} {}", used.empty() ? "" : ", ", protocol,
                        percent_text(count.get<uint64_t>(), ports));
  const auto addresses = nat.at("addresses").get<uint64_t>();
  out += fmt::format("  {} on {} {}, in use: {}\n", counted(ports, "port"), grouped(addresses),
                     addresses == 1 ? "address" : "addresses", used);
  if (nat.contains("alg")) {
    const auto& alg = nat.at("alg");
    const auto count = [&](const char* name) { return grouped(alg.at(name).get<uint64_t>()); };
    out += fmt::format("  application level gateways: {} rewritten, {} not understood, {} refused\n",
                       count("rewritten"), count("not-understood"), count("refused"));
  }
  return out;
}

const char* shortage_remedy(const std::string& what) {
  if (what == "sessions") return "raise max-sessions, or limit sessions-per-subscriber";
  if (what == "port-blocks") return "add addresses to its pools, or make block-size smaller";
  return "add addresses to its pools, or limit ports-per-subscriber";
}

std::string offload_text(const ordered_json& offload) {
  if (offload.at("refusal").is_null()) return "  offload: on\n";
  return fmt::format("  offload: refused: {}\n", offload.at("refusal").get<std::string>());
}

void append_instance(std::string& out, const ordered_json& instance, system_clock::time_point now) {
  const bool has_failed = !instance.at("failure").is_null();
  out += fmt::format("\n{}: {} on device {}, {}: {}\n", instance.at("name").get<std::string>(),
                     instance.at("mechanism").get<std::string>(), instance.at("device").get<std::string>(),
                     counted(instance.at("workers").get<uint64_t>(), "worker"),
                     has_failed ? "FAILED" : "works, for " + since_text(instance.at("since"), now));
  out += table_text(instance);
  if (instance.contains("nat")) out += nat_text(instance.at("nat"));
  if (instance.contains("offload")) out += offload_text(instance.at("offload"));
  const std::string routes = joined(instance.at("routes"));
  out += routes.empty() ? "  no routes of its own (routes: manual, or none implied)\n"
                        : fmt::format("  routes to it: {}\n", routes);
}

// --- what is wrong, the worst first, and what to do about it ---

void add_instance_problems(std::vector<std::string>& problems, const ordered_json& instance) {
  const auto name = instance.at("name").get<std::string>();
  if (instance.contains("nat"))
    for (const auto& what : instance.at("nat").at("short-of"))
      problems.push_back(fmt::format("{} is short of {}: {}", name,
                                     shortage_text(instance.at("nat"), what.get<std::string>()),
                                     shortage_remedy(what.get<std::string>())));
  if (instance.contains("offload") && !instance.at("offload").at("refusal").is_null())
    problems.push_back(
        fmt::format("the kernel forwards nothing of {} itself: {}; \"offload: off\" says that "
                    "this is as it should be",
                    name, instance.at("offload").at("refusal").get<std::string>()));
}

void add_log_problems(std::vector<std::string>& problems, const ordered_json& log,
                      system_clock::time_point now) {
  for (const auto& receiver : log.at("receivers")) {
    const auto name = receiver.at("name").get<std::string>();
    const auto lost = receiver.at("lost").get<uint64_t>();
    if (!receiver.at("error").is_null())
      problems.push_back(fmt::format(
          "the log does not get to {}, for {}: {}; {} wait{}", name, since_text(receiver.at("since"), now),
          receiver.at("error").get<std::string>(), grouped(receiver.at("waiting").get<uint64_t>()),
          lost == 0 ? "" : fmt::format(", {} are lost", grouped(lost))));
    else if (lost > 0)
      problems.push_back(fmt::format("{} entries of the log were lost on the way to {}, which works again",
                                     grouped(lost), name));
    if (receiver.contains("remark") && !receiver.at("remark").is_null())
      problems.push_back(fmt::format("{}: {}", name, receiver.at("remark").get<std::string>()));
  }
  if (const auto missed = log.at("missed").get<uint64_t>(); missed > 0)
    problems.push_back(fmt::format("{} events were overwritten before they were logged: raise nat-log: queue",
                                   grouped(missed)));
}

std::string health(const ordered_json& status, std::size_t problems) {
  std::size_t failed = 0;
  for (const auto& instance : status.at("instances")) failed += instance.at("failure").is_null() ? 0u : 1u;
  if (failed > 0)
    return fmt::format("{} of {} failed", failed, counted(status.at("instances").size(), "instance"));
  if (problems == 1) return "works, but one thing is wrong";
  if (problems > 1) return fmt::format("works, but {} things are wrong", problems);
  return "all is well";
}

std::string log_text(const ordered_json& log, system_clock::time_point now) {
  std::string out = fmt::format("\nnat-log: {}\n", counted(log.at("events").get<uint64_t>(), "event"));
  for (const auto& receiver : log.at("receivers")) {
    const bool works = receiver.at("error").is_null();
    out += fmt::format(
        "  {}: {} written, {} wait, {} lost; {}{}\n", receiver.at("name").get<std::string>(),
        grouped(receiver.at("written").get<uint64_t>()), grouped(receiver.at("waiting").get<uint64_t>()),
        grouped(receiver.at("lost").get<uint64_t>()), works ? "works" : "FAILS",
        receiver.at("since").is_null() ? "" : ", for " + since_text(receiver.at("since"), now));
  }
  return out;
}

// --- counters ---

class CountersText {
 public:
  explicit CountersText(Zeros zeros) : zeros_(zeros) {}

  void add(const ordered_json& instance) {
    out_ += fmt::format("{}{}\n", out_.empty() ? "" : "\n", instance.at("name").get<std::string>());
    const auto& received = instance.at("received");
    line("received", number(received, "ipv4") + number(received, "ipv6"),
         fmt::format("packets: {} of IPv4, {} of IPv6", grouped(number(received, "ipv4")),
                     grouped(number(received, "ipv6"))));
    for (const char* direction : observe::kDirectionLabels) add_direction(instance, direction);
    line("dropped", number(instance, "dropped"), number(instance, "dropped") == 1 ? "packet" : "packets");
    add_drops(instance.at("drops"), instance.value("drop-details", ordered_json::object()));
    const auto& errors = instance.at("icmp-errors");
    line("ICMP errors", number(errors, "icmp") + number(errors, "icmpv6"),
         fmt::format("sent: {} ICMP, {} ICMPv6", grouped(number(errors, "icmp")),
                     grouped(number(errors, "icmpv6"))));
    const auto& too_big = instance.at("too-big-sent");
    line("", number(too_big, "icmp") + number(too_big, "icmpv6"), "of them about packets that are too big");
    line("", number(errors, "limited"), "not sent because of icmp-error-rate");
    uint64_t forwarded = 0;
    for (const auto& [direction, count] : instance.at("too-big-forwarded").items())
      forwarded += count.get<uint64_t>();
    line("too big", forwarded, "ICMP messages of others that a packet is too big, forwarded");
    line("path MTUs", number(instance, "learned-path-mtus"), "learned from routers on the way of the tunnel");
    line("offloaded", number(instance, "offloaded"), "of all packets were forwarded by the kernel itself");
    line("fragments", number(instance, "fragments"), "made of packets too large for the other side");
    line("reassembled", number(instance, "reassembled"),
         fmt::format("packets, of {}", counted(number(instance, "reassembled-fragments"), "fragment")));
    line("handed over", number(instance, "handed-over"), "packets to the worker that has their session");
    line("segmented", number(instance, "segmented"),
         fmt::format("super-packets split in software, into {}",
                     counted(number(instance, "segments"), "segment")));
    line("not sent", number(instance, "not-sent"), "results that the device did not take");
    if (instance.contains("nat")) add_nat(instance.at("nat"));
    if (zeros_ == Zeros::Show) line("batches", number(instance, "batches"), "reads from the device");
  }
  std::string take() { return std::move(out_); }

 private:
  static uint64_t number(const ordered_json& object, const char* name) {
    return object.at(name).get<uint64_t>();
  }

  void line(std::string_view name, uint64_t value, std::string_view text) {
    if (value > 0 || zeros_ == Zeros::Show)
      out_ += fmt::format("  {:<12}{:>15}  {}\n", name, grouped(value), text);
  }

  void add_direction(const ordered_json& instance, const char* direction) {
    std::string parts;
    uint64_t octets = 0;
    for (const auto& [protocol, flow] : instance.at("protocols").at(direction).items()) {
      octets += number(flow, "octets");
      if (number(flow, "packets") > 0)
        parts +=
            fmt::format("{}{} {}", parts.empty() ? ": " : ", ", grouped(number(flow, "packets")), protocol);
    }
    const uint64_t packets = number(instance, direction);
    line(direction, packets,
         fmt::format("packet{}, {}{}", packets == 1 ? "" : "s", size_text(octets), parts));
  }

  // Of all protocols: what began, how it ended, and what was refused.
  void add_nat(const ordered_json& nat) {
    uint64_t bindings = 0, sessions = 0, ended_bindings = 0;
    std::map<std::string, uint64_t> ended, refused;
    for (const auto& counts : nat) {
      bindings += number(counts, "created-bindings");
      ended_bindings += number(counts, "ended-bindings");
      sessions += number(counts, "created-sessions");
      for (const auto& [reason, count] : counts.at("ended-sessions").items())
        ended[reason] += count.get<uint64_t>();
      for (const auto& [limit, count] : counts.at("refused").items()) refused[limit] += count.get<uint64_t>();
    }
    line("bindings", bindings, fmt::format("began, {} ended", grouped(ended_bindings)));
    line("sessions", sessions, "began");
    for (const auto& [reason, count] : ended) detail(count, "ended: " + reason);
    for (const auto& [limit, count] : refused) detail(count, "refused: " + limit);
  }

  void detail(uint64_t count, const std::string& text) {
    if (count > 0 || zeros_ == Zeros::Show) out_ += fmt::format("  {:>27}  {}\n", grouped(count), text);
  }

  void add_drops(const ordered_json& drops, const ordered_json& details) {
    for (const auto& [name, value] : drops.items()) {
      const auto count = value.get<uint64_t>();
      detail(count, name + explanation_of(name));
      if (details.contains(name)) out_ += fmt::format("  {:>27}  {}\n", "", kinds_text(details.at(name)));
    }
  }
  static std::string kinds_text(const ordered_json& directions) {
    std::string text;
    for (const auto& [direction, protocols] : directions.items()) {
      std::string parts;
      for (const auto& [protocol, count] : protocols.items())
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", grouped(count.get<uint64_t>()), protocol);
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", direction, parts);
    }
    return text;
  }

  static std::string explanation_of(std::string_view label) {
    for (const DropReasonText& reason : kDropReasons)
      if (reason.label == label)
        return fmt::format(": {}{}", reason.help,
                           reason.cited.empty() ? "" : fmt::format(" [{}]", reason.cited));
    return "";
  }

  Zeros zeros_;
  std::string out_;
};

}  // namespace

std::vector<std::string> problems_of(const ordered_json& status, system_clock::time_point now) {
  std::vector<std::string> problems;
  for (const auto& instance : status.at("instances"))
    if (!instance.at("failure").is_null())
      problems.push_back(fmt::format("{} does not work: {}; restart yonroku",
                                     instance.at("name").get<std::string>(),
                                     instance.at("failure").get<std::string>()));
  for (const auto& instance : status.at("instances")) add_instance_problems(problems, instance);
  if (status.contains("nat-log")) add_log_problems(problems, status.at("nat-log"), now);
  for (const auto& warning : status.at("warnings")) problems.push_back(warning.get<std::string>());
  return problems;
}

std::string status_headline(const ordered_json& status, system_clock::time_point now) {
  return fmt::format("yonroku {}, process {}, up for {}: {}", status.at("version").get<std::string>(),
                     status.at("process-id").get<int64_t>(), since_text(status.at("since"), now),
                     health(status, problems_of(status, now).size()));
}

std::string status_report(const ordered_json& status, system_clock::time_point now) {
  const std::vector<std::string> problems = problems_of(status, now);
  std::string out = status_headline(status, now) + "\n";
  if (!status.at("reloaded").is_null())
    out += fmt::format("settings read again {} ago\n", since_text(status.at("reloaded"), now));
  for (const std::string& problem : problems) out += fmt::format("! {}\n", problem);
  for (const auto& instance : status.at("instances")) append_instance(out, instance, now);
  if (status.contains("nat-log")) out += log_text(status.at("nat-log"), now);
  return out;
}

std::string counters_report(const ordered_json& counters, Zeros zeros) {
  CountersText text(zeros);
  for (const auto& instance : counters.at("instances")) text.add(instance);
  return text.take();
}

}  // namespace yonroku::api
