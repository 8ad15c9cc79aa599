// Jool SIIT: the JSON that `jool_siit file handle` takes (Jool 3.5 and 4), or the EAM table that
// `jool_siit eamt display --csv` prints, whose columns are IPv6 then IPv4. JSON is read as YAML, of which it
// is a part.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "config/document.h"
#include "config/import.h"
#include "config/import_builder.h"
#include "config/schema.h"

namespace yonroku::config {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool is_null(const Node& node) {
  return node.kind == Node::Kind::Null ||
         (node.kind == Node::Kind::Scalar && !node.is_quoted && node.text == "null");
}

class JoolJsonImporter {
 public:
  JoolJsonImporter(std::string_view filename, const ImportOptions& options)
      : builder_("jool", filename, options) {}

  ConfigResult<Imported> run(const Node& root) {
    if (root.kind != Node::Kind::Mapping) {
      builder_.error(
          builder_.at(root.position), fmt::format("{} where a JSON object is needed", root.kind_words()),
          "give the file of `jool_siit file handle`, or the output of `jool_siit eamt display --csv`");
      return builder_.finish();
    }
    each(root,
         [&](const std::string& tag, const Node& key, const Node& value) { read_top(tag, key, value); });
    settle();
    return builder_.finish();
  }

 private:
  [[nodiscard]] Place place(const Node& node) const { return builder_.at(node.position); }

  // Calls handle(lower-case tag, key, value) for each member that is not a comment.
  template <class Handle>
  void each(const Node& object, Handle handle) {
    for (std::size_t i = 0; i + 1 < object.children.size(); i += 2) {
      const Node& key = *object.children[i];
      const std::string tag = lower(key.text);
      if (tag != "comment") handle(tag, key, *object.children[i + 1]);
    }
  }
  bool expect(const Node& node, Node::Kind kind, std::string_view tag) {
    if (node.kind == kind) return true;
    builder_.error(place(node),
                   fmt::format("{}: {} where {} is needed", tag, node.kind_words(),
                               kind == Node::Kind::Sequence  ? "an array"
                               : kind == Node::Kind::Mapping ? "an object"
                                                             : "a value"),
                   "see the documentation of Jool's atomic configuration");
    return false;
  }

  void read_top(const std::string& tag, const Node& key, const Node& value) {
    if (tag == "instance") {
      if (expect(value, Node::Kind::Scalar, tag))
        builder_.set_name(ImportBuilder::name_from(value.text, "jool"));
    } else if (tag == "framework") {
      builder_.note(place(key), fmt::format("framework {}: yonroku translates what is routed to its TUN "
                                            "device; it needs no hooks or iptables rules",
                                            value.text));
    } else if (tag == "global") {
      if (expect(value, Node::Kind::Mapping, tag))
        each(value, [&](const std::string& t, const Node& k, const Node& v) { read_global(t, k, v); });
    } else if (tag == "eamt") {
      if (!expect(value, Node::Kind::Sequence, tag)) return;
      for (const Node* entry : value.children) read_eam(*entry);
    } else if (tag == "denylist4" || tag == "blacklist4" || tag == "blacklist") {
      read_denylist(tag, value);
    } else if (tag == "pool6791" || tag == "pool6791v4") {  // Jool 3
      read_pool(value);
    } else if (tag == "pool6") {  // Jool 3
      const Node* prefix = value.kind == Node::Kind::Mapping ? value.find("prefix") : &value;
      read_pool6(prefix ? *prefix : value);
    } else if (tag == "pool4" || tag == "bib") {
      builder_.error(place(key), fmt::format("{} belongs to Jool's stateful NAT64", tag),
                     "`import jool` converts configurations of jool_siit");
    } else if (tag != "file_type") {
      static constexpr std::array<std::string_view, 6> kTags = {"instance", "framework", "global",
                                                                "eamt",     "denylist4", "blacklist4"};
      unknown(key, kTags);
    }
  }

  void unknown(const Node& key, std::span<const std::string_view> known) {
    const std::string_view meant = closest_word(key.text, known);
    builder_.error(place(key), fmt::format("unknown tag {}", in_quotes(key.text)),
                   meant.empty() ? "see the documentation of Jool's atomic configuration"
                                 : fmt::format("did you mean \"{}\"?", meant));
  }

  void read_global(const std::string& tag, const Node& key, const Node& value) {
    if (tag == "mtu-plateaus") return read_plateaus(key, value);
    if (tag == "rfc6791v4-prefix") return read_pool(value);
    if (is_null(value)) return;
    if (!expect(value, Node::Kind::Scalar, tag)) return;
    if (tag == "pool6")
      read_pool6(value);
    else if (tag == "lowest-ipv6-mtu")
      read_lowest_mtu(value);
    else if (tag == "eam-hairpin-mode")
      read_hairpin(value);
    else if (tag == "tos")
      read_tos(value);
    else if (tag == "rfc6791v6-prefix")
      read_pool6791v6(value);
    else if (is_flag(tag))
      read_flag(tag, key, value);
    else {
      static constexpr std::array<std::string_view, 13> kTags = {"manually-enabled",
                                                                 "pool6",
                                                                 "lowest-ipv6-mtu",
                                                                 "logging-debug",
                                                                 "zeroize-traffic-class",
                                                                 "override-tos",
                                                                 "tos",
                                                                 "amend-udp-checksum-zero",
                                                                 "randomize-rfc6791-addresses",
                                                                 "mtu-plateaus",
                                                                 "eam-hairpin-mode",
                                                                 "rfc6791v4-prefix",
                                                                 "rfc6791v6-prefix"};
      unknown(key, kTags);
    }
  }

