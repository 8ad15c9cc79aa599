#include "natlog/store/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "natlog/store/repair.h"

namespace yonroku::natlog {
namespace {

using EventKind = share::NatEvent::Kind;

constexpr Milliseconds kBetweenCommits = 1000;
constexpr Milliseconds kBetweenRemovals = 60'000;
constexpr Milliseconds kLongestSegment = 86'400'000;
constexpr Milliseconds kTimeForTable = 10'000;
constexpr Milliseconds kBetweenCopies = 60'000;  // for changes of tables, of which there may be many
constexpr Milliseconds kLongestWithoutCopy =
    3'600'000;                                 // the copy is made of what the file says, which may be damaged
constexpr std::size_t kMostWaiting = 200'000;  // rows in memory; more are written at once
constexpr std::size_t kCarriedAtOnce = 50'000;

Interval interval_of(const Event& event, int64_t source, Interval::Kind kind) {
  Interval interval;
  interval.kind = kind;
  if (kind != Interval::Kind::Block) interval.protocol = event.what.protocol;
  interval.is_recovered = event.what.is_recovered;
  interval.source = source;
  interval.inside = event.what.inside;
  interval.outside = event.what.outside;
  interval.last_port = event.last_port;
  if (kind == Interval::Kind::Session) interval.remote = event.what.remote;
  interval.begin = event.time;
  // An offload that kept it says that it was there in between; this says nothing of the time before the log.
  if (event.was_there) interval.is_recovered = interval.is_begin_known = false;
  return interval;
}

uint64_t size_of_file(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : size;
}

uint64_t size_of_segment(const std::string& folder, const Segment& segment) {
  const std::string path = segment_path(folder, segment.number);
  return size_of_file(path) + size_of_file(path + "-wal");
}

void remove_files(const std::string& path) {
  std::error_code ignored;
  for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix, ignored);
}

}  // namespace

Store::Store(std::string folder, const StoreLimits& limits, Clock clock)
    : folder_(std::move(folder)), clock_(std::move(clock)), limits_(limits) {
  thread_ = std::thread([this] { run(); });
}

Store::~Store() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
  if (!opened_) return;
  const auto written = commit();
  if (!written) spdlog::error("{}: {}", name(), written.error().to_string());
  if (!written || !opened_->catalogue.end_all(clock_())) return;
  opened_->lock.note_alive(clock_());
  if (copy_due_ < copied_ + kLongestWithoutCopy) (void)copy_catalogue();
}

void Store::run() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, std::chrono::milliseconds(kBetweenCommits), [this] { return is_stopping_; })) {
    lock.unlock();
    const auto done = tick();
    lock.lock();
    has_failed_ = !done;  // the next write says why
  }
}

Result<void> Store::tick() {
  const std::scoped_lock lock(mutex_);
  if (!opened_) return {};
  return with_catalogue([this] { return do_tick(); });
}

Result<void> Store::do_tick() {
  TRY(commit());
  const Milliseconds now = clock_();
  TRY(end_unknown_tables(now));
  if (now >= copy_due_) TRY(copy_catalogue());
  if (now - removed_ < kBetweenRemovals) return {};
  removed_ = now;
  return remove_old();
}

void Store::use(const Sink& same_name) {
  const auto* const other = dynamic_cast<const Store*>(&same_name);
  if (other == nullptr) return;
  const std::scoped_lock lock(mutex_);
  limits_ = other->limits_;
  removed_ = 0;
}

// --- opening ---

Result<void> Store::open() {
  if (opened_) return {};
  FolderLock lock = TRY(FolderLock::take(folder_));
  const Milliseconds now = clock_();
  Catalogue catalogue = TRY(open_catalogue(folder_, now));
  segments_ = TRY(catalogue.segments());
  Milliseconds alive = lock.last_alive();
  if (!segments_.empty()) alive = std::max(alive, segments_.back().last);
  alive = std::min(alive, now);
  TRY(catalogue.end_all(alive));
  if (alive != 0) TRY(catalogue.put(Gap{alive, now, std::nullopt}));
  const int64_t run = TRY(catalogue.next_run());
  // Those that do not come again were taken out of the configuration while the program did not run.
  for (std::string& instance : TRY(catalogue.instances_with_tables()))
    without_table_[std::move(instance)] = alive != 0 ? alive : now;
  tables_told_ = now;
  opened_.emplace(std::move(lock), std::move(catalogue), run);
  if (auto ready = open_segment(); !ready) {
    opened_.reset();
    return ready;
  }
  committed_ = now;
  latest_ = now;
  note_alive();
  return {};
}

