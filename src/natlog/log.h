// The log: collects what the workers of all instances tell, and hands it on to whoever is to receive it.
// Workers never wait: they write to rings, and what was overwritten before it was read is counted and logged
// as lost.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "config/nat_log_settings.h"
#include "engine/nat_event_ring.h"
#include "natlog/delivery.h"
#include "natlog/selection.h"

namespace yonroku::natlog {

struct LogStatus {
  uint64_t events = 0;  // that were logged
  uint64_t missed = 0;  // that workers overwrote before they were read
  std::vector<DeliveryStatus> receivers;
};

class Log {
 public:
  Log(const config::NatLogSettings& settings, Sinks sinks);
  // Logs that every instance has ended, and brings what waits to the receivers, for a few seconds at most:
  // all at once.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Receivers of the same settings go on; the others end, for which nobody waits. Instances of which other
  // events are logged from now on end for the log, and begin again. True when there is a new receiver, or
  // other events are logged: what is in the NATs is to be told then. Tables are to be told in any case.
  [[nodiscard]] bool use(const config::NatLogSettings& settings, Sinks sinks);

  // An instance, and what its workers write to, or null for one without a NAT. Ends when the rings do, or
  // with end().
  void begin(const config::InstanceSettings& settings, std::shared_ptr<const engine::NatEventRings> rings);
  void change_settings(const config::InstanceSettings& settings);
  // What is recovered from now on was there in the NAT before it was logged, and not in an offload.
  void tell_what_is_there(const std::string& instance);
  void end(const std::string& instance);
  // `change` says nothing of time and source yet.
  void change_table(const std::string& instance, TableChange change);

  // What of an instance's NAT is logged.
  [[nodiscard]] Detail detail(const config::InstanceSettings& settings) const;
  // Whether `events` more of a worker, which need not be told now, find room on the way and at every receiver
  // that works.
  [[nodiscard]] bool has_room_for(std::size_t events) const;

  // How many events a worker's ring is to hold.
  [[nodiscard]] uint64_t ring_capacity() const { return settings_.queue; }
  [[nodiscard]] LogStatus status() const;

 private:
  struct Followed {
    const Source* source;
    Detail detail;
    std::shared_ptr<const engine::NatEventRings> rings;
    std::vector<uint64_t> next;  // of each ring
    RefusalLimit limit;
    bool is_told = false;  // what is recovered was there
  };
  void run();
  bool collect();
  bool collect(Followed& followed);
  std::set<const Source*> begin_again(const config::NatLogSettings& settings);
  const Source* add_source(const config::InstanceSettings& settings);
  Followed* find(const std::string& instance);
  void offer(Batch batch);

  config::NatLogSettings settings_;
  mutable std::mutex mutex_;  // of all that follows
  std::deque<Source> sources_;
  std::vector<Followed> followed_;
  std::vector<std::unique_ptr<Delivery>> deliveries_;
  std::vector<std::unique_ptr<Delivery>> ending_;  // for a few seconds more
  std::vector<share::NatEvent> read_;
  uint64_t events_ = 0, missed_ = 0;
  bool is_stopping_ = false;
  std::condition_variable stop_;
  std::thread thread_;
};

}  // namespace yonroku::natlog
