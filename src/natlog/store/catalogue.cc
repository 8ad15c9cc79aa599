#include "natlog/store/catalogue.h"

#include <bit>
#include <filesystem>
#include <unordered_set>

#include "natlog/store/entry_blob.h"
#include "natlog/store/settings_text.h"

namespace yonroku::natlog {
namespace {

constexpr Milliseconds kDay = 86'400'000;
constexpr int64_t kSkippedSources = 1'000'000;

// `until` of what is still so is kOpen. A run is the program from start to end; `instance` is the number of
// the instance in it. `ended` is the instance's, `until` that of its settings.
constexpr const char* kSchema = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS segment (number INTEGER PRIMARY KEY, first INTEGER, last INTEGER,
                                    complete INTEGER);
CREATE TABLE IF NOT EXISTS source (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER, instance INTEGER,
                                   name TEXT, settings TEXT, since INTEGER, until INTEGER, ended INTEGER);
CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, source INTEGER, ipv4 INTEGER, length INTEGER,
                                  ipv6_high INTEGER, ipv6_length INTEGER, value BLOB, since INTEGER,
                                  until INTEGER);
CREATE INDEX IF NOT EXISTS entry_ipv4 ON entry (ipv4, length);
CREATE INDEX IF NOT EXISTS entry_ipv6 ON entry (ipv6_high, ipv6_length);
CREATE TABLE IF NOT EXISTS gap (since INTEGER, until INTEGER, lost INTEGER);
CREATE INDEX IF NOT EXISTS gap_until ON gap (until);
CREATE TABLE IF NOT EXISTS copy (time INTEGER);
)";

const Ipv4Prefix& ipv4_of(const share::EamMapping& mapping) { return mapping.ipv4; }
const Ipv4Prefix& ipv4_of(const share::MapRule& rule) { return rule.ipv4(); }
const Ipv6Prefix& ipv6_of(const share::EamMapping& mapping) { return mapping.ipv6; }
const Ipv6Prefix& ipv6_of(const share::MapRule& rule) { return rule.ipv6(); }

// Entries of `whole` that were not there, and takes those that were out of `present`.
template <class Entry>
std::vector<Entry> missing(const std::vector<Entry>& whole, std::unordered_set<std::string>& present) {
  std::vector<Entry> out;
  for (const Entry& entry : whole)
    if (present.erase(to_blob(entry)) == 0) out.push_back(entry);
  return out;
}

}  // namespace

std::string catalogue_path(const std::string& folder) { return folder + "/catalogue.db"; }

std::string catalogue_copy_path(const std::string& folder) { return folder + "/catalogue.copy"; }

Result<std::optional<Catalogue>> Catalogue::open(const std::string& folder, Error& damage) {
  Catalogue catalogue(folder, TRY(Database::open(catalogue_path(folder), Database::Access::Write)));
  const auto ready = catalogue.prepare();
  if (ready) return catalogue;
  if (!catalogue.is_damaged()) return std::unexpected(ready.error());
  damage = ready.error();
  return std::nullopt;
}

Result<void> Catalogue::prepare() {
  TRY(database_.execute(kSchema));
  return database_.check();
}

Result<void> Catalogue::run(const char* sql) { return TRY(database_.prepare(sql)).run(); }

template <class... Values>
Result<void> Catalogue::run(const char* sql, const Values&... values) {
  return TRY(database_.prepare(sql)).bind(values...).run();
}

Result<std::vector<Segment>> Catalogue::segments() {
  Statement all = TRY(database_.prepare("SELECT number, first, last, complete FROM segment ORDER BY number"));
  std::vector<Segment> segments;
  while (TRY(all.step()))
    segments.push_back({all.integer(0), all.integer(1), all.integer(2), all.integer(3) != 0});
  return segments;
}

Result<void> Catalogue::put(const Segment& segment) {
  return run("INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?)", segment.number, segment.first,
             segment.last, int64_t{segment.is_complete});
}

Result<void> Catalogue::remove_segment(int64_t number) {
  return run("DELETE FROM segment WHERE number = ?", number);
}

