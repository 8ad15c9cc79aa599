// One thread, one TUN queue, one pipeline: reads a batch, translates it, writes it. Workers share nothing but
// the snapshot that they are pointed at.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <thread>
#include <vector>

#include "engine/coalescing.h"
#include "engine/inbox.h"
#include "engine/mailbox.h"
#include "engine/pipeline.h"
#include "engine/runs.h"
#include "engine/snapshot.h"
#include "io/tun.h"

namespace yonroku::engine {

class Worker final : private Pipeline::Peers {
 public:
  // `seed` keys the worker's randomness. The queue is owned from here on.
  Worker(io::TunQueue queue, const Snapshot* snapshot, uint64_t seed, uint16_t index, uint16_t count);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Whom it hands packets over to, itself among them, by their numbers. Before start().
  void set_peers(std::vector<Worker*> peers) { peers_ = std::move(peers); }
  // Before start(). It outlives the worker.
  void set_session_offload(share::SessionOffload* offload) { pipeline_.set_session_offload(offload); }
  // Makes what the snapshot's mechanism keeps, for what has to be put there before start().
  void prepare();
  void start();  // after prepare()
  // Ends the thread after the batch that it is at. Idempotent.
  void stop();

  // What the next batch uses. The old snapshot may be freed after await_quiescence().
  void use(const Snapshot* snapshot) { snapshot_.store(snapshot, std::memory_order_seq_cst); }
  // Returns once no batch is under way that began before the call.
  void await_quiescence();

  // Has the worker run `question` between two batches, or runs it here where no thread is at work: not
  // started, stopped, failed. The question may look at what belongs to the worker; it must be short (50
  // microseconds), since packets wait meanwhile. False, and the question is not run, when the worker did not
  // get round to it within `limit`. From any thread, but not at the same time as start() and stop().
  using Question = std::function<void(Pipeline&, Instant now)>;
  [[nodiscard]] bool ask(const Question& question, std::chrono::milliseconds limit);

  // errno when the device went away, else 0.
  [[nodiscard]] int failure() const { return failure_.load(std::memory_order_acquire); }
  // How long its thread has run on a processor so far; nothing while there is none. Does not ask the worker.
  // Not at the same time as start() and stop().
  [[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_time() const;
  [[nodiscard]] const observe::Counters& counters() const { return pipeline_.counters(); }

 private:
  static constexpr std::size_t kBatch = 64;
  // A batch ends early when it holds so many octets: larger ones leave the cache between reading and writing.
  static constexpr std::size_t kBatchOctets = 256 * 1024;
  static constexpr std::size_t kMostPatience = 16;
  static constexpr unsigned kMostBatchesSinceOffer = 64;

  bool give(uint16_t worker, const Packet& packet) override {
    return peers_[worker]->inbox_.put(packet, Pipeline::kHeadroom);
  }
  void run();
  void receive_batch(io::TunQueue::Wait wait);
  void process_batch(const Snapshot& snapshot);
  template <class Mech>
  void process_tunnelled_batch(const Snapshot& snapshot, const Mech& mechanism, Instant now);
  [[nodiscard]] bool is_in_batch(const Packet& packet) const {
    return packet.data() >= buffers_.data() && packet.data() < buffers_.data() + buffers_.size();
  }
  void begin_offers();
  void handle_failure(io::TunQueue::Status status);

  Mailbox mailbox_;
  io::TunQueue queue_;
  Pipeline pipeline_;
  Coalescing coalescing_;
  Runs runs_;
  std::atomic<const Snapshot*> snapshot_;
  alignas(64) std::atomic<uint64_t> batch_sequence_ = 0;  // odd while a batch is under way
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> failure_ = 0;
  uint64_t prepared_for_ = 0;  // the generation of the settings that the pipeline was prepared for
  std::vector<Worker*> peers_;
  Inbox inbox_;
  bool shares_work_ = false;  // packets for it may come to other workers
  bool keeps_time_ = false;   // the mechanism has something that ends by itself
  bool has_overdue_ = false;  // and did not get round to all of it
  unsigned batches_since_offer_ = 0;
  bool was_silent_ = false;  // for long enough that what is offered may begin
  std::thread thread_;
  std::pmr::vector<std::byte> buffers_;
  std::vector<Packet> packets_;
  std::size_t size_ = 0;         // packets in the batch
  std::size_t batch_limit_ = 1;  // how many the next batch may hold: grows while the queue keeps being full
  std::size_t singles_ = 0;      // batches of one packet since the queue was last found empty
  std::size_t patience_ = 1;     // how many of these before it is asked for a second packet again
};

// Installs the signal handler that stop() and ask() interrupt a waiting worker with. Call once, before any
// worker starts.
void install_wake_up_signal();

}  // namespace yonroku::engine
