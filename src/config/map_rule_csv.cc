#include "config/map_rule_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "config/map_rule_text.h"
#include "config/schema.h"
#include "config/text_file.h"
#include "config/values.h"

namespace yonroku::config {
namespace {

using share::InterfaceIdentifierFormat;

constexpr std::size_t kMaxCsvSize = std::size_t{2} << 30;
constexpr std::size_t kMostColumns = 64;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view filename, InterfaceIdentifierFormat format)
      : text_(text), filename_(filename), format_(format) {}

  ConfigResult<CsvMapRules> read() {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    const char* at = text_.data();
    const char* const end = at + text_.size();
    while (at != end && !is_hopeless_) {
      const auto* newline =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      const char* const line_end = newline ? newline : end;
      ++line_;
      read_line({at, static_cast<std::size_t>(line_end - at)});
      at = newline ? newline + 1 : end;
    }
    if (!errors_.errors.empty()) return std::unexpected(std::move(errors_));
    return std::move(result_);
  }

 private:
  void read_line(const std::string_view whole) {
    std::string_view line = whole;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const std::size_t hash = line.find('#'); hash != std::string_view::npos) line = line.substr(0, hash);
    line = trimmed(line);
    if (line.empty()) return;
    whole_ = whole;
    if (columns_.empty()) {
      read_header(line);
    } else {
      read_rule(line);
    }
  }

  // Calls visit(index, cell) for each cell.
  template <class Visitor>
  static void for_each_cell(std::string_view line, Visitor&& visit) {
    for (std::size_t index = 0;; ++index) {
      const std::size_t comma = line.find(',');
      visit(index, trimmed(line.substr(0, comma)));
      if (comma == line.npos) return;
      line.remove_prefix(comma + 1);
    }
  }

  void read_header(std::string_view line) {
    const std::string_view first = trimmed(line.substr(0, line.find(',')));
    if (Ipv6Prefix::parse(first) || Ipv4Prefix::parse(first)) {
      complain(line, {"the first line does not name the columns",
                      "write ipv6-prefix,ipv4-prefix,ea-length above it, with further columns where needed"});
      is_hopeless_ = true;
      return;
    }
    if (std::ranges::count(line, ',') >= static_cast<std::ptrdiff_t>(kMostColumns)) {
      complain(line,
               {"this is not a table of mapping rules", "start with ipv6-prefix,ipv4-prefix,ea-length"});
      is_hopeless_ = true;
      return;
    }
    for_each_cell(line, [&](std::size_t, std::string_view name) {
      const auto found = std::ranges::find(kMapRuleFieldNames, name);
      if (found == kMapRuleFieldNames.end()) {
        const std::string_view meant = closest_word(name, kMapRuleFieldNames);
        complain(name,
                 {in_quotes(name) + " is no column of this table",
                  meant.empty() ? "the columns are " + fmt::format("{}", fmt::join(kMapRuleFieldNames, ", "))
                                : fmt::format("did you mean {}?", meant)});
        columns_.emplace_back();
        return;
      }
      const auto field = static_cast<MapRuleField>(found - kMapRuleFieldNames.begin());
      if (std::ranges::find(columns_, std::optional(field)) != columns_.end())
        complain(name, {fmt::format("the column {} stands here twice", name), "remove one of the two"});
      columns_.emplace_back(field);
    });
    for (std::size_t i = 0; i < kMapRuleFieldsNeeded; ++i) {
      if (std::ranges::find(columns_, std::optional(static_cast<MapRuleField>(i))) != columns_.end())
        continue;
      complain(line, {fmt::format("there is no column {}", kMapRuleFieldNames[i]), "add it"});
      is_hopeless_ = true;  // each line would be told the same
    }
  }

  void read_rule(std::string_view line) {
    MapRuleText rule(format_);
    std::array<std::string_view, kMapRuleFieldCount> cells{};
    bool is_good = true;
    for_each_cell(line, [&](std::size_t index, std::string_view cell) {
      if (index == columns_.size()) {
        complain(cell, {fmt::format("more than the {} columns that the first line names", columns_.size()),
                        "remove what is too much"});
        is_good = false;
      }
      if (index >= columns_.size() || !columns_[index] || cell.empty()) return;
      cells[static_cast<std::size_t>(*columns_[index])] = cell;
      if (auto complaint = rule.set(*columns_[index], cell)) {
        complain(cell, *std::move(complaint));
        is_good = false;
      }
    });
    if (!is_good) return;
    if (auto made = rule.rule()) {
      result_.rules.push_back(*made);
      result_.lines.push_back(line_);
    } else {
      const std::string_view cell = cells[static_cast<std::size_t>(made.error().field)];
      complain(cell.empty() ? line : cell, std::move(made.error().complaint));
    }
  }

  // `part` is a piece of the line; its start is the column.
  void complain(std::string_view part, Complaint complaint) {
    if (errors_.errors.size() == kMaxCsvErrors) {
      ++errors_.omitted;
      return;
    }
    const auto column = static_cast<uint32_t>(part.data() - whole_.data()) + 1;
    errors_.errors.push_back(
        {std::string(filename_), {line_, column}, std::move(complaint.what), std::move(complaint.fix)});
  }

  std::string_view text_;
  std::string_view filename_;
  InterfaceIdentifierFormat format_;
  std::vector<std::optional<MapRuleField>> columns_;  // empty until the first line; nullopt: unknown
  CsvMapRules result_;
  ConfigErrors errors_;
  std::string_view whole_;  // the present line
  uint32_t line_ = 0;
  bool is_hopeless_ = false;
};

}  // namespace

ConfigResult<CsvMapRules> parse_map_rule_csv(std::string_view text, std::string_view filename,
                                             InterfaceIdentifierFormat format) {
  return CsvReader(text, filename, format).read();
}

ConfigResult<CsvMapRules> load_map_rule_csv(const std::string& path, InterfaceIdentifierFormat format) {
  const auto text = read_text_file(path, kMaxCsvSize);
  if (!text) return fail_with(path, {}, text.error().what, text.error().fix);
  return parse_map_rule_csv(*text, path, format);
}

std::string map_rule_csv_header() { return fmt::format("{}\n", fmt::join(kMapRuleFieldNames, ",")); }

void append_map_rule_csv(std::string& text, const share::MapRule& rule) {
  const share::MapRule::Parts& parts = rule.parts();
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{},{},{},{},", parts.ipv6.to_string(), parts.ipv4.to_string(), parts.ea_length,
                 parts.psid_offset);
  if (rule.has_given_psid())
    fmt::format_to(out, "{},{}", parts.given_psid_length, parts.given_psid);
  else
    text += ',';
  fmt::format_to(out, ",{},{}\n", to_string(parts.format), parts.border);
}

std::string write_map_rule_csv(std::span<const share::MapRule> rules) {
  std::string text = map_rule_csv_header();
  for (const share::MapRule& rule : rules) append_map_rule_csv(text, rule);
  return text;
}

}  // namespace yonroku::config
