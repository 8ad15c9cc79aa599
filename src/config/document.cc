#include "config/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace yonroku::config {
namespace {

Position position_of(const YAML::Mark& mark) {
  if (mark.line < 0) return {};
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

std::string_view line_at(std::string_view text, uint32_t line) {
  for (uint32_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// The word of the line that ends in "::" where YAML takes the last colon for its own; "" when there is none.
std::string_view bare_address_with_last_colon(std::string_view line) {
  for (std::size_t at = line.find("::"); at != std::string_view::npos; at = line.find("::", at + 1)) {
    const std::size_t end = at + 2;
    if (end < line.size() && std::string_view(" \t\r,]}").find(line[end]) == std::string_view::npos) continue;
    std::size_t start = at;
    while (start > 0 &&
           std::string_view("0123456789abcdefABCDEF:").find(line[start - 1]) != std::string_view::npos)
      --start;
    if (start > 0 && (line[start - 1] == '\'' || line[start - 1] == '"')) continue;
    return line.substr(start, end - start);
  }
  return {};
}

// The first place where the text is not UTF-8 (RFC 3629 §4) or holds a character that no YAML file may hold.
std::optional<Diagnostic> find_bad_character(std::string_view text, std::string_view filename) {
  Position at{1, 1};
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto is_continuation = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned c = byte(i);
    std::size_t size = 1;
    bool is_good = true;
    if (c >= 0x80) {
      if (c >= 0xc2 && c <= 0xdf)
        size = 2;
      else if (c >= 0xe0 && c <= 0xef)
        size = 3;
      else if (c >= 0xf0 && c <= 0xf4)
        size = 4;
      else
        is_good = false;
      for (std::size_t k = 1; k < size && is_good; ++k) is_good = is_continuation(i + k);
      if (is_good && c == 0xe0) is_good = byte(i + 1) >= 0xa0;  // no longer than needed
      if (is_good && c == 0xed) is_good = byte(i + 1) <= 0x9f;  // no surrogates
      if (is_good && c == 0xf0) is_good = byte(i + 1) >= 0x90;
      if (is_good && c == 0xf4) is_good = byte(i + 1) <= 0x8f;  // at most U+10FFFF
      if (!is_good)
        return Diagnostic{std::string(filename), at, fmt::format("byte 0x{:02x} is not UTF-8", c),
                          "save the file as UTF-8, or keep to ASCII"};
    } else if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
      return Diagnostic{std::string(filename), at, fmt::format("control character 0x{:02x}", c),
                        "remove it; is this a text file?"};
    }
    if (c == '\n')
      at = {at.line + 1, 1};
    else
      ++at.column;
    i += size;
  }
  return std::nullopt;
}

void find_tabs(std::string_view text, std::string_view filename, ConfigErrors& errors) {
  uint32_t line = 0;
  while (!text.empty()) {
    ++line;
    const std::string_view content = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), content.size() + 1));
    const std::size_t start = content.find_first_not_of(" \t\r");
    const std::size_t tab = content.find('\t');
    if (start == std::string_view::npos || tab > start || content[start] == '#') continue;
    if (errors.errors.size() == 20) {
      ++errors.omitted;
      continue;
    }
    errors.errors.push_back({std::string(filename),
                             {line, static_cast<uint32_t>(tab + 1)},
                             "a tab in the indentation",
                             "indent with spaces only"});
  }
}

// Reads from a string_view without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // get area only: never written to
    setg(start, start, start + text.size());
  }
};

struct YamlWords {
  std::string_view yaml_cpp;
  std::string_view what;
  std::string_view fix;
};
constexpr std::string_view kLookAround =
    "check the indentation, colons, quotes and brackets here and in the line before";

// yaml-cpp's messages in the words of somebody who edits a configuration.
YamlWords words_for(std::string_view message) {
  static constexpr YamlWords kWords[] = {
      {"illegal map value", "a \":\" where no value can start",
       "check the indentation, and that the key in the line before has its \":\""},
      {"illegal block entry", "a \"- \" where no list can start",
       "start the list in a line of its own, below its key"},
      {"illegal map key", "a \"? \" where no key can start", "put the text in quotes"},
      {"end of map not found", "this line does not fit the mapping above it",
       "give it the indentation of the other keys, and end the key with \":\""},
      {"end of map flow not found", "a \"{\" is never closed",
       "add the missing \"}\", and commas between the pairs"},
      {"end of sequence not found", "this line does not fit the list above it",
       "give it the indentation of the keys of the same entry"},
      {"end of sequence flow not found", "a \"[\" is never closed",
       "add the missing \"]\", and commas between the items"},
      {"illegal EOF in scalar", "a quoted text never ends", "add the missing quote"},
      {"illegal document indicator in scalar", "a \"---\" or \"...\" inside of a quoted text",
       "add the missing quote"},
      {"illegal flow end", "a \"}\" or \"]\" that nothing opened", "remove it, or add what it closes"},
      {"illegal character in scalar", "a tab where the text is indented", "indent with spaces only"},
      {"the referenced anchor is not defined", "an alias (*name) without its anchor (&name)",
       "write the value out, or quote a text that starts with \"*\""},
      {"alias not found after *", "a \"*\" without the name of an anchor",
       "quote a text that starts with \"*\""},
      {"anchor not found after &", "a \"&\" without a name", "quote a text that starts with \"&\""},
      {"illegal token in this context", "text where none can stand", kLookAround},
      {"unknown token", "a character that starts nothing in YAML", "quote a text that starts with it"},
  };
  for (const YamlWords& words : kWords)
    if (words.yaml_cpp == message) return words;
  return {message, message, kLookAround};
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  if (kind != Kind::Mapping) return nullptr;
  for (std::size_t i = 0; i + 1 < children.size(); i += 2)
    if (children[i]->kind == Kind::Scalar && children[i]->text == key) return children[i + 1];
  return nullptr;
}

