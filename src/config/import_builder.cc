#include "config/import_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/load.h"
#include "config/mapping_csv.h"

namespace yonroku::config {
namespace {

constexpr std::size_t kMaxErrors = 20;
constexpr std::size_t kMaxNotes = 100;
constexpr std::size_t kMaxInlineMappings = 100'000;

// A text from the source, fit for a YAML comment whatever bytes it had.
std::string plain(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

}  // namespace

ImportBuilder::ImportBuilder(std::string_view source, std::string_view filename, const ImportOptions& options)
    : source_(source), filename_(filename), options_(options), name_(source) {}

void ImportBuilder::error(const Place& place, std::string what, std::string fix) {
  if (errors_.errors.size() == kMaxErrors) {
    ++errors_.omitted;
    return;
  }
  // Words of the source are quoted in messages; none may move a terminal's cursor.
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  std::ranges::replace_if(what, is_control, '?');
  std::ranges::replace_if(fix, is_control, '?');
  errors_.errors.push_back({place.file, place.position, std::move(what), std::move(fix)});
}

void ImportBuilder::note(const Place& place, std::string text) {
  if (notes_.size() > kMaxNotes) return;
  if (notes_.size() == kMaxNotes) {
    notes_.emplace_back("and more of the kind");
    return;
  }
  std::string where = place.file == filename_ ? std::string() : plain(place.file) + ", ";
  if (place.position.line > 0) where += fmt::format("line {}: ", place.position.line);
  notes_.push_back(where + plain(text));
}

void ImportBuilder::set(std::string key, std::string value, std::string comment) {
  keys_.push_back({std::move(key), std::move(value), plain(comment)});
}

bool ImportBuilder::has(std::string_view key) const {
  return std::ranges::find(keys_, key, &Key::name) != keys_.end();
}

std::string ImportBuilder::name_from(std::string_view text, std::string_view fallback) {
  std::string name;
  for (const char c : text.substr(0, 32)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    name += (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ? lower : '-';
  }
  return name.empty() ? std::string(fallback) : name;
}

void ImportBuilder::map(std::string_view ipv4, const Place& ipv4_place, std::string_view ipv6,
                        const Place& ipv6_place) {
  auto prefix4 = parse_ipv4_prefix(ipv4);
  auto prefix6 = parse_ipv6_prefix(ipv6);
  if (!prefix4) error(ipv4_place, std::move(prefix4).error());
  if (!prefix6) error(ipv6_place, std::move(prefix6).error());
  if (!prefix4 || !prefix6) return;
  auto mapping = make_mapping(*prefix4, *prefix6);
  if (!mapping) return error(ipv4_place, std::move(mapping).error());
  mappings_.push_back(*mapping);
  mapping_places_.push_back(ipv4_place);
}

std::string ImportBuilder::yaml_text(std::string_view text) {
  const bool is_plain = !text.empty() && !text.ends_with(':') && !text.starts_with(':') &&
                        !text.starts_with('-') && std::ranges::all_of(text, [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 std::string_view(".:/-_").find(c) != std::string_view::npos;
                        });
  if (is_plain) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c >= 0x20 && c <= 0x7e ? c : '?';
  }
  return quoted + '\'';
}

void ImportBuilder::apply_options() {
  const Place nowhere{filename_, {}};
  if (!options_.name.empty()) {
    auto name = parse_instance_name(options_.name);
    if (name)
      name_ = *std::move(name);
    else
      error({"--name", {}}, std::move(name).error());
  }
  if (!options_.pref64.empty()) {
    auto pref64 = parse_pref64(options_.pref64);
    if (!pref64)
      error({"--pref64", {}}, std::move(pref64).error());
    else if (has("pref64"))
      error({"--pref64", {}}, "the file has a prefix already", "leave the option out");
    else
      set("pref64", yaml_text(pref64->prefix().to_string()));
  }
  if (!options_.translator_ipv6.empty()) {
    auto address = parse_ipv6_address(options_.translator_ipv6);
    if (!address)
      error({"--translator-ipv6", {}}, std::move(address).error());
    else if (has("translator-ipv6"))
      error({"--translator-ipv6", {}}, "the file has such an address already", "leave the option out");
    else
      set("translator-ipv6", yaml_text(address->to_string()));
  }
  if (!has("pref64") && mappings_.empty() && errors_.errors.empty())
    error(nowhere, "there is neither a prefix nor a mapping in it",
          fmt::format("is this a configuration of {} for stateless translation?", source_));
  if (!has("pref64") && !has("translator-ipv6") && errors_.errors.empty())
    error(nowhere, "there is no prefix in it, so yonroku does not know what to send its ICMPv6 errors from",
          "add --translator-ipv6 with an IPv6 address of this router, or --pref64 with a prefix for unmapped "
          "addresses");
}

std::string ImportBuilder::yaml() const {
  std::string out =
      fmt::format("# Made by `yonroku import {}` from {}.\n", source_, plain(in_quotes(filename_)));
  if (!notes_.empty()) {
    out += "#\n# Not taken over, or different:\n";
    for (const std::string& note : notes_) out += "# - " + note + '\n';
  }
  out += fmt::format("instances:\n  - name: {}\n    mechanism: siit\n", name_);
  for (const Key& key : keys_) {
    out += fmt::format("    {}: {}", key.name, key.value);
    if (!key.comment.empty()) out += "  # " + key.comment;
    out += '\n';
  }
  if (mappings_.empty()) return out;
  if (!options_.mappings_file.empty())
    return out + fmt::format("    mappings-files: [{}]\n", yaml_text(options_.mappings_file));
  out += "    mappings:\n";
  for (const share::EamMapping& m : mappings_) {
    out += "      - {ipv4: ";
    out += m.ipv4.length() == 32 ? m.ipv4.address().to_string() : m.ipv4.to_string();
    out += ", ipv6: ";
    out += yaml_text(m.ipv6.length() == 128 ? m.ipv6.address().to_string() : m.ipv6.to_string());
    out += "}\n";
  }
  return out;
}

ConfigResult<Imported> ImportBuilder::finish() {
  apply_options();
  MappingConflicts conflicts =
      find_mapping_conflicts(mappings_, [&](std::size_t index) { return mapping_places_[index]; });
  for (Diagnostic& same : conflicts.identical.errors)
    error({same.file, same.position}, std::move(same.what), std::move(same.fix));
  errors_.omitted += conflicts.identical.omitted;
  for (const Warning& warning : conflicts.overlapping)
    note({warning.file, warning.position}, warning.what + "; " + warning.fix);
  if (options_.mappings_file.empty() && mappings_.size() > kMaxInlineMappings)
    error({filename_, {}}, fmt::format("{} mappings are too many for one YAML file", mappings_.size()),
          "add --mappings-csv FILE");
  if (!errors_.errors.empty()) return std::unexpected(std::move(errors_));

  Imported imported{yaml(), options_.mappings_file.empty() ? std::string() : write_mapping_csv(mappings_)};
  // Whatever else our reader objects to is the fault of the source, since everything was copied from there.
  auto loaded = parse_config(imported.yaml, filename_, ".", MappingsFiles::Skip);
  if (loaded) return imported;
  for (const Diagnostic& problem : loaded.error().errors)
    error({filename_, {}}, fmt::format("the result would not be valid: {}", problem.what), problem.fix);
  return std::unexpected(std::move(errors_));
}

}  // namespace yonroku::config
