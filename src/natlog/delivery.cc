#include "natlog/delivery.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "natlog/clock.h"

namespace yonroku::natlog {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{5000};
constexpr milliseconds kFlushAfter{1000};

// Null: it tells something else.
const Note* loss_in(const Batch& batch) {
  const Note* const note = std::get_if<Note>(&batch);
  return note != nullptr && note->kind == Note::Kind::Lost ? note : nullptr;
}

}  // namespace

Delivery::Delivery(std::unique_ptr<Sink> sink, std::size_t most, milliseconds time_to_end)
    : sink_(std::move(sink)), most_(most), time_to_end_(time_to_end) {
  status_.name = sink_->name();
  status_.since = std::chrono::system_clock::now();
  thread_ = std::thread([this] { run(); });
}

Delivery::~Delivery() {
  end();
  thread_.join();
  if (status_.lost != 0) spdlog::error("{}: {} entries of the log were lost", status_.name, status_.lost);
}

void Delivery::end() {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(is_stopping_, true)) return;
    deadline_ = steady_clock::now() + time_to_end_;
  }
  change_.notify_all();
}

bool Delivery::has_ended() const {
  const std::scoped_lock lock(mutex_);
  return has_ended_;
}

void Delivery::offer(std::shared_ptr<const Batch> batch) {
  const std::size_t size = size_of(*batch);
  const Note* const loss = loss_in(*batch);
  // Other notes and changes of tables are few, and what is read later depends on them.
  const bool is_limited = loss != nullptr || std::holds_alternative<std::vector<Event>>(*batch);
  {
    const std::scoped_lock lock(mutex_);
    if (untold_ != 0 && (!is_limited || status_.waiting == 0 || status_.waiting + size < most_ / 2)) {
      queue_.push_back(std::make_shared<const Batch>(
          Note{utc_now(), Note::Kind::Lost, nullptr, std::exchange(untold_, 0)}));
      ++status_.waiting;
    }
    const bool is_full = status_.waiting != 0 && status_.waiting + size > most_;
    if (is_limited && (untold_ != 0 || is_full)) {
      if (loss != nullptr) {  // which somebody else has counted
        untold_ += loss->count;
        return;
      }
      status_.lost += size;
      untold_ += size;
      return;
    }
    queue_.push_back(std::move(batch));
    status_.waiting += size;
  }
  change_.notify_one();
}

DeliveryStatus Delivery::status() const {
  auto remark = sink_->remark();
  const std::scoped_lock lock(mutex_);
  DeliveryStatus status = status_;
  status.remark = std::move(remark);
  return status;
}

bool Delivery::has_room_for(std::size_t entries) const {
  const std::scoped_lock lock(mutex_);
  return status_.error || status_.waiting + entries <= most_ / 2;
}

// Null: there was nothing for a while, or it is the end.
std::shared_ptr<const Batch> Delivery::next() {
  std::unique_lock lock(mutex_);
  change_.wait_for(lock, kFlushAfter, [this] { return !queue_.empty() || is_stopping_; });
  return queue_.empty() ? nullptr : queue_.front();
}

bool Delivery::is_late() const {
  const std::scoped_lock lock(mutex_);
  return is_stopping_ && steady_clock::now() >= deadline_;
}

void Delivery::run() {
  deliver();
  std::vector<std::shared_ptr<const Batch>> rest;
  {
    const std::scoped_lock lock(mutex_);
    rest.assign(queue_.begin(), queue_.end());
    queue_.clear();
    status_.waiting = 0;
  }
  const uint64_t lost = sink_->keep(rest);
  const std::scoped_lock lock(mutex_);
  status_.lost += lost;
  has_ended_ = true;
}

void Delivery::deliver() {
  auto flushed = steady_clock::now();
  while (true) {
    const auto batch = next();
    if (batch != nullptr) {
      if (!write(*batch)) return;
      const std::scoped_lock lock(mutex_);
      queue_.pop_front();
      status_.waiting -= size_of(*batch);
      status_.written += size_of(*batch);
    }
    bool is_empty = false, is_end = false;
    {
      const std::scoped_lock lock(mutex_);
      is_empty = queue_.empty();
      is_end = is_empty && is_stopping_;
    }
    if (is_empty || steady_clock::now() - flushed >= kFlushAfter) {
      flush();
      flushed = steady_clock::now();
    }
    // Also of a receiver that works, but more slowly than there is time.
    if (is_late() || (is_end && !has_unflushed_)) return;
    if (is_end) std::this_thread::sleep_for(kFirstPause);
  }
}

// Until it is done; false when the time to end is over.
bool Delivery::write(const Batch& batch) {
  milliseconds pause = kFirstPause;
  while (true) {
    const auto outcome = sink_->write(batch);
    if (outcome) {
      has_unflushed_ = true;
      if (has_flushed_) succeeded();
      return true;
    }
    failed(outcome.error());
    if (is_late()) return false;
    std::unique_lock lock(mutex_);
    change_.wait_for(lock, pause, [this] { return is_stopping_; });
    pause = std::min(pause * 2, is_stopping_ ? kFirstPause : kLongestPause);
  }
}

void Delivery::flush() {
  if (!has_unflushed_) return;
  const auto outcome = sink_->flush();
  has_flushed_ = outcome.has_value();
  if (!outcome) return failed(outcome.error());
  has_unflushed_ = false;
  succeeded();
}

void Delivery::succeeded() {
  const std::scoped_lock lock(mutex_);
  if (!status_.error) return;
  status_.error.reset();
  status_.since = std::chrono::system_clock::now();
  spdlog::info("{}: works again", status_.name);
}

void Delivery::failed(const Error& error) {
  const std::scoped_lock lock(mutex_);
  if (!status_.error) {
    status_.since = std::chrono::system_clock::now();
    spdlog::error("{}: {}", status_.name, error.to_string());
  }
  status_.error = error.to_string();
}

}  // namespace yonroku::natlog
