#include "config/mapping_csv.h"

#include <fmt/format.h>

#include <cstring>

#include "config/text_file.h"
#include "config/values.h"

namespace yonroku::config {
namespace {

constexpr std::size_t kMaxCsvSize = std::size_t{2} << 30;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_word(std::string_view text, std::string_view lower_case) {
  if (text.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower_case[i]) return false;
  }
  return true;
}

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view filename) : text_(text), filename_(filename) {}

  ConfigResult<CsvMappings> read() {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    result_.mappings.reserve(text_.size() / 24);
    result_.lines.reserve(text_.size() / 24);
    const char* at = text_.data();
    const char* const end = at + text_.size();
    while (at != end) {
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
    const bool is_first = !has_content_;
    has_content_ = true;

    const std::size_t comma = line.find(',');
    const std::string_view ipv4_text = trimmed(line.substr(0, comma));
    if (comma == std::string_view::npos)
      return complain(whole, line,
                      {fmt::format("no comma in {}", in_quotes(line)), "write ipv4,ipv6 on each line"});
    const std::string_view ipv6_text = trimmed(line.substr(comma + 1));
    if (const std::size_t extra = ipv6_text.find(','); extra != std::string_view::npos)
      return complain(whole, ipv6_text.substr(extra),
                      {"more than two columns", "write ipv4,ipv6 on each line"});
    if (is_first && is_word(ipv4_text, "ipv4") && is_word(ipv6_text, "ipv6")) return;  // the header

    const auto ipv4 = Ipv4Prefix::parse(ipv4_text);
    const auto ipv6 = Ipv6Prefix::parse(ipv6_text);
    if (ipv4 && ipv6 && share::EamMapping{*ipv4, *ipv6}.is_valid()) {
      result_.mappings.push_back({*ipv4, *ipv6});
      result_.lines.push_back(line_);
      return;
    }
    explain(whole, line, ipv4_text, ipv6_text);
  }

  // The slow path: something is wrong with this line; say what.
  void explain(std::string_view whole, std::string_view line, std::string_view ipv4_text,
               std::string_view ipv6_text) {
    if (Ipv6Prefix::parse(ipv4_text) && Ipv4Prefix::parse(ipv6_text))
      return complain(whole, line,
                      {"IPv6 stands before IPv4", fmt::format("write {},{}", ipv6_text, ipv4_text)});
    if (is_word(ipv4_text, "ipv6 prefix"))
      return complain(whole, line,
                      {"this is the table of jool_siit", "convert it with `yonroku import jool`"});
    auto ipv4 = parse_ipv4_prefix(ipv4_text);
    auto ipv6 = parse_ipv6_prefix(ipv6_text);
    if (!ipv4) complain(whole, ipv4_text, std::move(ipv4).error());
    if (!ipv6) complain(whole, ipv6_text, std::move(ipv6).error());
    if (!ipv4 || !ipv6) return;
    if (auto mapping = make_mapping(*ipv4, *ipv6); !mapping)
      complain(whole, line, std::move(mapping).error());
  }

  // `part` is a piece of `whole`; its start is the column.
  void complain(std::string_view whole, std::string_view part, Complaint complaint) {
    if (errors_.errors.size() == kMaxCsvErrors) {
      ++errors_.omitted;
      return;
    }
    const auto column = static_cast<uint32_t>(part.data() - whole.data()) + 1;
    errors_.errors.push_back(
        {std::string(filename_), {line_, column}, std::move(complaint.what), std::move(complaint.fix)});
  }

  std::string_view text_;
  std::string_view filename_;
  CsvMappings result_;
  ConfigErrors errors_;
  uint32_t line_ = 0;
  bool has_content_ = false;
};

}  // namespace

ConfigResult<CsvMappings> parse_mapping_csv(std::string_view text, std::string_view filename) {
  return CsvReader(text, filename).read();
}

ConfigResult<CsvMappings> load_mapping_csv(const std::string& path) {
  const auto text = read_text_file(path, kMaxCsvSize);
  if (!text) return fail_with(path, {}, text.error().what, text.error().fix);
  return parse_mapping_csv(*text, path);
}

std::string write_mapping_csv(const std::vector<share::EamMapping>& mappings) {
  std::string text = "ipv4,ipv6\n";
  for (const share::EamMapping& mapping : mappings) {
    text += mapping.ipv4.length() == 32 ? mapping.ipv4.address().to_string() : mapping.ipv4.to_string();
    text += ',';
    text += mapping.ipv6.length() == 128 ? mapping.ipv6.address().to_string() : mapping.ipv6.to_string();
    text += '\n';
  }
  return text;
}

}  // namespace yonroku::config
