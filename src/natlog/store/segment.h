// A file with the intervals of a stretch of time. Every interval that touches the stretch is in it, also
// those that began before (the store carries them over), so that a question about a moment opens one file.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "natlog/store/interval.h"
#include "natlog/store/sqlite.h"

namespace yonroku::natlog {

// Numbers of rows go on from segment to segment, and are of all kinds together.
struct NumberedInterval {
  uint64_t row = 0;
  Interval interval;
};

struct IntervalEnd {
  Interval::Kind kind{};
  uint64_t row = 0;
  Milliseconds until = 0;
};

[[nodiscard]] std::string segment_path(const std::string& folder, int64_t number);
// Of the files that are there, in order.
[[nodiscard]] std::vector<int64_t> segment_numbers(const std::string& folder);

class SegmentWriter {
 public:
  [[nodiscard]] static Result<SegmentWriter> open(const std::string& path);

  // One transaction: `intervals` get the rows from `first` on, then those that have ended do, as
  // Interval::end() with `known` says.
  [[nodiscard]] Result<void> write(uint64_t first, std::span<const Interval> intervals,
                                   std::span<const IntervalEnd> ends, Milliseconds known);
  [[nodiscard]] Result<Interval> at(Interval::Kind kind, uint64_t row);
  // Of the next `most` rows behind `row`, those that are open; `row` moves on. False when there are no more.
  [[nodiscard]] Result<bool> open_ones(Interval::Kind kind, uint64_t& row, std::size_t most,
                                       std::vector<NumberedInterval>& out);
  [[nodiscard]] Result<uint64_t> last_row();
  [[nodiscard]] bool is_damaged() const { return database_.is_damaged(); }
  // Nothing more will be written: the file stands alone from now on.
  void seal();

 private:
  struct OfKind {
    Statement insert, end, end_before, at, page;
  };
  explicit SegmentWriter(Database database) : database_(std::move(database)) {}
  [[nodiscard]] Result<void> prepare();

  Database database_;
  OfKind of_kind_[kIntervalKinds];
};

class SegmentReader {
 public:
  [[nodiscard]] static Result<SegmentReader> open(const std::string& path);

  // Those of a place that began by `until`, the newest first, as long as `visit(interval)` returns true.
  template <class Visit>
  [[nodiscard]] Result<void> at_place(Interval::Kind kind, int64_t place, Milliseconds until, Visit&& visit) {
    Statement& statement = of_kind_[static_cast<std::size_t>(kind)].at_place.bind(place, until);
    while (TRY(statement.step()))
      if (!visit(read(statement, kind))) break;
    statement.reset();
    return {};
  }
  // When what was written first and last began, about; nullopt: nothing was.
  [[nodiscard]] Result<std::optional<std::pair<Milliseconds, Milliseconds>>> stretch();
  // The highest place of a block in [from, to].
  [[nodiscard]] Result<std::optional<int64_t>> block_below(int64_t from, int64_t to);
  // Those whose inside address has a first half in [from, to].
  template <class Visit>
  [[nodiscard]] Result<void> of_subscribers(Interval::Kind kind, int64_t from, int64_t to, Visit&& visit) {
    Statement& statement = of_kind_[static_cast<std::size_t>(kind)].of_subscribers.bind(from, to);
    while (TRY(statement.step()))
      if (!visit(read(statement, kind))) break;
    statement.reset();
    return {};
  }

 private:
  struct OfKind {
    Statement at_place, of_subscribers;
  };
  explicit SegmentReader(Database database) : database_(std::move(database)) {}
  static Interval read(const Statement& statement, Interval::Kind kind);

  Database database_;
  OfKind of_kind_[kIntervalKinds];
  Statement block_below_;
};

}  // namespace yonroku::natlog
