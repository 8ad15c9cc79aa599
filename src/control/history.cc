#include "control/history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace yonroku::control {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr uint32_t kSteps[kHistorySpans] = {1, 10, 60};            // seconds
constexpr uint32_t kLengths[kHistorySpans] = {600, 3600, 86'400};  // likewise

// Since the last time; unknown where the instance is another one of the same name.
float rate(uint64_t before, uint64_t now, double seconds) {
  return now < before ? kUnknown : static_cast<float>(static_cast<double>(now - before) / seconds);
}

uint64_t drops(const observe::Totals& totals) {
  uint64_t sum = 0;
  for (const uint64_t count : totals.dropped) sum += count;
  return sum;
}

observe::Totals::Flow flow(const observe::Totals& totals, observe::Direction direction) {
  observe::Totals::Flow sum;
  for (const auto& each : totals.translated[static_cast<std::size_t>(direction)]) {
    sum.packets += each.packets;
    sum.octets += each.octets;
  }
  return sum;
}

observe::Totals::Flow flow_to_ipv6(const observe::Totals& totals) {
  observe::Totals::Flow sum = flow(totals, observe::Direction::ToIpv6);
  const observe::Totals::Flow hairpin = flow(totals, observe::Direction::Hairpin);
  sum.packets += hairpin.packets;
  sum.octets += hairpin.octets;
  return sum;
}

uint64_t created_sessions(const share::NatCounts& nat) {
  uint64_t sum = 0;
  for (std::size_t i = 0; i < share::kNatProtocolCount; ++i)
    sum += nat.created_sessions(static_cast<share::NatProtocol>(i));
  return sum;
}

std::array<float, kSeriesCount> values_of(const InstanceCounters& before, const InstanceCounters& now,
                                          double seconds) {
  std::array<float, kSeriesCount> values{};
  const auto set = [&](Series series, float value) { values[static_cast<std::size_t>(series)] = value; };
  const auto sessions = [&](share::NatProtocol protocol) {
    return now.nat ? static_cast<float>(now.nat->sessions_of(protocol)) : kUnknown;
  };
  set(Series::Subscribers, now.nat ? static_cast<float>(now.nat->subscribers) : kUnknown);
  set(Series::NewSessions, before.nat && now.nat
                               ? rate(created_sessions(*before.nat), created_sessions(*now.nat), seconds)
                               : kUnknown);
  set(Series::TcpSessions, sessions(share::NatProtocol::Tcp));
  set(Series::UdpSessions, sessions(share::NatProtocol::Udp));
  set(Series::IcmpSessions, sessions(share::NatProtocol::Icmp));
  const auto to_ipv6_before = flow_to_ipv6(before.totals), to_ipv6 = flow_to_ipv6(now.totals);
  const auto to_ipv4_before = flow(before.totals, observe::Direction::ToIpv4),
             to_ipv4 = flow(now.totals, observe::Direction::ToIpv4);
  constexpr float kBits = 8;
  set(Series::BitsToIpv6, kBits * rate(to_ipv6_before.octets, to_ipv6.octets, seconds));
  set(Series::BitsToIpv4, kBits * rate(to_ipv4_before.octets, to_ipv4.octets, seconds));
  set(Series::PacketsToIpv6, rate(to_ipv6_before.packets, to_ipv6.packets, seconds));
  set(Series::PacketsToIpv4, rate(to_ipv4_before.packets, to_ipv4.packets, seconds));
  set(Series::OffloadedPackets, rate(before.offloaded_packets, now.offloaded_packets, seconds));
  set(Series::Drops, rate(drops(before.totals), drops(now.totals), seconds));
  return values;
}

float busy(const InstanceCounters& before, const InstanceCounters& now, std::size_t worker, double seconds) {
  const auto time_of = [&](const InstanceCounters& counters) {
    return worker < counters.cpu_times.size() ? counters.cpu_times[worker] : std::nullopt;
  };
  const auto from = time_of(before), until = time_of(now);
  if (!from || !until || *until < *from) return kUnknown;
  return static_cast<float>(std::min(1.0, std::chrono::duration<double>(*until - *from).count() / seconds));
}

// Of steps that end at `end` and before it: how many were over after `since`.
std::size_t steps_between(HistoryMoment since, std::chrono::sys_seconds end, std::chrono::milliseconds step) {
  const std::chrono::milliseconds time = end - since;
  return time.count() <= 0 ? 0
                           : static_cast<std::size_t>((time + step - std::chrono::milliseconds(1)) / step);
}

}  // namespace

