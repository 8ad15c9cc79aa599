#include "natlog/log.h"

#include <algorithm>
#include <iterator>

#include "natlog/clock.h"
#include "natlog/fields.h"

namespace yonroku::natlog {
namespace {

constexpr std::chrono::milliseconds kPause{5};  // when nothing happens
constexpr std::size_t kMostAtOnce = 4096;       // of a ring

config::InstanceSettings without_tables(const config::InstanceSettings& settings) {
  config::InstanceSettings kept = settings;
  // Not `= {}`, which keeps the memory.
  kept.mappings = std::vector<share::EamMapping>();
  kept.rules = std::vector<share::MapRule>();
  return kept;
}

uint16_t last_port_of(const share::NatEvent& event) {
  return is_port_block(event.kind) ? event.last_port : event.outside.port;
}

}  // namespace

Log::Log(const config::NatLogSettings& settings, Sinks sinks) : settings_(settings) {
  for (auto& sink : sinks) deliveries_.push_back(std::make_unique<Delivery>(std::move(sink), settings.queue));
  thread_ = std::thread([this] { run(); });
}

Log::~Log() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
  while (collect()) {
  }
  for (const Followed& followed : followed_) offer(Note{utc_now(), Note::Kind::Ended, followed.source});
  for (const auto& delivery : deliveries_) delivery->end();
}

bool Log::use(const config::NatLogSettings& settings, Sinks sinks) {
  const std::scoped_lock lock(mutex_);
  const std::set<const Source*> begun = begin_again(settings);
  bool has_more = settings.events != settings_.events || settings.destinations != settings_.destinations;
  settings_ = settings;
  std::vector<std::unique_ptr<Delivery>> wanted;
  for (auto& sink : sinks) {
    const auto present = std::ranges::find_if(deliveries_, [&](const auto& delivery) {
      return delivery != nullptr && delivery->sink().settings() == sink->settings();
    });
    const bool is_new = present == deliveries_.end();
    has_more |= is_new;
    if (!is_new) (*present)->sink().use(*sink);
    wanted.push_back(is_new ? std::make_unique<Delivery>(std::move(sink), settings.queue)
                            : std::move(*present));
    for (const Followed& followed : followed_)
      if (is_new || begun.contains(followed.source))
        wanted.back()->offer(
            std::make_shared<const Batch>(Note{utc_now(), Note::Kind::Began, followed.source}));
  }
  deliveries_.swap(wanted);
  for (auto& delivery : wanted) {
    if (delivery == nullptr) continue;
    delivery->end();
    ending_.push_back(std::move(delivery));
  }
  return has_more;
}

// Of what is logged in another way from now on the ends would not be told, or not match: it ends now. Returns
// the sources of those instances from now on.
std::set<const Source*> Log::begin_again(const config::NatLogSettings& settings) {
  std::set<const Source*> begun;
  for (Followed& followed : followed_) {
    const Detail detail = detail_of(settings.events, followed.source->settings);
    const bool has_other_remotes =
        detail == Detail::Sessions && settings.destinations != settings_.destinations;
    if (detail == followed.detail && !has_other_remotes) continue;
    while (collect(followed)) {
    }
    offer(Note{utc_now(), Note::Kind::Ended, followed.source});
    followed.source = add_source(followed.source->settings);
    followed.detail = detail;
    begun.insert(followed.source);
  }
  return begun;
}

Detail Log::detail(const config::InstanceSettings& settings) const {
  const std::scoped_lock lock(mutex_);
  return detail_of(settings_.events, settings);
}

bool Log::has_room_for(std::size_t events) const {
  const std::scoped_lock lock(mutex_);
  const uint64_t most = std::min<uint64_t>(settings_.queue, engine::NatEventRing::kCapacity) / 2;
  for (const Followed& followed : followed_)
    for (std::size_t i = 0; i < followed.next.size(); ++i)
      if (followed.rings->of_worker[i].end() - followed.next[i] + events > most) return false;
  return std::ranges::all_of(deliveries_,
                             [&](const auto& delivery) { return delivery->has_room_for(events); });
}

const Source* Log::add_source(const config::InstanceSettings& settings) {
  const auto same = std::ranges::find(sources_, settings.name, &Source::instance);
  uint32_t number = 1;
  for (const Source& source : sources_) number = std::max(number, source.number + 1);
  if (same != sources_.end()) number = same->number;
  return &sources_.emplace_back(number, without_tables(settings));
}