std::string_view Node::kind_words() const {
  switch (kind) {
    case Kind::Null: return "nothing";
    case Kind::Scalar: return "text";
    case Kind::Sequence: return "a list";
    case Kind::Mapping: return "a mapping";
  }
  return "nothing";
}

// Builds the tree from yaml-cpp's events, so that its own node graph is never made. Errors travel as Stop.
class DocumentBuilder : public YAML::EventHandler {
 public:
  struct Stop {
    Position position;
    std::string what;
    std::string fix;
  };

  explicit DocumentBuilder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node& node = add(mark, anchor, Node::Kind::Null);
    // yaml-cpp places a missing value where the next token is; our readers look for its key.
    if (!open_.empty() && open_.back()->kind == Node::Kind::Mapping && open_.back()->children.size() % 2 == 1)
      node.position = open_.back()->children.back()->position;
    close(node);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node& node = add(mark, anchor, Node::Kind::Scalar);
    node.text = value;
    node.is_quoted = tag != "?";
    close(node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Stop{position_of(mark), "an alias without an anchor", "write the value out"};
    if (found->second->is_open)
      throw Stop{position_of(mark), "an alias inside of what it names", "write the value out"};
    expansion_ += found->second->expanded_size;
    if (expansion_ > kMaxAliasExpansion)
      throw Stop{position_of(mark), fmt::format("aliases expand to more than {} values", kMaxAliasExpansion),
                 "write the values out, or use mappings-files for a large table"};
    attach(*found->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, Node::Kind::Sequence);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, Node::Kind::Mapping);
  }
  void OnMapEnd() override { end(); }

 private:
  Node& add(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    if (document_.nodes_.size() >= kMaxDocumentValues)
      throw Stop{position_of(mark), fmt::format("more than {} values", kMaxDocumentValues),
                 "put the mappings into CSV files and name them in mappings-files"};
    Node& node = document_.nodes_.emplace_back();
    node.kind = kind;
    node.position = position_of(mark);
    if (anchor != 0) anchors_[anchor] = &node;
    if (!document_.root_) document_.root_ = &node;
    return node;
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    Node& node = add(mark, anchor, kind);
    if (open_.size() == kMaxDocumentDepth)
      throw Stop{position_of(mark), fmt::format("nested deeper than {} levels", kMaxDocumentDepth),
                 "no key of ours needs that; look for an unclosed [ or {"};
    open_.push_back(&node);
  }
  void end() {
    Node& node = *open_.back();
    open_.pop_back();
    close(node);
  }
  void close(Node& node) {
    node.is_open = false;
    attach(node);
  }
  void attach(const Node& node) {
    if (open_.empty()) return;
    open_.back()->children.push_back(&node);
    open_.back()->expanded_size += node.expanded_size;
  }

  Document& document_;
  std::vector<Node*> open_;
  std::unordered_map<YAML::anchor_t, const Node*> anchors_;
  uint64_t expansion_ = 0;
};

ConfigResult<Document> Document::parse(std::string_view text, std::string_view filename, Syntax syntax) {
  const std::string file(filename);
  if (text.size() > kMaxDocumentSize)
    return fail_with(file, {}, fmt::format("the file has more than {} MiB", kMaxDocumentSize >> 20),
                     "put the mappings into CSV files and name them in mappings-files");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  if (auto bad = find_bad_character(text, filename)) {
    ConfigErrors errors;
    errors.errors.push_back(*std::move(bad));
    return std::unexpected(std::move(errors));
  }
  if (syntax == Syntax::Yaml) {
    ConfigErrors tabs;
    find_tabs(text, filename, tabs);
    if (!tabs.errors.empty()) return std::unexpected(std::move(tabs));
  }

  Document document;
  DocumentBuilder builder(document);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Document second;
    DocumentBuilder ignored(second);
    if (parser.HandleNextDocument(ignored) && second.root_)
      return fail_with(file, second.root_->position, "a second YAML document starts here",
                       "keep one document in a file: remove the \"---\" and what follows");
  } catch (const DocumentBuilder::Stop& stop) {
    return fail_with(file, stop.position, stop.what, stop.fix);
  } catch (const YAML::ParserException& error) {
    const Position position = position_of(error.mark);
    const YamlWords words = words_for(error.msg);
    std::string fix(words.fix);
    // yaml-cpp often reports the line behind the culprit.
    for (uint32_t line = position.line; line > 0 && line + 1 >= position.line; --line) {
      const std::string_view address = bare_address_with_last_colon(line_at(text, line));
      if (address.empty()) continue;
      fix = fmt::format("an address that ends in a colon must stand in quotes: '{}'", address);
      break;
    }
    return fail_with(file, position, fmt::format("not valid YAML: {}", words.what), std::move(fix));
  } catch (const std::exception& error) {
    return fail_with(file, {}, fmt::format("not valid YAML: {}", error.what()), "check the file's syntax");
  }
  if (!document.root_) document.root_ = &document.nodes_.emplace_back();
  return document;
}

}  // namespace yonroku::config
