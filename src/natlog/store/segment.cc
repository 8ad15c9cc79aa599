#include "natlog/store/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>

namespace yonroku::natlog {
namespace {

using Kind = Interval::Kind;

constexpr std::string_view kPrefix = "segment-";
constexpr const char* kTables[kIntervalKinds] = {"block", "binding", "session"};
constexpr Kind kKinds[kIntervalKinds] = {Kind::Block, Kind::Binding, Kind::Session};

// `subscriber` and `low` are the halves of the inside IPv6 address; without one, `subscriber` is the IPv4
// address. `place` and `remote` are an address and a port below it. `what`: see pack_what().
constexpr const char* kColumns =
    "id, source, what, place, last_port, subscriber, low, ipv4, inside_port, remote, begin, until";
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS {0} (id INTEGER PRIMARY KEY, source INTEGER, what INTEGER, place INTEGER,"
    " last_port INTEGER, subscriber INTEGER, low INTEGER, ipv4 INTEGER, inside_port INTEGER,"
    " remote INTEGER, begin INTEGER, until INTEGER);"
    "CREATE INDEX IF NOT EXISTS {0}_place ON {0} (place, begin);"
    "CREATE INDEX IF NOT EXISTS {0}_subscriber ON {0} (subscriber);";

constexpr const char* kForWriting =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;"
    "PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 0;";

constexpr int64_t kRecovered = 4;
constexpr int64_t kBeginUnknown = 8;

int64_t pack_what(const Interval& interval) {
  return static_cast<int64_t>(interval.protocol) | (interval.is_recovered ? kRecovered : 0) |
         (interval.is_begin_known ? 0 : kBeginUnknown);
}

std::string name_of(int64_t number) { return fmt::format("{}{:08}.db", kPrefix, number); }

int64_t subscriber_of(const share::InsideEndpoint& inside) {
  return inside.ipv6 == Ipv6Address() ? int64_t{inside.ipv4.value()}
                                      : std::bit_cast<int64_t>(inside.ipv6.high());
}

Interval read_interval(const Statement& s, Kind kind) {
  Interval interval;
  interval.kind = kind;
  interval.source = s.integer(1);
  const int64_t what = s.integer(2);
  interval.protocol = static_cast<share::NatProtocol>(what & 3);
  interval.is_recovered = (what & kRecovered) != 0;
  interval.is_begin_known = (what & kBeginUnknown) == 0;
  interval.outside = endpoint_of(s.integer(3));
  interval.last_port = static_cast<uint16_t>(s.integer(4));
  interval.inside.ipv4 = Ipv4Address(static_cast<uint32_t>(s.integer(7)));
  const bool has_ipv6 = s.integer(6) != 0 || s.integer(5) != s.integer(7);
  if (has_ipv6)
    interval.inside.ipv6 =
        Ipv6Address(std::bit_cast<uint64_t>(s.integer(5)), std::bit_cast<uint64_t>(s.integer(6)));
  interval.inside.port = static_cast<uint16_t>(s.integer(8));
  interval.remote = endpoint_of(s.integer(9));
  interval.begin = s.integer(10);
  interval.until = s.integer(11);
  return interval;
}

}  // namespace

std::string segment_path(const std::string& folder, int64_t number) { return folder + "/" + name_of(number); }

std::vector<int64_t> segment_numbers(const std::string& folder) {
  std::vector<int64_t> numbers;
  std::error_code failed;
  for (const auto& file : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = file.path().filename();
    int64_t number = 0;
    if (name.starts_with(kPrefix))
      (void)std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
    if (number > 0 && name_of(number) == name) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

Result<SegmentWriter> SegmentWriter::open(const std::string& path) {
  SegmentWriter segment(TRY(Database::open(path, Database::Access::Write)));
  TRY(segment.database_.execute(kForWriting));
  for (const char* const table : kTables)
    TRY(segment.database_.execute(fmt::format(fmt::runtime(kSchema), table).c_str()));
  TRY(segment.prepare());
  return segment;
}

Result<void> SegmentWriter::prepare() {
  for (const Kind kind : kKinds) {
    const char* const table = kTables[static_cast<std::size_t>(kind)];
    OfKind& of_kind = of_kind_[static_cast<std::size_t>(kind)];
    const auto made = [&](const std::string& sql) { return database_.prepare(sql.c_str()); };
    of_kind.insert = TRY(made(fmt::format("INSERT INTO {} VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", table)));
    // The begin is in the index, which costs more to write.
    of_kind.end = TRY(made(fmt::format("UPDATE {} SET until = ?2 WHERE id = ?1 AND begin <= ?2", table)));
    of_kind.end_before = TRY(made(
        fmt::format("UPDATE {} SET until = begin, begin = iif(begin > ?3, ?2, begin) WHERE id = ?1", table)));
    of_kind.at = TRY(made(fmt::format("SELECT {} FROM {} WHERE id = ?", kColumns, table)));
    of_kind.page =
        TRY(made(fmt::format("SELECT {} FROM {} WHERE id > ? ORDER BY id LIMIT ?", kColumns, table)));
  }
  return {};
}

Result<void> SegmentWriter::write(uint64_t first, std::span<const Interval> intervals,
                                  std::span<const IntervalEnd> ends, Milliseconds known) {
  auto transaction = TRY(Transaction::begin(database_));
  auto row = static_cast<int64_t>(first);
  for (const Interval& i : intervals) {
    Statement& insert = of_kind_[static_cast<std::size_t>(i.kind)].insert;
    insert.bind(row++, i.source, pack_what(i), place_of(i.outside), int64_t{i.last_port},
                subscriber_of(i.inside), std::bit_cast<int64_t>(i.inside.ipv6.low()),
                int64_t{i.inside.ipv4.value()}, int64_t{i.inside.port}, place_of(i.remote), i.begin, i.until);
    TRY(insert.run());
  }
  for (const IntervalEnd& end : ends) {
    OfKind& of_kind = of_kind_[static_cast<std::size_t>(end.kind)];
    TRY(of_kind.end.bind(static_cast<int64_t>(end.row), end.until).run());
    if (of_kind.end.changed() == 0)
      TRY(of_kind.end_before.bind(static_cast<int64_t>(end.row), end.until, known).run());
  }
  return transaction.commit();
}

Result<Interval> SegmentWriter::at(Kind kind, uint64_t row) {
  Statement& statement = of_kind_[static_cast<std::size_t>(kind)].at.bind(static_cast<int64_t>(row));
  const bool is_there = TRY(statement.step());
  const Interval interval = is_there ? read_interval(statement, kind) : Interval{};
  statement.reset();
  if (!is_there) return fail("store", fmt::format("row {} is gone", row));
  return interval;
}

Result<bool> SegmentWriter::open_ones(Kind kind, uint64_t& row, std::size_t most,
                                      std::vector<NumberedInterval>& out) {
  Statement& page = of_kind_[static_cast<std::size_t>(kind)].page.bind(static_cast<int64_t>(row),
                                                                       static_cast<int64_t>(most));
  std::size_t seen = 0;
  while (TRY(page.step())) {
    row = static_cast<uint64_t>(page.integer(0));
    ++seen;
    if (page.integer(11) == kOpen) out.push_back({row, read_interval(page, kind)});
  }
  page.reset();
  return seen == most;
}

Result<uint64_t> SegmentWriter::last_row() {
  Statement statement = TRY(database_.prepare(
      "SELECT max(coalesce((SELECT max(id) FROM block), 0), coalesce((SELECT max(id) FROM binding), 0),"
      " coalesce((SELECT max(id) FROM session), 0))"));
  TRY(statement.step());
  return static_cast<uint64_t>(statement.integer(0));
}

// Where somebody reads the file at the moment it stays as it is, which does no harm.
void SegmentWriter::seal() {
  for (OfKind& of_kind : of_kind_) of_kind = {};
  (void)database_.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
}

Result<SegmentReader> SegmentReader::open(const std::string& path) {
  SegmentReader segment(TRY(Database::open(path, Database::Access::Read)));
  for (const Kind kind : kKinds) {
    const char* const table = kTables[static_cast<std::size_t>(kind)];
    OfKind& of_kind = segment.of_kind_[static_cast<std::size_t>(kind)];
    of_kind.at_place = TRY(segment.database_.prepare(
        fmt::format("SELECT {} FROM {} WHERE place = ? AND begin <= ? ORDER BY begin DESC, id DESC", kColumns,
                    table)
            .c_str()));
    of_kind.of_subscribers = TRY(segment.database_.prepare(
        fmt::format("SELECT {} FROM {} WHERE subscriber BETWEEN ? AND ?", kColumns, table).c_str()));
  }
  segment.block_below_ =
      TRY(segment.database_.prepare("SELECT max(place) FROM block WHERE place BETWEEN ? AND ?"));
  return segment;
}

Interval SegmentReader::read(const Statement& statement, Kind kind) { return read_interval(statement, kind); }

// Rows come in the order of their writing; some were carried over, and began long before.
Result<std::optional<std::pair<Milliseconds, Milliseconds>>> SegmentReader::stretch() {
  constexpr const char* kAsked =
      "SELECT (SELECT min(begin) FROM (SELECT begin FROM {0} ORDER BY id LIMIT 100000)),"
      " (SELECT max(begin) FROM (SELECT begin FROM {0} ORDER BY id DESC LIMIT 100000))";
  std::optional<std::pair<Milliseconds, Milliseconds>> stretch;
  for (const char* const table : kTables) {
    Statement ends = TRY(database_.prepare(fmt::format(fmt::runtime(kAsked), table).c_str()));
    TRY(ends.step());
    if (ends.is_null(0)) continue;
    if (!stretch) stretch = {ends.integer(0), ends.integer(1)};
    stretch = {std::min(stretch->first, ends.integer(0)), std::max(stretch->second, ends.integer(1))};
  }
  return stretch;
}

Result<std::optional<int64_t>> SegmentReader::block_below(int64_t from, int64_t to) {
  block_below_.bind(from, to);
  std::optional<int64_t> place;
  if (TRY(block_below_.step()) && !block_below_.is_null(0)) place = block_below_.integer(0);
  block_below_.reset();
  return place;
}

}  // namespace yonroku::natlog
