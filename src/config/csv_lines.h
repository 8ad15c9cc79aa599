// The lines of a CSV file, without comments, and what is wrong with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "config/diagnostic.h"
#include "config/values.h"

namespace yonroku::config {

// Without blanks and tabs around it.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

inline constexpr std::size_t kMaxCsvErrors = 20;  // more are only counted

class CsvLines {
 public:
  CsvLines(std::string_view text, std::string_view filename) : text_(text), filename_(filename) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);  // a byte order mark
  }

  // Calls visit(line) for each line that has something on it, as long as that returns true.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    const char* at = text_.data();
    const char* const end = at + text_.size();
    for (bool goes_on = true; at != end && goes_on;) {
      const auto* newline =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      const char* const line_end = newline ? newline : end;
      ++number_;
      whole_ = {at, static_cast<std::size_t>(line_end - at)};
      if (const std::string_view line = content_of(whole_); !line.empty()) goes_on = visit(line);
      at = newline ? newline + 1 : end;
    }
  }

  // Of the line that is visited, counted from 1.
  [[nodiscard]] uint32_t number() const { return number_; }

  // `part` is a piece of the line that is visited; its start is the column.
  void complain(std::string_view part, Complaint complaint) {
    if (errors_.errors.size() == kMaxCsvErrors) {
      ++errors_.omitted;
      return;
    }
    const auto column = part.data() == nullptr ? 1u : static_cast<uint32_t>(part.data() - whole_.data()) + 1;
    errors_.errors.push_back(
        {std::string(filename_), {number_, column}, std::move(complaint.what), std::move(complaint.fix)});
  }
  [[nodiscard]] std::size_t error_count() const { return errors_.errors.size() + errors_.omitted; }

  // What was read, or the errors, if there were any.
  template <class Table>
  [[nodiscard]] ConfigResult<Table> result(Table&& table) {
    if (error_count() != 0) return std::unexpected(std::move(errors_));
    return std::forward<Table>(table);
  }

 private:
  static std::string_view content_of(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const std::size_t hash = line.find('#'); hash != std::string_view::npos) line = line.substr(0, hash);
    return trimmed(line);
  }

  std::string_view text_;
  std::string_view filename_;
  std::string_view whole_;  // the line that is visited
  ConfigErrors errors_;
  uint32_t number_ = 0;
};

}  // namespace yonroku::config