  static bool is_flag(std::string_view tag) {
    static constexpr std::array<std::string_view, 7> kFlags = {
        "manually-enabled",           "logging-debug", "trace",
        "zeroize-traffic-class",      "override-tos",  "amend-udp-checksum-zero",
        "randomize-rfc6791-addresses"};
    return std::ranges::find(kFlags, tag) != kFlags.end();
  }

  void read_flag(const std::string& tag, const Node& key, const Node& value) {
    const std::string word = lower(value.text);
    const bool is_on = word == "true" || word == "1" || word == "yes" || word == "on";
    if (!is_on && word != "false" && word != "0" && word != "no" && word != "off")
      return builder_.error(place(value),
                            fmt::format("{}: {} is not true or false", tag, in_quotes(value.text)),
                            "write true or false");
    if (tag == "zeroize-traffic-class" && is_on)
      builder_.set("traffic-class", "0", "zeroize-traffic-class");
    else if (tag == "override-tos")
      overrides_tos_ = is_on;
    else if (tag == "amend-udp-checksum-zero")
      amends_checksums_ = is_on;
    else if (tag == "manually-enabled" && !is_on)
      builder_.note(place(key),
                    "manually-enabled false: there is no switch for that; do not start the program, or "
                    "remove the instance");
    else if (tag == "randomize-rfc6791-addresses" && !is_on)
      builder_.note(place(key),
                    "randomize-rfc6791-addresses false: yonroku always picks from the pool by itself");
    else if ((tag == "logging-debug" || tag == "trace") && is_on)
      builder_.note(place(key),
                    fmt::format("{} true: see `yonroku explain` and `yonroku show counters`", tag));
  }

  void read_pool6(const Node& value) {
    if (is_null(value)) return;
    if (!expect(value, Node::Kind::Scalar, "pool6")) return;
    auto prefix = parse_pref64(value.text);
    if (!prefix) return builder_.error(place(value), std::move(prefix).error());
    if (builder_.has("pref64"))
      return builder_.error(place(value), "a second pool6", "keep the one that is in use");
    builder_.set("pref64", ImportBuilder::yaml_text(prefix->prefix().to_string()));
    if (prefix->is_well_known())
      builder_.set("well-known-prefix-non-global", "translate", "as Jool does; RFC 6052 3.1 says drop");
  }

  void read_lowest_mtu(const Node& value) {
    const auto mtu = parse_integer(value.text, 1280, 65535);
    if (!mtu) return builder_.error(place(value), mtu.error());
    if (*mtu > 1500) builder_.set("ipv6-mtu", std::to_string(*mtu));
    builder_.set("lowest-ipv6-mtu", std::to_string(*mtu));
  }

  void read_hairpin(const Node& value) {
    const std::string mode = lower(value.text);
    if (mode == "intrinsic" || mode == "2")
      builder_.set("hairpinning", "intrinsic");
    else if (mode == "simple" || mode == "1")
      builder_.set("hairpinning", "simple");
    else if (mode == "off" || mode == "none" || mode == "disabled" || mode == "0")
      builder_.set("hairpinning", "off");
    else
      builder_.error(place(value), fmt::format("eam-hairpin-mode {} is not known", in_quotes(value.text)),
                     "Jool knows intrinsic, simple and off");
  }

  void read_tos(const Node& value) {
    const auto tos = parse_integer(value.text, 0, 255);
    if (tos)
      tos_ = *tos;
    else
      builder_.error(place(value), tos.error());
  }

  void read_pool6791v6(const Node& value) {
    auto prefix = parse_ipv6_prefix(value.text);
    if (!prefix) return builder_.error(place(value), std::move(prefix).error());
    if (is_illegal_source(prefix->address()))
      return builder_.error(place(value), fmt::format("{} cannot hold source addresses", prefix->to_string()),
                            "use a prefix of your own network");
    if (prefix->length() < 128)
      builder_.note(
          place(value),
          fmt::format(
              "rfc6791v6-prefix {}: yonroku uses one address of it, the first, instead of a random one",
              prefix->to_string()));
    if (!builder_.has("translator-ipv6"))
      builder_.set("translator-ipv6", ImportBuilder::yaml_text(prefix->address().to_string()),
                   "rfc6791v6-prefix");
  }

