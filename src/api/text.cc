#include "api/text.h"

#include <fmt/format.h>

namespace yonroku::api {

std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string counted(uint64_t number, const char* thing) {
  return grouped(number) + " " + thing + (number == 1 ? "" : "s");
}

std::string percent_text(uint64_t part, uint64_t whole) {
  if (whole == 0) return "0 %";
  const uint64_t percent = part * 100 / whole;
  return percent == 0 && part > 0 ? "<1 %" : fmt::format("{} %", percent);
}

std::string size_text(uint64_t octets) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
  if (octets < 1000) return fmt::format("{} octets", octets);
  double value = static_cast<double>(octets);
  const char* unit = "";
  for (const char* next : kUnits) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, unit);
}

}  // namespace yonroku::api
