#include "api/rule_listing.h"

#include <fmt/format.h>

#include "api/json.h"
#include "config/map_rule_csv.h"
#include "config/softwire_csv.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kPieceSize = 256 << 10;

}  // namespace

std::string RuleListing::next_piece() {
  const bool is_softwires = kind_ == control::TableKind::Softwires;
  std::string text;
  if (has_ended_) return text;
  text.reserve(kPieceSize + 1024);
  if (!has_begun_) {
    if (is_csv_)
      text += is_softwires ? config::softwire_csv_header() : config::map_rule_csv_header();
    else
      text += fmt::format("{{\"{}\":[", to_string(kind_));
    has_begun_ = true;
  }
  for (; next_ < list_.rules.size() && text.size() < kPieceSize; ++next_) {
    const share::MapRule& rule = list_.rules[next_];
    if (!is_csv_) {
      text += next_ == 0 ? "\n" : ",\n";
      append_rule_json(text, rule, kind_, list_.words);
    } else if (is_softwires) {
      config::append_softwire_csv(text, rule, list_.words.borders);
    } else {
      config::append_map_rule_csv(text, rule);
    }
  }
  if (next_ == list_.rules.size()) {
    has_ended_ = true;
    if (!is_csv_) text += "]}\n";
  }
  return text;
}

}  // namespace yonroku::api
