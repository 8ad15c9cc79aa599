// What there is besides intervals, in one file: the segments, instances and their settings, tables of
// mappings and rules, and the times of which the log does not know everything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "natlog/store/interval.h"
#include "natlog/store/sqlite.h"

namespace yonroku::natlog {

struct Segment {
  int64_t number = 0;
  Milliseconds first = 0;    // it is asked about moments from here on,
  Milliseconds last = 0;     // to here, or to where the next one begins
  bool is_complete = false;  // what was open when it began is in it; else it is in the one before
};

// Something is missing in [from, until].
struct Gap {
  Milliseconds from = 0;
  Milliseconds until = 0;
  // So many entries, 0 for nobody knows how many; nullopt: the program did not run, or did not log.
  std::optional<uint64_t> lost;
};

// The writing side.
class Catalogue {
 public:
  // nullopt: it is damaged, and `damage` says how.
  [[nodiscard]] static Result<std::optional<Catalogue>> open(const std::string& folder, Error& damage);

  [[nodiscard]] Result<std::vector<Segment>> segments();
  [[nodiscard]] Result<void> put(const Segment& segment);
  [[nodiscard]] Result<void> remove_segment(int64_t number);

  // Instances that nobody ended: the program died, and was last alive at `alive`.
  [[nodiscard]] Result<void> end_all(Milliseconds alive);
  // The number of the next run: the program since it was started.
  [[nodiscard]] Result<int64_t> next_run();
  // The source's number, from `note`'s time on.
  [[nodiscard]] Result<int64_t> begin(int64_t run, const Note& note);
  // Only its settings are others.
  [[nodiscard]] Result<int64_t> change(int64_t run, const Note& note);
  [[nodiscard]] Result<void> end(int64_t run, const Note& note);
  [[nodiscard]] Result<void> put(const Gap& gap);

  // The folder's copy is as the catalogue is on the disk. Damage is seen, too.
  [[nodiscard]] Result<void> copy(Milliseconds now);
  // Of a copy: when it was made. 0: it is none.
  [[nodiscard]] Result<Milliseconds> copied();
  // Numbers of sources that this copy does not know of, but segments may, are not given again.
  [[nodiscard]] Result<void> skip_sources();
  // Where it is missing: a source of this run that goes on, by the number that segments know it by.
  [[nodiscard]] Result<void> restore(int64_t run, int64_t number, const Source& source, Milliseconds since);

  [[nodiscard]] Result<void> change_table(int64_t source, const TableChange& change);
  // Whose entries are in force.
  [[nodiscard]] Result<std::vector<std::string>> instances_with_tables();
  // The instance has no table now.
  [[nodiscard]] Result<void> end_table(const std::string& instance, Milliseconds time);
  // Forgets what was over before `limit`.
  [[nodiscard]] Result<void> forget(Milliseconds limit);
  [[nodiscard]] bool is_damaged() const { return database_.is_damaged(); }

 private:
  Catalogue(std::string folder, Database database)
      : folder_(std::move(folder)), database_(std::move(database)) {}
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> run(const char* sql);
  template <class... Values>
  [[nodiscard]] Result<void> run(const char* sql, const Values&... values);
  [[nodiscard]] Result<int64_t> add_source(int64_t run, const Note& note);
  template <class Entry>
  [[nodiscard]] Result<void> add_entries(int64_t source, Milliseconds time,
                                         const std::vector<Entry>& entries);
  template <class Entry>
  [[nodiscard]] Result<void> end_entries(const std::string& instance, Milliseconds time,
                                         const std::vector<Entry>& entries);
  [[nodiscard]] Result<TableChange> difference(const TableChange& whole);

  std::string folder_;
  Database database_;
};

[[nodiscard]] std::string catalogue_path(const std::string& folder);
[[nodiscard]] std::string catalogue_copy_path(const std::string& folder);

}  // namespace yonroku::natlog
