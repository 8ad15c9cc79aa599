// One instance at work: its TUN device, routes, workers, and the snapshot and mapping table that they read.
// Not thread-safe: Daemon's lock orders the calls.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "control/link.h"
#include "control/nat_follower.h"
#include "control/nat_view.h"
#include "control/reload_preview.h"
#include "control/rule_change.h"
#include "control/rule_use.h"
#include "control/snapshot_builder.h"
#include "control/spoofers.h"
#include "engine/snapshot.h"
#include "engine/worker.h"
#include "fastpath/offload.h"
#include "io/steering.h"
#include "natlog/log.h"
#include "observe/totals.h"

namespace yonroku::control {

class Instance {
 public:
  // Creates the device with its addresses and routes. No thread yet.
  // `offload` may be null, and otherwise outlives the instance.
  static Result<std::unique_ptr<Instance>> open(const config::InstanceSettings& settings,
                                                const io::Steering& steering, fastpath::Offload* offload);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // `log` may be null, and otherwise outlives the instance.
  void start_workers(natlog::Log* log);
  // From now on: instance_log.cc. An error when a worker does not answer within a second.
  Result<void> begin_log(natlog::Log& log);
  // For receivers that have not seen them: the table, and what is in the NAT. The latter is a lot:
  // log_some_of_nat() does it bit by bit, and returns true while there is more.
  void log_table();
  void log_nat();
  bool log_some_of_nat();
  void end_log();
  // Before the end of an instance that is in the configuration no more: it has no table from now on. At the
  // end of the program tables stay in force for the log, as the next one goes on with them.
  void log_removal();
  // Takes over settings that need no restart (config::settings_needing_restart), in two steps:
  // prepare_reload() finds every reason against them and changes nothing that packets see; commit_reload()
  // can't fail.
  Result<void> prepare_reload(const config::InstanceSettings& settings);
  void undo_reload() { link_.undo(); }
  void commit_reload(const config::InstanceSettings& settings);

  // What prepare_reload() would find, without doing anything.
  [[nodiscard]] Result<void> check_reload(const config::InstanceSettings& settings) const;
  // What a reload with these settings would do; without settings, what the end of the instance would.
  [[nodiscard]] InstancePreview preview(const config::InstanceSettings* settings) const;
  // Some more of what that ends, as look_at_nat().
  [[nodiscard]] Result<NatEndPiece> look_at_ends(const InstancePreview& preview, const NatPlace& from) const;

  struct Change {
    std::vector<Ipv4Prefix> remove;
    std::vector<share::EamMapping> replace;  // by IPv4 prefix
    std::vector<share::EamMapping> add;
  };
  // All or nothing: refused whole when any part is.
  Result<void> change_mappings(const Change& change);
  // What turns the present table into these mappings.
  [[nodiscard]] Change change_to(std::span<const share::EamMapping> mappings) const {
    return change_to(mappings, settings_);
  }

  // Of rules and softwires, each all or nothing. replace_rules() takes those that check_rule_table() found
  // good, and does what a reload with them would.
  Result<void> add_rules(std::span<const share::MapRule> rules);
  void remove_rules(std::span<const share::MapRuleKey> keys);  // as find_rules() found them
  Result<void> replace_rules(std::vector<share::MapRule> rules);

  [[nodiscard]] const config::InstanceSettings& settings() const { return settings_; }
  [[nodiscard]] const share::EamTable& table() const { return *tables_.eam; }
  // Null for an instance that translates.
  [[nodiscard]] const share::MapRuleTable* rules() const { return tables_.rules.get(); }
  [[nodiscard]] const ImpliedRoutes& routes() const { return link_.routes(); }
  [[nodiscard]] const std::vector<std::string>& problems() const { return link_.problems(); }
  // Of the workers and the offload.
  [[nodiscard]] observe::Totals totals() const;
  // How often the workers have learned a path MTU.
  [[nodiscard]] uint64_t learned_path_mtus() const {
    return tables_.path_mtus == nullptr ? 0 : tables_.path_mtus->learned();
  }
  // Of each worker; nothing where its thread has ended.
  [[nodiscard]] std::vector<std::optional<std::chrono::nanoseconds>> cpu_times() const;
  // What the offload has forwarded, part of totals().
  [[nodiscard]] uint64_t offloaded_packets() const;
  // Nothing without an offload.
  [[nodiscard]] std::optional<fastpath::InstanceStatus> offload_status() const;

