#include "api/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <nlohmann/json.hpp>

#include "api/text.h"
#include "observe/counters.h"

namespace yonroku::api {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostProblems = 3;
constexpr std::size_t kLeastColumns = 40;

uint64_t number(const ordered_json& object, const char* name) { return object.at(name).get<uint64_t>(); }

// Nothing when the instance has begun anew meanwhile.
double rate(uint64_t before, uint64_t after, double seconds) {
  return after < before ? 0 : static_cast<double>(after - before) / seconds;
}

const ordered_json* find(const ordered_json& answer, const std::string& name) {
  const auto& instances = answer.at("instances");
  const auto found =
      std::ranges::find_if(instances, [&](const auto& each) { return each.at("name") == name; });
  return found == instances.end() ? nullptr : &*found;
}

uint64_t octets_of(const ordered_json& instance, std::initializer_list<const char*> directions) {
  uint64_t sum = 0;
  for (const char* direction : directions)
    for (const auto& flow : instance.at("protocols").at(direction)) sum += number(flow, "octets");
  return sum;
}

struct Sessions {
  uint64_t created = 0;
  uint64_t ended = 0;
};
std::optional<Sessions> sessions_of(const ordered_json& instance) {
  if (!instance.contains("nat")) return std::nullopt;
  Sessions sum;
  for (const auto& counts : instance.at("nat")) {
    sum.created += number(counts, "created-sessions");
    for (const auto& ended : counts.at("ended-sessions")) sum.ended += ended.get<uint64_t>();
  }
  return sum;
}

// Of all workers; nothing where one of them is unknown.
std::optional<double> cpu_seconds(const ordered_json& instance) {
  double sum = 0;
  for (const auto& worker : instance.at("workers")) {
    if (worker.at("cpu-seconds").is_null()) return std::nullopt;
    sum += worker.at("cpu-seconds").get<double>();
  }
  return sum;
}

std::vector<TopInstance::Drop> drops_of(const ordered_json& before, const ordered_json& after,
                                        double seconds) {
  std::vector<TopInstance::Drop> drops;
  for (const auto& [reason, count] : after.at("drops").items())
    if (const auto total = count.get<uint64_t>(); total > 0)
      drops.push_back({reason, rate(before.at("drops").value(reason, uint64_t{0}), total, seconds), total});
  std::ranges::stable_sort(drops, [](const auto& a, const auto& b) {
    return a.rate != b.rate ? a.rate > b.rate : a.total > b.total;
  });
  return drops;
}

TopInstance instance_of(const ordered_json& before, const ordered_json& after, double seconds) {
  TopInstance instance;
  instance.name = after.at("name").get<std::string>();
  const auto packets = [](const ordered_json& one) {
    return number(one, "to-ipv6") + number(one, "hairpin");
  };
  instance.packets_to_ipv6 = rate(packets(before), packets(after), seconds);
  instance.packets_to_ipv4 = rate(number(before, "to-ipv4"), number(after, "to-ipv4"), seconds);
  constexpr double kBits = 8;
  instance.bits_to_ipv6 = kBits * rate(octets_of(before, {"to-ipv6", "hairpin"}),
                                       octets_of(after, {"to-ipv6", "hairpin"}), seconds);
  instance.bits_to_ipv4 =
      kBits * rate(octets_of(before, {"to-ipv4"}), octets_of(after, {"to-ipv4"}), seconds);
  const double all = instance.packets_to_ipv6 + instance.packets_to_ipv4;
  if (all > 0)
    instance.offloaded =
        std::min(1.0, rate(number(before, "offloaded"), number(after, "offloaded"), seconds) / all);
  const auto sessions_before = sessions_of(before), sessions = sessions_of(after);
  if (sessions) instance.sessions = sessions->created - sessions->ended;
  if (sessions && sessions_before)
    instance.new_sessions = rate(sessions_before->created, sessions->created, seconds);
  instance.drops = rate(number(before, "dropped"), number(after, "dropped"), seconds);
  const auto cpu_before = cpu_seconds(before), cpu = cpu_seconds(after);
  const auto workers = static_cast<double>(after.at("workers").size());
  if (cpu_before && cpu && workers > 0)
    instance.busy = std::clamp((*cpu - *cpu_before) / seconds / workers, 0.0, 1.0);
  instance.drop_reasons = drops_of(before, after, seconds);
  return instance;
}

// "0", "999", "1.23k", "45.6M": at most five characters.
std::string short_number(double value) {
  constexpr std::array<const char*, 5> kUnits = {"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f}", value > 0 && value < 1 ? 1.0 : value);
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, kUnits[unit]);
}

std::string short_number(std::optional<double> value) { return value ? short_number(*value) : "-"; }

std::string share_text(std::optional<double> share) {
  return share ? fmt::format("{:.0f}%", *share * 100) : "-";
}

// UTF-8 is not cut in two: names are ASCII, and messages are cut at octets that begin a character.
std::string cut(std::string line, std::size_t columns) {
  if (line.size() <= columns) return line;
  std::size_t end = columns - 1;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  return line.substr(0, end) + ">";
}

class Screen {
 public:
  Screen(TopSize size, TopStyle style)
      : columns_(std::max(size.columns, kLeastColumns)), rows_(size.rows), style_(style) {}

