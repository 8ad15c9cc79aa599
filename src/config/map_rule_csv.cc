#include "config/map_rule_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "config/csv_lines.h"
#include "config/map_rule_text.h"
#include "config/schema.h"
#include "config/text_file.h"

namespace yonroku::config {
namespace {

using share::InterfaceIdentifierFormat;

constexpr std::size_t kMaxCsvSize = std::size_t{2} << 30;
constexpr std::size_t kMostColumns = 64;

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view filename, InterfaceIdentifierFormat format)
      : lines_(text, filename), format_(format) {}

  ConfigResult<CsvMapRules> read() {
    lines_.for_each([&](std::string_view line) {
      if (columns_.empty())
        read_header(line);
      else
        read_rule(line);
      return !is_hopeless_;
    });
    return lines_.result(std::move(result_));
  }

 private:
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
      lines_.complain(
          line, {"the first line does not name the columns",
                 "write ipv6-prefix,ipv4-prefix,ea-length above it, with further columns where needed"});
      is_hopeless_ = true;
      return;
    }
    if (std::ranges::count(line, ',') >= static_cast<std::ptrdiff_t>(kMostColumns)) {
      lines_.complain(
          line, {"this is not a table of mapping rules", "start with ipv6-prefix,ipv4-prefix,ea-length"});
      is_hopeless_ = true;
      return;
    }
    for_each_cell(line, [&](std::size_t, std::string_view name) {
      const auto found = std::ranges::find(kMapRuleFieldNames, name);
      if (found == kMapRuleFieldNames.end()) {
        const std::string_view meant = closest_word(name, kMapRuleFieldNames);
        lines_.complain(
            name, {in_quotes(name) + " is no column of this table",
                   meant.empty() ? "the columns are " + fmt::format("{}", fmt::join(kMapRuleFieldNames, ", "))
                                 : fmt::format("did you mean {}?", meant)});
        columns_.emplace_back();
        return;
      }
      const auto field = static_cast<MapRuleField>(found - kMapRuleFieldNames.begin());
      if (std::ranges::find(columns_, std::optional(field)) != columns_.end())
        lines_.complain(name,
                        {fmt::format("the column {} stands here twice", name), "remove one of the two"});
      columns_.emplace_back(field);
    });
    for (std::size_t i = 0; i < kMapRuleFieldsNeeded; ++i) {
      if (std::ranges::find(columns_, std::optional(static_cast<MapRuleField>(i))) != columns_.end())
        continue;
      lines_.complain(line, {fmt::format("there is no column {}", kMapRuleFieldNames[i]), "add it"});
      is_hopeless_ = true;  // each line would be told the same
    }
  }

  void read_rule(std::string_view line) {
    MapRuleText rule(format_);
    std::array<std::string_view, kMapRuleFieldCount> cells{};
    bool is_good = true;
    for_each_cell(line, [&](std::size_t index, std::string_view cell) {
      if (index == columns_.size()) {
        lines_.complain(cell,
                        {fmt::format("more than the {} columns that the first line names", columns_.size()),
                         "remove what is too much"});
        is_good = false;
      }
      if (index >= columns_.size() || !columns_[index] || cell.empty()) return;
      cells[static_cast<std::size_t>(*columns_[index])] = cell;
      if (auto complaint = rule.set(*columns_[index], cell)) {
        lines_.complain(cell, *std::move(complaint));
        is_good = false;
      }
    });
    if (!is_good) return;
    if (auto made = rule.rule()) {
      result_.rules.push_back(*made);
      result_.lines.push_back(lines_.number());
    } else {
      const std::string_view cell = cells[static_cast<std::size_t>(made.error().field)];
      lines_.complain(cell.empty() ? line : cell, std::move(made.error().complaint));
    }
  }

  CsvLines lines_;
  InterfaceIdentifierFormat format_;
  std::vector<std::optional<MapRuleField>> columns_;  // empty until the first line; nullopt: unknown
  CsvMapRules result_;
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