  // A prefix, a list of them (Jool 3), or null.
  void read_pool(const Node& value) {
    if (is_null(value)) return;
    std::vector<const Node*> nodes = {&value};
    if (value.kind == Node::Kind::Sequence) nodes = value.children;
    std::vector<std::string> pool;
    for (const Node* node : nodes) {
      if (!expect(*node, Node::Kind::Scalar, "rfc6791v4-prefix")) continue;
      auto prefix = parse_ipv4_prefix(node->text);
      if (prefix)
        pool.push_back(prefix->to_string());
      else
        builder_.error(place(*node), std::move(prefix).error());
    }
    if (pool.empty()) return;
    builder_.set("untranslatable-icmpv6-source", "pool");
    builder_.set("icmpv6-source-pool", fmt::format("[{}]", fmt::join(pool, ", ")));
  }

  void read_plateaus(const Node& key, const Node& value) {
    if (is_null(value)) return;
    static constexpr std::array<std::string_view, 11> kStandard = {
        "65535", "32000", "17914", "8166", "4352", "2002", "1492", "1006", "508", "296", "68"};
    if (!expect(value, Node::Kind::Sequence, "mtu-plateaus")) return;
    const bool is_standard =
        std::ranges::equal(value.children, kStandard,
                           [](const Node* node, std::string_view text) { return node->text == text; });
    if (!is_standard) builder_.note(place(key), "mtu-plateaus: yonroku always uses those of RFC 1191 7.1");
  }

  void read_eam(const Node& entry) {
    if (!expect(entry, Node::Kind::Mapping, "eamt")) return;
    const Node* ipv4 = nullptr;
    const Node* ipv6 = nullptr;
    each(entry, [&](const std::string& tag, const Node& key, const Node& value) {
      if (tag == "ipv4 prefix")
        ipv4 = &value;
      else if (tag == "ipv6 prefix")
        ipv6 = &value;
      else
        builder_.error(place(key), fmt::format("unknown tag {}", in_quotes(key.text)),
                       "an EAM has \"ipv4 prefix\" and \"ipv6 prefix\"");
    });
    if (!ipv4 || !ipv6)
      return builder_.error(place(entry), fmt::format("an EAM without \"{} prefix\"", ipv4 ? "ipv6" : "ipv4"),
                            "it needs \"ipv4 prefix\" and \"ipv6 prefix\"");
    if (!expect(*ipv4, Node::Kind::Scalar, "ipv4 prefix") ||
        !expect(*ipv6, Node::Kind::Scalar, "ipv6 prefix"))
      return;
    builder_.map(ipv4->text, place(*ipv4), ipv6->text, place(*ipv6));
  }

  void read_denylist(const std::string& tag, const Node& value) {
    if (is_null(value) || !expect(value, Node::Kind::Sequence, tag)) return;
    for (const Node* node : value.children) {
      if (!expect(*node, Node::Kind::Scalar, tag)) continue;
      auto prefix = parse_ipv4_prefix(node->text);
      if (prefix)
        denylist_.push_back(prefix->to_string());
      else
        builder_.error(place(*node), std::move(prefix).error());
    }
  }

  void settle() {
    if (!denylist_.empty()) builder_.set("denylist-ipv4", fmt::format("[{}]", fmt::join(denylist_, ", ")));
    if (overrides_tos_) builder_.set("tos", std::to_string(tos_), "override-tos");
    builder_.set("udp-zero-checksum", amends_checksums_ ? "compute" : "drop",
                 amends_checksums_ ? "amend-udp-checksum-zero" : "the default of Jool");
  }

  ImportBuilder builder_;
  std::vector<std::string> denylist_;
  bool overrides_tos_ = false;
  bool amends_checksums_ = false;
  int64_t tos_ = 0;
};

ConfigResult<Imported> import_csv(std::string_view text, std::string_view filename,
                                  const ImportOptions& options) {
  ImportBuilder builder("jool", filename, options);
  builder.note(
      builder.at({}),
      "only the EAM table was in the file; compare the other settings with `jool_siit global display`");
  uint32_t line = 0;
  while (!text.empty()) {
    ++line;
    std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    if (whole.ends_with('\r')) whole.remove_suffix(1);
    if (whole.empty() || lower(whole) == "ipv6 prefix,ipv4 prefix") continue;
    const std::size_t comma = whole.find(',');
    if (comma == std::string_view::npos || whole.find(',', comma + 1) != std::string_view::npos) {
      builder.error(builder.at({line, 1}), fmt::format("{} is not an EAM", in_quotes(whole)),
                    "a line has two columns: IPv6 prefix,IPv4 prefix");
      continue;
    }
    builder.map(whole.substr(comma + 1), builder.at({line, static_cast<uint32_t>(comma + 2)}),
                whole.substr(0, comma), builder.at({line, 1}));
  }
  return builder.finish();
}

}  // namespace

ConfigResult<Imported> import_jool(std::string_view text, std::string_view filename,
                                   const ImportOptions& options) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos)
    return fail_with(std::string(filename), {}, "the file is empty",
                     "give the file of `jool_siit file handle`");
  if (text[start] != '{' && text[start] != '[' && text[start] != '/')
    return import_csv(text, filename, options);
  auto document = Document::parse(text, filename, Document::Syntax::Json);
  if (!document) return std::unexpected(std::move(document).error());
  return JoolJsonImporter(filename, options).run(document->root());
}

}  // namespace yonroku::config
