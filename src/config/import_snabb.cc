// The configuration of Snabb's lwAFTR (its YANG module snabb-softwire-v2): statements `name value;` and
// `name { ... }`, nested. Softwires become ours; what a kernel does here, and what has no equivalent, becomes
// a comment.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "config/import.h"
#include "config/import_builder.h"
#include "config/load.h"
#include "config/map_rule_check.h"
#include "config/softwire_csv.h"
#include "config/values.h"

namespace yonroku::config {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxErrors = 20;
constexpr std::size_t kMaxNotes = 100;
constexpr std::size_t kMaxInlineSoftwires = 100'000;
constexpr std::size_t kMaxBorders = 256;

// As printable as a comment or a message needs it.
std::string plain(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

struct Token {
  enum class Kind : uint8_t { Word, Open, Close, Semicolon, End, Broken } kind = Kind::End;
  std::string_view text;
  Position position;
};

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Token next() {
    if (!skip_blanks()) return {Token::Kind::Broken, "/*", position()};
    const Position here = position();
    if (at_ == text_.size()) return {Token::Kind::End, {}, here};
    switch (const char c = text_[at_]) {
      case '{': return ++at_, Token{Token::Kind::Open, "{", here};
      case '}': return ++at_, Token{Token::Kind::Close, "}", here};
      case ';': return ++at_, Token{Token::Kind::Semicolon, ";", here};
      case '"':
      case '\'': return quoted(c, here);
      default: break;
    }
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(" \t\r\n{};\"'", at_), text_.size());
    return {Token::Kind::Word, text_.substr(begin, at_ - begin), here};
  }