Result<void> Store::open_segment() {
  if (segments_.empty()) return begin_segment();
  const std::string path = segment_path(folder_, segments_.back().number);
  auto segment = SegmentWriter::open(path);
  const auto last = segment ? segment->last_row() : Result<uint64_t>(std::unexpected(segment.error()));
  if (!last) {
    if (segment && !segment->is_damaged()) return std::unexpected(last.error());
    return replace_segment(path, last.error());
  }
  current_ = *std::move(segment);
  fresh_row_ = *last + 1;
  first_row_ = 1;  // nothing is open, so nothing is to be carried over
  rows_begun_ = 0;
  return {};
}

// Goes on in a new segment. What the file still says can be looked at by hand.
Result<void> Store::replace_segment(const std::string& path, const Error& error) {
  current_.reset();
  previous_.reset();
  const std::string set_aside_as = TRY(set_aside(path));
  spdlog::error("{}: {}; it is set aside as {}", name(), error.to_string(), set_aside_as);
  const Segment damaged = segments_.back();
  TRY(opened_->catalogue.put(Gap{damaged.first, clock_(), uint64_t{0}}));
  TRY(opened_->catalogue.remove_segment(damaged.number));
  segments_.pop_back();
  ends_.clear();
  late_ends_.clear();
  return begin_segment();
}

// What this run knows and the copy does not is put into it again.
Result<void> Store::replace_catalogue(const Error& damage) {
  Opened opened = *std::move(opened_);
  opened_.reset();
  {
    const Catalogue closed = std::move(opened.catalogue);
  }
  opened_.emplace(std::move(opened.lock), TRY(natlog::replace_catalogue(folder_, damage, clock_())),
                  opened.run);
  for (const Segment& segment : segments_) TRY(opened_->catalogue.put(segment));
  for (const auto& [source, row] : sources_)
    if (!row.is_over) TRY(opened_->catalogue.restore(opened_->run, row.number, *source, row.began));
  want_copy(0);
  return {};
}

template <class Act>
Result<void> Store::with_catalogue(Act&& act) {
  const auto done = act();
  if (done || !opened_->catalogue.is_damaged()) return done;
  TRY(replace_catalogue(done.error()));
  return act();
}

Result<void> Store::copy_catalogue() {
  TRY(opened_->catalogue.copy(clock_()));
  copied_ = clock_();
  copy_due_ = copied_ + kLongestWithoutCopy;
  return {};
}

std::optional<std::string> Store::remark() const {
  std::string names;
  for (const std::string& name : files_set_aside(folder_)) names += (names.empty() ? "" : ", ") + name;
  if (names.empty()) return std::nullopt;
  return names +
         " could not be read and is set aside; `yonroku who` tells what is missing; remove it when you "
         "do not need it";
}

// --- what comes ---

Result<void> Store::write(const Batch& batch) {
  const std::scoped_lock lock(mutex_);
  TRY(open());
  return with_catalogue([&] { return std::visit([this](const auto& each) { return put(each); }, batch); });
}

Result<void> Store::flush() {
  const std::scoped_lock lock(mutex_);
  if (!opened_ || clock_() - committed_ < kBetweenCommits) return {};
  return with_catalogue([this] { return commit(); });
}

Result<void> Store::put(const std::vector<Event>& events) {
  if (has_failed_ || fresh_.size() + ends_.size() + late_ends_.size() >= kMostWaiting) TRY(commit());
  for (const Event& event : events) apply(event);
  return {};
}

void Store::apply(const Event& event) {
  const auto source = sources_.find(event.source);
  if (source == sources_.end()) return lose(event.time);
  const auto interval = [&](Interval::Kind kind) {
    Interval made = interval_of(event, source->second.number, kind);
    // Since the instance began nothing was lost: it has begun before.
    if (event.was_there && lost_ < source->second.began)
      made.begin = std::min(made.begin, source->second.began);
    return made;
  };
  latest_ = std::max(latest_, event.time);
  earliest_ = std::min(earliest_, event.time);
  switch (event.what.kind) {
    case EventKind::PortBlockTaken: return begin(interval(Interval::Kind::Block), event.source->number);
    case EventKind::BindingCreated: return begin(interval(Interval::Kind::Binding), event.source->number);
    case EventKind::SessionCreated: return begin(interval(Interval::Kind::Session), event.source->number);
    case EventKind::PortBlockReturned: return end(interval(Interval::Kind::Block), event);
    case EventKind::BindingEnded: return end(interval(Interval::Kind::Binding), event);
    case EventKind::SessionEnded: return end(interval(Interval::Kind::Session), event);
    case EventKind::PortsExhausted:
    case EventKind::LimitExceeded:
    case EventKind::TableFull: return;  // nobody got anything
  }
}

