// Reads what the store wrote, while it goes on or afterwards. Belongs to one thread. Sees what was there when
// it was opened.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "natlog/store/catalogue.h"
#include "natlog/store/segment.h"

namespace yonroku::natlog {

// Both ends belong to it.
struct TimeSpan {
  Milliseconds from = 0;
  Milliseconds until = 0;
  [[nodiscard]] bool overlaps(const TimeSpan& other) const {
    return from <= other.until && other.from <= until;
  }
};

// The other end of a session.
struct Remote {
  Ipv4Address address;
  std::optional<uint16_t> port;  // nullopt: any; ICMP has none
};

// An instance under one configuration.
struct PastSource {
  int64_t number = 0;  // 0: the catalogue that knew it was damaged
  int64_t run = 0;     // of the program
  int64_t instance = 0;
  config::InstanceSettings settings;  // what settings_text.h keeps, and the name
  TimeSpan in_force;
  Milliseconds ended = kOpen;  // the instance
};

// Somebody who had a place outside. `interval.until` is resolved: kOpen for as far as is known.
struct Holder {
  Interval interval;
  std::shared_ptr<const PastSource> source;
};

struct Used {
  std::vector<Holder> holders;
  bool is_cut = false;  // there may be more
};

// A mapping or rule that was in force.
struct PastEntry {
  std::variant<share::EamMapping, share::MapRule> what;
  std::shared_ptr<const PastSource> source;
  TimeSpan in_force;
};

// Whether the one inside is in the prefix: of an IPv4 address alone, the prefix is ::/96 and the address
// behind it.
[[nodiscard]] bool is_in(const Ipv6Prefix& prefix, const share::InsideEndpoint& inside);

class History {
 public:
  [[nodiscard]] static Result<History> open(const std::string& folder);

  // Who may have had the place at some moment of the span. Newest first. With `remote`, without sessions of
  // which is known that they were to somewhere else.
  [[nodiscard]] Result<std::vector<Holder>> holders(const share::Ipv4Endpoint& outside,
                                                    std::optional<share::NatProtocol> protocol,
                                                    const TimeSpan& span,
                                                    const std::optional<Remote>& remote = std::nullopt);
  // What those inside the prefix had, as is_in() says, oldest first, `most` at most; also blocks of
  // subscribers of which it is a part. `remote` as for holders().
  [[nodiscard]] Result<Used> used_by(const Ipv6Prefix& subscriber, const TimeSpan& span, std::size_t most,
                                     const std::optional<Remote>& remote = std::nullopt);
  // Whose IPv4 prefix contains the address.
  [[nodiscard]] Result<std::vector<PastEntry>> entries_at(Ipv4Address address, const TimeSpan& span);
  // Whose IPv6 prefix contains `subscriber`, or lies in it.
  [[nodiscard]] Result<std::vector<PastEntry>> entries_of(const Ipv6Prefix& subscriber, const TimeSpan& span);

  [[nodiscard]] const std::vector<std::shared_ptr<const PastSource>>& sources() const { return sources_; }
  // Also those that segments which could not be read until now leave.
  [[nodiscard]] Result<std::vector<Gap>> gaps(const TimeSpan& span);
  // When the log begins, if it has.
  [[nodiscard]] std::optional<Milliseconds> begin() const;

 private:
  explicit History(std::string folder, Database catalogue)
      : folder_(std::move(folder)), catalogue_(std::move(catalogue)) {}
  struct Search;
  [[nodiscard]] Result<void> read_catalogue();
  // Null: it was deleted meanwhile, or cannot be read.
  SegmentReader* reader(std::size_t index);
  [[nodiscard]] TimeSpan coverage(std::size_t index) const;
  [[nodiscard]] std::vector<std::size_t> segments_of(const TimeSpan& span) const;
  [[nodiscard]] Result<void> search(std::size_t segment, Search& search);
  [[nodiscard]] Result<void> search_place(std::size_t segment, Interval::Kind kind, int64_t place,
                                          Search& search);
  [[nodiscard]] Result<void> search_blocks(std::size_t segment, Search& search);
  void take(std::size_t segment, Interval interval, Search& search);
  [[nodiscard]] std::shared_ptr<const PastSource> source_of(int64_t number) const;
  [[nodiscard]] Milliseconds end_of(std::size_t segment, const Interval& interval, const PastSource& source);
  [[nodiscard]] std::optional<Interval> find(std::size_t segment, const Interval& interval);
  [[nodiscard]] Milliseconds begin_of(const Interval& interval, const PastSource& source) const;
  [[nodiscard]] Result<Milliseconds> end_of_start(const TimeSpan& span);
  [[nodiscard]] Result<void> read_entries(Statement& statement, const TimeSpan& span,
                                          std::vector<PastEntry>& out) const;

  std::string folder_;
  Database catalogue_;
  std::vector<Segment> segments_;
  std::vector<std::shared_ptr<const PastSource>> sources_;
  uint32_t largest_block_ = 1;
  uint8_t shortest_subscriber_ = 128;  // length of a prefix
  std::set<std::size_t> unreadable_;   // segments
  // The segments that were asked last, newest first.
  std::list<std::pair<std::size_t, SegmentReader>> readers_;
};

}  // namespace yonroku::natlog