 private:
  Token quoted(char quote, Position here) {
    const std::size_t begin = at_ + 1;
    const std::size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) return {Token::Kind::Broken, text_.substr(at_, 1), here};
    while (at_ <= end) advance();
    return {Token::Kind::Word, text_.substr(begin, end - begin), here};
  }

  // False for a comment without an end.
  bool skip_blanks() {
    while (at_ < text_.size()) {
      const std::string_view rest = text_.substr(at_);
      if (std::string_view(" \t\r\n").find(rest.front()) != std::string_view::npos) {
        advance();
      } else if (rest.starts_with("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (rest.starts_with("/*")) {
        const std::size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return false;
        while (at_ < end + 2) advance();
      } else {
        break;
      }
    }
    return true;
  }

  void advance() {
    if (text_[at_++] != '\n') return;
    ++line_;
    line_start_ = at_;
  }
  [[nodiscard]] Position position() const { return {line_, static_cast<uint32_t>(at_ - line_start_) + 1}; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  uint32_t line_ = 1;
};

struct Statement {
  Word name;
  Word value;
  bool has_value = false;
  std::vector<Statement> inside;
};

class SnabbImporter {
 public:
  SnabbImporter(std::string_view text, std::string_view filename, const ImportOptions& options)
      : tokens_(text), filename_(filename), options_(options) {}

  ConfigResult<Imported> run() {
    token_ = tokens_.next();
    read_block("", 0);
    if (!is_lost_ && token_.kind != Token::Kind::End) lose("a closing brace too much");
    if (errors_.errors.empty() && softwires_.empty())
      error({}, "there is no softwire in it",
            "is this a configuration of Snabb's lwAFTR? It has softwire-config { binding-table { softwire { "
            "... } } }");
    return finish();
  }

 private:
  static constexpr std::array<std::string_view, 4> kContainers = {
      "/softwire-config", "/softwire-config/binding-table", "/softwire-config/internal-interface",
      "/softwire-config/external-interface"};

  // --- reading ---

  void error(Position position, std::string what, std::string fix) {
    if (errors_.errors.size() == kMaxErrors) {
      ++errors_.omitted;
      return;
    }
    errors_.errors.push_back({std::string(filename_), position, plain(what), plain(fix)});
  }
  void error(const Word& word, Complaint complaint) {
    error(word.position, std::move(complaint.what), std::move(complaint.fix));
  }
  // After this nothing more can be understood.
  void lose(std::string what) {
    if (!is_lost_) error(token_.position, std::move(what), "see the documentation of snabb lwaftr");
    is_lost_ = true;
  }

  void note(Position position, std::string_view text) {
    if (notes_.size() > kMaxNotes) return;
    notes_.push_back(notes_.size() == kMaxNotes ? "and more of the kind"
                                                : fmt::format("line {}: {}", position.line, plain(text)));
  }

  // The statements up to a closing brace; those of large lists are dealt with one by one.
  void read_block(const std::string& path, int depth) {
    while (!is_lost_ && token_.kind == Token::Kind::Word) {
      const Word name{token_.text, token_.position};
      const std::string here = path + "/" + std::string(name.text.substr(0, 64));
      if (std::ranges::find(kContainers, here) != kContainers.end()) {
        token_ = tokens_.next();
        if (token_.kind != Token::Kind::Open) return lose(fmt::format("no {{ behind {}", name.text));
        token_ = tokens_.next();
        read_block(here, depth + 1);
        close(name);
      } else {
        Statement statement;
        read_statement(statement, depth);
        if (!is_lost_) take(path, statement);
      }
    }
    if (token_.kind == Token::Kind::Broken)
      lose(token_.text == "/*" ? "a comment without an end" : "a string without an end");
    if (token_.kind == Token::Kind::Open || token_.kind == Token::Kind::Semicolon)
      lose(fmt::format("{} where a name was expected", in_quotes(token_.text)));
  }

  void close(const Word& name) {
    if (is_lost_) return;
    if (token_.kind != Token::Kind::Close)
      return lose(fmt::format("{} in line {} is not closed", name.text, name.position.line));
    token_ = tokens_.next();
  }

  void read_statement(Statement& statement, int depth) {
    if (depth > kMaxDepth) return lose("nested too deeply");
    statement.name = {token_.text, token_.position};
    token_ = tokens_.next();
    if (token_.kind == Token::Kind::Word) {
      statement.value = {token_.text, token_.position};
      statement.has_value = true;
      token_ = tokens_.next();
    }
    if (token_.kind == Token::Kind::Semicolon) {
      token_ = tokens_.next();
      return;
    }
    if (token_.kind != Token::Kind::Open)
      return lose(fmt::format("neither ; nor {{ behind {}", in_quotes(statement.name.text)));
    token_ = tokens_.next();
    while (!is_lost_ && token_.kind == Token::Kind::Word)
      read_statement(statement.inside.emplace_back(), depth + 1);
    close(statement.name);
  }

  // --- understanding ---

  void take(const std::string& path, const Statement& statement) {
    const std::string_view name = statement.name.text;
    if (path == "/softwire-config/binding-table") {
      if (name == "softwire") return take_softwire(statement);
      if (name == "br-address" && statement.has_value) return static_cast<void>(border_of(statement.value));
      if (name == "psid-map")
        return error(statement.name.position, "psid-map is of an older version of the format",
                     "convert it with `snabb lwaftr migrate-configuration`");
    }
    if (path == "/softwire-config/internal-interface" && name == "hairpinning")
      return set(statement, "hairpin", {"true", "false"});
    if (path == "/softwire-config/internal-interface" && name == "mtu") return set_mtu(statement);
    if (path == "/softwire-config/external-interface" && name == "allow-incoming-icmp")
      return set_inbound_icmp(statement);
    if (path == "/softwire-config/instance" || name == "instance" || name == "instances")
      return note(
          statement.name.position,
          fmt::format("{}: devices, queues, addresses, VLANs and next hops are the kernel's here; see "
                      "ip-link(8), ip-address(8) and ip-route(8)",
                      name));
    note_all(path.empty() ? "" : path.substr(1) + "/", statement);
  }

  void note_all(const std::string& path, const Statement& statement) {
    if (statement.inside.empty())
      return note(statement.name.position, fmt::format("{}{}{}{}: not taken over", path, statement.name.text,
                                                       statement.has_value ? " " : "", statement.value.text));
    for (const Statement& inside : statement.inside)
      note_all(path + std::string(statement.name.text) + "/", inside);
  }

  void set(const Statement& statement, std::string key, std::initializer_list<std::string_view> values) {
    if (std::ranges::find(values, statement.value.text) == values.end())
      return error(statement.name.position,
                   fmt::format("{} is {}", statement.name.text, in_quotes(statement.value.text)),
                   fmt::format("it is one of {}", fmt::join(values, ", ")));
    if (keys_.insert(key).second) yaml_ += fmt::format("    {}: {}\n", key, statement.value.text);
  }

  void set_inbound_icmp(const Statement& statement) {
    const bool is_allowed = statement.value.text == "true";
    if (!is_allowed && statement.value.text != "false")
      return error(statement.name.position,
                   fmt::format("allow-incoming-icmp is {}", in_quotes(statement.value.text)),
                   "it is one of true, false");
    if (keys_.insert("inbound-icmp").second)
      yaml_ += fmt::format("    inbound-icmp: {}\n", is_allowed ? "forward" : "drop");
  }

  void set_mtu(const Statement& statement) {
    const auto mtu = parse_integer(statement.value.text, 1280, 65535);
    if (!mtu) return error(statement.name, mtu.error());
    if (keys_.insert("ipv6-mtu").second) yaml_ += fmt::format("    ipv6-mtu: {}\n", *mtu);
  }

  uint8_t border_of(const Word& word) {
    const auto address = parse_ipv6_address(word.text);
    if (!address) return error(word, address.error()), uint8_t{0};
    const auto found = std::ranges::find(borders_, *address);
    if (found != borders_.end()) return static_cast<uint8_t>(found - borders_.begin());
    if (borders_.size() == kMaxBorders)
      return error(word.position, "more than 256 different br-address", "spread them over several instances"),
             uint8_t{0};
    borders_.push_back(*address);
    return static_cast<uint8_t>(borders_.size() - 1);
  }

  struct Softwire {
    share::MapRule::Parts parts;
    std::set<std::string_view> seen;
  };

  void take_softwire(const Statement& statement) {
    const std::size_t before = errors_.errors.size() + errors_.omitted;
    Softwire softwire;
    for (const Statement& part : statement.inside) {
      if (part.name.text != "port-set") {
        take_part(softwire, part);
      } else {
        for (const Statement& inside : part.inside) take_part(softwire, inside);
      }
    }
    for (const std::string_view needed : {"ipv4", "b4-ipv6", "br-address"})
      if (!softwire.seen.contains(needed))
        error(statement.name.position, fmt::format("a softwire without {}", needed), "add it");
    if (errors_.errors.size() + errors_.omitted != before) return;
    if (softwire.parts.given_psid_length == 0) softwire.parts.psid_offset = 0;
    const auto rule = share::MapRule::create(softwire.parts);
    if (!rule)
      return error(statement.name.position, std::string(share::describe(rule.error())), "see RFC 7596 5.1");
    softwires_.push_back(*rule);
    positions_.push_back(statement.name.position);
  }

  void take_part(Softwire& softwire, const Statement& part) {
    const std::string_view name = part.name.text;
    const Word& value = part.value;
    if (!softwire.seen.insert(name).second)
      return error(part.name.position, fmt::format("{} is said twice", name), "keep one of the two");
    share::MapRule::Parts& parts = softwire.parts;
    const auto number = [&](int64_t most, auto& target) {
      const auto parsed = parse_integer(value.text, 0, most);
      if (parsed)
        target = static_cast<std::remove_reference_t<decltype(target)>>(*parsed);
      else
        error(part.name, parsed.error());
    };
    if (name == "ipv4") {
      const auto address = parse_ipv4_address(value.text);
      if (!address) return error(part.name, address.error());
      parts.ipv4 = Ipv4Prefix::holding(*address, 32);
    } else if (name == "b4-ipv6") {
      const auto address = parse_ipv6_address(value.text);
      if (!address) return error(part.name, address.error());
      parts.ipv6 = Ipv6Prefix::holding(*address, 128);
    } else if (name == "br-address") {
      parts.border = border_of(value);
    } else if (name == "psid") {
      number(65535, parts.given_psid);
    } else if (name == "psid-length") {
      number(16, parts.given_psid_length);
    } else if (name == "reserved-ports-bit-count") {
      number(15, parts.psid_offset);
    } else {
      note_all("softwire/", part);
    }
  }

  // --- writing ---

  ConfigResult<Imported> finish() {
    std::string name = "snabb";
    if (!options_.name.empty()) {
      auto given = parse_instance_name(options_.name);
      if (given)
        name = *std::move(given);
      else
        errors_.errors.push_back({"--name", {}, given.error().what, given.error().fix});
    }
    for (const auto& [option, value] :
         {std::pair("--pref64", &options_.pref64), {"--translator-ipv6", &options_.translator_ipv6}})
      if (!value->empty())
        errors_.errors.push_back({option, {}, "a lwAFTR does not translate", "leave the option out"});
    check_softwires();
    const bool has_file = !options_.mappings_file.empty();
    if (!has_file && softwires_.size() > kMaxInlineSoftwires)
      error({}, fmt::format("{} softwires are too many for one YAML file", softwires_.size()),
            "add --mappings-csv FILE");
    if (!errors_.errors.empty()) return std::unexpected(std::move(errors_));

    Imported imported{yaml(name), {}};
    if (has_file) {
      imported.mappings_csv = softwire_csv_header();
      for (const auto& rule : softwires_) append_softwire_csv(imported.mappings_csv, rule, borders_);
    }
    auto loaded = parse_config(imported.yaml, filename_, ".", MappingsFiles::Skip);
    if (loaded) return imported;
    for (const Diagnostic& problem : loaded.error().errors)
      error({}, fmt::format("the result would not be valid: {}", problem.what), problem.fix);
    return std::unexpected(std::move(errors_));
  }

  void check_softwires() {
    for (std::size_t i = 0; i < softwires_.size(); ++i)
      for (const Ipv6Address& border : borders_)
        if (softwires_[i].ipv6().address() == border)
          error(positions_[i], "b4-ipv6 is a br-address", "the two ends of a tunnel differ");
    const MapRuleFindings found = check_map_rules(softwires_, MapRuleUse::Tunnels);
    for (const MapRuleFinding& finding : found.findings) {
      const std::string other =
          finding.other ? fmt::format(", in line {}", positions_[*finding.other].line) : "";
      if (finding.is_error())
        error(positions_[finding.rule], finding.what + other, finding.fix);
      else
        note(positions_[finding.rule], finding.what + other);
    }
    errors_.omitted += found.has_errors() ? found.omitted_errors : 0;
  }

  [[nodiscard]] std::string yaml(const std::string& name) const {
    std::string out = fmt::format("# Made by `yonroku import snabb` from {}.\n", plain(in_quotes(filename_)));
    if (!notes_.empty()) {
      out += "#\n# Not taken over, or different:\n";
      for (const std::string& each : notes_) out += "# - " + each + '\n';
    }
    std::vector<std::string> borders;
    for (const Ipv6Address& border : borders_)
      borders.push_back(ImportBuilder::yaml_text(border.to_string()));
    out += fmt::format("instances:\n  - name: {}\n    mechanism: lwaftr\n    br-addresses: [{}]\n{}", name,
                       fmt::join(borders, ", "), yaml_);
    if (!options_.mappings_file.empty())
      return out +
             fmt::format("    softwires-files: [{}]\n", ImportBuilder::yaml_text(options_.mappings_file));
    out += "    softwires:\n";
    for (const share::MapRule& rule : softwires_) {
      const share::MapRule::Parts& parts = rule.parts();
      out += fmt::format("      - {{b4-address: {}, ipv4: {}",
                         ImportBuilder::yaml_text(parts.ipv6.address().to_string()),
                         parts.ipv4.address().to_string());
      if (rule.has_given_psid())
        out += fmt::format(", psid-offset: {}, psid-length: {}, psid: {}", parts.psid_offset,
                           parts.given_psid_length, parts.given_psid);
      if (parts.border > 0) out += fmt::format(", br-address: {}", borders[parts.border]);
      out += "}\n";
    }
    return out;
  }

  Tokens tokens_;
  Token token_;
  std::string_view filename_;
  const ImportOptions& options_;
  bool is_lost_ = false;
  std::vector<Ipv6Address> borders_;
  std::vector<share::MapRule> softwires_;
  std::vector<Position> positions_;
  std::string yaml_;
  std::set<std::string> keys_;
  std::vector<std::string> notes_;
  ConfigErrors errors_;
};

}  // namespace

ConfigResult<Imported> import_snabb(std::string_view text, std::string_view filename,
                                    const ImportOptions& options) {
  return SnabbImporter(text, filename, options).run();
}

}  // namespace yonroku::config