Log::Followed* Log::find(const std::string& instance) {
  const auto found = std::ranges::find_if(
      followed_, [&](const Followed& followed) { return followed.source->instance() == instance; });
  return found == followed_.end() ? nullptr : &*found;
}

void Log::begin(const config::InstanceSettings& settings,
                std::shared_ptr<const engine::NatEventRings> rings) {
  const std::scoped_lock lock(mutex_);
  const Source* const source = add_source(settings);
  std::vector<uint64_t> next;
  if (rings != nullptr)
    for (const auto& ring : rings->of_worker) next.push_back(ring.end());
  followed_.push_back(
      {source, detail_of(settings_.events, settings), std::move(rings), std::move(next), {}, false});
  offer(Note{utc_now(), Note::Kind::Began, source});
}

void Log::change_settings(const config::InstanceSettings& settings) {
  const std::scoped_lock lock(mutex_);
  Followed* const followed = find(settings.name);
  if (followed == nullptr) return;
  while (collect(*followed)) {
  }
  if (without_tables(settings) == followed->source->settings) return;  // a table, or nothing, has changed
  followed->source = add_source(settings);
  followed->detail = detail_of(settings_.events, settings);
  offer(Note{utc_now(), Note::Kind::Changed, followed->source});
}

void Log::tell_what_is_there(const std::string& instance) {
  const std::scoped_lock lock(mutex_);
  Followed* const followed = find(instance);
  if (followed == nullptr) return;
  while (collect(*followed)) {
  }
  followed->is_told = true;
}

void Log::end(const std::string& instance) {
  const std::scoped_lock lock(mutex_);
  Followed* const followed = find(instance);
  if (followed == nullptr) return;
  while (collect(*followed)) {
  }
  offer(Note{utc_now(), Note::Kind::Ended, followed->source});
  followed_.erase(followed_.begin() + (followed - followed_.data()));
}

void Log::change_table(const std::string& instance, TableChange change) {
  const std::scoped_lock lock(mutex_);
  const Followed* const followed = find(instance);
  if (followed == nullptr) return;
  change.time = utc_now();
  change.source = followed->source;
  offer(std::move(change));
}

LogStatus Log::status() const {
  const std::scoped_lock lock(mutex_);
  LogStatus status{events_, missed_, {}};
  for (const auto& delivery : deliveries_) status.receivers.push_back(delivery->status());
  return status;
}

void Log::run() {
  while (true) {
    const bool has_more = collect();
    std::vector<std::unique_ptr<Delivery>> ended;  // goes without the lock: that may take a while
    std::unique_lock lock(mutex_);
    if (is_stopping_) return;
    const auto done =
        std::ranges::partition(ending_, [](const auto& delivery) { return !delivery->has_ended(); });
    std::ranges::move(done, std::back_inserter(ended));
    ending_.erase(done.begin(), done.end());
    if (!has_more) stop_.wait_for(lock, kPause, [this] { return is_stopping_; });
  }
}

// Some of what has happened; true when there may be more.
bool Log::collect() {
  const std::scoped_lock lock(mutex_);
  bool has_more = false;
  for (Followed& followed : followed_) has_more |= collect(followed);
  return has_more;
}

bool Log::collect(Followed& followed) {
  if (followed.rings == nullptr) return false;
  const ClockOffset clock;
  bool has_more = false;
  for (std::size_t i = 0; i < followed.next.size(); ++i) {
    read_.clear();
    const uint64_t missed = followed.rings->of_worker[i].read(followed.next[i], kMostAtOnce, read_);
    if (missed != 0) {
      missed_ += missed;
      offer(Note{utc_now(), Note::Kind::Lost, followed.source, missed});
    }
    has_more |= read_.size() == kMostAtOnce;
    std::vector<Event> events;
    events.reserve(read_.size());
    for (share::NatEvent& event : read_) {
      const Milliseconds time = clock.utc(event.time);
      if (!is_logged(event.kind, followed.detail) || !followed.limit.passes(event.kind, time)) continue;
      if (!settings_.destinations) event.remote = {};
      events.push_back(
          {time, followed.source, event, last_port_of(event), event.is_recovered && followed.is_told});
    }
    events_ += events.size();
    if (!events.empty()) offer(std::move(events));
  }
  return has_more;
}

void Log::offer(Batch batch) {
  const auto shared = std::make_shared<const Batch>(std::move(batch));
  for (const auto& delivery : deliveries_) delivery->offer(shared);
}

}  // namespace yonroku::natlog
