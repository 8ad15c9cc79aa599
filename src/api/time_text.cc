#include "api/time_text.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>

namespace yonroku::api {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr int64_t kEnd = 253'402'300'800 * kSecond;  // of the year 9999

// Takes text from the front, as long as it is what it should be.
class Reading {
 public:
  explicit Reading(std::string_view text) : text_(text) {}
  [[nodiscard]] bool is_empty() const { return text_.empty(); }
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  bool skip(char c) {
    const bool is_there = text_.starts_with(c);
    if (is_there) text_.remove_prefix(1);
    return is_there;
  }
  void expect(char c) { has_failed_ |= !skip(c); }
  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_.empty() || text_[0] < '0' || text_[0] > '9') {
        has_failed_ = true;
        return 0;
      }
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  // Behind the decimal point; what is finer is left out.
  int64_t milliseconds() {
    int64_t value = 0, weight = 100;
    const std::size_t before = text_.size();
    for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; text_.remove_prefix(1), weight /= 10)
      value += weight * (text_[0] - '0');
    has_failed_ |= text_.size() == before;
    return value;
  }

 private:
  std::string_view text_;
  bool has_failed_ = false;
};

std::optional<int64_t> integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
  return value;
}

std::optional<int64_t> before_now(std::string_view text, int64_t now) {
  if (text.size() < 3) return std::nullopt;
  const auto count = integer(text.substr(1, text.size() - 2));
  const int64_t unit = text.back() == 's'   ? kSecond
                       : text.back() == 'm' ? 60 * kSecond
                       : text.back() == 'h' ? 3600 * kSecond
                       : text.back() == 'd' ? kDay
                                            : 0;
  if (!count || unit == 0 || *count > now / unit) return std::nullopt;
  return now - *count * unit;
}

// Minutes east of Greenwich; nullopt: none is given.
std::optional<int> zone(Reading& text) {
  if (text.skip('Z') || text.skip('z')) return 0;
  const bool is_east = text.skip('+');
  if (!is_east && !text.skip('-')) return std::nullopt;
  const int hours = text.digits(2);
  text.skip(':');
  const int minutes = hours * 60 + text.digits(2);
  return is_east ? minutes : -minutes;
}

std::optional<int64_t> local_time(int year, int month, int day, int64_t seconds) {
  std::tm tm{};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  tm.tm_hour = static_cast<int>(seconds / 3600);
  tm.tm_min = static_cast<int>(seconds / 60 % 60);
  tm.tm_sec = static_cast<int>(seconds % 60);
  tm.tm_isdst = -1;
  const std::time_t time = std::mktime(&tm);
  if (time == -1) return std::nullopt;
  return int64_t{time} * kSecond;
}

std::optional<int64_t> date_and_time(std::string_view text) {
  using namespace std::chrono;
  Reading reading(text);
  const int year = reading.digits(4);
  reading.expect('-');
  const int month = reading.digits(2);
  reading.expect('-');
  const int day = reading.digits(2);
  if (!reading.skip('T') && !reading.skip('t')) reading.expect(' ');
  const int hour = reading.digits(2);
  reading.expect(':');
  const int minute = reading.digits(2);
  const int second = reading.skip(':') ? reading.digits(2) : 0;
  const int64_t fraction = reading.skip('.') ? reading.milliseconds() : 0;
  reading.skip(' ');
  const auto minutes_east = zone(reading);
  const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  const bool is_time = hour < 24 && minute < 60 && second <= 60;  // RFC 3339 §5.6: a leap second
  if (reading.has_failed() || !reading.is_empty() || !date.ok() || !is_time) return std::nullopt;
  const int64_t seconds = hour * 3600 + minute * 60 + second;
  if (!minutes_east) {
    const auto local = local_time(year, month, day, seconds);
    return local ? std::optional(*local + fraction) : std::nullopt;
  }
  if (*minutes_east <= -24 * 60 || *minutes_east >= 24 * 60) return std::nullopt;
  return int64_t{sys_days(date).time_since_epoch().count()} * kDay +
         (seconds - int64_t{*minutes_east} * 60) * kSecond + fraction;
}

std::optional<int64_t> read(std::string_view text, int64_t now) {
  if (text == "now") return now;
  if (text.starts_with('-')) return before_now(text, now);
  if (!text.starts_with('@')) return date_and_time(text);
  const auto seconds = integer(text.substr(1));
  return seconds && *seconds < kEnd / kSecond ? std::optional(*seconds * kSecond) : std::nullopt;
}

}  // namespace

Result<int64_t> parse_time(std::string_view text, int64_t now) {
  const auto time = read(text, now);
  if (!time || *time < 0 || *time >= kEnd)
    return fail("time", fmt::format("\"{}\" is none", text),
                "write 2026-11-21T12:03:05Z, \"2026-11-21 12:03\" in the zone of this host, now, or -2h");
  return *time;
}

std::string time_text(int64_t milliseconds) {
  using namespace std::chrono;
  const auto days = floor<std::chrono::days>(std::chrono::milliseconds(milliseconds));
  const year_month_day date{sys_days(days)};
  const int64_t rest = milliseconds - int64_t{days.count()} * kDay;
  const int64_t second = rest / kSecond;
  const std::string fraction = rest % kSecond == 0 ? "" : fmt::format(".{:03}", rest % kSecond);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), second / 3600,
                     second / 60 % 60, second % 60, fraction);
}

}  // namespace yonroku::api
