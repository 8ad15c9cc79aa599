// "2026-11-21T12:03:59.120Z" (RFC 3339), many times a second.
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <string>

#include "natlog/record.h"

namespace yonroku::natlog {

class TimeText {
 public:
  void append(std::string& text, Milliseconds time) {
    constexpr Milliseconds kPerSecond = 1000;
    if (second_ != time / kPerSecond) {
      second_ = time / kPerSecond;
      words_ = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(static_cast<time_t>(second_)));
    }
    fmt::format_to(std::back_inserter(text), "{}.{:03}Z", words_, time % kPerSecond);
  }

 private:
  Milliseconds second_ = -1;
  std::string words_;
};

}  // namespace yonroku::natlog
