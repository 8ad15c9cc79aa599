// What the importers have in common: gathers keys, mappings, notes and errors, and writes them as our YAML.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/import.h"
#include "config/mapping_conflicts.h"
#include "config/values.h"

namespace yonroku::config {

// One word of a line and where it stands.
struct Word {
  std::string_view text;
  Position position;
};

class ImportBuilder {
 public:
  // `source` is what the file belongs to: "tayga".
  ImportBuilder(std::string_view source, std::string_view filename, const ImportOptions& options);

  void error(const Place& place, std::string what, std::string fix);
  void error(const Place& place, Complaint complaint) {
    error(place, std::move(complaint.what), std::move(complaint.fix));
  }
  // Something of the source that has no equivalent here.
  void note(const Place& place, std::string text);
  [[nodiscard]] Place at(Position position) const { return {filename_, position}; }

  // `value` is YAML already; see yaml_text(). A comment ends up behind it.
  void set(std::string key, std::string value, std::string comment = {});
  [[nodiscard]] bool has(std::string_view key) const;
  void set_name(std::string name) { name_ = std::move(name); }
  // Makes a name for an instance from any text.
  static std::string name_from(std::string_view text, std::string_view fallback);

  void map(std::string_view ipv4, const Place& ipv4_place, std::string_view ipv6, const Place& ipv6_place);
  [[nodiscard]] bool has_mappings() const { return !mappings_.empty(); }

  // The YAML for the text: as it is, or in quotes where YAML would read something else.
  static std::string yaml_text(std::string_view text);

  [[nodiscard]] ConfigResult<Imported> finish();

 private:
  [[nodiscard]] std::string yaml() const;
  // For instances without a prefix: yonroku needs an address to send ICMPv6 errors from.
  void apply_options();

  std::string source_;
  std::string filename_;
  const ImportOptions& options_;
  std::string name_;
  struct Key {
    std::string name, value, comment;
  };
  std::vector<Key> keys_;
  std::vector<share::EamMapping> mappings_;
  std::vector<Place> mapping_places_;
  std::vector<std::string> notes_;
  ConfigErrors errors_;
};

// Splits text into lines and those into words at spaces and tabs; a word that starts with '#' ends the line.
// `handle` gets the words of each line that has any, and the line's number.
template <class Handle>
void for_each_line(std::string_view text, Handle handle) {
  std::vector<Word> words;
  for (uint32_t line = 1; !text.empty(); ++line) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    words.clear();
    constexpr std::string_view kBlank = " \t\r\v\f";
    for (std::size_t at = whole.find_first_not_of(kBlank); at != std::string_view::npos;) {
      const std::size_t end = std::min(whole.find_first_of(kBlank, at), whole.size());
      if (whole[at] == '#') break;
      words.push_back({whole.substr(at, end - at), {line, static_cast<uint32_t>(at + 1)}});
      at = whole.find_first_not_of(kBlank, end);
    }
    if (!words.empty()) handle(words);
  }
}

}  // namespace yonroku::config