  // New flows go to the others from now on, until another such call.
  void use_down_servers(const DownServers& down);
  // Without what checks have found. An error when a worker does not answer within a tenth of a second.
  [[nodiscard]] Result<std::vector<ServiceStatus>> service_status() const;
  // Whose packets failed the check of the source, those with most of them first.
  [[nodiscard]] Result<InstanceSpoofers> spoofers() const;

  // Whoever asks about a subscriber's address means the whole subscriber.
  [[nodiscard]] NatQuery widened(NatQuery query) const;
  // Some more of a table of the NAT, from a place on: at most `most` entries, perhaps none although there are
  // more. An error when the worker does not answer within a second. Only of instances with a NAT.
  [[nodiscard]] Result<NatPiece> look_at_nat(const NatQuery& query, const NatPlace& from,
                                             std::size_t most) const;
  // From now on the workers write to rings that can be read by as many as want to, until as many have left.
  [[nodiscard]] Result<std::shared_ptr<const NatEventRings>> follow_nat();
  void leave_nat();
  [[nodiscard]] bool has_followers_of(const NatEventRings& rings) const {
    return nat_events_.get() == &rings;
  }

  // An error when a worker does not answer within a tenth of a second.
  [[nodiscard]] Result<NatStatus> nat_status() const;
  [[nodiscard]] Result<share::NatCounts> nat_counts() const;  // the same, but the sums alone
  [[nodiscard]] std::optional<std::string> failure() const;
  [[nodiscard]] std::chrono::system_clock::time_point since() const { return since_; }

 private:
  Instance(const config::InstanceSettings& settings, Netlink netlink);
  [[nodiscard]] Change change_to(std::span<const share::EamMapping> mappings,
                                 const config::InstanceSettings& settings) const;
  void forget_tables();
  void tell_offload();
  void offload_flows();
  void recover_flows();
  void leave_flows();
  [[nodiscard]] std::pmr::memory_resource* table_memory() const;
  void count_rules();
  [[nodiscard]] bool has_table() const { return tables_.rules != nullptr || tables_.eam->size() != 0; }
  [[nodiscard]] natlog::TableChange whole_table() const;
  [[nodiscard]] natlog::TableChange difference(const Change& change) const;
  [[nodiscard]] natlog::TableChange difference(const share::MapRuleTable& next) const;
  void log(natlog::TableChange change);
  void make_workers(std::vector<io::TunQueue> queues);
  Result<void> check(const Change& change, const config::InstanceSettings& settings) const;
  Result<void> add_routes(const Change& change);
  void remove_route_of(const share::EamMapping& mapping);
  void apply(const Change& change);
  void free_retired_rules();
  void use(std::unique_ptr<engine::Snapshot> snapshot);
  void await_quiescence() const;
  using Question = std::function<void(engine::Pipeline&, Instant now)>;
  Result<void> ask(std::size_t worker, const Question& question, std::chrono::milliseconds limit) const;
  using NatQuestion = std::function<void(share::Nat&, Instant now)>;
  Result<void> ask_nat(std::size_t worker, const NatQuestion& question,
                       std::chrono::milliseconds limit) const;

  config::InstanceSettings settings_;                          // without what the tables hold
  std::vector<std::unique_ptr<fastpath::FlowOffload>> flows_;  // of the workers' NATs, from the first on
  fastpath::FlowOffload::Recovered recovered_;                 // of them all
  fastpath::Offload* offload_ = nullptr;
  natlog::Log* log_ = nullptr;
  uint32_t offload_number_ = 0;                      // with offload_
  LinkPlan plan_;                                    // of the reload that is prepared
  std::shared_ptr<share::MapRuleTable> next_rules_;  // likewise
  Link link_;
  Tables tables_;
  ServiceNumbers service_numbers_;  // of tables_.services
  DownServers down_servers_;        // likewise
  RuleUse rule_use_;                // of tables_.rules
  std::unique_ptr<engine::Snapshot> snapshot_;
  std::shared_ptr<NatEventRings> nat_events_;  // while somebody follows
  std::size_t nat_followers_ = 0;
  struct NatPlaceToLog {
    std::size_t worker = 0;
    uint64_t entry = 0;
  };
  std::optional<NatPlaceToLog> to_log_;  // from there on it is still to be logged
  std::vector<std::unique_ptr<engine::Worker>> workers_;
  std::chrono::system_clock::time_point since_;
};

}  // namespace yonroku::control
