// What a reload would end, as lines of JSON: a line for each session, the sums at the end (docs/api.md).
// Piece by piece, as a NAT's tables (nat_listing.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "control/reload_preview.h"

namespace yonroku::api {

// How many sessions are to be listed, as the parameter `limit` says: a number, or "all"; 100 when it is
// empty.
[[nodiscard]] Result<uint64_t> parse_reload_limit(std::string_view text);

class ReloadFeed {
 public:
  using Look =
      std::function<Result<control::NatEndPiece>(const control::InstancePreview&, const control::NatPlace&)>;
  enum class Pause : uint8_t { BetweenLooks, Never };  // never: tests

  // Lists the first `limit` sessions, and counts all.
  ReloadFeed(control::ReloadPreview preview, Look look, uint64_t limit, Pause pause = Pause::BetweenLooks);

  // Some more of it; may be empty before has_ended(). An error is the last line.
  [[nodiscard]] std::string next_lines();
  [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
  struct Count {
    uint64_t bindings = 0;
    uint64_t sessions = 0;
  };
  using Counts = std::array<Count, share::kNatEndCount>;
  void append(std::string& text, const control::InstancePreview& instance, const share::NatEndView& view);
  [[nodiscard]] std::string sums() const;

  control::ReloadPreview preview_;
  Look look_;
  Pause pause_;
  std::vector<Counts> counts_;  // of each instance
  uint64_t left_;               // to be listed
  uint64_t omitted_ = 0;        // more than that
  std::size_t instance_ = 0;
  control::NatPlace next_;
  bool has_looked_ = false;
  bool has_ended_ = false;
};

}  // namespace yonroku::api