// Of an instance that nobody has told of.
void Store::lose(Milliseconds time) {
  if (!unknown_) unknown_ = Gap{time, time, uint64_t{0}};
  unknown_->until = std::max(unknown_->until, time);
  lost_ = std::max(lost_, time);
  ++*unknown_->lost;
}

void Store::begin(Interval interval, uint32_t instance) {
  const uint64_t key = key_of(interval, instance);
  if ((interval.is_recovered || !interval.is_begin_known) && open_.contains(key))
    return;  // what was there is told again to others
  open_.add(key, fresh_row_ + fresh_.size(), static_cast<uint16_t>(instance));
  fresh_.push_back(interval);
  ++rows_begun_;
}

void Store::end(Interval interval, const Event& event) {
  const auto row = open_.take(key_of(interval, event.source->number));
  if (!row) {  // the beginning was lost, or before the log
    interval.is_begin_known = false;
    interval.begin = std::min(sources_.at(event.source).began, event.time);
    interval.end(event.time, carried_until_);
    fresh_.push_back(interval);
  } else if (*row >= fresh_row_) {
    fresh_[*row - fresh_row_].end(event.time, carried_until_);
  } else if (*row >= first_row_) {
    ends_.push_back({interval.kind, *row, event.time});
  } else {
    late_ends_.push_back({interval.kind, *row, event.time});
  }
}

Result<void> Store::put(const Note& note) {
  TRY(commit());
  want_copy(0);
  Catalogue& catalogue = opened_->catalogue;
  switch (note.kind) {
    case Note::Kind::Began:
      sources_[note.source] = {TRY(catalogue.begin(opened_->run, note)), note.time};
      without_table_[note.source->instance()] = note.time;
      tables_told_ = clock_();
      return {};
    case Note::Kind::Changed: return change_source(note);
    case Note::Kind::Ended:
      TRY(catalogue.end(opened_->run, note));
      sources_[note.source].is_over = true;
      open_.forget(static_cast<uint16_t>(note.source->number));
      return {};
    case Note::Kind::Lost:
      lost_ = std::max(lost_, note.time);
      return catalogue.put(Gap{std::min(latest_, note.time), note.time, note.count});
  }
  return {};
}

Result<void> Store::change_source(const Note& note) {
  const int64_t number = TRY(opened_->catalogue.change(opened_->run, note));
  Milliseconds began = note.time;
  for (auto& [source, row] : sources_)
    if (source->number == note.source->number && !row.is_over) {
      began = std::min(began, row.began);
      row.is_over = true;
    }
  sources_[note.source] = {number, began};
  return {};
}

Result<void> Store::put(const TableChange& change) {
  const auto source = sources_.find(change.source);
  if (source == sources_.end()) {
    lose(change.time);
    return {};
  }
  TRY(opened_->catalogue.change_table(source->second.number, change));
  want_copy(std::max(clock_(), copied_ + kBetweenCopies));
  without_table_.erase(change.source->instance());
  if (change.kind == TableChange::Kind::Whole) tables_told_ = clock_();
  return {};
}

// An instance with a table tells it when it begins. Large ones before it take their time.
Result<void> Store::end_unknown_tables(Milliseconds now) {
  if (now - tables_told_ < kTimeForTable) return {};
  for (const auto& [instance, time] : without_table_) TRY(opened_->catalogue.end_table(instance, time));
  without_table_.clear();
  return {};
}

// --- what goes to the disk ---

Result<void> Store::commit() {
  committed_ = clock_();
  if (previous_) carry_some();
  carry_late_ends();
  if (has_rows()) TRY(write_rows());
  if (unknown_) {
    TRY(opened_->catalogue.put(*unknown_));
    unknown_.reset();
  }
  if (previous_ && carried_kind_ == kIntervalKinds) {
    segments_.back().is_complete = true;
    TRY(opened_->catalogue.put(segments_.back()));
    previous_->seal();
    previous_.reset();
  }
  const bool is_due = rows_begun_ >= std::max(limits_.rows_of_segment, 2 * uint64_t{open_.size()}) ||
                      (segments_.back().last > segments_.back().first &&
                       committed_ - segments_.back().first >= kLongestSegment);
  if (!previous_ && is_due) TRY(begin_segment());
  note_alive();
  return {};
}