  [[nodiscard]] bool has_room(std::size_t lines = 1) const { return rows_ == 0 || used_ + lines <= rows_; }
  void line(const std::string& text, const char* ansi = "") {
    if (!has_room()) return;
    ++used_;
    const bool has_style = style_ == TopStyle::Ansi && *ansi != '\0';
    if (has_style) out_ += ansi;
    out_ += cut(text, columns_);
    if (has_style) out_ += "\x1b[0m";
    out_ += '\n';
  }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::size_t columns_;
  std::size_t rows_;
  TopStyle style_;
  std::size_t used_ = 0;
  std::string out_;
};

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kReverse = "\x1b[7m";
constexpr const char* kWarning = "\x1b[1;31m";
constexpr const char* kDim = "\x1b[2m";

std::string row(const TopInstance& i, bool is_chosen) {
  const auto sessions = i.sessions ? short_number(static_cast<double>(*i.sessions)) : std::string("-");
  return fmt::format("{}{:<14.14} {:<12.12} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>6} {:>6} {:>5}",
                     is_chosen ? ">" : " ", i.name, i.mechanism, short_number(i.packets_to_ipv6),
                     short_number(i.bits_to_ipv6), short_number(i.packets_to_ipv4),
                     short_number(i.bits_to_ipv4), share_text(i.offloaded), sessions,
                     short_number(i.new_sessions), short_number(i.drops), share_text(i.busy));
}

// As many rows as leave room for the rest; the chosen one is among them.
void add_instances(Screen& screen, const TopModel& model, std::size_t most) {
  screen.line(
      fmt::format(" {:<14} {:<12} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>6} {:>6} {:>5}", "INSTANCE",
                  "MECHANISM", "pkt>6", "bit>6", "pkt>4", "bit>4", "OFFL", "SESS", "NEW/s", "DROP/s", "BUSY"),
      kReverse);
  const std::size_t first = model.chosen < most ? 0 : model.chosen - most + 1;
  for (std::size_t i = first; i < std::min(model.instances.size(), first + most); ++i)
    screen.line(row(model.instances[i], i == model.chosen), i == model.chosen ? kBold : "");
}

void add_drops(Screen& screen, const TopInstance& instance, std::size_t most) {
  screen.line(fmt::format("{}: dropped", instance.name), kReverse);
  if (instance.drop_reasons.empty()) screen.line("  nothing", kDim);
  for (std::size_t i = 0; i < std::min(most, instance.drop_reasons.size()); ++i) {
    const TopInstance::Drop& drop = instance.drop_reasons[i];
    screen.line(
        fmt::format("  {:>6}/s {:>16}  {}", short_number(drop.rate), grouped(drop.total), drop.reason),
        drop.rate == 0 ? kDim : "");
  }
}

void add_subscribers(Screen& screen, const TopModel& model) {
  if (model.subscribers.empty() || !screen.has_room(2)) return;
  screen.line(fmt::format("{}: the busiest subscribers", model.instances[model.chosen].name), kReverse);
  for (const TopSubscriber& subscriber : model.subscribers)
    screen.line(fmt::format("  {:>9} {:>13}  {}", counted(subscriber.bindings, "port"),
                            counted(subscriber.sessions, "session"), subscriber.name));
}

}  // namespace

std::vector<TopInstance> top_instances(const ordered_json& status, const ordered_json& before,
                                       const ordered_json& after, double seconds) {
  std::vector<TopInstance> instances;
  for (const auto& now : after.at("instances")) {
    const ordered_json* const then = find(before, now.at("name").get<std::string>());
    TopInstance& instance = instances.emplace_back(instance_of(then == nullptr ? now : *then, now, seconds));
    if (const ordered_json* const known = find(status, instance.name); known != nullptr)
      instance.mechanism = known->at("mechanism").get<std::string>();
  }
  return instances;
}

std::vector<TopSubscriber> top_subscribers(const ordered_json& answer) {
  std::vector<TopSubscriber> subscribers;
  if (!answer.contains("subscribers")) return subscribers;
  for (const auto& each : answer.at("subscribers"))
    subscribers.push_back(
        {each.at("subscriber").get<std::string>(), number(each, "bindings"), number(each, "sessions")});
  return subscribers;
}

std::string top_text(const TopModel& model, TopSize size, TopStyle style) {
  Screen screen(size, style);
  screen.line(model.headline, kBold);
  const std::size_t problems = std::min(kMostProblems, model.problems.size());
  for (std::size_t i = 0; i < problems; ++i) screen.line("! " + model.problems[i], kWarning);
  if (model.problems.size() > problems)
    screen.line(fmt::format("! and {} more: yonroku show status", model.problems.size() - problems),
                kWarning);
  // Half of what is left is for instances, a quarter each for drops and subscribers.
  const std::size_t left = size.rows == 0 ? SIZE_MAX : size.rows - std::min(size.rows, problems + 6);
  add_instances(screen, model, std::max<std::size_t>(left / 2, 1));
  if (model.chosen < model.instances.size()) {
    screen.line("");
    add_drops(screen, model.instances[model.chosen],
              size.rows == 0 ? 10 : std::max<std::size_t>(left / 4, 1));
    screen.line("");
    add_subscribers(screen, model);
  }
  return screen.take();
}

}  // namespace yonroku::api
