#include "api/request_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/map_rule_csv.h"
#include "config/map_rule_text.h"
#include "config/mapping_csv.h"
#include "config/softwire_csv.h"

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

// A single error keeps its parts; several are one text.
std::unexpected<Error> as_error(const config::ConfigErrors& errors) {
  if (errors.errors.size() == 1 && errors.omitted == 0)
    return std::unexpected(errors.errors.front().to_error());
  return std::unexpected(errors.to_error());
}

// The next line without comment and blanks around.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return trimmed(line.substr(0, line.find('#')));
}

// Whether the first line that says something is one of a file of rules or softwires.
bool is_table(std::string_view body) {
  while (!body.empty()) {
    const std::string_view line = take_line(body);
    if (line.empty()) continue;
    const std::string_view first = trimmed(line.substr(0, line.find(',')));
    return first == "b4-address" || Ipv6Address::parse(first) || line.find("ipv6-prefix") != line.npos;
  }
  return false;
}

}  // namespace

Result<std::vector<share::EamMapping>> parse_mappings_body(std::string_view body, std::string_view name) {
  auto parsed = config::parse_mapping_csv(body, name);
  if (!parsed) return as_error(parsed.error());
  return std::move(parsed->mappings);
}

Result<std::vector<Ipv4Prefix>> parse_prefixes_body(std::string_view body, std::string_view name) {
  std::vector<Ipv4Prefix> prefixes;
  std::size_t number = 0;
  while (!body.empty()) {
    std::string_view line = take_line(body);
    ++number;
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

Result<std::vector<share::MapRule>> parse_rules_body(std::string_view body, control::TableKind kind,
                                                     const control::RuleWords& words, std::string_view name) {
  if (kind == control::TableKind::Rules) {
    auto parsed = config::parse_map_rule_csv(body, name, words.format);
    if (!parsed) return as_error(parsed.error());
    return std::move(parsed->rules);
  }
  auto parsed = config::parse_softwire_csv(body, name, words.borders);
  if (!parsed) return as_error(parsed.error());
  return std::move(parsed->rules);
}

Result<std::vector<control::RuleName>> parse_rule_names_body(std::string_view body, control::TableKind kind,
                                                             const control::RuleWords& words,
                                                             std::string_view name) {
  std::vector<control::RuleName> names;
  if (is_table(body)) {
    const auto rules = TRY(parse_rules_body(body, kind, words, name));
    names.reserve(rules.size());
    for (const auto& rule : rules) names.push_back(control::RuleName::of(rule));
    return names;
  }
  std::size_t number = 0;
  while (!body.empty()) {
    const std::string_view line = take_line(body);
    ++number;
    if (line.empty() || (number == 1 && line.starts_with("ipv4"))) continue;
    const auto place = [&] { return fmt::format("{}:{}", name, number); };
    const std::size_t comma = line.find(',');
    const std::string_view address = trimmed(line.substr(0, comma));
    const auto prefix = Ipv4Prefix::parse(address);
    if (!prefix)
      return fail(place(), "\"" + shown(address) + "\" is no IPv4 address or prefix",
                  "write one on each line, with a PSID where it is shared, such as 192.0.2.1,5");
    control::RuleName& added = names.emplace_back(control::RuleName{*prefix, std::nullopt, std::nullopt});
    if (comma == line.npos) continue;
    const auto psid = config::parse_psid(trimmed(line.substr(comma + 1)));
    if (!psid) return fail(place(), psid.error().what, psid.error().fix);
    added.psid = *psid;
  }
  return names;
}

}  // namespace yonroku::api
