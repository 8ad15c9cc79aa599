#include "api/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <optional>

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
  for (const auto& what : nat.at("short-of"))
    out += fmt::format("  SHORT of {}\n", shortage_text(nat, what.get<std::string>()));
  return out;
}

void append_instance(std::string& out, const ordered_json& instance, system_clock::time_point now) {
  const bool has_failed = !instance.at("failure").is_null();
  out += fmt::format("\n{}: {} on device {}, {}: {}\n", instance.at("name").get<std::string>(),
                     instance.at("mechanism").get<std::string>(), instance.at("device").get<std::string>(),
                     counted(instance.at("workers").get<uint64_t>(), "worker"),
                     has_failed ? "FAILED" : "works, for " + since_text(instance.at("since"), now));
  if (has_failed) out += fmt::format("  what is wrong: {}\n", instance.at("failure").get<std::string>());
  out += table_text(instance);
  if (instance.contains("nat")) out += nat_text(instance.at("nat"));
  const std::string routes = joined(instance.at("routes"));
  out += routes.empty() ? "  no routes of its own (routes: manual, or none implied)\n"
                        : fmt::format("  routes to it: {}\n", routes);
}

std::string health(const ordered_json& status) {
  std::size_t failed = 0;
  for (const auto& instance : status.at("instances")) failed += instance.at("failure").is_null() ? 0u : 1u;
  const std::size_t warnings = status.at("warnings").size();
  if (failed > 0)
    return fmt::format("{} of {} failed", failed, counted(status.at("instances").size(), "instance"));
  std::string short_ones;
  for (const auto& instance : status.at("instances"))
    if (instance.contains("nat") && !instance.at("nat").at("short-of").empty())
      short_ones += (short_ones.empty() ? "" : ", ") + instance.at("name").get<std::string>();
  if (!short_ones.empty()) return "works, but the NAT is nearly full: " + short_ones;
  if (warnings > 0) return "works, but " + counted(warnings, "thing") + " may be wrong with the host";
  return "all is well";
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
    add_drops(instance.at("drops"));
    const auto& errors = instance.at("icmp-errors");
    line("ICMP errors", number(errors, "icmp") + number(errors, "icmpv6"),
         fmt::format("sent: {} ICMP, {} ICMPv6", grouped(number(errors, "icmp")),
                     grouped(number(errors, "icmpv6"))));
    line("", number(errors, "limited"), "not sent because of icmp-error-rate");
    line("fragments", number(instance, "fragments"), "made of packets too large for the other side");
    line("reassembled", number(instance, "reassembled"),
         fmt::format("packets, of {}", counted(number(instance, "reassembled-fragments"), "fragment")));
    line("handed over", number(instance, "handed-over"), "packets to the worker that has their session");
    line("segmented", number(instance, "segmented"),
         fmt::format("super-packets split in software, into {}",
                     counted(number(instance, "segments"), "segment")));
    line("not sent", number(instance, "not-sent"), "results that the device did not take");
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

  void add_drops(const ordered_json& drops) {
    for (const auto& [name, value] : drops.items()) {
      const auto count = value.get<uint64_t>();
      if (count == 0 && zeros_ == Zeros::Hide) continue;
      out_ += fmt::format("  {:>27}  {}{}\n", grouped(count), name, explanation_of(name));
    }
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

std::string status_report(const ordered_json& status, system_clock::time_point now) {
  std::string out = fmt::format(
      "yonroku {}, process {}, up for {}: {}\n", status.at("version").get<std::string>(),
      status.at("process-id").get<int64_t>(), since_text(status.at("since"), now), health(status));
  if (!status.at("reloaded").is_null())
    out += fmt::format("settings read again {} ago\n", since_text(status.at("reloaded"), now));
  for (const auto& warning : status.at("warnings"))
    out += fmt::format("warning: {}\n", warning.get<std::string>());
  for (const auto& instance : status.at("instances")) append_instance(out, instance, now);
  return out;
}

std::string counters_report(const ordered_json& counters, Zeros zeros) {
  CountersText text(zeros);
  for (const auto& instance : counters.at("instances")) text.add(instance);
  return text.take();
}

}  // namespace yonroku::api
