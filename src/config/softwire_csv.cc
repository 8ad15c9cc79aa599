#include "config/softwire_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "config/csv_lines.h"
#include "config/text_file.h"

namespace yonroku::config {
namespace {

constexpr std::size_t kMaxCsvSize = std::size_t{4} << 30;
constexpr std::size_t kColumns = 6;
constexpr std::string_view kHeader = "b4-address,ipv4,psid-offset,psid-length,psid,br-address";

class SoftwireCsvReader {
 public:
  SoftwireCsvReader(std::string_view text, std::string_view filename, std::span<const Ipv6Address> borders)
      : size_(text.size()), lines_(text, filename), borders_(borders) {}

  ConfigResult<CsvSoftwires> read() {
    result_.rules.reserve(size_ / 40);
    result_.lines.reserve(size_ / 40);
    lines_.for_each([&](std::string_view line) {
      read_line(line);
      return true;
    });
    return lines_.result(std::move(result_));
  }

 private:
  void read_line(std::string_view line) {
    const bool is_first = !has_content_;
    has_content_ = true;

    std::array<std::string_view, kColumns> columns;
    std::size_t count = 0;
    for (std::string_view rest = line;;) {
      const std::size_t comma = rest.find(',');
      if (count == kColumns)
        return lines_.complain(rest, {"more than six columns", fmt::format("write {}", kHeader)});
      columns[count++] = trimmed(rest.substr(0, comma));
      if (comma == std::string_view::npos) break;
      rest = rest.substr(comma + 1);
    }
    if (count < 2)
      return lines_.complain(
          line, {fmt::format("no comma in {}", in_quotes(line)), fmt::format("write {}", kHeader)});
    if (is_first && columns[0] == "b4-address") return;  // the header
    read_columns(line, columns);
  }

  void read_columns(std::string_view line, const std::array<std::string_view, kColumns>& columns) {
    const std::size_t errors_before = lines_.error_count();
    share::MapRule::Parts parts;
    if (const auto b4 = Ipv6Address::parse(columns[0]))
      parts.ipv6 = Ipv6Prefix::holding(*b4, 128);
    else
      lines_.complain(columns[0], parse_ipv6_address(columns[0]).error());
    if (const auto ipv4 = Ipv4Prefix::parse(columns[1]))
      parts.ipv4 = *ipv4;
    else
      lines_.complain(columns[1], parse_ipv4_prefix(columns[1]).error());
    parts.psid_offset = static_cast<uint8_t>(number(columns[2], 15));
    parts.given_psid_length = static_cast<uint8_t>(number(columns[3], 16));
    parts.given_psid = static_cast<uint16_t>(number(columns[4], 65535));
    if (!columns[5].empty()) parts.border = border(columns[5]);
    if (lines_.error_count() != errors_before) return;
    if (const auto rule = share::MapRule::create(parts)) {
      result_.rules.push_back(*rule);
      result_.lines.push_back(lines_.number());
    } else {
      lines_.complain(line, {std::string(share::describe(rule.error())), "see RFC 7596 §5.1"});
    }
  }

  int64_t number(std::string_view text, int64_t most) {
    if (text.empty()) return 0;
    const auto value = parse_integer(text, 0, most);
    if (value) return *value;
    lines_.complain(text, value.error());
    return 0;
  }

  uint8_t border(std::string_view text) {
    const auto address = parse_ipv6_address(text);
    if (!address) {
      lines_.complain(text, address.error());
      return 0;
    }
    const auto found = std::ranges::find(borders_, *address);
    if (found == borders_.end())
      lines_.complain(text, {fmt::format("{} is none of br-addresses", address->to_string()),
                             "add it there, or leave it out"});
    return found == borders_.end() ? uint8_t{0} : static_cast<uint8_t>(found - borders_.begin());
  }

  std::size_t size_;
  CsvLines lines_;
  std::span<const Ipv6Address> borders_;
  CsvSoftwires result_;
  bool has_content_ = false;
};

}  // namespace

ConfigResult<CsvSoftwires> parse_softwire_csv(std::string_view text, std::string_view filename,
                                              std::span<const Ipv6Address> borders) {
  return SoftwireCsvReader(text, filename, borders).read();
}

ConfigResult<CsvSoftwires> load_softwire_csv(const std::string& path, std::span<const Ipv6Address> borders) {
  const auto text = read_text_file(path, kMaxCsvSize);
  if (!text) return fail_with(path, {}, text.error().what, text.error().fix);
  return parse_softwire_csv(*text, path, borders);
}

std::string softwire_csv_header() {
  std::string header(kHeader);
  header += '\n';
  return header;
}

void append_softwire_csv(std::string& text, const share::MapRule& rule,
                         std::span<const Ipv6Address> borders) {
  const share::MapRule::Parts& parts = rule.parts();
  const auto out = std::back_inserter(text);
  text += parts.ipv6.address().to_string();
  text += ',';
  text += parts.ipv4.length() == 32 ? parts.ipv4.address().to_string() : parts.ipv4.to_string();
  const bool names_border = parts.border > 0 && parts.border < borders.size();
  if (rule.has_given_psid() || parts.psid_offset > 0)
    fmt::format_to(out, ",{},{},{}", parts.psid_offset, parts.given_psid_length, parts.given_psid);
  else if (names_border)
    text += ",,,";
  if (names_border) fmt::format_to(out, ",{}", borders[parts.border].to_string());
  text += '\n';
}

}  // namespace yonroku::config
