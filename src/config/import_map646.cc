// map646.conf: `map-static IPV4 IPV6`, `mapping-prefix IPV6`, `map66-static IPV6 IPV6`, `include FILE`, one
// directive on each line. The prefix is written without a length and means a /96: the IPv4 address is in the
// last 32 bits.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/import.h"
#include "config/import_builder.h"
#include "config/schema.h"

namespace yonroku::config {
namespace {

constexpr int kMaxIncludes = 10;  // nested; map646's own limit
constexpr std::array<std::string_view, 4> kDirectives = {"map-static", "mapping-prefix", "map66-static",
                                                         "include"};

class Map646Importer {
 public:
  Map646Importer(std::string_view filename, const ImportOptions& options)
      : builder_("map646", filename, options), options_(options) {}

  ConfigResult<Imported> run(std::string_view text, const std::string& filename) {
    builder_.set("device", "tun646", "the name that map646 gives its device");
    read(text, filename, 0);
    builder_.note({filename, {}},
                  "map646 translates only addresses that it has mappings for on the IPv6 side and the prefix "
                  "on the IPv4 side; "
                  "here each address is looked up in the mappings first, then in the prefix (RFC 7757 3.3).");
    return builder_.finish();
  }

 private:
  void read(std::string_view text, const std::string& file, int depth) {
    for_each_line(text, [&](const std::vector<Word>& words) { read_line(words, file, depth); });
  }

  void read_line(const std::vector<Word>& words, const std::string& file, int depth) {
    const std::string_view directive = words[0].text;
    const auto place = [&](std::size_t i) { return Place{file, words[i].position}; };
    const std::size_t arguments = directive == "map-static" || directive == "map66-static" ? 2 : 1;
    if (std::ranges::find(kDirectives, directive) == kDirectives.end()) {
      const std::string_view meant = closest_word(directive, kDirectives);
      return builder_.error(place(0), fmt::format("unknown directive {}", in_quotes(directive)),
                            meant.empty()
                                ? "map646 knows map-static, map66-static, mapping-prefix and include"
                                : fmt::format("did you mean {}?", meant));
    }
    if (words.size() != arguments + 1)
      return builder_.error(
          place(0),
          fmt::format("{} needs {} argument{}, not {}", directive, arguments, arguments == 1 ? "" : "s",
                      words.size() - 1),
          directive == "map-static" ? "write map-static IPV4 IPV6" : "see the documentation of map646");
    if (directive == "map-static")
      builder_.map(words[1].text, place(1), words[2].text, place(2));
    else if (directive == "mapping-prefix")
      read_prefix(words[1].text, place(1));
    else if (directive == "include")
      include(std::string(words[1].text), place(1), depth);
    else
      builder_.note(
          place(0),
          fmt::format(
              "map66-static {} {}: mapping IPv6 to IPv6 (NPTv6) is no translation between IPv4 and IPv6; "
              "ip6tables -t nat or nftables can do it",
              words[1].text, words[2].text));
  }

  void read_prefix(std::string_view text, const Place& place) {
    if (builder_.has("pref64"))
      return builder_.error(place, "a second mapping-prefix", "keep the one that is in use");
    const std::string with_length =
        text.find('/') == std::string_view::npos ? std::string(text) + "/96" : std::string(text);
    auto prefix = parse_pref64(with_length);
    if (!prefix) return builder_.error(place, std::move(prefix).error());
    builder_.set("pref64", ImportBuilder::yaml_text(prefix->prefix().to_string()));
    if (prefix->is_well_known()) {
      builder_.set("well-known-prefix-non-global", "translate", "as map646 does; RFC 6052 3.1 says drop");
      if (options_.translator_ipv6.empty())
        builder_.note(place,
                      "add translator-ipv6 with an address of this router, or ICMPv6 errors come from inside "
                      "of 64:ff9b::/96");
    }
  }

  void include(const std::string& path, const Place& place, int depth) {
    if (depth == kMaxIncludes)
      return builder_.error(place, "includes are nested too deeply", "does a file include itself?");
    if (++include_count_ > 1000)
      return builder_.error(place, "more than 1000 files are included", "does a file include itself?");
    if (!options_.read_file)
      return builder_.error(place, fmt::format("{} is included but cannot be read here", in_quotes(path)),
                            "put its lines into this file");
    const auto text = options_.read_file(path);
    // map646 skips what it cannot find; a conversion should not do so silently.
    if (!text)
      return builder_.error(place, fmt::format("include {}: {}", in_quotes(path), text.error().what),
                            "map646 skips such files; remove the line or give the file");
    read(*text, path, depth + 1);
  }

  ImportBuilder builder_;
  const ImportOptions& options_;
  int include_count_ = 0;
};

}  // namespace

ConfigResult<Imported> import_map646(std::string_view text, std::string_view filename,
                                     const ImportOptions& options) {
  return Map646Importer(filename, options).run(text, std::string(filename));
}

}  // namespace yonroku::config
