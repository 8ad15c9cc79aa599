// A YAML (or JSON) text as a tree of nodes that know their line and column. Nothing here knows our keys.
//
// Bounded on purpose: size, nesting depth, number of values, and how much aliases (`*name`) may expand to. An
// alias shares the node that it names, so that a tree is never larger than its text; walking it is bounded by
// kMaxExpansion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace yonroku::config {

inline constexpr std::size_t kMaxDocumentSize = std::size_t{16} << 20;
inline constexpr std::size_t kMaxDocumentDepth = 32;
inline constexpr std::size_t kMaxDocumentValues = 4'000'000;
inline constexpr uint64_t kMaxAliasExpansion = 1'000'000;

struct Node {
  enum class Kind : uint8_t { Null, Scalar, Sequence, Mapping } kind = Kind::Null;
  bool is_quoted = false;
  bool is_open = true;  // its end has not been read yet
  Position position;
  std::string text;                   // of a scalar
  std::vector<const Node*> children;  // of a sequence the items; of a mapping key, value, key, value, ...
  uint64_t expanded_size = 1;         // nodes that a walk visits, aliases followed

  // For a mapping: the value of the first entry with that key; nullptr when there is none.
  [[nodiscard]] const Node* find(std::string_view key) const;
  // "a list", "a mapping", "nothing", "text"
  [[nodiscard]] std::string_view kind_words() const;
};

class Document {
 public:
  // Yaml also rejects tabs in the indentation, which JSON files often have.
  enum class Syntax : uint8_t { Yaml, Json };
  // `filename` is for messages only.
  [[nodiscard]] static ConfigResult<Document> parse(std::string_view text, std::string_view filename,
                                                    Syntax syntax = Syntax::Yaml);
  // A Null node when the text holds no value at all.
  [[nodiscard]] const Node& root() const { return *root_; }

 private:
  friend class DocumentBuilder;
  std::deque<Node> nodes_;  // addresses stay
  const Node* root_ = nullptr;
};

}  // namespace yonroku::config
