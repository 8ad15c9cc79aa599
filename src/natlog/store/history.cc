#include "natlog/store/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <unordered_map>

#include "natlog/store/entry_blob.h"
#include "natlog/store/settings_text.h"

namespace yonroku::natlog {
namespace {

using Kind = Interval::Kind;

constexpr std::size_t kMostReaders = 64;
constexpr std::size_t kMostRows = 4096;          // of a place in a segment
constexpr Milliseconds kTimeToRecover = 60'000;  // after a start, for what an offload kept

int64_t signed_of(uint64_t value) { return std::bit_cast<int64_t>(value); }

// The high halves of the prefix's addresses, as SQLite orders them.
struct HighHalves {
  int64_t first, last;
};
HighHalves high_halves_of(const Ipv6Prefix& prefix) {
  if (prefix.length() == 0) return {INT64_MIN, INT64_MAX};
  const uint64_t first = prefix.address().high();
  return {signed_of(first), signed_of(first | ~Ipv6Prefix::mask_high(prefix.length()))};
}

// A block is of all in the subscriber's prefix.
bool is_of(const Ipv6Prefix& subscriber, const Interval& interval, const PastSource& source) {
  if (is_in(subscriber, interval.inside)) return true;
  return interval.kind == Kind::Block && interval.inside.ipv6 != Ipv6Address() &&
         Ipv6Prefix::holding(interval.inside.ipv6, source.settings.nat.subscriber_prefix_length)
             .contains(subscriber);
}

bool is_elsewhere(const Interval& interval, const std::optional<Remote>& remote) {
  if (!remote || !interval.is_remote_known()) return false;
  const bool has_port = remote->port && interval.protocol != share::NatProtocol::Icmp;
  return interval.remote.address != remote->address || (has_port && interval.remote.port != *remote->port);
}

// The clock may have been set back in between.
TimeSpan in_order(Milliseconds begin, Milliseconds end) {
  return {std::min(begin, end), std::max(begin, end)};
}

// The same row was carried from segment to segment.
std::string identity_of(const Interval& i) {
  return fmt::format("{} {} {} {} {} {} {} {} {}", static_cast<int>(i.kind), static_cast<int>(i.protocol),
                     i.source, place_of(i.outside), i.inside.ipv6.high(), i.inside.ipv6.low(),
                     place_of({i.inside.ipv4, i.inside.port}), place_of(i.remote), i.begin);
}

}  // namespace

bool is_in(const Ipv6Prefix& prefix, const share::InsideEndpoint& inside) {
  const bool has_ipv6 = inside.ipv6 != Ipv6Address();
  return prefix.contains(has_ipv6 ? inside.ipv6 : Ipv6Address(0, inside.ipv4.value()));
}

struct History::Search {
  share::Ipv4Endpoint outside;
  std::optional<share::NatProtocol> protocol;
  TimeSpan span;
  std::optional<Remote> remote;
  Milliseconds bound;  // intervals that began later cannot be meant
  std::vector<Holder> found{};
};

Result<History> History::open(const std::string& folder) {
  auto catalogue = Database::open(catalogue_path(folder), Database::Access::Read);
  if (!catalogue)
    return fail(catalogue.error().where, catalogue.error().what,
                "is there a log, and may you read it? (`nat-log` in the configuration makes one)");
  History history(folder, *std::move(catalogue));
  const auto known = history.read_catalogue();
  if (known) return history;
  return fail(known.error().where, known.error().what,
              history.catalogue_.is_damaged()
                  ? "the program sets it aside, and goes on with its copy, when it "
                    "is started or writes to it"
                  : known.error().fix);
}

Result<void> History::read_catalogue() {
  Statement segments =
      TRY(catalogue_.prepare("SELECT number, first, last, complete FROM segment ORDER BY number"));
  while (TRY(segments.step()))
    segments_.push_back(
        {segments.integer(0), segments.integer(1), segments.integer(2), segments.integer(3) != 0});
  Statement sources = TRY(catalogue_.prepare(
      "SELECT id, run, instance, name, settings, since, until, ended FROM source ORDER BY id"));
  while (TRY(sources.step())) {
    auto settings = read_settings(sources.text(4));
    if (!settings) settings.emplace();  // of another version: what was logged can be told all the same
    settings->name = sources.text(3);
    shortest_subscriber_ = std::min(shortest_subscriber_, settings->nat.subscriber_prefix_length);
    largest_block_ = std::max<uint32_t>(largest_block_, settings->nat.block_size);
    sources_.push_back(std::make_shared<const PastSource>(PastSource{sources.integer(0),
                                                                     sources.integer(1),
                                                                     sources.integer(2),
                                                                     *std::move(settings),
                                                                     {sources.integer(5), sources.integer(6)},
                                                                     sources.integer(7)}));
  }
  return {};
}

std::optional<Milliseconds> History::begin() const {
  std::optional<Milliseconds> begin;
  if (!segments_.empty()) begin = segments_.front().first;
  return begin;
}

SegmentReader* History::reader(std::size_t index) {
  const auto present = std::ranges::find(readers_, index, &std::pair<std::size_t, SegmentReader>::first);
  if (present != readers_.end()) {
    readers_.splice(readers_.begin(), readers_, present);
    return &readers_.front().second;
  }
  const std::string path = segment_path(folder_, segments_[index].number);
  auto opened = SegmentReader::open(path);
  if (!opened) {
    if (std::filesystem::exists(path)) unreadable_.insert(index);
    return nullptr;
  }
  if (readers_.size() == kMostReaders) readers_.pop_back();
  readers_.emplace_front(index, *std::move(opened));
  return &readers_.front().second;
}

TimeSpan History::coverage(std::size_t index) const {
  const Segment& segment = segments_[index];
  const bool is_newest = index + 1 == segments_.size();
  return {segment.first, is_newest ? kOpen : std::max(segment.last, segments_[index + 1].first)};
}

// Newest first. What a segment that is not complete lacks is in the one before.
std::vector<std::size_t> History::segments_of(const TimeSpan& span) const {
  std::vector<std::size_t> out;
  bool lacks_some = false;
  for (std::size_t i = segments_.size(); i-- > 0;) {
    if (!lacks_some && !coverage(i).overlaps(span)) continue;
    out.push_back(i);
    lacks_some = !segments_[i].is_complete;
  }
  return out;
}

std::shared_ptr<const PastSource> History::source_of(int64_t number) const {
  const auto found = std::ranges::lower_bound(sources_, number, {}, [](const auto& s) { return s->number; });
  if (found != sources_.end() && (*found)->number == number) return *found;
  PastSource unknown;  // which ended before the next began
  if (found != sources_.end()) unknown.ended = (*found)->in_force.from;
  return std::make_shared<const PastSource>(std::move(unknown));
}

// --- one interval ---

std::optional<Interval> History::find(std::size_t segment, const Interval& interval) {
  SegmentReader* const at = reader(segment);
  std::optional<Interval> found;
  if (at == nullptr) return found;
  (void)at->at_place(interval.kind, place_of(interval.outside), interval.begin, [&](const Interval& row) {
    if (row.is_same_as(interval)) found = row;
    return !found && row.begin == interval.begin;
  });
  return found;
}

// An interval that is open in a segment is in the next one as well, up to the one in which it ends.
Milliseconds History::end_of(std::size_t segment, const Interval& interval, const PastSource& source) {
  if (interval.until != kOpen) return interval.until;
  std::size_t has = segment, has_not = segments_.size();
  while (has_not - has > 1) {
    const std::size_t middle = has + (has_not - has) / 2;
    const auto found = find(middle, interval);
    if (found && found->until != kOpen) return found->until;
    (found ? has : has_not) = middle;
  }
  return source.ended;
}

// What was recovered was there when the program before ended.
Milliseconds History::begin_of(const Interval& interval, const PastSource& source) const {
  if (!interval.is_recovered) return interval.begin;
  Milliseconds begin = -1;
  for (const auto& other : sources_)
    if (other->settings.name == source.settings.name && other->run < source.run &&
        other->ended <= interval.begin)
      begin = std::max(begin, other->ended);
  return begin < 0 ? interval.begin : begin;
}

// --- who had a place ---

void History::take(std::size_t segment, Interval interval, Search& search) {
  const auto source = source_of(interval.source);
  const Milliseconds begin = begin_of(interval, *source);
  if (!TimeSpan{begin, interval.until}.overlaps(search.span)) return;
  interval.until = end_of(segment, interval, *source);
  // Carried over, or a session to another host where those are not logged.
  const auto known =
      std::ranges::find_if(search.found, [&](const Holder& h) { return h.interval.is_same_as(interval); });
  if (known != search.found.end()) {
    known->interval.until = std::max(known->interval.until, interval.until);
    return;
  }
  if (in_order(begin, interval.until).overlaps(search.span)) search.found.push_back({interval, source});
}

Result<void> History::search_place(std::size_t segment, Kind kind, int64_t place, Search& search) {
  std::vector<Interval> rows;
  bool has_passed[share::kNatProtocolCount] = {};
  TRY(reader(segment)->at_place(kind, place, search.bound, [&](const Interval& row) {
    const auto protocol = static_cast<std::size_t>(row.protocol) % share::kNatProtocolCount;
    const bool is_meant = !has_passed[protocol] && row.last_port >= search.outside.port &&
                          (kind == Kind::Block || !search.protocol || *search.protocol == row.protocol) &&
                          !is_elsewhere(row, search.remote);
    if (is_meant) rows.push_back(row);
    // Whoever had it before the one who had it when the span begins is not asked for.
    const bool is_alone = kind != Kind::Session && row.is_begin_known && !row.is_recovered &&
                          row.begin <= search.span.from &&
                          source_of(row.source)->settings.nat.when_exhausted == share::WhenExhausted::Refuse;
    has_passed[protocol] = has_passed[protocol] || is_alone;
    const bool is_done = kind == Kind::Block
                             ? has_passed[0]
                             : (search.protocol ? has_passed[static_cast<std::size_t>(*search.protocol)]
                                                : std::ranges::all_of(has_passed, std::identity()));
    return !is_done && rows.size() < kMostRows;
  }));
  for (const Interval& row : rows) take(segment, row, search);
  return {};
}

Result<void> History::search_blocks(std::size_t segment, Search& search) {
  const int64_t lowest =
      place_of({search.outside.address,
                static_cast<uint16_t>(search.outside.port -
                                      std::min<uint32_t>(search.outside.port, largest_block_ - 1))});
  int64_t place = place_of(search.outside);
  while (place >= lowest) {
    SegmentReader* const at = reader(segment);
    const auto block = TRY(at->block_below(lowest, place));
    if (!block) return {};
    TRY(search_place(segment, Kind::Block, *block, search));
    place = *block - 1;
  }
  return {};
}

Result<void> History::search(std::size_t segment, Search& search) {
  if (reader(segment) == nullptr) return {};
  TRY(search_blocks(segment, search));
  TRY(search_place(segment, Kind::Binding, place_of(search.outside), search));
  return search_place(segment, Kind::Session, place_of(search.outside), search);
}

// When what an offload kept over the program's absence in `span` was told.
Result<Milliseconds> History::end_of_start(const TimeSpan& span) {
  Milliseconds end = span.until;
  for (const Gap& gap : TRY(gaps(span)))
    if (!gap.lost) end = std::max(end, gap.until + kTimeToRecover);
  return end;
}

Result<std::vector<Holder>> History::holders(const share::Ipv4Endpoint& outside,
                                             std::optional<share::NatProtocol> protocol, const TimeSpan& span,
                                             const std::optional<Remote>& remote) {
  Search search{outside, protocol, span, remote, TRY(end_of_start(span))};
  for (const std::size_t segment : segments_of({span.from, search.bound}))
    if (!this->search(segment, search)) unreadable_.insert(segment);
  auto& found = search.found;
  for (Holder& holder : found) holder.interval.end(holder.interval.until, 0);
  std::ranges::stable_sort(found, std::greater(), [](const Holder& h) { return h.interval.begin; });
  return std::move(found);
}

// --- what somebody had ---

Result<Used> History::used_by(const Ipv6Prefix& subscriber, const TimeSpan& span, std::size_t most,
                              const std::optional<Remote>& remote) {
  Used used;
  std::vector<Holder>& found = used.holders;
  std::vector<std::size_t> segment_of;  // the last one that each was seen in
  std::unordered_map<std::string, std::size_t> known;
  const bool is_ipv4 = subscriber.length() == 128 && subscriber.address().high() == 0;
  const int64_t ipv4 = signed_of(subscriber.address().low());
  const auto widest = Ipv6Prefix::holding(subscriber.address(),
                                          std::min<unsigned>(subscriber.length(), shortest_subscriber_));
  auto segments = segments_of(span);
  std::ranges::reverse(segments);
  for (const std::size_t segment : segments) {
    SegmentReader* const at = reader(segment);
    if (at == nullptr) continue;
    for (const Kind kind : {Kind::Block, Kind::Binding, Kind::Session}) {
      const auto [first, last] =
          is_ipv4 ? HighHalves{ipv4, ipv4} : high_halves_of(kind == Kind::Block ? widest : subscriber);
      const auto read = at->of_subscribers(kind, first, last, [&](const Interval& row) {
        const auto source = source_of(row.source);
        if (!is_of(subscriber, row, *source) || is_elsewhere(row, remote)) return true;
        const Milliseconds ended = row.until == kOpen ? source->ended : row.until;
        if (!in_order(begin_of(row, *source), ended).overlaps(span)) return true;
        const auto [place, is_new] = known.emplace(identity_of(row), found.size());
        if (is_new && found.size() == most) {
          used.is_cut = true;
          return false;
        }
        if (is_new) {
          found.push_back({row, source});
          segment_of.push_back(segment);
        }
        Milliseconds& until = found[place->second].interval.until;
        until = segment_of[place->second] == segment ? std::max(until, row.until) : row.until;
        segment_of[place->second] = segment;
        return true;
      });
      if (!read) unreadable_.insert(segment);
    }
    if (used.is_cut) break;
  }
  for (std::size_t i = 0; i < found.size(); ++i)
    found[i].interval.end(end_of(segment_of[i], found[i].interval, *found[i].source), 0);
  std::erase_if(found, [&](const Holder& h) { return h.interval.until < span.from; });
  std::ranges::stable_sort(found, {}, [](const Holder& h) { return h.interval.begin; });
  return used;
}

// --- tables ---

// Columns: value, source, since, until.
Result<void> History::read_entries(Statement& statement, const TimeSpan& span,
                                   std::vector<PastEntry>& out) const {
  while (TRY(statement.step())) {
    const TimeSpan in_force{statement.integer(2), statement.integer(3)};
    if (!in_force.overlaps(span)) continue;
    const auto source = source_of(statement.integer(1));
    if (const auto mapping = mapping_from(statement.text(0))) out.push_back({*mapping, source, in_force});
    if (const auto rule = rule_from(statement.text(0))) out.push_back({*rule, source, in_force});
  }
  statement.reset();
  return {};
}

Result<std::vector<PastEntry>> History::entries_at(Ipv4Address address, const TimeSpan& span) {
  std::vector<PastEntry> found;
  Statement statement =
      TRY(catalogue_.prepare("SELECT value, source, since, until FROM entry WHERE ipv4 = ? AND length = ?"));
  for (int length = 32; length >= 0; --length) {
    const auto prefix = Ipv4Prefix::holding(address, static_cast<unsigned>(length));
    statement.bind(int64_t{prefix.address().value()}, int64_t{length});
    TRY(read_entries(statement, span, found));
  }
  return found;
}

Result<std::vector<PastEntry>> History::entries_of(const Ipv6Prefix& subscriber, const TimeSpan& span) {
  std::vector<PastEntry> found;
  Statement around = TRY(catalogue_.prepare(
      "SELECT value, source, since, until FROM entry WHERE ipv6_high = ? AND ipv6_length = ?"));
  const auto below = static_cast<int>(std::min<unsigned>(subscriber.length(), 64));
  for (int length = 0; length < below; ++length) {
    const auto prefix = Ipv6Prefix::holding(subscriber.address(), static_cast<unsigned>(length));
    around.bind(signed_of(prefix.address().high()), int64_t{length});
    TRY(read_entries(around, span, found));
  }
  Statement within =
      TRY(catalogue_.prepare("SELECT value, source, since, until FROM entry WHERE ipv6_high BETWEEN ? AND ? "
                             "AND ipv6_length >= ?"));
  const auto [first, last] = high_halves_of(subscriber);
  within.bind(first, last, int64_t{below});
  TRY(read_entries(within, span, found));
  std::erase_if(found, [&](const PastEntry& entry) {
    const Ipv6Prefix ipv6 = std::visit(
        [](const auto& what) {
          if constexpr (requires { what.parts(); })
            return what.ipv6();
          else
            return what.ipv6;
        },
        entry.what);
    return !ipv6.contains(subscriber) && !subscriber.contains(ipv6);
  });
  return found;
}

Result<std::vector<Gap>> History::gaps(const TimeSpan& span) {
  Statement all = TRY(catalogue_.prepare(
      "SELECT since, until, lost FROM gap WHERE until >= ? AND since <= ? ORDER BY since"));
  all.bind(span.from, span.until);
  std::vector<Gap> gaps;
  while (TRY(all.step())) {
    Gap gap{all.integer(0), all.integer(1), {}};
    if (!all.is_null(2)) gap.lost = static_cast<uint64_t>(all.integer(2));
    gaps.push_back(gap);
  }
  for (const std::size_t segment : unreadable_) {
    const TimeSpan of_segment = coverage(segment);
    if (of_segment.overlaps(span))
      gaps.push_back({of_segment.from,
                      std::min(of_segment.until, std::max(segments_[segment].last, span.until)),
                      uint64_t{0}});
  }
  return gaps;
}

}  // namespace yonroku::natlog
