// The log on this host's disk, to be asked later: see history.h.
//
// Events are put together to intervals in memory, and written once a second: what began and ended in between
// is one row, and nothing of a transaction that failed is lost. Rows go to segments (segment.h). A new
// segment begins when one is full or a day old; what is open then is carried over in pieces, so that every
// segment stands alone and old ones are deleted as files.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "natlog/sink.h"
#include "natlog/store/catalogue.h"
#include "natlog/store/folder_lock.h"
#include "natlog/store/open_intervals.h"
#include "natlog/store/segment.h"

namespace yonroku::natlog {

struct StoreLimits {
  Milliseconds age = 0;
  uint64_t size = 0;  // octets
  uint64_t rows_of_segment = 1'000'000;
};

class Store final : public Sink {
 public:
  using Clock = std::function<Milliseconds()>;
  // Opens nothing yet. The folder is there.
  Store(std::string folder, const StoreLimits& limits, Clock clock);
  // Writes what waits, and says that the program ended.
  ~Store() override;

  [[nodiscard]] std::string name() const override { return "store " + folder_; }
  // In memory, but for what is rare; an error when too much waits there because the disk takes no more.
  Result<void> write(const Batch& batch) override;
  // Within a second: what is written more often is written in more pieces.
  Result<void> flush() override;
  void use(const Sink& same_name) override;
  [[nodiscard]] std::optional<std::string> remark() const override;

  // What is done once a second.
  [[nodiscard]] Result<void> tick();

 private:
  struct Opened {
    FolderLock lock;
    Catalogue catalogue;
    int64_t run;
  };
  // An end of an interval that is not carried over yet.
  struct LateEnd {
    Interval::Kind kind{};
    uint64_t row = 0;
    Milliseconds until = 0;
  };
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> open_segment();
  [[nodiscard]] Result<void> replace_segment(const std::string& path, const Error& error);
  [[nodiscard]] Result<void> replace_catalogue(const Error& damage);
  // Once more when the catalogue turns out to be damaged.
  template <class Act>
  [[nodiscard]] Result<void> with_catalogue(Act&& act);
  void want_copy(Milliseconds when) { copy_due_ = std::min(copy_due_, when); }
  [[nodiscard]] Result<void> copy_catalogue();
  [[nodiscard]] Result<void> do_tick();
  void apply(const Event& event);
  void lose(Milliseconds time);
  void begin(Interval interval, uint32_t instance);
  void end(Interval interval, const Event& event);
  [[nodiscard]] Result<void> put(const std::vector<Event>& events);
  [[nodiscard]] Result<void> put(const Note& note);
  [[nodiscard]] Result<void> put(const TableChange& change);
  [[nodiscard]] Result<void> change_source(const Note& note);
  [[nodiscard]] Result<void> end_unknown_tables(Milliseconds now);

  [[nodiscard]] Result<void> commit();
  [[nodiscard]] Result<void> write_rows();
  [[nodiscard]] bool has_rows() const { return !fresh_.empty() || !ends_.empty() || !late_ends_.empty(); }
  [[nodiscard]] Result<void> begin_segment();
  void carry_some();
  void carry_late_ends();
  void carry(uint64_t row, Interval interval);
  [[nodiscard]] Result<void> remove_old();
  [[nodiscard]] Result<void> remove_segment(const Segment& segment);
  void note_alive();
  void run();

  const std::string folder_;
  const Clock clock_;
  std::mutex mutex_;  // of all that follows
  StoreLimits limits_;
  std::optional<Opened> opened_;
  std::vector<Segment> segments_;
  std::optional<SegmentWriter> current_;   // writes the last of them
  std::optional<SegmentWriter> previous_;  // while something is carried over from it
  std::size_t carried_kind_ = 0;
  uint64_t carried_row_ = 0;
  Milliseconds carried_until_ = 0;  // what began later is in the current segment alone
  uint64_t first_row_ = 1;          // of the current segment
  uint64_t rows_begun_ = 0;         // in it, without those carried over

  struct SourceRow {
    int64_t number = 0;
    Milliseconds began = 0;  // the instance
    bool is_over = false;    // it, or its settings
  };
  std::map<const Source*, SourceRow> sources_;
  OpenIntervals open_;
  uint64_t fresh_row_ = 1;  // of the first of fresh_
  std::vector<Interval> fresh_;
  std::vector<IntervalEnd> ends_;  // of rows that are in the current segment's file
  std::vector<LateEnd> late_ends_;
  std::optional<Gap> unknown_;  // entries of no instance of sources_
  // Instances that began, or ended for us, at that time, and have not told their table since.
  std::map<std::string, Milliseconds> without_table_;
  Milliseconds tables_told_ = 0;  // when the last instance began or told its table

  Milliseconds latest_ = 0;        // event that was put
  Milliseconds lost_ = 0;          // when entries were lost last
  Milliseconds earliest_ = kOpen;  // of those that wait
  Milliseconds committed_ = 0;
  Milliseconds removed_ = 0;
  Milliseconds copied_ = 0;  // the catalogue
  Milliseconds copy_due_ = kOpen;
  bool has_failed_ = false;  // the last tick
  bool is_stopping_ = false;
  std::condition_variable stop_;
  std::thread thread_;
};

}  // namespace yonroku::natlog
