#include "engine/worker.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <type_traits>

#include "io/huge_pages.h"

namespace yonroku::engine {
namespace {

constexpr std::size_t kBufferSize =
    Pipeline::kHeadroom + Pipeline::kLargestPacket + 24;  // a whole number of 64s

int wake_up_signal() { return SIGRTMIN; }

Instant monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return Instant::from_nanoseconds(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

// A worker that is woken does not preempt whoever sent the packet: packets gather into batches, and with all
// ends on one core each crossing takes a context switch less. Needs no privilege; without it everything
// works.
void prefer_throughput() {
  const sched_param parameter{};
  ::sched_setscheduler(0, SCHED_BATCH, &parameter);
}

// Interrupts the thread's waiting four times a second, while it exists.
class WakeUps {
 public:
  WakeUps() {
    constexpr long kInterval = 250'000'000;  // nanoseconds
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = wake_up_signal();
    event._sigev_un._tid = ::gettid();
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) return;
    is_set_ = true;
    const itimerspec times{{0, kInterval}, {0, kInterval}};
    ::timer_settime(timer_, 0, &times, nullptr);
  }
  ~WakeUps() {
    if (is_set_) ::timer_delete(timer_);
  }
  WakeUps(const WakeUps&) = delete;
  WakeUps& operator=(const WakeUps&) = delete;

 private:
  timer_t timer_{};
  bool is_set_ = false;
};

constexpr timespec kSilence{0, 100'000};  // nanoseconds: bursts have longer gaps between them, as a rule

}  // namespace

void install_wake_up_signal() {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // no SA_RESTART: the read returns EINTR
  sigemptyset(&action.sa_mask);
  ::sigaction(wake_up_signal(), &action, nullptr);
}

Worker::Worker(io::TunQueue queue, const Snapshot* snapshot, uint64_t seed, uint16_t index, uint16_t count)
    : queue_(std::move(queue)),
      pipeline_(seed, index, count, io::huge_page_memory()),
      snapshot_(snapshot),
      buffers_(kBatch * kBufferSize, io::huge_page_memory()),
      packets_(kBatch) {}

Worker::~Worker() { stop(); }

void Worker::prepare() {
  const Snapshot* const snapshot = snapshot_.load(std::memory_order_acquire);
  std::visit([this](const auto& mechanism) { keeps_time_ = pipeline_.prepare(mechanism, monotonic_now()); },
             snapshot->mechanism);
  prepared_for_ = snapshot->generation;
}

void Worker::start() {
  shares_work_ = keeps_time_ && peers_.size() > 1;
  if (shares_work_) pipeline_.set_peers(this);
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  // The signal may come just before the worker begins to wait: send it until the worker has seen it.
  while (!stopped_.load(std::memory_order_acquire)) {
    ::pthread_kill(thread_.native_handle(), wake_up_signal());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  thread_.join();
}

bool Worker::ask(const Question& question, std::chrono::milliseconds limit) {
  const auto nudge = [this] {
    if (!thread_.joinable() || stopped_.load(std::memory_order_acquire)) return Mailbox::Owner::HasEnded;
    // Even: it waits for packets, or is about to. The signal may come too early: there will be another.
    if (batch_sequence_.load(std::memory_order_relaxed) % 2 == 0)
      ::pthread_kill(thread_.native_handle(), wake_up_signal());
    return Mailbox::Owner::Runs;
  };
  return mailbox_.ask([&] { question(pipeline_, monotonic_now()); }, limit, nudge) ==
         Mailbox::Outcome::Answered;
}

std::optional<std::chrono::nanoseconds> Worker::cpu_time() const {
  clockid_t clock{};
  timespec time{};
  // pthread_t of a thread that was started and not joined yet.
  if (!thread_.joinable() ||
      ::pthread_getcpuclockid(const_cast<std::thread&>(thread_).native_handle(), &clock) != 0 ||
      ::clock_gettime(clock, &time) != 0)
    return std::nullopt;
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void Worker::await_quiescence() {
  // Adds nothing, but orders what was published before the call before the look at the sequence number.
  const uint64_t sequence = batch_sequence_.fetch_add(0, std::memory_order_seq_cst);
  if (sequence % 2 == 0) return;
  while (batch_sequence_.load(std::memory_order_acquire) == sequence)
    std::this_thread::sleep_for(std::chrono::microseconds(20));
}

void Worker::run() {
  prefer_throughput();
  const std::optional<WakeUps> wake_ups = keeps_time_ ? std::optional<WakeUps>(std::in_place) : std::nullopt;
  while (!stopping_.load(std::memory_order_acquire)) {
    using Wait = io::TunQueue::Wait;
    const bool has_offers = pipeline_.has_offers();
    receive_batch(has_overdue_ || shares_work_ || has_offers ? Wait::No : Wait::ForPacket);
    was_silent_ = size_ == 0 && !has_overdue_ && has_offers;
    if (size_ == 0 && !has_overdue_ && (shares_work_ || has_offers)) {
      inbox_.wait(queue_.fd(), has_offers ? &kSilence : nullptr);
      receive_batch(Wait::No);
      was_silent_ = was_silent_ && size_ == 0;
    }
    if (mailbox_.has_question()) [[unlikely]]
      mailbox_.answer();
    if (size_ == 0 && !keeps_time_) continue;
    // Entering: whoever replaces the snapshot after this sees the odd number and waits.
    batch_sequence_.fetch_add(1, std::memory_order_seq_cst);
    process_batch(*snapshot_.load(std::memory_order_seq_cst));
    batch_sequence_.fetch_add(1, std::memory_order_release);
  }
  stopped_.store(true, std::memory_order_release);
}

// Waits for the first packet, then takes what is there. With little traffic the batch is one packet, and a
// system call is seldom spent on finding out that there is no second: the more often that was in vain, the
// seldomer.
void Worker::receive_batch(io::TunQueue::Wait wait) {
  using io::TunQueue;
  size_ = 0;
  std::size_t octets = 0;
  while (size_ < batch_limit_ && octets < kBatchOctets) {
    const std::span<std::byte> buffer(buffers_.data() + size_ * kBufferSize, kBufferSize);
    const auto status = queue_.receive(buffer, Pipeline::kHeadroom, wait, packets_[size_]);
    switch (status) {
      case TunQueue::Status::Packet:
        octets += packets_[size_].size();
        ++size_;
        wait = TunQueue::Wait::No;
        break;
      case TunQueue::Status::Malformed:
        pipeline_.counters().received[0].add(1);
        pipeline_.counters().dropped[static_cast<std::size_t>(DropReason::BadOffloadMetadata)].add({});
        break;
      case TunQueue::Status::Empty:
        if (size_ == 1) {
          patience_ = std::min(kMostPatience, patience_ * 2);
          batch_limit_ = 1;
        } else {
          patience_ = 1;
          batch_limit_ = std::max<std::size_t>(size_, 1);
        }
        singles_ = 0;
        return;
      default: handle_failure(status); return;
    }
  }
  if (size_ < batch_limit_) return;
  if (batch_limit_ == 1 && ++singles_ < patience_) return;
  batch_limit_ = std::min(kBatch, batch_limit_ * 2);
}

void Worker::handle_failure(io::TunQueue::Status status) {
  if (status == io::TunQueue::Status::Interrupted) return;
  if (status == io::TunQueue::Status::Down) {
    // Not up: poll says whether the device is still there at all.
    pollfd poll{queue_.fd(), POLLIN, 0};
    ::poll(&poll, 1, 0);
    if ((poll.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return;
    }
  }
  failure_.store(queue_.error() == 0 ? EIO : queue_.error(), std::memory_order_release);
  stopping_.store(true, std::memory_order_release);
}

void Worker::process_batch(const Snapshot& snapshot) {
  const Instant now = monotonic_now();
  if (size_ > 0) pipeline_.counters().batches.add(1);
  std::visit(
      [&](const auto& mechanism) {
        if (snapshot.generation != prepared_for_) [[unlikely]] {
          pipeline_.prepare(mechanism, now);
          prepared_for_ = snapshot.generation;
        }
        if (size_ > 1) pipeline_.prefetch(mechanism, std::span<const Packet>(packets_).first(size_));
        const auto send = [&](const Packet& result) {
          if (!queue_.send(result)) pipeline_.counters().not_sent.add(1);
        };
        if constexpr (std::remove_cvref_t<decltype(mechanism)>::ends_tunnels()) {
          process_tunnelled_batch(snapshot, mechanism, now);
        } else {
          for (std::size_t i = 0; i < size_; ++i)
            pipeline_.forward(snapshot, mechanism, packets_[i], now, send);
        }
        if (!keeps_time_) return;
        if (shares_work_ && inbox_.empty([&](Packet& packet) {
              pipeline_.take_over(snapshot, mechanism, packet, now, send);
            }) != 0)
          was_silent_ = false;
        has_overdue_ = pipeline_.expire(snapshot, mechanism, now, send);
        if (pipeline_.has_offers()) begin_offers();
      },
      snapshot.mechanism);
}

// Sessions are left to the offload when nothing waits here and nothing is about to come, so that no packet
// overtakes those before it. Where there is no such moment the offload is needed most.
void Worker::begin_offers() {
  if (!was_silent_ && ++batches_since_offer_ < kMostBatchesSinceOffer) return;
  pipeline_.begin_offers();
  batches_since_offer_ = 0;
}

// What comes out of a tunnel as segments is joined here; what goes into one in segments is joined by the
// kernel.
template <class Mech>
void Worker::process_tunnelled_batch(const Snapshot& snapshot, const Mech& mechanism, Instant now) {
  const auto send = [&](const Packet& result) {
    if (!queue_.send(result)) pipeline_.counters().not_sent.add(1);
  };
  for (std::size_t i = 0; i < size_; ++i) {
    const auto run = queue_.joins_runs() ? Runs::place_of(packets_[i].bytes()) : std::nullopt;
    pipeline_.forward(snapshot, mechanism, packets_[i], now, [&](const Packet& result) {
      if (run && pipeline_.is_segment(result)) runs_.begin(*run, now);
      // What lies in the batch's own buffers stays there until the end of the batch.
      if (run && runs_.is_under_way(*run, now)) {
        if (!queue_.send_in_run(result)) pipeline_.counters().not_sent.add(1);
      } else if (is_in_batch(result)) {
        coalescing_.add(result, send);
      } else {
        send(result);
      }
    });
  }
  coalescing_.flush(send);
}

}  // namespace yonroku::engine