Result<void> Catalogue::end_all(Milliseconds alive) {
  TRY(run("UPDATE source SET until = max(since, ?1) WHERE until = ?2", alive, kOpen));
  return run("UPDATE source SET ended = max(since, ?1) WHERE ended = ?2", alive, kOpen);
}

Result<int64_t> Catalogue::next_run() {
  Statement newest = TRY(database_.prepare("SELECT coalesce(max(run), 0) + 1 FROM source"));
  TRY(newest.step());
  return newest.integer(0);
}

Result<int64_t> Catalogue::add_source(int64_t run_number, const Note& note) {
  Statement add =
      TRY(database_.prepare("INSERT INTO source (run, instance, name, settings, since, until, ended) "
                            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING id"));
  add.bind(run_number, int64_t{note.source->number}, std::string_view(note.source->instance()),
           std::string_view(write_settings(note.source->settings)), note.time, kOpen);
  TRY(add.step());
  return add.integer(0);
}

Result<int64_t> Catalogue::begin(int64_t run_number, const Note& note) {
  return add_source(run_number, note);
}

Result<int64_t> Catalogue::change(int64_t run_number, const Note& note) {
  auto transaction = TRY(Transaction::begin(database_));
  TRY(run("UPDATE source SET until = max(since, ?1) WHERE run = ?2 AND instance = ?3 AND until = ?4",
          note.time, run_number, int64_t{note.source->number}, kOpen));
  const int64_t id = TRY(add_source(run_number, note));
  TRY(transaction.commit());
  return id;
}

Result<void> Catalogue::end(int64_t run_number, const Note& note) {
  const auto instance = int64_t{note.source->number};
  TRY(run("UPDATE source SET until = max(since, ?1) WHERE run = ?2 AND instance = ?3 AND until = ?4",
          note.time, run_number, instance, kOpen));
  return run("UPDATE source SET ended = max(since, ?1) WHERE run = ?2 AND instance = ?3 AND ended = ?4",
             note.time, run_number, instance, kOpen);
}

Result<void> Catalogue::put(const Gap& gap) {
  if (gap.lost)
    return run("INSERT INTO gap VALUES (?, ?, ?)", gap.from, gap.until, static_cast<int64_t>(*gap.lost));
  return run("INSERT INTO gap VALUES (?, ?, ?)", gap.from, gap.until, std::nullopt);
}

Result<void> Catalogue::copy(Milliseconds now) {
  const std::string path = catalogue_copy_path(folder_), unfinished = path + ".new";
  std::error_code failed;
  std::filesystem::remove(unfinished, failed);
  TRY(run("DELETE FROM copy"));
  TRY(run("INSERT INTO copy VALUES (?)", now));
  // Another connection reads the file, and not what this one remembers of it.
  Database file = TRY(Database::open(catalogue_path(folder_), Database::Access::Read));
  auto made = file.prepare("VACUUM INTO ?");
  auto done =
      made ? made->bind(std::string_view(unfinished)).run() : Result<void>(std::unexpected(made.error()));
  if (file.is_damaged()) database_.declare_damaged();
  TRY(std::move(done));
  std::filesystem::rename(unfinished, path, failed);
  if (failed) return fail(path, failed.message());
  return {};
}

Result<Milliseconds> Catalogue::copied() {
  Statement newest = TRY(database_.prepare("SELECT coalesce(max(time), 0) FROM copy"));
  TRY(newest.step());
  return newest.integer(0);
}

Result<void> Catalogue::skip_sources() {
  TRY(
      run("INSERT INTO sqlite_sequence SELECT 'source', 0 "
          "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'source')"));
  return run("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'source'", kSkippedSources);
}

Result<void> Catalogue::restore(int64_t run_number, int64_t number, const Source& source,
                                Milliseconds since) {
  return run(
      "INSERT OR IGNORE INTO source (id, run, instance, name, settings, since, until, ended) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
      number, run_number, int64_t{source.number}, std::string_view(source.instance()),
      std::string_view(write_settings(source.settings)), since, kOpen);
}

template <class Entry>
Result<void> Catalogue::add_entries(int64_t source, Milliseconds time, const std::vector<Entry>& entries) {
  if (entries.empty()) return {};
  Statement add = TRY(database_.prepare(
      "INSERT INTO entry (source, ipv4, length, ipv6_high, ipv6_length, value, since, until) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const Entry& entry : entries) {
    add.bind(source, int64_t{ipv4_of(entry).address().value()}, int64_t{ipv4_of(entry).length()},
             std::bit_cast<int64_t>(ipv6_of(entry).address().high()), int64_t{ipv6_of(entry).length()},
             Blob{to_blob(entry)}, time, kOpen);
    TRY(add.run());
  }
  return {};
}

template <class Entry>
Result<void> Catalogue::end_entries(const std::string& instance, Milliseconds time,
                                    const std::vector<Entry>& entries) {
  if (entries.empty()) return {};
  Statement end = TRY(database_.prepare(
      "UPDATE entry SET until = ?1 WHERE ipv4 = ?2 AND length = ?3 AND value = ?4 AND until = ?5 "
      "AND source IN (SELECT id FROM source WHERE name = ?6)"));
  for (const Entry& entry : entries) {
    end.bind(time, int64_t{ipv4_of(entry).address().value()}, int64_t{ipv4_of(entry).length()},
             Blob{to_blob(entry)}, kOpen, std::string_view(instance));
    TRY(end.run());
  }
  return {};
}

// What a whole table changes of the one that was known.
Result<TableChange> Catalogue::difference(const TableChange& whole) {
  Statement known =
      TRY(database_.prepare("SELECT value FROM entry WHERE until = ?1 "
                            "AND source IN (SELECT id FROM source WHERE name = ?2)"));
  known.bind(kOpen, std::string_view(whole.source->instance()));
  std::unordered_set<std::string> present;
  while (TRY(known.step())) present.emplace(known.text(0));
  TableChange change{.time = whole.time, .source = whole.source};
  change.added_mappings = missing(whole.added_mappings, present);
  change.added_rules = missing(whole.added_rules, present);
  for (const std::string& blob : present) {
    if (const auto mapping = mapping_from(blob)) change.removed_mappings.push_back(*mapping);
    if (const auto rule = rule_from(blob)) change.removed_rules.push_back(*rule);
  }
  return change;
}

Result<void> Catalogue::change_table(int64_t source, const TableChange& change) {
  if (change.kind == TableChange::Kind::Whole) return change_table(source, TRY(difference(change)));
  auto transaction = TRY(Transaction::begin(database_));
  const std::string& instance = change.source->instance();
  TRY(end_entries(instance, change.time, change.removed_mappings));
  TRY(end_entries(instance, change.time, change.removed_rules));
  TRY(add_entries(source, change.time, change.added_mappings));
  TRY(add_entries(source, change.time, change.added_rules));
  return transaction.commit();
}

Result<std::vector<std::string>> Catalogue::instances_with_tables() {
  Statement all = TRY(database_.prepare(
      "SELECT DISTINCT name FROM source WHERE id IN (SELECT source FROM entry WHERE until = ?)"));
  all.bind(kOpen);
  std::vector<std::string> names;
  while (TRY(all.step())) names.emplace_back(all.text(0));
  return names;
}

Result<void> Catalogue::end_table(const std::string& instance, Milliseconds time) {
  return run(
      "UPDATE entry SET until = max(since, ?1) WHERE until = ?2 "
      "AND source IN (SELECT id FROM source WHERE name = ?3)",
      time, kOpen, std::string_view(instance));
}

Result<void> Catalogue::forget(Milliseconds limit) {
  TRY(run("DELETE FROM entry WHERE until < ?", limit));
  TRY(run("DELETE FROM gap WHERE until < ?", limit));
  // A segment that is kept for its end may point to a source of its beginning.
  return run("DELETE FROM source WHERE ended < ? AND id NOT IN (SELECT source FROM entry)", limit - 2 * kDay);
}

}  // namespace yonroku::natlog
