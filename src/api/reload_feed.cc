#include "api/reload_feed.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "api/json.h"
#include "api/nat_listing.h"

namespace yonroku::api {

using nlohmann::ordered_json;

Result<uint64_t> parse_reload_limit(std::string_view text) {
  constexpr uint64_t kUsual = 100;
  if (text.empty()) return kUsual;
  if (text == "all") return UINT64_MAX;
  uint64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error == std::errc() && end == text.data() + text.size()) return limit;
  return fail("limit", fmt::format("\"{}\" is no number", text), "say how many sessions to list, or all");
}

ReloadFeed::ReloadFeed(control::ReloadPreview preview, Look look, uint64_t limit, Pause pause)
    : preview_(std::move(preview)),
      look_(std::move(look)),
      pause_(pause),
      counts_(preview_.size()),
      left_(limit) {}

std::string ReloadFeed::next_lines() {
  constexpr std::size_t kPieceSize = 64 << 10;
  constexpr int kMostLooks = 256;
  std::string text;
  for (int looks = 0; instance_ < preview_.size() && looks < kMostLooks && text.size() < kPieceSize;) {
    const control::InstancePreview& instance = preview_[instance_];
    if (instance.nat_changes == nullptr) {
      ++instance_;
      continue;
    }
    if (has_looked_ && pause_ == Pause::BetweenLooks) std::this_thread::sleep_for(kPauseBetweenLooks);
    has_looked_ = true;
    ++looks;
    const auto piece = look_(instance, next_);
    if (!piece) {
      has_ended_ = true;
      return text + dump(to_json(piece.error())) + "\n";
    }
    for (const share::NatEndView& view : piece->ends) append(text, instance, view);
    next_ = piece->next.value_or(control::NatPlace{});
    if (!piece->next) ++instance_;
  }
  if (instance_ < preview_.size()) return text;
  has_ended_ = true;
  return text + sums();
}

void ReloadFeed::append(std::string& text, const control::InstancePreview& instance,
                        const share::NatEndView& view) {
  Count& count = counts_[instance_][static_cast<std::size_t>(view.why)];
  count.bindings += view.is_binding ? 1u : 0u;
  count.sessions += view.session ? 1u : 0u;
  if (left_ == 0) {
    ++omitted_;
    return;
  }
  --left_;
  std::string entry;
  if (view.session)
    append_json(entry, *view.session);
  else
    append_json(entry, *view.binding);
  text += fmt::format(R"({{"instance":"{}","reason":"{}",)", instance.name, to_string(view.why));
  text.append(entry, 1);
  text += '\n';
}

std::string ReloadFeed::sums() const {
  auto instances = ordered_json::array();
  for (std::size_t i = 0; i < preview_.size(); ++i) {
    Count all;
    auto reasons = ordered_json::object();
    for (std::size_t why = 0; why < share::kNatEndCount; ++why) {
      const Count& count = counts_[i][why];
      if (count.bindings == 0 && count.sessions == 0) continue;
      all.bindings += count.bindings;
      all.sessions += count.sessions;
      reasons[std::string(to_string(static_cast<share::NatEnd>(why)))] = {{"bindings", count.bindings},
                                                                          {"sessions", count.sessions}};
    }
    instances.push_back({{"name", preview_[i].name},
                         {"change", to_string(preview_[i].change)},
                         {"bindings", all.bindings},
                         {"sessions", all.sessions},
                         {"reasons", reasons}});
  }
  return dump({{"instances", instances}, {"omitted", omitted_}}) + "\n";
}

}  // namespace yonroku::api
