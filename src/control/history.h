// What instances did over the last day, for graphs: each second for ten minutes, each ten seconds for an
// hour, each minute for a day. In memory alone, some 10 kB for each series of an instance.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/status.h"

namespace yonroku::control {

enum class Series : uint8_t {
  Subscribers,
  NewSessions,  // per second, as are all that follow but sessions
  TcpSessions,
  UdpSessions,
  IcmpSessions,
  BitsToIpv6,  // those that turn round (hairpinning) leave towards IPv6
  BitsToIpv4,
  PacketsToIpv6,
  PacketsToIpv4,
  OffloadedPackets,
  Drops,
};
inline constexpr std::size_t kSeriesCount = 11;
[[nodiscard]] std::string_view to_string(Series series);  // "bits-to-ipv6"

enum class HistorySpan : uint8_t { TenMinutes, Hour, Day };
inline constexpr std::size_t kHistorySpans = 3;
[[nodiscard]] std::chrono::seconds length_of(HistorySpan span);
[[nodiscard]] std::chrono::seconds step_of(HistorySpan span);

using HistoryMoment = std::chrono::sys_time<std::chrono::milliseconds>;

// The oldest value first, the newest of the step that was over at `end`, one a step; NaN where nothing is
// known.
struct HistoryView {
  std::string instance;
  HistorySpan span{};
  std::chrono::sys_seconds end;
  std::array<std::vector<float>, kSeriesCount> series;
  std::vector<std::vector<float>> busy;  // of each worker: the share of the time that it ran, 0 to 1
};

// One series in all three resolutions. The coarser ones hold means of what is known.
class Track {
 public:
  void add(float value);
  // At most the newest `most`.
  [[nodiscard]] std::vector<float> values(HistorySpan span, std::size_t most = SIZE_MAX) const;
  // How much of a step is not among the values yet.
  [[nodiscard]] std::chrono::seconds under_way(HistorySpan span) const;

 private:
  struct Ring {
    std::vector<float> values;
    std::size_t oldest = 0;  // once it is full
    float sum = 0;           // of the step under way
    uint32_t known = 0;      // values in it
    uint32_t seconds = 0;    // of it that have passed
  };
  std::array<Ring, kHistorySpans> rings_;
};

// Thread-safe.
class History {
 public:
  using Clock = std::chrono::steady_clock;
  // What all instances have counted until `now`, to be called about each second: a value for each second
  // since the last call. Instances that are not among them are forgotten.
  void add(std::span<const InstanceCounters> counters, Clock::time_point now,
           std::chrono::system_clock::time_point time);
  // `instance` empty: the only one. With `since` only values of steps that were over after it.
  [[nodiscard]] Result<HistoryView> of(const std::string& instance, HistorySpan span,
                                       std::optional<HistoryMoment> since = std::nullopt) const;

 private:
  struct Recorded {
    InstanceCounters last;
    std::array<Track, kSeriesCount> series;
    std::vector<Track> busy;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Recorded> instances_;
  Clock::time_point last_;
  // A second for each that was recorded, so that each value has its own; the clock's, where that was set.
  std::chrono::sys_seconds time_;
};

}  // namespace yonroku::control