Result<void> Store::write_rows() {
  const auto written = current_->write(fresh_row_, fresh_, ends_, carried_until_);
  if (!written) {
    if (!current_->is_damaged()) return written;
    TRY(replace_segment(segment_path(folder_, segments_.back().number), written.error()));
    TRY(current_->write(fresh_row_, fresh_, ends_, carried_until_));
  }
  Segment& segment = segments_.back();
  segment.first = std::min(segment.first, earliest_);
  segment.last = std::max(segment.last, latest_);
  earliest_ = kOpen;
  fresh_row_ += fresh_.size();
  fresh_.clear();
  ends_.clear();
  return opened_->catalogue.put(segment);
}

Result<void> Store::begin_segment() {
  const Milliseconds now = clock_();
  const int64_t number = segments_.empty() ? 1 : segments_.back().number + 1;
  const Segment segment{number, now, now, open_.size() == 0};
  SegmentWriter writer = TRY(SegmentWriter::open(segment_path(folder_, number)));
  if (auto known = opened_->catalogue.put(segment); !known) {
    remove_files(segment_path(folder_, number));
    return known;
  }
  if (current_ && segment.is_complete) current_->seal();
  if (current_ && !segment.is_complete) previous_ = std::exchange(current_, std::nullopt);
  current_ = std::move(writer);
  segments_.push_back(segment);
  want_copy(0);
  carried_until_ = segment.is_complete ? 0 : std::max(now, latest_);
  first_row_ = fresh_row_;
  carried_kind_ = 0;
  carried_row_ = 0;
  rows_begun_ = 0;
  return {};
}

// --- from segment to segment ---

void Store::carry(uint64_t row, Interval interval) {
  // Under which instance it is known is in no row; there are few.
  for (const auto& [source, of_source] : sources_) {
    if (of_source.number != interval.source) continue;
    const uint64_t key = key_of(interval, source->number);
    if (interval.until == kOpen) {
      if (!open_.take_row(key, row)) return;
      open_.add(key, fresh_row_ + fresh_.size(), static_cast<uint16_t>(source->number));
    }
    fresh_.push_back(interval);
    return;
  }
}

void Store::carry_some() {
  if (carried_kind_ == kIntervalKinds || fresh_.size() >= kMostWaiting) return;
  std::vector<NumberedInterval> found;
  const auto has_more =
      previous_->open_ones(static_cast<Interval::Kind>(carried_kind_), carried_row_, kCarriedAtOnce, found);
  if (!has_more)
    spdlog::error("{}: {}; what was open is not carried over", name(), has_more.error().to_string());
  for (const NumberedInterval& each : found) carry(each.row, each.interval);
  if (has_more && *has_more) return;
  ++carried_kind_;
  carried_row_ = 0;
}

void Store::carry_late_ends() {
  for (const LateEnd& end : late_ends_) {
    auto interval = previous_ ? previous_->at(end.kind, end.row) : fail(name(), "no such row");
    if (!interval) continue;
    interval->end(end.until, carried_until_);
    carry(end.row, *interval);
  }
  late_ends_.clear();
}

// --- retention ---

Result<void> Store::remove_old() {
  const Milliseconds limit = clock_() - limits_.age;
  const std::size_t kept = previous_ ? 2 : 1;
  uint64_t size = size_of_file(catalogue_path(folder_)) + size_of_file(catalogue_copy_path(folder_));
  for (const Segment& segment : segments_) size += size_of_segment(folder_, segment);
  while (segments_.size() > kept) {
    const Segment& oldest = segments_.front();
    if (std::max(oldest.last, segments_[1].first) >= limit && size <= limits_.size) break;
    size -= std::min(size, size_of_segment(folder_, oldest));
    TRY(opened_->catalogue.remove_segment(oldest.number));
    remove_files(segment_path(folder_, oldest.number));
    segments_.erase(segments_.begin());
  }
  // Where only tables or computed NATs are logged no other ever begins, and this one would keep all of them.
  Segment& oldest = segments_.front();
  if (segments_.size() == 1 && oldest.last == oldest.first && oldest.first < limit) {
    oldest.first = oldest.last = limit;
    TRY(opened_->catalogue.put(oldest));
  }
  return opened_->catalogue.forget(std::min(limit, oldest.first));
}

// All until now is written.
void Store::note_alive() {
  if (opened_) opened_->lock.note_alive(clock_());
}

}  // namespace yonroku::natlog
