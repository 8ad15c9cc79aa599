#include "config/mapping_csv.h"

#include <fmt/format.h>

#include "config/csv_lines.h"
#include "config/text_file.h"

namespace yonroku::config {
namespace {

constexpr std::size_t kMaxCsvSize = std::size_t{2} << 30;

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
  CsvReader(std::string_view text, std::string_view filename) : size_(text.size()), lines_(text, filename) {}

  ConfigResult<CsvMappings> read() {
    result_.mappings.reserve(size_ / 24);
    result_.lines.reserve(size_ / 24);
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

    const std::size_t comma = line.find(',');
    const std::string_view ipv4_text = trimmed(line.substr(0, comma));
    if (comma == std::string_view::npos)
      return lines_.complain(
          line, {fmt::format("no comma in {}", in_quotes(line)), "write ipv4,ipv6 on each line"});
    const std::string_view ipv6_text = trimmed(line.substr(comma + 1));
    if (const std::size_t extra = ipv6_text.find(','); extra != std::string_view::npos)
      return lines_.complain(ipv6_text.substr(extra),
                             {"more than two columns", "write ipv4,ipv6 on each line"});
    if (is_first && is_word(ipv4_text, "ipv4") && is_word(ipv6_text, "ipv6")) return;  // the header

    const auto ipv4 = Ipv4Prefix::parse(ipv4_text);
    const auto ipv6 = Ipv6Prefix::parse(ipv6_text);
    if (ipv4 && ipv6 && share::EamMapping{*ipv4, *ipv6}.is_valid()) {
      result_.mappings.push_back({*ipv4, *ipv6});
      result_.lines.push_back(lines_.number());
      return;
    }
    explain(line, ipv4_text, ipv6_text);
  }

  // The slow path: something is wrong with this line; say what.
  void explain(std::string_view line, std::string_view ipv4_text, std::string_view ipv6_text) {
    if (Ipv6Prefix::parse(ipv4_text) && Ipv4Prefix::parse(ipv6_text))
      return lines_.complain(line,
                             {"IPv6 stands before IPv4", fmt::format("write {},{}", ipv6_text, ipv4_text)});
    if (is_word(ipv4_text, "ipv6 prefix"))
      return lines_.complain(line,
                             {"this is the table of jool_siit", "convert it with `yonroku import jool`"});
    auto ipv4 = parse_ipv4_prefix(ipv4_text);
    auto ipv6 = parse_ipv6_prefix(ipv6_text);
    if (!ipv4) lines_.complain(ipv4_text, std::move(ipv4).error());
    if (!ipv6) lines_.complain(ipv6_text, std::move(ipv6).error());
    if (!ipv4 || !ipv6) return;
    if (auto mapping = make_mapping(*ipv4, *ipv6); !mapping)
      lines_.complain(line, std::move(mapping).error());
  }

  std::size_t size_;
  CsvLines lines_;
  CsvMappings result_;
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
