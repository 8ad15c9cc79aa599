// The running program: instances that come and go with the configuration, and what the control API asks of
// them. Every method may be called from any thread; one lock orders them. Workers never wait for it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "control/health_checks.h"
#include "control/instance.h"
#include "control/neighbour_keeper.h"
#include "control/recorder.h"
#include "control/route_watcher.h"
#include "control/rule_change.h"
#include "control/status.h"
#include "io/steering.h"

namespace yonroku::control {

struct MappingChange {
  std::size_t added = 0;
  std::size_t removed = 0;
  std::size_t replaced = 0;
  std::size_t unchanged = 0;
};

// How the rules of an instance are written: which addresses their border counts, and which form those have
// that say none.
struct RuleWords {
  std::vector<Ipv6Address> borders;
  share::InterfaceIdentifierFormat format = share::InterfaceIdentifierFormat::Rfc7597;
  friend bool operator==(const RuleWords&, const RuleWords&) = default;
};

struct RuleList {
  RuleWords words;
  std::vector<share::MapRule> rules;  // by IPv4 prefix and PSID
};

class Daemon {
 public:
  // Starts every instance, or none. In between, before any thread starts, gives up every privilege but
  // CAP_NET_ADMIN (control/privileges.h): what the caller needs others for comes before.
  static Result<std::unique_ptr<Daemon>> start(const config::Settings& settings);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Takes over what can be changed while packets flow; an error, and nothing changed, when something can't.
  Result<void> reload(const config::Settings& settings);

  // What reload() would do with these settings; the errors that it would have, as far as they show without
  // trying.
  [[nodiscard]] Result<ReloadPreview> preview(const config::Settings& settings) const;
  // Some more of what it would end in an instance: Instance::look_at_ends().
  [[nodiscard]] Result<NatEndPiece> look_at_ends(const InstancePreview& preview, const NatPlace& from) const;

  // Of the log on disk; an error says why there is none.
  [[nodiscard]] Result<std::string> log_folder() const;
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::vector<InstanceCounters> counters() const;
  // Of the last day, in memory: History::of().
  [[nodiscard]] Result<HistoryView> history(const std::string& instance, HistorySpan span,
                                            std::optional<HistoryMoment> since) const {
    return recorder_->history().of(instance, span, since);
  }

  // `instance` empty: the only one. Each call is all or nothing, and lasts until the next reload or restart.
  Result<MappingChange> add_mappings(const std::string& instance,
                                     std::span<const share::EamMapping> mappings);
  Result<MappingChange> remove_mappings(const std::string& instance, std::span<const Ipv4Prefix> ipv4);
  Result<MappingChange> replace_mappings(const std::string& instance,
                                         std::span<const share::EamMapping> mappings);
  [[nodiscard]] Result<std::vector<share::EamMapping>> mappings(const std::string& instance) const;

  // The same for rules and softwires, as `kind` says; an error for an instance that has none of that kind.
  // `words` are those that the rules were read with: when a reload has changed them meanwhile, nothing is
  // done.
  [[nodiscard]] Result<RuleWords> rule_words(const std::string& instance, TableKind kind) const;
  Result<MappingChange> add_rules(const std::string& instance, TableKind kind, const RuleWords& words,
                                  std::span<const share::MapRule> rules);
  Result<MappingChange> remove_rules(const std::string& instance, TableKind kind,
                                     std::span<const RuleName> names);
  Result<MappingChange> replace_rules(const std::string& instance, TableKind kind, const RuleWords& words,
                                      std::vector<share::MapRule> rules);
  [[nodiscard]] Result<RuleList> rules(const std::string& instance, TableKind kind) const;

  // Whose packets failed the check of the source: Instance::spoofers(). `instance` empty: of each.
  [[nodiscard]] Result<std::vector<InstanceSpoofers>> spoofers(const std::string& instance) const;

  // Some more of a table of an instance's NAT: Instance::look_at_nat().
  [[nodiscard]] Result<NatPiece> look_at_nat(const std::string& instance, const NatQuery& query,
                                             const NatPlace& from, std::size_t most) const;

  // Tells what happens in the NAT to a table's entries, bindings or sessions. The daemon outlives the
  // follower.
  [[nodiscard]] Result<std::shared_ptr<NatFollower>> follow_nat(const std::string& instance,
                                                                const NatQuery& query);

  // The first failure of any instance, for the main loop to end on.
  [[nodiscard]] std::optional<std::string> failure() const;

 private:
  Daemon() = default;
  [[nodiscard]] Result<void> check_fixed(const config::Settings& settings) const;
  void attach_offload();
  // Returns the log that ends, if it does: that takes a few seconds, for which the lock is to be free.
  [[nodiscard]] std::unique_ptr<natlog::Log> use_log(const config::Settings& settings,
                                                     std::optional<natlog::Sinks> sinks);
  // What is in the NATs, bit by bit, in a thread of its own.
  void log_nats();
  bool log_some_of_nats();
  Result<void> watch_routes();
  void check_health();
  void use_health();
  void add_services(const Instance& instance, InstanceStatus& out, std::vector<std::string>& warnings) const;
  Result<Instance*> find(const std::string& name) const;
  Result<Instance*> find_nat(const std::string& name, NatTable table) const;
  Result<Instance*> find(const std::string& name, TableKind kind) const;
  Result<Instance*> find(const std::string& name, TableKind kind, const RuleWords& words) const;

  mutable std::mutex mutex_;
  io::Steering steering_ = io::Steering::load();  // while there are privileges, for instances that come later
  std::unique_ptr<fastpath::Offload> offload_;    // if any instance asked for one at the start
  config::Settings settings_;
  std::unique_ptr<natlog::Log> log_;  // if there is a section `nat-log`
  std::vector<std::unique_ptr<Instance>> instances_;
  std::chrono::system_clock::time_point since_;
  std::optional<std::chrono::system_clock::time_point> reloaded_;
  bool routing_depends_on_more_ = false;               // than on destinations and rules
  std::unique_ptr<RouteWatcher> route_watcher_;        // with an offload
  std::unique_ptr<NeighbourKeeper> neighbour_keeper_;  // likewise
  std::unique_ptr<HealthChecks> health_;               // once there is something to check
  std::unique_ptr<Recorder> recorder_;                 // its thread ends before all else goes
  bool is_logging_nats_ = false;
  std::jthread nat_logger_;  // likewise
};

// Where the log that can be asked is kept; an error says why there is none.
[[nodiscard]] Result<std::string> log_folder(const config::Settings& settings);

}  // namespace yonroku::control