std::string_view to_string(Series series) {
  constexpr std::string_view kTexts[kSeriesCount] = {
      "subscribers",     "new-sessions",      "tcp-sessions", "udp-sessions",
      "icmp-sessions",   "bits-to-ipv6",      "bits-to-ipv4", "packets-to-ipv6",
      "packets-to-ipv4", "offloaded-packets", "drops"};
  return kTexts[static_cast<std::size_t>(series)];
}

std::chrono::seconds length_of(HistorySpan span) {
  return std::chrono::seconds(kLengths[static_cast<std::size_t>(span)]);
}

std::chrono::seconds step_of(HistorySpan span) {
  return std::chrono::seconds(kSteps[static_cast<std::size_t>(span)]);
}

void Track::add(float value) {
  for (std::size_t i = 0; i < kHistorySpans; ++i) {
    Ring& ring = rings_[i];
    if (!std::isnan(value)) {
      ring.sum += value;
      ++ring.known;
    }
    if (++ring.seconds < kSteps[i]) continue;
    const float mean = ring.known == 0 ? kUnknown : ring.sum / static_cast<float>(ring.known);
    ring.sum = 0;
    ring.known = ring.seconds = 0;
    const std::size_t most = kLengths[i] / kSteps[i];
    if (ring.values.size() < most) {
      ring.values.push_back(mean);
    } else {
      ring.values[ring.oldest] = mean;
      ring.oldest = (ring.oldest + 1) % most;
    }
  }
}

std::vector<float> Track::values(HistorySpan span, std::size_t most) const {
  const Ring& ring = rings_[static_cast<std::size_t>(span)];
  const std::size_t held = ring.values.size(), count = std::min(held, most);
  std::vector<float> out;
  out.reserve(count);
  for (std::size_t i = held - count; i < held; ++i) out.push_back(ring.values[(ring.oldest + i) % held]);
  return out;
}

std::chrono::seconds Track::under_way(HistorySpan span) const {
  return std::chrono::seconds(rings_[static_cast<std::size_t>(span)].seconds);
}

void History::add(std::span<const InstanceCounters> counters, Clock::time_point now,
                  std::chrono::system_clock::time_point time) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(instances_, [&](const auto& recorded) {
    return std::ranges::find(counters, recorded.first, &InstanceCounters::name) == counters.end();
  });
  const double seconds = std::chrono::duration<double>(now - last_).count();
  const auto steps = std::clamp<int64_t>(std::llround(seconds), 1, kLengths[kHistorySpans - 1]);
  for (const InstanceCounters& each : counters) {
    const auto [at, is_new] = instances_.try_emplace(each.name);
    Recorded& recorded = at->second;
    if (!is_new) {
      recorded.busy.resize(each.cpu_times.size());
      const auto values = values_of(recorded.last, each, seconds);
      for (int64_t step = 0; step < steps; ++step) {
        for (std::size_t i = 0; i < kSeriesCount; ++i) recorded.series[i].add(values[i]);
        for (std::size_t i = 0; i < recorded.busy.size(); ++i)
          recorded.busy[i].add(busy(recorded.last, each, i, seconds));
      }
    }
    recorded.last = each;
  }
  last_ = now;
  time_ += std::chrono::seconds(steps);
  constexpr auto kAwry = std::chrono::seconds(2);
  if (std::chrono::abs(time - time_) > kAwry) time_ = std::chrono::floor<std::chrono::seconds>(time);
}

Result<HistoryView> History::of(const std::string& instance, HistorySpan span,
                                std::optional<HistoryMoment> since) const {
  const std::scoped_lock lock(mutex_);
  std::string known;
  for (const auto& [name, recorded] : instances_) known += (known.empty() ? "" : ", ") + name;
  if (instance.empty() && instances_.size() != 1)
    return fail("instance", "there are several: " + known, "name one");
  const auto found = instance.empty() ? instances_.begin() : instances_.find(instance);
  if (found == instances_.end())
    return fail("instance", "nothing is recorded of \"" + instance + "\"", "there are: " + known);
  const auto& [name, recorded] = *found;
  HistoryView view{name, span, time_ - recorded.series[0].under_way(span), {}, {}};
  const std::size_t most = since ? steps_between(*since, view.end, step_of(span)) : SIZE_MAX;
  for (std::size_t i = 0; i < kSeriesCount; ++i) view.series[i] = recorded.series[i].values(span, most);
  for (const Track& track : recorded.busy) view.busy.push_back(track.values(span, most));
  return view;
}

}  // namespace yonroku::control
