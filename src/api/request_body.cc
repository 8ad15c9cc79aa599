#include "api/request_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/mapping_csv.h"

namespace yonroku::api {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// As printable as it can be shown in an error.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace

Result<std::vector<share::EamMapping>> parse_mappings_body(std::string_view body, std::string_view name) {
  auto parsed = config::parse_mapping_csv(body, name);
  if (!parsed) {
    // A single error keeps its parts; several are one text.
    if (parsed.error().errors.size() == 1 && parsed.error().omitted == 0)
      return std::unexpected(parsed.error().errors.front().to_error());
    return std::unexpected(parsed.error().to_error());
  }
  return std::move(parsed->mappings);
}

Result<std::vector<Ipv4Prefix>> parse_prefixes_body(std::string_view body, std::string_view name) {
  std::vector<Ipv4Prefix> prefixes;
  std::size_t number = 0;
  while (!body.empty()) {
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    ++number;
    line = trimmed(line.substr(0, line.find('#')));
    line = trimmed(line.substr(0, line.find(',')));
    if (line.empty() || (number == 1 && line == "ipv4")) continue;
    const auto prefix = Ipv4Prefix::parse(line);
    if (!prefix)
      return fail(fmt::format("{}:{}", name, number), "\"" + shown(line) + "\" is no IPv4 address or prefix",
                  "write one on each line, such as 192.0.2.1 or 192.0.2.0/28");
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

}  // namespace yonroku::api
